"""The update machine: its table is closed, every attempt ends, and a crash anywhere goes on in the right place."""

from dataclasses import replace

import msgspec
import pytest

from wayside.errors import FailedPreconditionError
from wayside_agent.core.agreement import Agreement
from wayside_agent.core.components import Part, Plan, Stage
from wayside_agent.core.contents import Told
from wayside_agent.core.update import (
    AT_REST,
    MAX_RESUME_COUNT,
    NEXT,
    Delta,
    Event,
    Phase,
    Preconditions,
    ReleaseTarget,
    Running,
    Update,
)
from wayside_agent.core.update_steps import Step, next_step, refreshed

SHA = "b" * 64
WANTED = ReleaseTarget("releases/1.1.0", "1.1.0", SHA, 1000, "rollouts/r1")
AGAIN = ReleaseTarget("releases/1.1.0", "1.1.0", SHA, 1000, "rollouts/r2")
NEXT_TRY = replace(WANTED, attempt=1)
OTHER = ReleaseTarget("releases/1.2.0", "1.2.0", "c" * 64, 1000, "rollouts/r3")
AGREED = Agreement("releases/1.1.0", "1.1.0", SHA, 1000, "", 1)
FACTORY = Running(version="0.1.0")
LATER = replace(WANTED, preconditions=Preconditions(begin_s=1e9), urls=("https://elsewhere.example/r",))
ON_TRIAL = Running(slot="a", is_provisional=True, release="releases/1.1.0", sha256=SHA)
PROVEN = Running(slot="a", release="releases/1.1.0", sha256=SHA)
WENT_BACK = Running(failed_slot="a", failure="slot a: the release crashed")


def at(phase: Phase, *, slot: str = "a", resume_count: int = 0) -> Update:
    return Update(target=WANTED, phase=phase, slot=slot, resume_count=resume_count, agreement=AGREED)


TOUCHING = (Phase.STAGED, Phase.INSTALLING, Phase.SWITCHING)
"""Phases in which components may have been begun, and nothing was switched to."""


def going_back(phase: Phase) -> Update:
    """With components that are on their way back."""
    plan = Plan((Part("radio", "firmware", "1", "payload/radio", Stage.STAGED),), is_begun=True)
    return replace(at(phase), components=plan.given_up("the radio is silent", "COMPONENT"))


def test_table_names_every_phase_and_event() -> None:
    assert {phase for phase, _ in NEXT} == set(Phase)
    assert {event for _, event in NEXT} == set(Event)
    assert set(NEXT.values()) == set(Phase)


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_can_end_at_rest(phase: Phase) -> None:
    reached, frontier = {phase}, {phase}
    while frontier:
        frontier = {after for (before, _), after in NEXT.items() if before in frontier} - reached
        reached |= frontier
    assert reached & AT_REST


def test_nothing_is_forgotten_between_running_and_proven() -> None:
    assert {event for phase, event in NEXT if phase is Phase.PROVISIONAL} == {
        Event.PASSED,
        Event.REFUSED,
        Event.RETURNED,
    }


def test_an_event_out_of_place_is_refused() -> None:
    with pytest.raises(FailedPreconditionError, match="INSTALLED cannot happen while DOWNLOADING"):
        at(Phase.DOWNLOADING).after(Event.INSTALLED)


def test_a_new_phase_starts_counting_resumes_anew_and_drops_the_old_message() -> None:
    update = Update(target=WANTED, phase=Phase.DOWNLOADING, message="old", resume_count=7).after(Event.FETCHED)
    assert (update.phase, update.message, update.resume_count) == (Phase.VERIFYING, "", 0)


