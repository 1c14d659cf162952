"""What jobs act on and ask. Usage: `World(store=…, worker=…, …)`, joined by the app."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.job import Kind, Run
from wayside_agent.core.trusted_time import Estimate
from wayside_agent.ports.jobs import JobStore, Uploads, Worker

MAX_RUNNING_COUNT = 2
"""Jobs at work at once: a unit's computer is small, and its first work is another."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything the service acts on and asks."""

    store: JobStore
    worker: Callable[[Kind], Worker[Any]]
    """Who does such work; made when it is asked for, so that nothing of it is imported before."""
    uploads: Uploads
    submit: Callable[[wire.Report], Awaitable[int]]
    """Makes a report durable; its sequence, or 0: it was lost."""
    is_acknowledged: Callable[[int], bool]
    """Whether the manager holds the report of this sequence."""
    is_connected: Callable[[], bool]
    time: Callable[[], Estimate]
    run: Run
    """This life of the computer and of the agent."""
    upload_max_bytes_per_s: Callable[[], int]
    """Of the configuration; 0: unlimited."""
    may_upload: Callable[[], bool] = lambda: True
    """False: files wait, to save power; one that is on its way goes on."""
    mono_s: Callable[[], float] = monotonic
    pause: Callable[[float], Awaitable[None]] | None = None
    """Waits between two tries of an upload; `None`: as long as it says."""
