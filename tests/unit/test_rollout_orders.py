"""What pause, resume, abort and the deadline mean for a node in each phase: the table of docs/operate.md."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.rollout_makers import (
    EXPIRED,
    FAILED,
    IN_FLIGHT,
    PENDING,
    START,
    SUCCEEDED,
    done,
    node,
    planned,
    rollout,
)
from wayside.errors import ResourceExhaustedError, WaysideError
from wayside_agent.ports.errors import DeviceAbsentError, DeviceError, DeviceFaultError, DeviceTimeoutError
from wayside_agent.services.update_faults import MAX_FAULTS, pause_s
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import Fault, RolloutNodeRecord, RolloutPlan, RolloutState, WaitReason
from wayside_manager.core.rollout_retries import GATE, PASSING, fault_of

DOCS = Path(__file__).parents[2] / "docs"
PLAN = RolloutPlan(retry_count=1, max_failure_count=9)
UNDER_WAY = (
    UpdatePhase.CHECKING,
    UpdatePhase.DOWNLOADING,
    UpdatePhase.VERIFYING,
    UpdatePhase.STAGED,
    UpdatePhase.INSTALLING,
    UpdatePhase.SWITCHING,
    UpdatePhase.PROVISIONAL,
    UpdatePhase.REVERTING,
)
RESTING = node(
    "a",
    PENDING,
    phase=UpdatePhase.FAILED,
    fault=Fault.PASSING,
    attempt=1,
    tell_time=START - timedelta(minutes=5),
    retry_time=START + timedelta(minutes=5),
)
NODES: dict[str, RolloutNodeRecord] = {
    "waiting for its turn": node("a"),
    "waiting for its next try": RESTING,
    **{str(phase): node("a", IN_FLIGHT, phase=phase) for phase in UNDER_WAY},
    "succeeded": done("a"),
    "failed": node("a", FAILED, phase=UpdatePhase.FAILED),
}
ORDERS: dict[str, dict[str, Any]] = {
    "pause": {"state": RolloutState.PAUSED},
    "resume": {"state": RolloutState.RUNNING},
    "abort": {"state": RolloutState.ABORTED},
    "deadline": {"state": RolloutState.RUNNING, "deadline_time": START},
}


def table(path: Path, first: str) -> list[list[str]]:
    """Cells of the lines under the head that begins so."""
    lines = path.read_text(encoding="utf-8").splitlines()
    begin = next(index for index, line in enumerate(lines) if line.startswith(f"| {first} |"))
    found: list[list[str]] = []
    for line in lines[begin:]:
        if not line.startswith("|"):
            break
        found.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return [found[0], *found[2:]]


ORDERED = table(DOCS / "operate.md", "a node that is")
LINES = [(line[0], order, cell) for line in ORDERED[1:] for order, cell in zip(ORDERED[0][1:], line[1:], strict=True)]


def meaning(record: RolloutNodeRecord, order: str) -> str:
    """What an order means for a node, from what the planner does next."""
    others = [node("y", IN_FLIGHT, phase=UpdatePhase.PROVISIONAL), node("z", IN_FLIGHT, phase=UpdatePhase.PROVISIONAL)]
    step = planned(rollout(PLAN, **ORDERS[order]), [record, *others])
    state, is_called_back = step.node_states.get("a", record.state), "a" in step.withdrawn_node_ids
    if state is EXPIRED and record.state is PENDING:
        return "is left out"
    if state is EXPIRED:
        return "is called back" if is_called_back else "is given up"
    if state is PENDING:
        return "waits for its time" if step.waits["a"] is WaitReason.RETRY else "waits"
    if state is IN_FLIGHT and record.state is PENDING:
        return "is told"
    if state is IN_FLIGHT:
        return "may finish" if step.state is RolloutState.ABORTED else "goes on"
    assert state in {SUCCEEDED, FAILED}
    assert not is_called_back
    return "stays"


@pytest.mark.parametrize(("who", "order", "wanted"), LINES, ids=[f"{order} {who}" for who, order, _ in LINES])
def test_an_order_means_for_a_node_what_the_docs_say(who: str, order: str, wanted: str) -> None:
    assert meaning(NODES[who], order) == wanted


def test_the_docs_have_every_order_for_a_node_in_every_phase() -> None:
    assert ORDERED[0][1:] == list(ORDERS)
    assert [line[0] for line in ORDERED[1:]] == list(NODES)


def test_a_rollout_that_is_paused_stops_for_failures_all_the_same() -> None:
    paused = rollout(RolloutPlan(), state=RolloutState.PAUSED)
    step = planned(paused, [node("a", IN_FLIGHT, phase=UpdatePhase.FAILED), node("b")])
    assert step.state is RolloutState.FAILED


def test_every_reason_the_docs_name_is_tried_again_as_they_say() -> None:
    faults = {"yes": Fault.PASSING, "with `--retry-gate": Fault.GATE}
    found = {
        reason.strip("`"): faults[answer]
        for reasons, answer, _ in table(DOCS / "releases.md", "the report says")[1:]
        if reasons.isupper()
        for reason in reasons.split(", ")
    }
    assert {reason: fault_of(UpdatePhase.FAILED, reason) for reason in found} == found
    assert set(found) == PASSING | GATE


def test_every_test_the_docs_name_for_tries_is_there() -> None:
    section = (DOCS / "releases.md").read_text(encoding="utf-8").split("## What is tried again")[1]
    tests = "".join(path.read_text(encoding="utf-8") for path in (DOCS.parent / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", section.split("\n## ")[0]))
    assert len(named) > 4
    assert {name for name in named if f"def {name}(" not in tests} == set()


@pytest.mark.parametrize(
    "fault",
    [
        DeviceError("x"),
        DeviceAbsentError("x"),
        DeviceTimeoutError("x"),
        DeviceFaultError("x"),
        ResourceExhaustedError("x"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_what_a_unit_waits_out_by_itself_is_tried_again_by_the_rollout_when_it_came_too_often(
    fault: WaysideError,
) -> None:
    assert pause_s(fault, MAX_FAULTS - 1) is not None
    assert pause_s(fault, MAX_FAULTS) is None
    assert fault_of(UpdatePhase.FAILED, fault.reason) is Fault.PASSING
