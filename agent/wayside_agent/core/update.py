"""The update machine: one readable table, and the next step after whatever happened.

    IDLE -> DOWNLOADING -> INSTALLING -> SWITCHING -> PROVISIONAL -> COMMITTED
               |               |            |             |
               +---------------+------------+-> FAILED    +-> ROLLED_BACK

The service persists every new phase before it acts on it. After a crash, `next_step` says where to go on from what
was persisted, what the manager wants and what runs. Usage: `update = update.after(Event.FETCHED)`.
Roles as in Uptane: the manager directs, the unit proves. Order of install as in RAUC. Loop limit as in Mender.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from wayside.errors import FailedPreconditionError
from wayside_agent.core.gate import Vitals

MAX_RESUME_COUNT = 28
"""Resumes of one phase without progress after which an update is given up (Mender, context.cpp)."""


class Phase(StrEnum):
    """Where the machine stands; the words of `UpdateReport.Phase`."""

    IDLE = "IDLE"
    DOWNLOADING = "DOWNLOADING"
    INSTALLING = "INSTALLING"
    SWITCHING = "SWITCHING"
    PROVISIONAL = "PROVISIONAL"
    COMMITTED = "COMMITTED"
    ROLLED_BACK = "ROLLED_BACK"
    FAILED = "FAILED"


class Event(StrEnum):
    """What happened."""

    ORDERED = "ORDERED"  # the manager wants another release
    PRESENT = "PRESENT"  # the wanted release already runs
    FETCHED = "FETCHED"  # the artifact is whole on the device
    INSTALLED = "INSTALLED"  # the other slot holds the release
    LOST = "LOST"  # the artifact is no longer on the device
    STARTED = "STARTED"  # the new release runs, on trial
    PASSED = "PASSED"  # the gate found it as good as before
    REFUSED = "REFUSED"  # the gate found it worse than before
    RETURNED = "RETURNED"  # the launcher went back by itself
    BROKE = "BROKE"  # a step cannot succeed
    WITHDRAWN = "WITHDRAWN"  # the manager wants something else


_P, _E = Phase, Event
NEXT: dict[tuple[Phase, Event], Phase] = {
    (_P.IDLE,        _E.ORDERED):   _P.DOWNLOADING,
    (_P.COMMITTED,   _E.ORDERED):   _P.DOWNLOADING,
    (_P.ROLLED_BACK, _E.ORDERED):   _P.DOWNLOADING,
    (_P.FAILED,      _E.ORDERED):   _P.DOWNLOADING,
    (_P.IDLE,        _E.PRESENT):   _P.COMMITTED,
    (_P.COMMITTED,   _E.PRESENT):   _P.COMMITTED,
    (_P.ROLLED_BACK, _E.PRESENT):   _P.COMMITTED,
    (_P.FAILED,      _E.PRESENT):   _P.COMMITTED,
    (_P.DOWNLOADING, _E.FETCHED):   _P.INSTALLING,
    (_P.DOWNLOADING, _E.BROKE):     _P.FAILED,
    (_P.DOWNLOADING, _E.WITHDRAWN): _P.IDLE,
    (_P.INSTALLING,  _E.INSTALLED): _P.SWITCHING,
    (_P.INSTALLING,  _E.LOST):      _P.DOWNLOADING,
    (_P.INSTALLING,  _E.BROKE):     _P.FAILED,
    (_P.INSTALLING,  _E.WITHDRAWN): _P.IDLE,
    (_P.SWITCHING,   _E.STARTED):   _P.PROVISIONAL,
    (_P.SWITCHING,   _E.RETURNED):  _P.ROLLED_BACK,
    (_P.SWITCHING,   _E.BROKE):     _P.FAILED,
    (_P.SWITCHING,   _E.WITHDRAWN): _P.IDLE,
    (_P.PROVISIONAL, _E.PASSED):    _P.COMMITTED,
    (_P.PROVISIONAL, _E.REFUSED):   _P.ROLLED_BACK,
    (_P.PROVISIONAL, _E.RETURNED):  _P.ROLLED_BACK,
}  # fmt: skip

AT_REST = frozenset({Phase.IDLE, Phase.COMMITTED, Phase.ROLLED_BACK, Phase.FAILED})


class FetchPolicy(StrEnum):
    """What may be fetched; the words of `wayside.v1.FetchPolicy`."""

    ANY = "ANY"
    NEVER_FULL = "NEVER_FULL"
    FULL_UNMETERED = "FULL_UNMETERED"


@dataclass(frozen=True, slots=True)
class Delta:
    """A shorter way to a release. Nothing of it is trusted: what it leads to is."""

    base_tree_sha256: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What the manager wants to be so before a release is installed."""

    needs_consent: bool = False
    begin_s: float | None = None
    """UTC [s since 1970]."""
    end_s: float | None = None
    may_interrupt_broadcast: bool = False


@dataclass(frozen=True, slots=True)
class ReleaseTarget:
    """A release the manager wants the unit to run."""

    release: str
    """`releases/{version}`."""
    version: str
    sha256: str
    """Of the artifact, lower-case hex."""
    size_bytes: int
    rollout: str
    """`rollouts/{rollout}`; a release that failed is tried again only for another rollout."""
    delta: Delta | None = None
    """A shorter way from some release."""
    fetch_policy: FetchPolicy = FetchPolicy.ANY
    urls: tuple[str, ...] = ()
    """Other places that have the artifact, best first."""
    preconditions: Preconditions = Preconditions()


