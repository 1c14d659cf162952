"""kill -9 of a real agent at every step of a trial that it makes durable: it ends in old or new, and says which."""

import asyncio
import hashlib
import signal
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.agent_unit import SETTINGS
from tests.link.agent_peer import Conversation, RoughManager
from wayside.node_config import canonical
from wayside.v1 import node_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.config_state import Phase
from wayside_agent.drivers.config_file import ConfigFile
from wayside_demo.stage import BIN

OLD, NEW = b"{}", canonical({"report_period_s": 5})
KILLER = '''\
import os
import signal
import sys

number, _, side = os.environ.get("KILL_AT", "").partition(" ")
seen = 0


def hook(event, args):
    """Kills the process before or right after the state of the configuration is replaced for the n-th time."""
    global seen
    if event == "os.rename" and str(args[1]).endswith("configuration.state"):
        seen += 1
        if side == "before" and seen == int(number):
            os.kill(os.getpid(), signal.SIGKILL)
    elif event == "open" and side == "after" and seen == int(number):
        os.kill(os.getpid(), signal.SIGKILL)


if number:
    sys.addaudithook(hook)
'''
APPLIED, REVERTED = node_pb2.ConfigReport.Outcome.OUTCOME_APPLIED, node_pb2.ConfigReport.Outcome.OUTCOME_REVERTED
STEPS = [f"{number} {side}" for number in (1, 2, 3, 4) for side in ("before", "after")]


@dataclass
class Case:
    """A manager of one unit, which tells it one thing for ever."""

    target: wire.ConfigTarget
    reports: list[node_pb2.ConfigReport] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def behave(self, conversation: Conversation) -> None:
        await conversation.welcomes()
        state = wire.DesiredState(revision=1, config=self.target)
        await conversation.says(wire.SessionResponse(desired_state=state))
        while (request := await conversation.hears()) is not None:
            if request.report.HasField("config"):
                self.reports.append(request.report.config)
                self.heard.set()
            await conversation.acks(request.report.sequence)

    async def last_word(self) -> node_pb2.ConfigReport:
        """The first report that ends the trial."""
        while not (ends := [report for report in self.reports if report.outcome in {APPLIED, REVERTED}]):
            self.heard.clear()
            await self.heard.wait()
        return ends[0]


def target(decision: "wire.ConfigTarget.Decision.ValueType") -> wire.ConfigTarget:
    told = wire.ConfigTarget(revision=1, sha256=hashlib.sha256(NEW).hexdigest(), trial="r1", decision=decision)
    told.trial_timeout.seconds = 7 if decision == wire.ConfigTarget.DECISION_HOLD else 60
    return told


def settled(folder: Path, manager: RoughManager) -> None:
    """Makes the folder that of an enrolled unit of a manager."""
    (folder / "site").mkdir(parents=True)
    (folder / "site" / "sitecustomize.py").write_text(KILLER)
    identity = folder / "state" / "identity"
    identity.mkdir(mode=0o700, parents=True)
    (identity / "key.pem").write_bytes(manager.own.key_pem)
    (identity / "certificate.pem").write_bytes(manager.own.certificate_pem)
    (identity / "authorities.pem").write_bytes(manager.own.certificate_pem)
    (identity / "node").write_text("rsu-1\n")
    (folder / "agent.toml").write_text(SETTINGS.replace("127.0.0.1:1", manager.address))


async def lived(folder: Path, until: asyncio.Future[Any], *, kill_at: str = "") -> int:
    """One life of the process: until it is killed, or has said its last word; its exit status."""
    with (folder / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            str(BIN / "wayside-agent"),
            "run",
            "--settings",
            str(folder / "agent.toml"),
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder / "site"), "KILL_AT": kill_at},
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        async with asyncio.TaskGroup() as group:
            end = group.create_task(process.wait())
            waited: set[asyncio.Future[Any]] = {end, until}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if not end.done():
                process.terminate()
        return end.result()
    except BaseException:
        process.kill()
        raise


async def killed_and_started_again(folder: Path, kill_at: str, told: wire.ConfigTarget) -> tuple[str, Case]:
    """What went wrong with one unit, and what its manager heard."""
    case = Case(told)
    async with RoughManager(case.behave) as manager, asyncio.TaskGroup() as group:
        manager.configs = {1: NEW}
        settled(folder, manager)
        word = group.create_task(case.last_word())
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if await lived(folder, never, kill_at=kill_at) != -signal.SIGKILL:
            return "was not killed", case
        await lived(folder, word)
        return "" if word.done() else "ended by itself", case


EXPECTED = {
    wire.ConfigTarget.DECISION_UNSPECIFIED: (APPLIED, Phase.COMMITTED, NEW),
    wire.ConfigTarget.DECISION_HOLD: (REVERTED, Phase.REVERTED, OLD),
}


@pytest.mark.parametrize("decision", EXPECTED, ids=["proven", "taken back"])
async def test_killed_at_any_durable_step_it_ends_as_without_it_and_says_so(
    tmp_path: Path, decision: "wire.ConfigTarget.Decision.ValueType"
) -> None:
    outcome, phase, content = EXPECTED[decision]
    folders = {step: tmp_path / step.replace(" ", "-") for step in STEPS}
    async with asyncio.timeout(100), asyncio.TaskGroup() as group:
        units = {
            step: group.create_task(killed_and_started_again(folder, step, target(decision)))
            for step, folder in folders.items()
        }
    problems: dict[str, list[str]] = defaultdict(list)
    for step, unit in units.items():
        problem, case = unit.result()
        state = ConfigFile(folders[step] / "state" / "configuration.state").load()
        if problem or state is None:
            problems[step].append(problem)
            continue
        word = next(report for report in case.reports if report.outcome in {APPLIED, REVERTED})
        found = (word.outcome, word.running_config, state.phase, state.committed.content)
        if found != (outcome, content, phase, content):
            problems[step].append(str(found))
    assert not problems, {
        step: (found, (folders[step] / "log").read_text()[-1500:]) for step, found in problems.items()
    }
