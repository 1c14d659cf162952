"""What the update of a unit acts on and asks, and how it watches a release on trial.

Usage: `World(slots=…, source=…, …)`, joined by the app; `await world.verdict(before, timeout_s)` once a release runs.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from wayside_agent.core.gate import Gate, Outcome, Verdict, Vitals
from wayside_agent.core.preconditions import Limits, Situation
from wayside_agent.core.update import UpdateStatus
from wayside_agent.ports.components import ComponentDriver
from wayside_agent.ports.hooks import Hooks, NoHooks
from wayside_agent.ports.installer import Installer
from wayside_agent.ports.keeping import ArtifactKeeper, NoKeeper
from wayside_agent.ports.machine import Machine, NoMachine
from wayside_agent.ports.updates import ArtifactPlace, ArtifactSource, ConsentStore, Downloads, Slots, UpdateStore

RETRY_S = 10.0
"""After the device refused something that does not end the update, and while the manager is away."""
LOOK_PERIOD_S = 0.5
"""Between two looks at the vitals of a release on trial."""
STAGED_LOOK_S = 2.0
"""Between two looks at what a release that is staged waits for."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything the service acts on and asks."""

    slots: Slots
    installer: Installer
    source: ArtifactSource
    """The own connection to the manager."""
    downloads: Downloads
    store: UpdateStore
    consents: ConsentStore
    report: Callable[[UpdateStatus], Awaitable[None]]
    """Makes a report durable."""
    vitals: Callable[[], Vitals]
    max_download_bytes_per_s: Callable[[], int]
    """0: unlimited."""
    gate_timeout_s: Callable[[], float]
    places: Mapping[str, ArtifactPlace] = field(default_factory=dict)
    """Drivers of other places that have artifacts, by the scheme of their URLs."""
    keeper: ArtifactKeeper = field(default_factory=NoKeeper)
    """Artifacts that are kept for units near this one."""
    components: Mapping[str, ComponentDriver] = field(default_factory=dict)
    """What releases may replace beside the agent, by name."""
    machine: Machine = field(default_factory=NoMachine)
    """The computer, which some components need started again."""
    is_config_on_trial: Callable[[], bool] = lambda: False
    """While a configuration is on trial no release is switched to: nobody could say which of the two it was."""
    may_download: Callable[[], bool] = lambda: True
    """False: downloads wait, to save power; what has begun goes on from where it was."""
    is_metered: Callable[[], bool] = lambda: False
    """The line costs by the byte; some rollouts let only deltas over such a line."""
    situation: Callable[[], Situation] = Situation
    """What must hold is asked of it; consent, space and hooks are filled in by the update itself."""
    limits: Callable[[], Limits] = Limits
    hooks: Hooks = field(default_factory=NoHooks)
    utc_s: Callable[[], float] = time.time
    notice: Callable[[UpdateStatus], Awaitable[None]] | None = None
    """Shows people at the unit what happens; `None`: there is nothing to show it on."""
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def verdict(self, before: Vitals, timeout_s: float) -> Verdict:
        """What the gate says of the release that runs, once it has made up its mind: PASS or FAIL."""
        gate, begin_s = Gate(before, timeout_s), self.clock()
        while True:
            gate, verdict = gate.seen(self.vitals(), self.clock() - begin_s)
            if verdict.outcome is not Outcome.WAIT:
                return verdict
            await self.pause(LOOK_PERIOD_S)
