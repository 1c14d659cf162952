"""A unit that does what it is told: it tries configurations and releases, and what becomes of them the test says.

Usage:

    async with following(manager, credential, fate=Fate.HOLD) as unit:
        await operator.apply(layer(period_s=7))
        await unit.until(lambda: unit.trial)     # it runs on trial and has said so
        await unit.revert("the manager is not reached")
        await unit.told()                        # everything it said is in the manager's database

`Fate.APPLY` (the default) keeps every configuration and release, `REVERT` tries each and goes back, `REJECT` refuses
each before anything changes, and `HOLD` stays on trial until `keep()` or `revert()`. One that a person must confirm
waits for that whatever its fate. A decision of the manager and a withdrawal are followed as an agent does.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from typing import Any

from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer, Session
from wayside.v1 import node_pb2, node_service_pb2, release_pb2

UNTIL_S = 30.0
EMPTY = b"{}"


class Fate(StrEnum):
    """What becomes of what the unit is told to run."""

    APPLY = "apply"
    REVERT = "revert"
    REJECT = "reject"
    HOLD = "hold"


class FollowingUnit:
    """A unit that lives while `run()` does."""

    def __init__(
        self, peer: Peer, *, fate: Fate = Fate.APPLY, version: str = "1.0.0", model: str = "", reason: str = ""
    ) -> None:
        self.fate = fate
        self.reason = reason
        """Why it refuses releases, for programs."""
        self.version = version
        self.model = model
        self.running = EMPTY
        self.running_revision = 0
        self.trial: node_service_pb2.ConfigTarget | None = None
        """Under way, and reported as provisional."""
        self.release_trial: node_service_pb2.ReleaseTarget | None = None
        self.release = ""
        self.desired: list[node_service_pb2.DesiredState] = []
        """Everything it was told, in order."""
        self._peer = peer
        self._session = Session(peer)
        self._provisional = EMPTY
        self._tried: set[str] = set()
        self._sequence = 0
        self._acknowledged = 0
        self._moved = asyncio.Condition()

    async def opened(self) -> "FollowingUnit":
        """Says hello and how it is, so that it counts as heard from."""
        await self._session.opened()
        welcome = await self._session.until("welcome")
        self._sequence = self._acknowledged = welcome.acknowledged_sequence
        await self.say_health()
        return self

    async def run(self) -> None:
        """Follows until it is cancelled or the session ends."""
        while True:
            answer = await self._session.next()
            match answer.WhichOneof("message"):
                case "desired_state":
                    await self._follow(answer.desired_state)
                case "ack":
                    self._acknowledged = answer.ack.sequence
            async with self._moved:
                self._moved.notify_all()

    async def until(self, condition: Callable[[], object], seconds: float = UNTIL_S) -> None:
        """Waits for something that must come; it is asked after every message from the manager."""
        async with asyncio.timeout(seconds), self._moved:
            await self._moved.wait_for(lambda: bool(condition()))

    async def told(self) -> None:
        """Waits until everything it said is in the database."""
        wanted = self._sequence
        await self.until(lambda: self._acknowledged >= wanted)

    async def keep(self) -> None:
        """Its health gate passes: what runs on trial is final."""
        if self.trial is not None:
            trial, self.trial = self.trial, None
            self.running, self.running_revision = self._provisional, trial.revision
            await self._say_config(trial, node_pb2.ConfigReport.OUTCOME_APPLIED)
        if self.release_trial is not None:
            target, self.release_trial = self.release_trial, None
            self.release, self.version = target.release, target.version
            await self._say_update(target, release_pb2.UpdateReport.PHASE_COMMITTED)

    async def revert(self, message: str = "the health gate did not pass") -> None:
        """It goes back by itself."""
        if self.trial is not None:
            trial, self.trial = self.trial, None
            await self._say_config(trial, node_pb2.ConfigReport.OUTCOME_REVERTED, message)
        if self.release_trial is not None:
            target, self.release_trial = self.release_trial, None
            await self._say_update(target, release_pb2.UpdateReport.PHASE_ROLLED_BACK, message)

    async def say_health(self, **fields: Any) -> None:  # noqa: ANN401  # fields of a message
        """How it is; what it runs is filled in."""
        health = node_pb2.HealthReport(
            agent_version=self.version,
            release=self.release,
            config_revision=self.running_revision,
            config_sha256=hashlib.sha256(self.running).hexdigest(),
            config_trial=self.trial.trial if self.trial else "",
            model=self.model,
        )
        health.MergeFrom(node_pb2.HealthReport(**fields))
        await self._say(health=health)

    async def drift(self, config: bytes) -> None:
        """Runs something nobody told it to, and says so."""
        self.running = config
        report = node_pb2.ConfigReport(
            revision=self.running_revision,
            outcome=node_pb2.ConfigReport.OUTCOME_APPLIED,
            running_revision=self.running_revision,
            running_config=config,
            trial=self.desired[-1].config.trial if self.desired else "",
        )
        await self._say(config=report)
        await self.say_health()

    async def _follow(self, desired: node_service_pb2.DesiredState) -> None:
        self.desired.append(desired)
        if desired.HasField("config"):
            await self._follow_config(desired.config)
        if desired.HasField("release"):
            await self._follow_release(desired.release)

    async def _follow_config(self, target: node_service_pb2.ConfigTarget) -> None:
        if self.trial is not None and target.trial == self.trial.trial:
            self.trial = target  # a longer time, or a decision
        elif target.trial not in self._tried:
            await self._try(target)
        if self.trial is not None and target.trial == self.trial.trial:
            await self._decide(target.decision)

    async def _try(self, target: node_service_pb2.ConfigTarget) -> None:
        self._tried.add(target.trial)
        request = node_service_pb2.FetchConfigRequest(revision=target.revision)
        fetched = (await self._peer.call(self._peer.node.FetchConfig, request)).config
        assert hashlib.sha256(fetched).hexdigest() == target.sha256
        if fetched == self.running:  # taken over without a trial; a trial of something else ends with it
            message = "withdrawn" if self.trial is not None else ""
            if self.trial is not None:
                self._tried.discard(self.trial.trial)  # it came to no end, so it may be asked for again
            self.trial, self.running_revision = None, target.revision
            await self._say_config(target, node_pb2.ConfigReport.OUTCOME_APPLIED, message)
        elif self.fate is Fate.REJECT:
            await self._say_config(target, node_pb2.ConfigReport.OUTCOME_REJECTED, "report_period_s: cannot be had")
        else:
            self.trial, self._provisional = target, fetched
            await self._say_config(target, node_pb2.ConfigReport.OUTCOME_PROVISIONAL)

    async def _decide(self, decision: int) -> None:
        decisions = node_service_pb2.ConfigTarget
        if decision == decisions.DECISION_CANCEL:
            await self.revert("cancelled")
        elif self.fate is Fate.REVERT:
            await self.revert()
        elif decision == decisions.DECISION_CONFIRM or (
            decision != decisions.DECISION_HOLD and self.fate is Fate.APPLY
        ):
            await self.keep()

    async def _follow_release(self, target: node_service_pb2.ReleaseTarget) -> None:
        tried = f"{target.rollout} {target.attempt}"
        if not target.rollout or tried in self._tried or target.version == self.version:
            return
        self._tried.add(tried)
        phases = release_pb2.UpdateReport
        if self.fate is Fate.REJECT:
            await self._say_update(target, phases.PHASE_FAILED, "the download is not what it should be")
            return
        await self._say_update(target, phases.PHASE_DOWNLOADING)
        await self._say_update(target, phases.PHASE_PROVISIONAL)
        self.release_trial = target
        if self.fate is Fate.APPLY:
            await self.keep()
        elif self.fate is Fate.REVERT:
            await self.revert()

    async def _say_config(self, target: node_service_pb2.ConfigTarget, outcome: Any, message: str = "") -> None:  # noqa: ANN401  # an enum value
        report = node_pb2.ConfigReport(
            revision=target.revision,
            outcome=outcome,
            running_revision=self.running_revision,
            message=message,
            trial=target.trial,
            running_config=self.running,
        )
        if outcome == node_pb2.ConfigReport.OUTCOME_PROVISIONAL:
            report.trial_remaining.CopyFrom(target.trial_timeout)
            report.running_revision, report.running_config = target.revision, self._provisional
        await self._say(config=report)

    async def _say_update(self, target: node_service_pb2.ReleaseTarget, phase: Any, message: str = "") -> None:  # noqa: ANN401  # an enum value
        report = release_pb2.UpdateReport(
            release=target.release,
            rollout=target.rollout,
            phase=phase,
            running_release=self.release,
            running_version=self.version,
            message=message,
            reason=self.reason if phase == release_pb2.UpdateReport.PHASE_FAILED else "",
            attempt=target.attempt,
        )
        await self._say(update=report)

    async def _say(self, **body: Any) -> None:  # noqa: ANN401  # fields of a message
        self._sequence += 1
        await self._session.report(self._sequence, **body)

    def leave(self) -> None:
        """The line breaks."""
        self._session.call.cancel()


@asynccontextmanager
async def following(
    manager: LocalManager,
    credential: NodeCredential,
    **how: Any,  # noqa: ANN401  # see FollowingUnit
) -> AsyncIterator[FollowingUnit]:
    """A unit that is there, and follows, while inside."""
    async with manager.node(credential) as peer:
        unit = await FollowingUnit(peer, **how).opened()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(unit.run())
            try:
                yield unit
            finally:
                unit.leave()
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
