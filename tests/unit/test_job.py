"""Jobs on the unit: the table is closed, and whatever happens a job begins once, in time, and has one outcome."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.errors import FailedPreconditionError
from wayside_agent.core import job as rules
from wayside_agent.core.job import (
    MAX_MESSAGE_CHARS,
    MAX_REMEMBERED_COUNT,
    MAX_RESULT_BYTES,
    NEXT,
    REMEMBERED_S,
    Artifact,
    Event,
    Job,
    Kind,
    Outcome,
    Phase,
    Run,
    Situation,
    State,
    Step,
    Target,
    next_step,
    room,
)

NAME, NOW_S, EXPIRE_S = "jobs/j1", 1000.0, 2000.0
RUN, NEXT_START, NEXT_BOOT = Run("boot-1", "start-1"), Run("boot-1", "start-2"), Run("boot-2", "start-2")
TARGET = Target(NAME, Kind.SELF_TEST, EXPIRE_S)
CANCELLED = replace(TARGET, is_cancelled=True)
WELL = Outcome(State.SUCCEEDED, "done", b'{"a":1}')
FILE = Artifact("a.txt", 3, "ab")
WAITING = Job(NAME, Kind.SELF_TEST, EXPIRE_S)
RUNNING = rules.begun(WAITING, RUN, now_s=NOW_S)
SENDING = rules.worked(RUNNING, WELL, (FILE,))
DONE = rules.sent(SENDING)
SETTLED = rules.settled(DONE)
NOW = Situation(is_heard=True, utc_s=NOW_S)
LATER = replace(NOW, utc_s=EXPIRE_S)
UNHEARD, TIMELESS, FULL = (
    replace(NOW, is_heard=False),
    replace(NOW, utc_s=None),
    replace(NOW, has_room=False),
)


def test_the_table_is_short_and_names_every_phase_and_event() -> None:
    assert len(NEXT) <= 20
    assert {phase for phase, _ in NEXT} == set(Phase)
    assert set(NEXT.values()) == set(Phase) - {Phase.WAITING}
    assert {event for _, event in NEXT} == set(Event)


def test_what_is_done_can_never_run_again() -> None:
    reached, before = {Phase.DONE}, set[Phase]()
    while reached != before:
        before = set(reached)
        reached |= {after for (phase, _), after in NEXT.items() if phase in reached}
    assert reached == {Phase.DONE, Phase.SETTLED}


@pytest.mark.parametrize(
    ("job", "target", "situation", "step"),
    [
        (WAITING, TARGET, NOW, Step.BEGIN),
        (WAITING, TARGET, FULL, Step.REST),
        (WAITING, TARGET, TIMELESS, Step.REST),
        (WAITING, TARGET, LATER, Step.EXPIRE),
        (WAITING, TARGET, replace(FULL, utc_s=EXPIRE_S), Step.EXPIRE),
        (WAITING, CANCELLED, NOW, Step.CANCEL),
        (WAITING, CANCELLED, TIMELESS, Step.CANCEL),
        (WAITING, CANCELLED, LATER, Step.CANCEL),
        (WAITING, None, NOW, Step.REST),
        (RUNNING, TARGET, NOW, Step.REST),
        (RUNNING, TARGET, LATER, Step.REST),
        (RUNNING, CANCELLED, NOW, Step.STOP),
        (RUNNING, None, NOW, Step.STOP),
        (RUNNING, None, UNHEARD, Step.REST),
        (SENDING, TARGET, NOW, Step.REST),
        (SENDING, CANCELLED, NOW, Step.CANCEL),
        (SENDING, None, NOW, Step.SETTLE),
        (SENDING, None, UNHEARD, Step.REST),
        (DONE, TARGET, NOW, Step.REST),
        (DONE, CANCELLED, LATER, Step.REST),
        (DONE, None, UNHEARD, Step.REST),
        (DONE, None, NOW, Step.SETTLE),
        (SETTLED, None, NOW, Step.REST),
        (SETTLED, TARGET, NOW, Step.RECALL),
        (SETTLED, CANCELLED, NOW, Step.RECALL),
    ],
)
def test_the_next_step_follows_from_what_is_durable_and_wanted(
    job: Job, target: Target | None, situation: Situation, step: Step
) -> None:
    assert next_step(job, target, situation) is step


@pytest.mark.parametrize(
    ("kind", "is_own", "run", "state", "word"),
    [
        (Kind.SELF_TEST, False, NEXT_START, State.FAILED, "the agent was started again"),
        (Kind.SELF_TEST, False, NEXT_BOOT, State.FAILED, "the computer was started again"),
        (Kind.REBOOT, False, NEXT_BOOT, State.SUCCEEDED, "the computer was started again"),
        (Kind.REBOOT, False, NEXT_START, State.FAILED, "interrupted"),
        (Kind.RESTART_SERVICE, True, NEXT_START, State.SUCCEEDED, "the agent was started again"),
        (Kind.RESTART_SERVICE, False, NEXT_START, State.FAILED, "interrupted"),
    ],
)
def test_after_a_start_what_was_at_work_is_interrupted_or_done_by_it(
    kind: Kind, is_own: bool, run: Run, state: State, word: str
) -> None:
    job = rules.begun(replace(WAITING, kind=kind), RUN, now_s=NOW_S, is_own=is_own)
    found = rules.recovered(job, run)
    assert found.phase is Phase.DONE
    assert found.outcome
    assert (found.outcome.state, word in found.outcome.message) == (state, True)


@pytest.mark.parametrize("job", [SENDING, DONE, SETTLED], ids=lambda job: job.phase)
def test_a_start_changes_nothing_of_what_is_over(job: Job) -> None:
    assert rules.recovered(job, NEXT_BOOT) == job


def test_files_that_could_not_be_brought_are_told_beside_what_the_work_came_to() -> None:
    assert rules.sent(SENDING, "a.txt could not be brought").outcome == replace(
        WELL, message="done; a.txt could not be brought"
    )


@pytest.mark.parametrize(
    ("utc_s", "limit_s"),
    [(NOW_S, 900.0), (NOW_S + 890, 60.0), (NOW_S + 10**6, 60.0)],
    ids=["at once", "late", "after an outage"],
)
def test_files_hold_an_outcome_back_for_a_bounded_time(utc_s: float, limit_s: float) -> None:
    assert rules.sending_s(SENDING, utc_s) == limit_s


def test_an_outcome_is_cut_to_what_a_report_carries() -> None:
    job = rules.ended(RUNNING, Event.ENDED, Outcome(State.FAILED, "x" * 9999, b"x" * (MAX_RESULT_BYTES + 1)))
    assert job.outcome
    assert (len(job.outcome.message), job.outcome.result_json) == (MAX_MESSAGE_CHARS, b'{"is_truncated":true}')


def test_who_ends_the_agent_waits_for_all_and_everybody_for_it() -> None:
    assert room(Kind.REBOOT, [], limit=2)
    assert not room(Kind.REBOOT, [Kind.SELF_TEST], limit=2)
    assert not room(Kind.SELF_TEST, [Kind.REBOOT], limit=2)
    assert room(Kind.SELF_TEST, [Kind.SHELL], limit=2)
    assert not room(Kind.SELF_TEST, [Kind.SHELL, Kind.SHELL], limit=2)


def test_what_is_settled_is_remembered_while_it_could_begin_and_not_without_bound() -> None:
    assert rules.forgotten([SETTLED, DONE], EXPIRE_S + REMEMBERED_S) == ()
    assert rules.forgotten([SETTLED, DONE], None) == ()
    assert rules.forgotten([SETTLED, DONE], EXPIRE_S + REMEMBERED_S + 1) == (SETTLED,)
    many = [replace(SETTLED, name=f"jobs/{n}", expire_s=n) for n in range(MAX_REMEMBERED_COUNT + 2)]
    assert rules.forgotten(many, None) == tuple(many[:2])


@pytest.mark.parametrize("event", [Event.ENDED, Event.CANCELLED, Event.TIMED_OUT, Event.INTERRUPTED])
def test_an_outcome_is_never_replaced(event: Event) -> None:
    for job in (DONE, SETTLED):
        with pytest.raises(FailedPreconditionError, match="cannot happen while"):
            rules.ended(job, event, Outcome(State.FAILED))


CHANGES: dict[Step, Callable[[Job], Job]] = {
    Step.EXPIRE: lambda job: rules.ended(job, Event.EXPIRED, Outcome(State.EXPIRED)),
    Step.STOP: lambda job: rules.ended(job, Event.CANCELLED, Outcome(State.CANCELLED)),
    Step.CANCEL: lambda job: rules.ended(job, Event.CANCELLED, Outcome(State.CANCELLED)),
    Step.SETTLE: rules.settled,
    Step.RECALL: rules.recalled,
}


@dataclass
class Life:
    """A unit that does what the steps say, with a disk; `crash` before or after anything is made durable."""

    disk: dict[str, Job] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    wanted: dict[str, Target] = field(default_factory=dict)
    utc_s: float = NOW_S
    run: Run = RUN
    is_heard: bool = False
    starts: int = 1
    begun: dict[str, list[float]] = field(default_factory=dict)
    said: dict[str, set[Outcome]] = field(default_factory=dict)

    def keep(self, job: Job, crash: str) -> bool:
        """Whether it was made durable and the agent lives on."""
        if crash == "before":
            self.start(self.run.boot_id)
            return False
        self.disk[job.name] = job
        if crash == "after":
            self.start(self.run.boot_id)
            return False
        self.jobs[job.name] = job
        return True

    def start(self, boot_id: str) -> None:
        self.starts += 1
        self.run, self.is_heard = Run(boot_id, f"start-{self.starts}"), False
        self.disk = {name: rules.recovered(job, self.run) for name, job in self.disk.items()}
        self.jobs = dict(self.disk)

    def hear(self, wanted: dict[str, Target]) -> None:
        self.wanted, self.is_heard = wanted, True
        for name, target in wanted.items():
            self.jobs.setdefault(name, Job(name, target.kind, target.expire_s))

    def step(self, name: str, crash: str) -> None:
        job, target = self.jobs.get(name), self.wanted.get(name) if self.is_heard else None
        if job is None:
            return
        step = next_step(job, target, Situation(is_heard=self.is_heard, utc_s=self.utc_s))
        if step is Step.BEGIN:
            if self.keep(rules.begun(job, self.run, now_s=self.utc_s), crash):
                self.begun.setdefault(name, []).append(self.utc_s)
        elif step is not Step.REST:
            self.keep(CHANGES[step](job), crash)

    def finish(self, name: str, crash: str) -> None:
        job = self.jobs.get(name)
        if job and job.phase is Phase.RUNNING:
            self.keep(rules.worked(job, WELL, (FILE,)), crash)
        elif job and job.phase is Phase.SENDING:
            self.keep(rules.sent(job), crash)

    def say(self) -> None:
        for name, job in self.jobs.items():
            if job.phase is Phase.DONE and name in self.wanted and job.outcome:
                self.said.setdefault(name, set()).add(replace(job.outcome, result_json=b""))


NAMES = ("jobs/a", "jobs/b")
CRASH = st.sampled_from(["", "", "", "before", "after"])
DESIRED = st.dictionaries(st.sampled_from(NAMES), st.booleans())
MOVES = st.one_of(
    st.tuples(st.just("hear"), DESIRED),
    st.tuples(st.just("step"), st.tuples(st.sampled_from(NAMES), CRASH)),
    st.tuples(st.just("finish"), st.tuples(st.sampled_from(NAMES), CRASH)),
    st.tuples(st.just("wait"), st.floats(0, 600)),
    st.tuples(st.just("start"), st.sampled_from(["boot-1", "boot-2"])),
)


def moved(life: Life, what: str, detail: object) -> None:
    match what, detail:
        case "hear", dict(wanted):
            life.hear({name: Target(name, Kind.SELF_TEST, EXPIRE_S, cancelled) for name, cancelled in wanted.items()})
        case "step", (str(name), str(crash)):
            life.step(name, crash)
        case "finish", (str(name), str(crash)):
            life.finish(name, crash)
        case "wait", float(seconds):
            life.utc_s += seconds
        case "start", str(boot_id):
            life.start(boot_id)


@given(moves=st.lists(MOVES, max_size=60))
@settings(max_examples=400, deadline=None)
def test_whatever_happens_a_job_begins_once_in_time_and_has_one_outcome(moves: list[tuple[str, object]]) -> None:
    life = Life()
    for what, detail in moves:
        before = dict(life.disk)
        moved(life, what, detail)
        life.say()
        for name, job in life.disk.items():
            assert (job.outcome is None) == (job.phase is Phase.RUNNING)
            if name in before and before[name].phase is Phase.DONE:
                assert job.phase in {Phase.DONE, Phase.SETTLED}
    life.hear({name: Target(name, Kind.SELF_TEST, EXPIRE_S) for name in NAMES})
    for name in NAMES * 3:  # in a life without crashes everything comes to its end
        life.step(name, "")
        life.finish(name, "")
    life.say()
    assert set(life.said) == set(NAMES)
    assert all(len(outcomes) == 1 for outcomes in life.said.values()), life.said
    assert all(len(times) == 1 and times[0] < EXPIRE_S for times in life.begun.values())
