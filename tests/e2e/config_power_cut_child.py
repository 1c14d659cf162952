"""Cuts the power at every file-system step of a configuration's trial and looks at what runs afterwards.

As `power_cut_child.py`: it forks once per cut, a cut kills the process at the n-th step and halves every file written
and not yet synced. The reports go to a real spool. Prints one JSON line.
Usage: python -m tests.e2e.config_power_cut_child WORK_DIR
"""

import asyncio
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from random import SystemRandom

from google.protobuf.duration_pb2 import Duration

from tests.e2e.power_cut_child import PowerCut, in_child
from wayside.node_config import NodeConfig, canonical
from wayside.v1 import node_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.config_state import ConfigState, Moment, Phase
from wayside_agent.core.gate import Vitals
from wayside_agent.drivers.config_file import ConfigFile
from wayside_agent.link.spool import FileSpool
from wayside_agent.ports.spools import SpoolRecord
from wayside_agent.services.config_world import World
from wayside_agent.services.desired import Desired

GOOD = Vitals(manager_reached=True, fix_dimension=3, radio_messages_per_s=10.0)
DEAF = Vitals(manager_reached=True, fix_dimension=3)
TIMEOUT_S = 20
OLD, NEW = canonical({"report_period_s": 10}), canonical({"report_period_s": 20})
CONTENTS = {1: OLD, 2: NEW}
OUTCOMES = {
    node_pb2.ConfigReport.Outcome.OUTCOME_APPLIED: Phase.COMMITTED,
    node_pb2.ConfigReport.Outcome.OUTCOME_REVERTED: Phase.REVERTED,
}


class Unit:
    """One unit whose computer starts anew each time it lives."""

    def __init__(self, root: Path, with_new: Vitals, boot_id: str) -> None:
        self.root, self.with_new, self.boot_id = root, with_new, boot_id
        self.file = ConfigFile(root / "configuration.state")
        self.running = NodeConfig()
        self.now_s = 0.0

    def now(self) -> Moment:
        self.now_s += 0.25
        return Moment(self.boot_id, self.now_s)

    def vitals(self) -> Vitals:
        return self.with_new if self.running.report_period_s == 20 else GOOD

    async def fetch_config(self, revision: int) -> bytes:
        return CONTENTS[revision]

    async def prepared(self, config: NodeConfig) -> Callable[[], None]:
        def switch() -> None:
            self.running = config

        return switch

    def live(self, revision: int) -> ConfigState:
        """What is durable once the unit has its last word on a revision."""
        return asyncio.run(self._live(revision))

    async def _live(self, revision: int) -> ConfigState:
        async with FileSpool(self.root / "spool", sync=os.fdatasync) as spool, asyncio.timeout(20):

            async def report(word: node_pb2.ConfigReport) -> int:
                return await spool.append((wire.Report(config=word).SerializeToString(),))

            world = World(
                store=self.file,
                prepare=self.prepared,
                report=report,
                is_acknowledged=lambda _: True,
                vitals=self.vitals,
                now=self.now,
                look_period_s=0.0001,
                warm_up_s=0.0,
            )
            desired = Desired(self, world, follow_release=lambda _: None, rng=SystemRandom())
            await desired.start()
            before = self.file.load() or ConfigState()
            assert (before.trial is None) == (desired.running.content == before.committed.content), "runs another one"
            await desired.follow(desired_state(revision))
            async with asyncio.TaskGroup() as group:
                task = group.create_task(desired.run())
                while not has_ended(self.file.load() or ConfigState(), revision):  # noqa: ASYNC110  # it is the disk that counts
                    await asyncio.sleep(0.0005)
                task.cancel()
            state = self.file.load() or ConfigState()
            word = await last_word(spool)
            assert desired.running.content == state.committed.content == CONTENTS[state.committed.revision]
            assert word.running_revision == state.committed.revision, "the last report names another one"
            assert (OUTCOMES[word.outcome], word.trial) == (state.phase, f"r{revision}"), (
                "the last report says otherwise"
            )
            return state


def desired_state(revision: int) -> wire.DesiredState:
    digest = hashlib.sha256(CONTENTS[revision]).hexdigest()
    target = wire.ConfigTarget(
        revision=revision, sha256=digest, trial=f"r{revision}", trial_timeout=Duration(seconds=TIMEOUT_S)
    )
    return wire.DesiredState(revision=revision, config=target)


def has_ended(state: ConfigState, revision: int) -> bool:
    """The trial of a revision has ended, and that is said."""
    if state.trial is not None or not state.is_said:
        return False
    return f"r{revision}" in {state.committed.trial, *(refused.key[2] for refused in state.refused)}


async def last_word(spool: FileSpool) -> node_pb2.ConfigReport:
    records: list[SpoolRecord] = []
    after = 0
    while len(records) < spool.state().record_count:
        found = await spool.read(after, max_count=100)
        after = found[-1].sequence
        records += found
    return wire.Report.FromString(records[-1].payload).config


def cut_everywhere(start: Path, with_new: Vitals, expected: Phase) -> dict[str, object]:
    """Cuts at step 1, 2, … until a trial goes through uncut."""
    problems, cut_at = [], 0
    while True:
        cut_at += 1
        root = start.with_name(f"{start.name}-{cut_at}")
        shutil.copytree(start, root)

        def cut(root: Path = root, cut_at: int = cut_at) -> None:
            power = PowerCut(root, cut_at)
            sys.addaudithook(power.hook)
            Unit(root, with_new, "boot-2").live(2)

        def go_on(root: Path = root) -> None:
            PowerCut(root, 0)  # no cut, and no waiting for a real disk
            assert not list(root.glob("*.corrupt-*")), "a state file was torn"
            state = ConfigFile(root / "configuration.state").load() or ConfigState()
            assert state.committed.content in {OLD, NEW}
            assert state.trial is None or (state.committed.content, state.trial.config.content) == (OLD, NEW)
            phase = Unit(root, with_new, "boot-3").live(2).phase
            assert phase is expected, f"ended {phase}"

        status = in_child(cut)
        if in_child(go_on) != 0 or status not in {0, 9}:
            problems.append(cut_at)
        shutil.rmtree(root)
        if status != 9:
            return {"cuts": cut_at - 1, "problems": problems}


def main() -> None:
    start = Path(sys.argv[1]) / "start"
    start.mkdir()

    def first() -> None:
        Unit(start, GOOD, "boot-1").live(1)

    assert in_child(first) == 0
    result = {
        "proven": cut_everywhere(start, GOOD, Phase.COMMITTED),
        "refused": cut_everywhere(start, DEAF, Phase.REVERTED),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
