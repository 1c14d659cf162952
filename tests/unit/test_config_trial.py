"""The trial of a configuration: its table is closed, and whatever happens the unit is left with the old or the new."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.errors import FailedPreconditionError
from wayside_agent.core import config_trial as rules
from wayside_agent.core.config_state import SAVE_PERIOD_S, Config, ConfigState, Decision, Moment, Phase, Target, Trial
from wayside_agent.core.config_trial import MAX_REFUSED_COUNT, MAX_START_COUNT, NEXT, Event, Step, next_step
from wayside_agent.core.gate import Gate, Outcome, Verdict, Vitals

GOOD, BAD = Vitals(manager_reached=True, fix_dimension=3), Vitals(manager_reached=True)
BOOT = Moment("boot-1", 100.0)
OLD = Config(1, b"old", "sha-1", "r1")
TARGET = Target(2, "sha-2", "r2", timeout_s=60)
AGAIN = replace(TARGET, trial="r3")
BACK = Target(1, "sha-1", "back-r2")
OTHER = Target(3, "sha-3", "r4")
REST = ConfigState(committed=OLD)
TRIED = rules.tried(REST, TARGET, b"new", before=GOOD, now=BOOT)
REVERTED = rules.went_back(TRIED, Event.TIMED_OUT, "too late")
REJECTED = rules.refused(REST, TARGET, "no such bus")
WAIT, PASS = Verdict(Outcome.WAIT, ("deaf",)), Verdict(Outcome.PASS)


def trial_of(state: ConfigState) -> Trial:
    assert state.trial
    return state.trial


def decided(decision: Decision, *, spent_s: float = 0.0) -> Trial:
    return replace(trial_of(TRIED), decision=decision, spent_s=spent_s)


def test_table_is_short_and_names_every_phase_and_event() -> None:
    assert len(NEXT) <= 20
    assert {phase for phase, _ in NEXT} == set(Phase) == set(NEXT.values())
    assert {event for _, event in NEXT} == set(Event)


def test_a_trial_can_only_begin_at_rest_and_every_other_event_ends_it() -> None:
    assert {before for (before, _), after in NEXT.items() if after is Phase.PROVISIONAL} == set(Phase) - {
        Phase.PROVISIONAL
    }
    assert Phase.PROVISIONAL not in {after for (before, _), after in NEXT.items() if before is Phase.PROVISIONAL}


def test_only_a_proof_or_a_person_makes_a_provisional_one_committed() -> None:
    for event in (Event.PASSED, Event.CONFIRMED):
        assert rules.proven(TRIED, event).committed == Config(2, b"new", "sha-2", "r2")
    for event in (Event.CANCELLED, Event.TIMED_OUT, Event.BROKE):
        assert rules.went_back(TRIED, event, "why").committed == OLD
    assert rules.superseded(TRIED, OTHER).committed == OLD
    assert rules.taken_over(TRIED, BACK).committed == Config(1, b"old", "sha-1", "back-r2")


@pytest.mark.parametrize("event", [Event.PASSED, Event.TIMED_OUT, Event.SUPERSEDED])
def test_an_event_out_of_place_is_refused(event: Event) -> None:
    with pytest.raises(FailedPreconditionError, match=f"{event} cannot happen while COMMITTED"):
        rules.proven(REST, event)


@pytest.mark.parametrize(
    ("state", "target", "step"),
    [
        (REST, None, Step.REST),
        (REST, Target(1, "sha-1", "r1"), Step.REST),
        (REST, Target(1, "sha-1", "r1", decision=Decision.CANCEL), Step.REST),
        (REST, BACK, Step.TAKE_OVER),
        (REST, TARGET, Step.TRY),
        (REST, replace(TARGET, decision=Decision.HOLD), Step.TRY),
        (REST, replace(TARGET, decision=Decision.CONFIRM), Step.TRY),
        (REST, replace(TARGET, decision=Decision.CANCEL), Step.DROP),
        (TRIED, None, Step.PROVE),
        (TRIED, TARGET, Step.PROVE),
        (TRIED, replace(TARGET, decision=Decision.CANCEL, timeout_s=9), Step.PROVE),
        (TRIED, AGAIN, Step.GO_BACK),
        (TRIED, OTHER, Step.GO_BACK),
        (TRIED, replace(OTHER, decision=Decision.CANCEL), Step.GO_BACK),
        (TRIED, BACK, Step.TAKE_OVER),
        (REVERTED, TARGET, Step.REST),
        (REVERTED, replace(TARGET, decision=Decision.CONFIRM), Step.REST),
        (REVERTED, AGAIN, Step.TRY),
        (REVERTED, BACK, Step.TAKE_OVER),
        (REVERTED, Target(1, "sha-1", "r1"), Step.TAKE_OVER),
        (rules.taken_over(REVERTED, BACK), TARGET, Step.RECALL),
        (REJECTED, TARGET, Step.REST),
        (REJECTED, replace(TARGET, sha256="sha-4"), Step.TRY),
    ],
)
def test_the_next_step_follows_from_what_is_durable_and_wanted(
    state: ConfigState, target: Target | None, step: Step
) -> None:
    assert next_step(state, target, is_whole=True) is step


def test_what_is_proven_but_does_not_run_as_it_is_is_no_reason_to_skip_a_trial() -> None:
    assert next_step(REST, BACK, is_whole=False) is Step.TRY
    assert next_step(TRIED, BACK, is_whole=False) is Step.GO_BACK


@pytest.mark.parametrize(
    ("decision", "spent_s", "verdict", "end"),
    [
        (Decision.GATE, 0, WAIT, None),
        (Decision.GATE, 0, PASS, Event.PASSED),
        (Decision.GATE, 60, WAIT, Event.TIMED_OUT),
        (Decision.GATE, 60, PASS, Event.PASSED),
        (Decision.HOLD, 0, PASS, None),
        (Decision.HOLD, 59.9, PASS, None),
        (Decision.HOLD, 60, PASS, Event.TIMED_OUT),
        (Decision.CONFIRM, 0, WAIT, Event.CONFIRMED),
        (Decision.CANCEL, 0, PASS, Event.CANCELLED),
    ],
)
def test_who_decides_decides(decision: Decision, spent_s: float, verdict: Verdict, end: Event | None) -> None:
    found = rules.judged(decided(decision, spent_s=spent_s), verdict, is_reached=True)
    assert (found[0] if found else None) is end


def test_confirmed_it_waits_for_the_manager_to_be_reached_with_it_as_long_as_its_time_lasts() -> None:
    assert rules.judged(decided(Decision.CONFIRM), WAIT, is_reached=False) is None
    found = rules.judged(decided(Decision.CONFIRM, spent_s=60), WAIT, is_reached=False)
    assert found == (Event.TIMED_OUT, "deaf")


def test_time_out_names_what_was_worse() -> None:
    assert rules.judged(decided(Decision.GATE, spent_s=99), WAIT, is_reached=False) == (Event.TIMED_OUT, "deaf")
    found = rules.judged(decided(Decision.HOLD, spent_s=99), WAIT, is_reached=False)
    assert found == (Event.TIMED_OUT, "nobody confirmed it within 60 s; deaf")


def test_only_the_manager_makes_it_longer_and_nothing_makes_it_shorter() -> None:
    assert trial_of(rules.told(TRIED, replace(TARGET, timeout_s=90))).timeout_s == 90
    assert rules.told(TRIED, replace(TARGET, timeout_s=5)) == TRIED
    assert rules.told(TRIED, TARGET) is TRIED


@pytest.mark.parametrize(
    ("now", "spent_s"),
    [
        (Moment("boot-1", 107.0), 7.0),
        (Moment("boot-1", 90.0), 0.0),
        (Moment("boot-2", 20.0), SAVE_PERIOD_S + 20.0),
    ],
    ids=["same boot", "a clock that went back", "a reboot"],
)
def test_time_counts_from_the_clock_of_the_boot(now: Moment, spent_s: float) -> None:
    assert trial_of(TRIED).at(now).spent_s == spent_s


def test_a_fourth_start_ends_it_and_so_does_the_time() -> None:
    state = TRIED
    for _ in range(MAX_START_COUNT):
        state, end = rules.started(state, BOOT)
        assert end is None
    assert (rules.started(state, BOOT)[1] or ("",))[0] is Event.BROKE
    assert (rules.started(TRIED, Moment("boot-1", 160.0))[1] or ("",))[0] is Event.TIMED_OUT


def test_what_was_before_the_first_trial_outlives_one_that_is_superseded_and_no_other_end() -> None:
    second = rules.tried(rules.superseded(TRIED, OTHER), OTHER, b"other", before=BAD, now=BOOT)
    assert trial_of(second).before == GOOD
    third = rules.tried(REVERTED, OTHER, b"other", before=BAD, now=BOOT)
    assert trial_of(third).before == BAD


def test_refusals_are_remembered_newest_first_and_not_for_ever() -> None:
    state = REST
    for revision in range(2, 40):
        state = rules.refused(state, Target(revision, f"sha-{revision}", "r"), "no")
    assert [refused.key[0] for refused in state.refused] == list(range(39, 39 - MAX_REFUSED_COUNT, -1))
    assert rules.subject(state) == (39, "sha-39", "r")


@dataclass
class Unit:
    """Does what the steps say, and loses what was not saved when it starts again."""

    durable: ConfigState = REST
    state: ConfigState = REST
    target: Target | None = None
    gate: Gate = field(default_factory=lambda: Gate(Vitals(), 60))
    vitals: Vitals = GOOD
    boot: int = 1
    since_boot_s: float = 100.0
    real_s: float = 0.0
    begun_s: float = 0.0
    allowed_s: float = 0.0

    @property
    def now(self) -> Moment:
        return Moment(f"boot-{self.boot}", self.since_boot_s)

    def keep(self, state: ConfigState) -> None:
        self.state = self.durable = state

    def start(self) -> None:
        self.state = self.durable
        if self.state.trial is None:
            return
        state, end = rules.started(self.state, self.now)
        self.keep(rules.went_back(state, *end) if end else state)
        if not end:
            self.gate = Gate(trial_of(state).before, trial_of(state).timeout_s)

    def step(self) -> None:
        target = self.target
        match next_step(self.state, target, is_whole=True):
            case Step.TRY if target:
                self.keep(rules.tried(self.state, target, target.sha256.encode(), before=self.vitals, now=self.now))
                self.gate = Gate(trial_of(self.state).before, target.timeout_s)
                self.begun_s, self.allowed_s = self.real_s, target.timeout_s
            case Step.TAKE_OVER if target:
                self.keep(rules.taken_over(self.state, target))
            case Step.DROP if target:
                self.keep(rules.refused(self.state, target, "cancelled", event=Event.CANCELLED))
            case Step.GO_BACK if target:
                self.keep(rules.superseded(self.state, target))
            case Step.RECALL if target:
                self.keep(rules.recalled(self.state, target))
            case Step.PROVE:
                self.look()

    def look(self) -> None:
        if self.target is not None:
            told = rules.told(self.state, self.target)
            if told is not self.state:
                self.keep(told)
                self.allowed_s = max(self.allowed_s, self.target.timeout_s)
        trial = trial_of(self.state).at(self.now)
        self.state = replace(self.state, trial=trial)
        self.gate, verdict = self.gate.seen(self.vitals, trial.spent_s)
        end = rules.judged(trial, verdict, is_reached=self.vitals.manager_reached)
        if end is None:
            self.keep(self.state)
        elif end[0] in {Event.PASSED, Event.CONFIRMED}:
            self.keep(rules.proven(self.state, end[0]))
        else:
            self.keep(rules.went_back(self.state, *end))

    def meet(self, event: object) -> None:
        match event:
            case Target():
                self.target = event
            case Vitals():
                self.vitals = event
            case float():
                self.pass_by(event)
                self.step()
            case "look":
                self.step()
            case "reboot":
                self.pass_by(30)
                self.boot, self.since_boot_s = self.boot + 1, 30
                self.start()
            case _:
                self.start()

    def pass_by(self, seconds: float) -> None:
        self.real_s += seconds
        self.since_boot_s += seconds


TARGETS = st.builds(
    lambda n, trial, timeout_s, decision: Target(n, f"sha-{n}", trial, timeout_s, decision),
    st.integers(1, 3),
    st.sampled_from(["r1", "r2"]),
    st.sampled_from([5.0, 20.0, 60.0]),
    st.sampled_from(Decision),
)
HAPPENINGS = st.lists(
    st.one_of(
        TARGETS,
        st.sampled_from([GOOD, BAD, Vitals()]),
        st.sampled_from(["look", "kill", "reboot"]),
        st.floats(0.1, SAVE_PERIOD_S),
    ),
    max_size=60,
)


@settings(max_examples=500, deadline=None)
@given(HAPPENINGS)
def test_whatever_happens_it_is_the_old_or_the_new_within_its_time_and_every_trial_ends(events: list[object]) -> None:
    unit = Unit()
    for event in events:
        before = unit.durable
        unit.meet(event)
        check(before, unit)
    unit.target, unit.vitals = None, Vitals()  # the manager is silent, and nothing is well
    left_s = trial_of(unit.state).remaining_s if unit.state.trial else 0.0
    for _ in range(int(left_s / SAVE_PERIOD_S) + 2):
        unit.pass_by(SAVE_PERIOD_S)
        unit.step()
    assert unit.durable.trial is None


def check(before: ConfigState, unit: Unit) -> None:
    after = unit.durable
    assert (after.phase is Phase.PROVISIONAL) == (after.trial is not None)
    assert after.phase not in {Phase.REVERTED, Phase.REJECTED} or after.refused
    possible = {before.committed.sha256}
    if before.trial is not None:
        possible.add(before.trial.config.sha256)
    if unit.target is not None and unit.target.decision is Decision.CONFIRM:
        possible.add(unit.target.sha256)
    assert after.committed.sha256 in possible
    if after.trial is not None:
        # so much is left at most as the manager allowed, whatever was killed or rebooted in between
        assert after.trial.remaining_s <= unit.allowed_s - (unit.real_s - unit.begun_s) + 1e-6
        assert after.trial.start_count <= MAX_START_COUNT
    if before.trial is not None and after.trial is not None and unit.target is None:
        assert after.trial.remaining_s <= before.trial.remaining_s
