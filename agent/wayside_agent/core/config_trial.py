"""The trial of a configuration (commit-confirmed): one readable table, what is durable of it, and the next step.

    at rest (COMMITTED, REVERTED, REJECTED) -> PROVISIONAL -> COMMITTED   proven, or confirmed by a person
        |  |  |                                   +---------> REVERTED    out of time, cancelled, or it ends the agent
        |  |  +-> COMMITTED   it is what was proven before
        |  +----> REJECTED    it cannot run here
        +-------> REVERTED    cancelled before it began

The service makes every new state durable, then acts on it. Time only adds up (`spent_s`), so that nothing but a longer
`timeout_s` of the manager makes a trial longer. Usage: `state = tried(state, target, content, before=vitals, now=now)`.
Words and deadline as in NETCONF's confirmed commit (RFC 6241, 8.4); loop limit as in Mender.
"""

from dataclasses import replace
from enum import StrEnum

from wayside.errors import FailedPreconditionError
from wayside_agent.core.config_state import Config, ConfigState, Decision, Key, Moment, Phase, Refused, Target, Trial
from wayside_agent.core.gate import Outcome, Verdict, Vitals

MAX_START_COUNT = 3
"""Starts of the agent in one trial; a configuration that ends it more often is taken back before it is applied."""
MAX_REFUSED_COUNT = 16
"""Refused attempts that are remembered; the manager tells of one at a time."""
MAX_WITHDRAWN_COUNT = 3
"""Times that one attempt may be withdrawn on trial and begun again."""
MAX_MESSAGE_CHARS = 2000
"""Of a refusal: it is written again with every state, and said in a report."""


class Event(StrEnum):
    """What happened."""

    TRIED = "TRIED"  # fetched, checked and prepared: it may run, on trial
    SAME = "SAME"  # what is wanted was proven before
    REFUSED = "REFUSED"  # it can never run here
    PASSED = "PASSED"  # the gate found it no worse than before
    CONFIRMED = "CONFIRMED"  # a person keeps it
    CANCELLED = "CANCELLED"  # a person takes it back
    TIMED_OUT = "TIMED_OUT"  # nobody and nothing proved it in time
    BROKE = "BROKE"  # it ends the agent, or cannot be prepared any more
    SUPERSEDED = "SUPERSEDED"  # the manager wants another one


_P, _E = Phase, Event
NEXT: dict[tuple[Phase, Event], Phase] = {
    (_P.COMMITTED,   _E.TRIED):      _P.PROVISIONAL,
    (_P.REVERTED,    _E.TRIED):      _P.PROVISIONAL,
    (_P.REJECTED,    _E.TRIED):      _P.PROVISIONAL,
    (_P.COMMITTED,   _E.SAME):       _P.COMMITTED,
    (_P.REVERTED,    _E.SAME):       _P.COMMITTED,
    (_P.REJECTED,    _E.SAME):       _P.COMMITTED,
    (_P.COMMITTED,   _E.REFUSED):    _P.REJECTED,
    (_P.REVERTED,    _E.REFUSED):    _P.REJECTED,
    (_P.REJECTED,    _E.REFUSED):    _P.REJECTED,
    (_P.COMMITTED,   _E.CANCELLED):  _P.REVERTED,
    (_P.REVERTED,    _E.CANCELLED):  _P.REVERTED,
    (_P.REJECTED,    _E.CANCELLED):  _P.REVERTED,
    (_P.PROVISIONAL, _E.PASSED):     _P.COMMITTED,
    (_P.PROVISIONAL, _E.CONFIRMED):  _P.COMMITTED,
    (_P.PROVISIONAL, _E.SAME):       _P.COMMITTED,
    (_P.PROVISIONAL, _E.CANCELLED):  _P.REVERTED,
    (_P.PROVISIONAL, _E.TIMED_OUT):  _P.REVERTED,
    (_P.PROVISIONAL, _E.BROKE):      _P.REVERTED,
    (_P.PROVISIONAL, _E.SUPERSEDED): _P.COMMITTED,
}  # fmt: skip


def tried(state: ConfigState, target: Target, content: bytes, *, before: Vitals, now: Moment) -> ConfigState:
    """The state once a configuration goes on trial."""
    trial = Trial(
        config=Config(target.revision, content, target.sha256, target.trial),
        before=state.before or before,
        timeout_s=target.timeout_s,
        decision=target.decision,
        counted_at=now,
    )
    return replace(_after(state, Event.TRIED), trial=trial, before=None)


def taken_over(state: ConfigState, target: Target) -> ConfigState:
    """The state once the manager wants under another name what was proven before; it ends any trial."""
    message = f"withdrawn: configuration {state.trial.config.revision} was on trial" if state.trial else ""
    committed = replace(state.committed, revision=target.revision, trial=target.trial)
    return replace(_after(state, Event.SAME), committed=committed, trial=None, before=None, message=message)


def refused(state: ConfigState, target: Target, message: str, *, event: Event = Event.REFUSED) -> ConfigState:
    """The state once a configuration that never ran will not: REFUSED, or CANCELLED before it began."""
    following = _after(state, event)
    return replace(following, refused=_with(state, Refused(target.key, following.phase, message)))


def proven(state: ConfigState, event: Event) -> ConfigState:
    """The state once the trial ends well: PASSED or CONFIRMED."""
    following = _after(state, event)
    return replace(following, committed=_trial(state).config, trial=None, before=None)


def went_back(state: ConfigState, event: Event, message: str) -> ConfigState:
    """The state once the trial ends badly: CANCELLED, TIMED_OUT or BROKE."""
    following = _after(state, event)
    entry = Refused(_trial(state).config.key, following.phase, message)
    return replace(following, trial=None, before=None, refused=_with(state, entry))


