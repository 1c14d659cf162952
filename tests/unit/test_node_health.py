"""How a node is: the worst of its checks and of whether it is heard from, and never ok for want of knowledge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.health_makers import DEGRADED, FAILED, OK, UNKNOWN, check
from wayside_manager.core.node_health import PRESENCE_CHECK, RANK, CheckFacts, HealthState, overall, worst_first
from wayside_manager.core.presence import Presence

names = st.sampled_from(["gnss.fix", "radio.open", "host.cpu", "time.source"])
checks = st.lists(st.builds(check, names, st.sampled_from(HealthState)), unique_by=lambda one: one.name)


@pytest.mark.parametrize(
    ("states", "worst", "cause"),
    [
        ((OK, OK), OK, ""),
        ((OK, UNKNOWN), UNKNOWN, "c1"),
        ((UNKNOWN, DEGRADED), DEGRADED, "c1"),
        ((FAILED, DEGRADED, UNKNOWN), FAILED, "c0"),
        ((DEGRADED, DEGRADED), DEGRADED, "c0"),
        ((), UNKNOWN, ""),
    ],
    ids=["all-ok", "unknown", "degraded-before-unknown", "failed-first", "by-name", "no-checks"],
)
def test_the_worst_check_decides(states: tuple[HealthState, ...], worst: HealthState, cause: str) -> None:
    found = overall([check(f"c{index}", state) for index, state in enumerate(states)], Presence.ONLINE)
    assert (found.state, found.cause) == (worst, cause)
    assert bool(found.reason) is (worst is not OK)


@pytest.mark.parametrize("present", [Presence.LOST, Presence.NEVER_SEEN])
@given(own=checks)
def test_a_node_that_is_not_heard_from_is_unknown_whatever_it_said(present: Presence, own: list[CheckFacts]) -> None:
    found = overall(own, present)
    assert (found.state, found.cause) == (UNKNOWN, PRESENCE_CHECK)


@given(own=checks, present=st.sampled_from([Presence.ONLINE, Presence.LATE]))
def test_ok_means_that_every_check_is_ok_and_there_is_one(own: list[CheckFacts], present: Presence) -> None:
    found = overall(own, present)
    assert (found.state is OK) is (bool(own) and all(one.state is OK for one in own))


@given(own=checks)
def test_what_is_not_ok_comes_worst_first(own: list[CheckFacts]) -> None:
    found = worst_first(own)
    assert [RANK[one.state] for one in found] == sorted((RANK[one.state] for one in found), reverse=True)
    assert {one.name for one in found} == {one.name for one in own if one.state is not OK}
