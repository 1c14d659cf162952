"""What an update does next: from what was persisted, what the manager wants and what runs.

Usage: `next_step(update, wanted, running)` whenever anything changed, and after every start.
"""

from dataclasses import replace
from enum import StrEnum

from wayside_agent.core.update import AT_REST, MAX_RESUME_COUNT, Phase, ReleaseTarget, Running, Update


class Step(StrEnum):
    """What to do next."""

    REST = "REST"
    ORDER = "ORDER"
    ADOPT = "ADOPT"
    CHECK = "CHECK"
    FETCH = "FETCH"
    VERIFY = "VERIFY"
    WAIT = "WAIT"
    INSTALL = "INSTALL"
    SWITCH = "SWITCH"
    START_TRIAL = "START_TRIAL"
    PROVE = "PROVE"
    SETTLE = "SETTLE"
    GO_BACK = "GO_BACK"
    NOTE_RETURN = "NOTE_RETURN"
    WITHDRAW = "WITHDRAW"
    GIVE_UP = "GIVE_UP"
    CHECK_AGAIN = "CHECK_AGAIN"
    TAKE_BACK = "TAKE_BACK"


_ON_THE_WAY = {
    Phase.CHECKING: Step.CHECK,
    Phase.DOWNLOADING: Step.FETCH,
    Phase.VERIFYING: Step.VERIFY,
    Phase.STAGED: Step.WAIT,
    Phase.INSTALLING: Step.INSTALL,
    Phase.SWITCHING: Step.SWITCH,
}


def next_step(update: Update, wanted: ReleaseTarget | None, running: Running) -> Step:
    """The next step from what was persisted, what the manager wants and what runs.

    A release on trial is decided by its gate before anything else is looked at.
    """
    if update.phase in AT_REST:
        return _step_at_rest(update, wanted, running)
    is_tried = update.phase is Phase.SWITCHING and _is_tried(update, running)
    if is_tried or update.phase in {Phase.PROVISIONAL, Phase.REVERTING}:
        return _step_on_trial(update, running)
    if update.is_taken_back:  # nothing else is looked at before all of it is as it was
        return Step.TAKE_BACK
    if wanted is None or update.target is None or not is_same_order(wanted, update.target):
        return Step.WITHDRAW
    if update.resume_count > MAX_RESUME_COUNT:
        return Step.GIVE_UP
    # an older agent can have left those
    is_unknown = update.agreement is None and update.phase in {Phase.DOWNLOADING, Phase.INSTALLING}
    return Step.CHECK_AGAIN if is_unknown else _ON_THE_WAY[update.phase]


def is_same_order(wanted: ReleaseTarget, ordered: ReleaseTarget) -> bool:
    """Whether both are one order: the same bytes for the same rollout, whatever the way to them and the time.

    The number of the attempt is no part of it: who is at work on the one before goes on for the newer one.
    """
    return (wanted.release, wanted.sha256, wanted.rollout) == (ordered.release, ordered.sha256, ordered.rollout)


def refreshed(update: Update, wanted: ReleaseTarget) -> Update:
    """The attempt with what the manager says now of the same order: what must hold, and where it is to be had.

    A delta that is being fetched stays the one that was ordered; only where it is to be had may change.
    """
    ordered = update.target
    if ordered is None or ordered == wanted or not is_same_order(wanted, ordered) or update.phase in AT_REST:
        return update
    is_other = ordered.delta and (wanted.delta is None or wanted.delta.sha256 != ordered.delta.sha256)
    delta = ordered.delta if update.is_delta and is_other else wanted.delta
    return replace(update, target=replace(wanted, delta=delta))


def _step_at_rest(update: Update, wanted: ReleaseTarget | None, running: Running) -> Step:
    if running.is_provisional:  # refused, or nothing is known of it: what is not proven does not stay
        return Step.GO_BACK
    if update.phase is Phase.COMMITTED and update.slot and update.slot == running.failed_slot != running.slot:
        return Step.NOTE_RETURN  # it was chosen for good and broke off its starts: said before anything else
    if wanted is None:
        return Step.REST
    is_same = update.target is not None and is_same_order(wanted, update.target)
    if wanted.sha256 == running.sha256:
        return Step.REST if is_same and update.phase is Phase.COMMITTED else Step.ADOPT
    is_tried = is_same and update.phase in {Phase.FAILED, Phase.ROLLED_BACK}
    if is_tried and update.target is not None and update.target.attempt == wanted.attempt:
        return Step.REST
    return Step.ORDER


def _is_tried(update: Update, running: Running) -> bool:
    return bool(update.slot) and update.slot in {running.slot, running.failed_slot}


def _step_on_trial(update: Update, running: Running) -> Step:
    if running.slot != update.slot:
        return Step.NOTE_RETURN
    if update.phase is Phase.SWITCHING:
        return Step.START_TRIAL
    if not running.is_provisional and not (update.phase is Phase.REVERTING and update.is_taken_back):
        return Step.SETTLE
    return Step.GO_BACK if update.phase is Phase.REVERTING else Step.PROVE