def superseded(state: ConfigState, target: Target) -> ConfigState:
    """The state once the manager wants another one than that on trial: nothing is said of what nobody asks for.

    What was refused before is not tried again, so that is said once more.
    """
    following = replace(_after(state, Event.SUPERSEDED), trial=None, before=_trial(state).before, is_said=True)
    return recalled(following, target)


def recalled(state: ConfigState, target: Target) -> ConfigState:
    """The state at rest once the manager asks again for what was refused, if it was: that is said once more."""
    known = state.why_not(target.key)
    if known is None:
        return state
    return replace(state, phase=known.phase, refused=_with(state, known), message="", before=None, is_said=False)


def told(state: ConfigState, target: Target) -> ConfigState:
    """The state after the manager spoke of the trial under way: the longest time and the newest decision count."""
    trial = _trial(state)
    changed = replace(trial, timeout_s=max(trial.timeout_s, target.timeout_s), decision=target.decision)
    return state if changed == trial else replace(state, trial=changed, is_said=False)


def started(state: ConfigState, now: Moment) -> tuple[ConfigState, tuple[Event, str] | None]:
    """The state after one more start of the agent during a trial, and how the trial ends here; `None`: it goes on."""
    trial = _trial(state).at(now)
    trial = replace(trial, start_count=trial.start_count + 1)
    end = None
    if trial.start_count > MAX_START_COUNT:
        end = Event.BROKE, f"the agent started more than {MAX_START_COUNT} times with it"
    elif not trial.remaining_s:
        end = Event.TIMED_OUT, f"its {trial.timeout_s:g} s were over before the agent was back"
    return replace(state, trial=trial, is_said=False), end


def judged(trial: Trial, verdict: Verdict, *, is_reached: bool) -> tuple[Event, str] | None:
    """How a trial ends, and why; `None`: it goes on.

    Who confirms does not see whether the unit finds its way back: it may not even have begun. So the manager must hold
    a word that was said since (`is_reached`), else the time ends it.
    """
    if trial.decision is Decision.CONFIRM and is_reached:
        return Event.CONFIRMED, ""
    if trial.decision is Decision.CANCEL:
        return Event.CANCELLED, "cancelled by the manager"
    if trial.decision is Decision.GATE and verdict.outcome is Outcome.PASS:
        return Event.PASSED, ""
    if trial.remaining_s:
        return None
    if trial.decision is Decision.HOLD:
        return Event.TIMED_OUT, "; ".join((f"nobody confirmed it within {trial.timeout_s:g} s", *verdict.reasons))
    reasons = verdict.reasons or (f"it was not proven within {trial.timeout_s:g} s",)
    return Event.TIMED_OUT, "; ".join(reasons)


def subject(state: ConfigState) -> Key:
    """Which attempt the present phase is about."""
    if state.trial is not None:
        return state.trial.config.key
    return state.committed.key if state.phase is Phase.COMMITTED else state.refused[0].key


class Withdrawals:
    """Counts how often another configuration was asked for while the same one was on trial.

    Not durable: two managers between which a configuration leads the unit to and fro do that within one life.
    """

    def __init__(self) -> None:
        self._counts: dict[Key, int] = {}

    def one_more(self, key: Key) -> str:
        """Counts one; why the attempt is to end for good, or empty: not yet."""
        count = self._counts.pop(key, 0) + 1
        self._counts = dict([*self._counts.items(), (key, count)][-MAX_REFUSED_COUNT:])
        if count < MAX_WITHDRAWN_COUNT:
            return ""
        return f"{count} times another one was asked for while it was on trial; does it lead to another manager?"


class Step(StrEnum):
    """What to do next."""

    REST = "REST"
    TAKE_OVER = "TAKE_OVER"
    TRY = "TRY"
    DROP = "DROP"
    RECALL = "RECALL"
    PROVE = "PROVE"
    GO_BACK = "GO_BACK"


def next_step(state: ConfigState, target: Target | None, *, is_whole: bool) -> Step:
    """The next step from what is durable and what the manager wants; `is_whole`: what was proven runs as it is."""
    if state.trial is not None and (target is None or target.key == state.trial.config.key):
        return Step.PROVE
    if target is None or (state.trial is None and target.key == subject(state)):
        return Step.REST
    if is_whole and target.sha256 == state.committed.sha256:
        return Step.TAKE_OVER
    if state.trial is not None:
        return Step.GO_BACK
    return _first_step(state, target)


def _first_step(state: ConfigState, target: Target) -> Step:
    if target.key == state.committed.key:  # it runs as far as it can
        return Step.REST
    if state.why_not(target.key):
        return Step.RECALL
    return Step.DROP if target.decision is Decision.CANCEL else Step.TRY


def _after(state: ConfigState, event: Event) -> ConfigState:
    following = NEXT.get((state.phase, event))
    if following is None:
        raise FailedPreconditionError(f"configuration: {event} cannot happen while {state.phase}", reason="TRANSITION")
    return replace(state, phase=following, message="", is_said=False)


def _trial(state: ConfigState) -> Trial:
    if state.trial is None:
        raise FailedPreconditionError("configuration: none is on trial", reason="TRANSITION")
    return state.trial


def _with(state: ConfigState, entry: Refused) -> tuple[Refused, ...]:
    if len(entry.message) > MAX_MESSAGE_CHARS:
        entry = replace(entry, message=f"{entry.message[: MAX_MESSAGE_CHARS - 1]}…")
    others = (refused for refused in state.refused if refused.key != entry.key)
    return (entry, *others)[:MAX_REFUSED_COUNT]