@pytest.mark.parametrize(
    ("update", "wanted", "running", "step"),
    [
        (Update(), None, FACTORY, Step.REST),
        (Update(), WANTED, FACTORY, Step.ORDER),
        (Update(), WANTED, PROVEN, Step.ADOPT),
        (at(Phase.DOWNLOADING), WANTED, FACTORY, Step.FETCH),
        (at(Phase.DOWNLOADING), None, FACTORY, Step.WITHDRAW),
        (at(Phase.DOWNLOADING), OTHER, FACTORY, Step.WITHDRAW),
        (at(Phase.INSTALLING), WANTED, FACTORY, Step.INSTALL),
        (at(Phase.INSTALLING), OTHER, FACTORY, Step.WITHDRAW),
        (at(Phase.CHECKING), WANTED, FACTORY, Step.CHECK),
        (at(Phase.CHECKING), None, FACTORY, Step.WITHDRAW),
        (at(Phase.VERIFYING), WANTED, FACTORY, Step.VERIFY),
        (at(Phase.VERIFYING), AGAIN, FACTORY, Step.WITHDRAW),
        (at(Phase.STAGED), WANTED, FACTORY, Step.WAIT),
        (at(Phase.STAGED), LATER, FACTORY, Step.WAIT),
        (at(Phase.STAGED), None, FACTORY, Step.WITHDRAW),
        (replace(at(Phase.DOWNLOADING), agreement=None), WANTED, FACTORY, Step.CHECK_AGAIN),
        (replace(at(Phase.INSTALLING), agreement=None), WANTED, FACTORY, Step.CHECK_AGAIN),
        (at(Phase.REVERTING), WANTED, ON_TRIAL, Step.GO_BACK),
        (at(Phase.REVERTING), None, FACTORY, Step.NOTE_RETURN),
        (at(Phase.REVERTING), OTHER, PROVEN, Step.SETTLE),
        (at(Phase.SWITCHING), WANTED, FACTORY, Step.SWITCH),
        (at(Phase.SWITCHING), None, FACTORY, Step.WITHDRAW),
        (at(Phase.SWITCHING), WANTED, ON_TRIAL, Step.START_TRIAL),
        (at(Phase.SWITCHING), OTHER, ON_TRIAL, Step.START_TRIAL),
        (at(Phase.SWITCHING), WANTED, WENT_BACK, Step.NOTE_RETURN),
        (at(Phase.PROVISIONAL), WANTED, ON_TRIAL, Step.PROVE),
        (at(Phase.PROVISIONAL), None, ON_TRIAL, Step.PROVE),
        (at(Phase.PROVISIONAL), OTHER, ON_TRIAL, Step.PROVE),
        (at(Phase.PROVISIONAL), WANTED, PROVEN, Step.SETTLE),
        (at(Phase.PROVISIONAL), WANTED, WENT_BACK, Step.NOTE_RETURN),
        (at(Phase.ROLLED_BACK), WANTED, ON_TRIAL, Step.GO_BACK),
        (at(Phase.ROLLED_BACK), WANTED, FACTORY, Step.REST),
        (at(Phase.ROLLED_BACK), AGAIN, FACTORY, Step.ORDER),
        (at(Phase.ROLLED_BACK), OTHER, FACTORY, Step.ORDER),
        (at(Phase.FAILED), WANTED, FACTORY, Step.REST),
        (at(Phase.FAILED), AGAIN, FACTORY, Step.ORDER),
        (at(Phase.FAILED), NEXT_TRY, FACTORY, Step.ORDER),
        (at(Phase.ROLLED_BACK), NEXT_TRY, FACTORY, Step.ORDER),
        (at(Phase.DOWNLOADING), NEXT_TRY, FACTORY, Step.FETCH),
        (at(Phase.STAGED), NEXT_TRY, FACTORY, Step.WAIT),
        (at(Phase.PROVISIONAL), NEXT_TRY, ON_TRIAL, Step.PROVE),
        (at(Phase.COMMITTED), NEXT_TRY, PROVEN, Step.REST),
        (at(Phase.COMMITTED), WANTED, PROVEN, Step.REST),
        (at(Phase.COMMITTED), AGAIN, PROVEN, Step.ADOPT),
        (at(Phase.COMMITTED), WANTED, FACTORY, Step.ORDER),
        (at(Phase.COMMITTED), None, FACTORY, Step.REST),
        (at(Phase.COMMITTED), WANTED, WENT_BACK, Step.NOTE_RETURN),
        (at(Phase.COMMITTED), None, WENT_BACK, Step.NOTE_RETURN),
        (Update(), WANTED, ON_TRIAL, Step.GO_BACK),
        *((going_back(phase), WANTED, FACTORY, Step.TAKE_BACK) for phase in TOUCHING),
        *((going_back(phase), None, FACTORY, Step.TAKE_BACK) for phase in TOUCHING),
        (going_back(Phase.SWITCHING), WANTED, WENT_BACK, Step.NOTE_RETURN),
        (going_back(Phase.PROVISIONAL), WANTED, PROVEN, Step.SETTLE),
        (going_back(Phase.REVERTING), OTHER, ON_TRIAL, Step.GO_BACK),
        (going_back(Phase.REVERTING), OTHER, PROVEN, Step.GO_BACK),
        (going_back(Phase.REVERTING), OTHER, FACTORY, Step.NOTE_RETURN),
    ],
)
def test_next_step_after_a_restart(update: Update, wanted: ReleaseTarget, running: Running, step: Step) -> None:
    assert next_step(update, wanted, running) is step