@dataclass(frozen=True, slots=True)
class SlotRelease:
    """A complete release in a slot."""

    slot: str
    release: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Running:
    """The software that runs now, and what the slots hold."""

    slot: str = ""
    """Empty: the factory software."""
    is_provisional: bool = False
    """It runs from a slot that is not the chosen one for good."""
    release: str = ""
    version: str = ""
    sha256: str = ""
    """Of its artifact; empty for the factory software."""
    gate_timeout_s: float = 0.0
    """Time a provisional release has."""
    spare_sha256: str = ""
    """Of the complete release in the slot that would be written next; empty: none."""
    failed_slot: str = ""
    """Slot the launcher or the gate went back from, since it was last chosen."""
    failure: str = ""
    """Why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Update:
    """One attempt to run a release, as it is persisted."""

    target: ReleaseTarget | None = None
    """`None`: the unit was never told to update."""
    phase: Phase = Phase.IDLE
    message: str = ""
    slot: str = ""
    """Slot the release was installed into; empty before."""
    before: Vitals = field(default_factory=Vitals)
    """Vitals before the switch."""
    resume_count: int = 0
    """Process starts in this phase without progress."""
    downloaded_bytes: int = 0
    """Bytes on the device when it was last persisted."""
    resumed_from_bytes: int = 0

    def after(self, event: Event, *, message: str = "") -> "Update":
        """The attempt after an event.

        Raises: FailedPreconditionError: the event cannot happen in this phase.
        """
        following = NEXT.get((self.phase, event))
        if following is None:
            raise FailedPreconditionError(f"update: {event} cannot happen while {self.phase}", reason="TRANSITION")
        return replace(self, phase=following, message=message, resume_count=0)

    def resumed(self, downloaded_bytes: int) -> "Update":
        """The attempt after one more process start. A download that got further starts counting again."""
        progressed = self.phase is Phase.DOWNLOADING and downloaded_bytes > self.downloaded_bytes
        count = 0 if progressed or self.phase in AT_REST else self.resume_count + 1
        return replace(self, resume_count=count, downloaded_bytes=downloaded_bytes)

    def status(self, running: Running) -> "UpdateStatus":
        """What the unit says of it, with what runs."""
        target = self.target
        return UpdateStatus(
            release=target.release if target else "",
            rollout=target.rollout if target else "",
            phase=self.phase,
            downloaded_bytes=self.downloaded_bytes,
            total_bytes=target.size_bytes if target else 0,
            running_release=running.release,
            running_version=running.version,
            message=self.message,
            resumed_from_bytes=self.resumed_from_bytes,
        )


@dataclass(frozen=True, slots=True)
class UpdateStatus:
    """What the unit says of its software; the fields of `UpdateReport`."""

    release: str
    rollout: str
    phase: Phase
    downloaded_bytes: int
    total_bytes: int
    running_release: str
    running_version: str
    message: str
    resumed_from_bytes: int


class Step(StrEnum):
    """What to do next."""

    REST = "REST"
    ORDER = "ORDER"
    ADOPT = "ADOPT"
    FETCH = "FETCH"
    INSTALL = "INSTALL"
    SWITCH = "SWITCH"
    START_TRIAL = "START_TRIAL"
    PROVE = "PROVE"
    SETTLE = "SETTLE"
    GO_BACK = "GO_BACK"
    NOTE_RETURN = "NOTE_RETURN"
    WITHDRAW = "WITHDRAW"
    GIVE_UP = "GIVE_UP"


def next_step(update: Update, wanted: ReleaseTarget | None, running: Running) -> Step:
    """The next step from what was persisted, what the manager wants and what runs.

    A release on trial is decided by its gate before anything else is looked at.
    """
    if update.phase in AT_REST:
        return _step_at_rest(update, wanted, running)
    if update.phase is Phase.PROVISIONAL or (update.phase is Phase.SWITCHING and _is_tried(update, running)):
        return _step_on_trial(update, running)
    if wanted != update.target:
        return Step.WITHDRAW
    if update.resume_count > MAX_RESUME_COUNT:
        return Step.GIVE_UP
    return {Phase.DOWNLOADING: Step.FETCH, Phase.INSTALLING: Step.INSTALL, Phase.SWITCHING: Step.SWITCH}[update.phase]


def _step_at_rest(update: Update, wanted: ReleaseTarget | None, running: Running) -> Step:
    if running.is_provisional:  # refused, or nothing is known of it: what is not proven does not stay
        return Step.GO_BACK
    if wanted is None:
        return Step.REST
    is_same = update.target == wanted
    if wanted.sha256 == running.sha256:
        return Step.REST if is_same and update.phase is Phase.COMMITTED else Step.ADOPT
    if is_same and update.phase in {Phase.FAILED, Phase.ROLLED_BACK}:
        return Step.REST
    return Step.ORDER


def _is_tried(update: Update, running: Running) -> bool:
    return bool(update.slot) and update.slot in {running.slot, running.failed_slot}


def _step_on_trial(update: Update, running: Running) -> Step:
    if running.slot != update.slot:
        return Step.NOTE_RETURN
    if update.phase is Phase.SWITCHING:
        return Step.START_TRIAL
    return Step.PROVE if running.is_provisional else Step.SETTLE
