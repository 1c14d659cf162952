"""What the tests of jobs over a store share: jobs, words of nodes on them, and a lease.

await job(store, "j1", "rsu-1")
await say(store, "rsu-1", "j1", "running")
"""

import itertools
from dataclasses import replace
from typing import Any

from tests.contract.manager_store import after, batch
from wayside_manager.core.jobs import JobKind, JobRecord, JobWork, new_job
from wayside_manager.core.reports import JobFacts, Report
from wayside_manager.ports.rollouts import Lease
from wayside_manager.ports.store import Store

_SEQUENCE = itertools.count(1)


def work(kind: JobKind = JobKind.SELF_TEST, **fields: Any) -> JobWork:  # noqa: ANN401  # fields of the record
    """Work that must begin within a minute and may take half of one."""
    made = JobWork(kind, f"spec of {kind}".encode(), ttl_s=60.0, timeout_s=30.0)
    return replace(made, **fields)


async def job(
    store: Store, job_id: str, node_id: str, *, kind: JobKind = JobKind.SELF_TEST, at_s: float = 0.0
) -> JobRecord:
    """A job of a node."""
    asked = new_job(job_id=job_id, node_id=node_id, work=work(kind), now=after(at_s), requester="operators/a")
    made, _ = await store.create_job(asked, now=after(at_s))
    return made


def word(job_id: str, state: str, message: str = "", *, result: bytes = b"") -> JobFacts:
    """What a node says of a job."""
    return JobFacts(job_id, state, 0, message, result, None)


async def say(store: Store, node_id: str, job_id: str, *states: str, at_s: float = 0.0, message: str = "") -> None:
    """A node reports that its job stands so, one report after the other in one batch."""
    reports = [Report(next(_SEQUENCE), after(at_s), 3, b"job", word(job_id, each, message)) for each in states]
    spool_id = f"spool-{node_id}"
    await store.record_reports([batch(node_id, *reports, spool_id=spool_id, at_s=at_s)])


async def lease(store: Store, *, at_s: float = 0.0) -> Lease:
    """The right to end jobs by time."""
    taken = await store.take_lease("jobs", "a", now=after(at_s), life_s=1e6)
    assert taken is not None
    return taken


async def revision(store: Store, node_id: str) -> int:
    """Of what the node should be."""
    return (await store.get_desired(node_id)).revision
