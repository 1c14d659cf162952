"""A unit whose configuration goes on trial: real service and state file; its manager and its clock are the test's."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from google.protobuf.duration_pb2 import Duration

from wayside.errors import InvalidArgumentError, NotFoundError, WaysideError
from wayside.node_config import NodeConfig, canonical
from wayside.v1 import node_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.config_state import ConfigState, Moment
from wayside_agent.core.desired import problems
from wayside_agent.core.gate import Vitals
from wayside_agent.core.update import ReleaseTarget
from wayside_agent.drivers.config_file import ConfigFile
from wayside_agent.services.config_world import World
from wayside_agent.services.desired import Desired

Outcome = node_pb2.ConfigReport.Outcome
Decision = wire.ConfigTarget.Decision
GOOD = Vitals(manager_reached=True, fix_dimension=3, radio_messages_per_s=10.0)
DEAF = Vitals(manager_reached=True, fix_dimension=3)
TICK_S = 0.25  # of the test's clock, each time somebody looks at it


class NoWait(Random):
    def random(self) -> float:
        return 0.0


class Unit:
    """One unit; its manager is a dictionary, and its disk refuses when a test says so."""

    def __init__(self, folder: Path) -> None:
        self.file = ConfigFile(folder / "configuration.state")
        self.boot_id, self.now_s = "boot-1", 1000.0
        self.configs: dict[int, bytes] = {}
        self.store_errors: list[WaysideError] = []
        self.fetch_errors: list[WaysideError] = []
        self.before_fetch: Callable[[], None] = lambda: None
        self.fetched: list[int] = []
        self.acknowledges = True
        self.vitals_of: Callable[[NodeConfig], Vitals] = lambda _: GOOD
        self.cannot_prepare: Callable[[NodeConfig], str] = lambda _: ""
        self.on_switch: Callable[[NodeConfig], None] = lambda _: None
        self.is_release_on_trial = self.is_renewing = False
        self.running = NodeConfig()
        self.reports: asyncio.Queue[node_pb2.ConfigReport] = asyncio.Queue(maxsize=1000)
        self.releases: list[ReleaseTarget | None] = []
        self.restart()

    def restart(self, *, boot_id: str = "") -> None:
        """One more life of the process; with a boot id also of the computer."""
        if boot_id:
            self.boot_id, self.now_s = boot_id, 20.0
        self.desired = Desired(
            self,
            World(
                store=self,
                prepare=self.prepared,
                report=self.report,
                is_acknowledged=lambda _: self.acknowledges,
                vitals=lambda: self.vitals_of(self.running),
                now=self.now,
                is_release_on_trial=lambda: self.is_release_on_trial,
                is_renewing=lambda: self.is_renewing,
                look_period_s=0.0001,
                warm_up_s=0.0,
            ),
            follow_release=self.releases.append,
            rng=NoWait(),
        )

    def now(self) -> Moment:
        self.now_s += TICK_S
        return Moment(self.boot_id, self.now_s)

    async def fetch_config(self, revision: int) -> bytes:
        self.fetched.append(revision)
        self.before_fetch()
        if self.fetch_errors:
            raise self.fetch_errors.pop(0)
        if revision not in self.configs:
            raise NotFoundError("no such revision")
        return self.configs[revision]

    def load(self) -> ConfigState | None:
        return self.file.load()

    async def save(self, state: ConfigState) -> None:
        if self.store_errors:
            raise self.store_errors.pop(0)
        await self.file.save(state)

    async def report(self, report: node_pb2.ConfigReport) -> int:
        await self.reports.put(report)
        return 1

    async def prepared(self, config: NodeConfig) -> Callable[[], None]:
        found = problems(config, bus_names=("body",), databases=("car.dbc",), secrets=())
        found += tuple(filter(None, (self.cannot_prepare(config),)))
        if found:
            raise InvalidArgumentError("; ".join(found))

        def switch() -> None:
            self.running = config
            self.on_switch(config)

        return switch

    def offer(
        self,
        revision: int,
        period_s: float,
        trial: str = "r1",
        *,
        timeout_s: float = 20,
        decision: "wire.ConfigTarget.Decision.ValueType" = Decision.DECISION_UNSPECIFIED,
    ) -> wire.DesiredState:
        """Publishes a configuration and returns the desired state that names it."""
        content = canonical({"report_period_s": period_s})
        return self.offer_bytes(revision, content, trial, timeout_s=timeout_s, decision=decision)

    def offer_bytes(
        self,
        revision: int,
        content: bytes,
        trial: str = "r1",
        *,
        timeout_s: float = 20,
        decision: "wire.ConfigTarget.Decision.ValueType" = Decision.DECISION_UNSPECIFIED,
    ) -> wire.DesiredState:
        self.configs[revision] = content
        timeout = Duration()
        timeout.FromMilliseconds(round(timeout_s * 1000))
        digest = hashlib.sha256(content).hexdigest()
        target = wire.ConfigTarget(
            revision=revision, sha256=digest, trial=trial, trial_timeout=timeout, decision=decision
        )
        return wire.DesiredState(revision=revision, config=target)

    async def verdict(self, state: wire.DesiredState) -> node_pb2.ConfigReport:
        """Follows a desired state until the unit has a last word on it."""
        await self.desired.follow(state)
        return await self.word()

    async def word(self) -> node_pb2.ConfigReport:
        """The next report that is not PROVISIONAL."""
        while (report := await self.reports.get()).outcome == Outcome.OUTCOME_PROVISIONAL:
            pass
        return report

    async def on_trial(self, state: wire.DesiredState) -> node_pb2.ConfigReport:
        """Follows a desired state until it is on trial."""
        await self.desired.follow(state)
        report = await self.reports.get()
        assert report.outcome == Outcome.OUTCOME_PROVISIONAL, report
        return report

    async def rests(self) -> None:
        """Until everything it has to say is said and kept, or it is on trial."""
        while not (self.desired.is_on_trial or (self.file.load() or ConfigState()).is_said):  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    async def looked(self, seconds: float) -> None:
        """Lets so much of the test's time pass."""
        until_s = self.now_s + seconds
        while self.now_s < until_s:  # noqa: ASYNC110  # time here passes by looking at it
            await asyncio.sleep(0.0001)


@asynccontextmanager
async def awake(unit: Unit) -> AsyncIterator[None]:
    """The unit's process, for one block; it ends once everything it has to say is said and kept, or on trial."""
    await unit.desired.start()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(unit.desired.run())
        yield
        await unit.rests()
        task.cancel()