@pytest.mark.parametrize("phase", [Phase.DOWNLOADING, Phase.INSTALLING, Phase.SWITCHING])
def test_a_phase_that_never_ends_is_given_up(phase: Phase) -> None:
    update = at(phase)
    for _ in range(MAX_RESUME_COUNT):
        update = update.resumed(0)
        assert next_step(update, WANTED, FACTORY) is not Step.GIVE_UP
    assert next_step(update.resumed(0), WANTED, FACTORY) is Step.GIVE_UP


def test_a_download_that_gets_further_at_every_start_is_never_given_up() -> None:
    update = at(Phase.DOWNLOADING)
    for start in range(1, 5 * MAX_RESUME_COUNT):
        update = update.resumed(start * 10)
    assert update.resume_count == 0


@pytest.mark.parametrize("phase", [*sorted(AT_REST), Phase.STAGED])
def test_rest_and_waiting_are_not_counted(phase: Phase) -> None:
    assert at(phase).resumed(0).resume_count == 0


def test_what_must_hold_and_where_it_is_had_follow_the_manager_while_the_attempt_goes_on() -> None:
    newer = refreshed(at(Phase.STAGED), LATER)
    assert (newer.phase, newer.target) == (Phase.STAGED, LATER)
    assert refreshed(at(Phase.STAGED), AGAIN) == at(Phase.STAGED)
    assert refreshed(at(Phase.COMMITTED), LATER) == at(Phase.COMMITTED)


def test_a_delta_that_is_being_fetched_stays_the_one_that_was_ordered() -> None:
    ours, other = Delta("d" * 64, "e" * 64, 10), Delta("d" * 64, "f" * 64, 11)
    update = replace(at(Phase.DOWNLOADING), target=replace(WANTED, delta=ours), is_delta=True)
    assert refreshed(update, replace(LATER, delta=other)).artifact == ("e" * 64, 10)


def test_a_state_of_an_older_agent_is_still_read_and_goes_on_with_what_both_repositories_say() -> None:
    old = {
        "target": {"release": "releases/1.1.0", "version": "1.1.0", "sha256": SHA, "size_bytes": 9, "rollout": "r"},
        "phase": "DOWNLOADING",
        "message": "",
        "slot": "",
        "before": {"manager_reached": True, "buses": [{"name": "body", "frames_per_s": 2.0}], "fix_dimension": 3},
        "resume_count": 1,
        "downloaded_bytes": 4,
        "resumed_from_bytes": 0,
    }
    update = msgspec.msgpack.decode(msgspec.msgpack.encode(old), type=Update)
    assert next_step(update, update.target, FACTORY) is Step.CHECK_AGAIN
    assert update.after(Event.STALE).phase is Phase.CHECKING


def test_what_was_begun_beside_the_slot_is_kept_with_the_update_and_does_not_hold_up_an_older_agent() -> None:
    told = {"zh": Told(purpose="修复", duration_s=60.0)}
    update = replace(going_back(Phase.REVERTING), notices=told, left=("map",))
    content = msgspec.msgpack.encode(update)
    assert msgspec.msgpack.decode(content, type=Update) == update
    newer = msgspec.msgpack.decode(content)
    newer["components"]["parts"][0]["field_of_a_later_agent"] = 1
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(newer), type=Update) == update
