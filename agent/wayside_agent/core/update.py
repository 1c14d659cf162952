"""The update machine: one readable table, and one attempt as it is persisted.

    IDLE -> CHECKING -> DOWNLOADING -> VERIFYING -> STAGED -> INSTALLING -> SWITCHING -> PROVISIONAL -> COMMITTED
               |            |             |           |            |            |              |
               +------------+-------------+-----------+------------+-> FAILED   |              +-> REVERTING
                                                                                |                      |
                                                                                +----------------------+-> ROLLED_BACK

STAGED waits for what must hold (`core.preconditions`), and SWITCHING goes back to it if that no longer holds. The
service persists every new phase before it acts on it; where to go on after a crash, `core.update_steps` says.
Usage: `update = update.after(Event.FETCHED)`.
Roles as in Uptane: the manager directs, the unit proves. Order of install as in RAUC. Loop limit as in Mender.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from wayside.errors import FailedPreconditionError
from wayside_agent.core.agreement import Agreement
from wayside_agent.core.components import Found, Goal, Plan
from wayside_agent.core.contents import Told
from wayside_agent.core.download import Order
from wayside_agent.core.gate import GateResult, Vitals

MAX_RESUME_COUNT = 28
"""Resumes of one phase without progress after which an update is given up (Mender, context.cpp)."""


class Phase(StrEnum):
    """Where the machine stands; the words of `UpdateReport.Phase`."""

    IDLE = "IDLE"
    CHECKING = "CHECKING"
    DOWNLOADING = "DOWNLOADING"
    VERIFYING = "VERIFYING"
    STAGED = "STAGED"
    INSTALLING = "INSTALLING"
    SWITCHING = "SWITCHING"
    PROVISIONAL = "PROVISIONAL"
    COMMITTED = "COMMITTED"
    REVERTING = "REVERTING"
    ROLLED_BACK = "ROLLED_BACK"
    FAILED = "FAILED"


class Event(StrEnum):
    """What happened."""

    ORDERED = "ORDERED"  # the manager wants another release
    PRESENT = "PRESENT"  # the wanted release already runs
    AGREED = "AGREED"  # both repositories tell this unit to install it
    STALE = "STALE"  # nobody knows what was agreed: an older agent fetched it
    FETCHED = "FETCHED"  # the artifact is whole on the device
    VERIFIED = "VERIFIED"  # it is what was agreed, and can run here
    READY = "READY"  # everything that must hold does
    HELD = "HELD"  # it no longer does
    INSTALLED = "INSTALLED"  # the other slot holds the release
    LOST = "LOST"  # the artifact is no longer on the device
    STARTED = "STARTED"  # the new release runs, on trial
    PASSED = "PASSED"  # the gate found it as good as before
    REFUSED = "REFUSED"  # the gate found it worse than before
    RETURNED = "RETURNED"  # the release before runs again
    BROKE = "BROKE"  # a step cannot succeed
    WITHDRAWN = "WITHDRAWN"  # the manager wants something else


AT_REST = frozenset({Phase.IDLE, Phase.COMMITTED, Phase.ROLLED_BACK, Phase.FAILED})
UNTOUCHED = (Phase.CHECKING, Phase.DOWNLOADING, Phase.VERIFYING, Phase.STAGED, Phase.INSTALLING, Phase.SWITCHING)
"""The release before still runs and is chosen: from here an update can be withdrawn, and can fail without a trace."""

_P, _E = Phase, Event
NEXT: dict[tuple[Phase, Event], Phase] = {
    **{(phase, _E.ORDERED): _P.CHECKING for phase in sorted(AT_REST)},
    **{(phase, _E.PRESENT): _P.COMMITTED for phase in sorted(AT_REST)},
    **{(phase, _E.BROKE): _P.FAILED for phase in UNTOUCHED},
    **{(phase, _E.WITHDRAWN): _P.IDLE for phase in UNTOUCHED},
    (_P.CHECKING,    _E.AGREED):    _P.DOWNLOADING,
    (_P.DOWNLOADING, _E.FETCHED):   _P.VERIFYING,
    (_P.DOWNLOADING, _E.STALE):     _P.CHECKING,
    (_P.VERIFYING,   _E.VERIFIED):  _P.STAGED,
    (_P.VERIFYING,   _E.LOST):      _P.DOWNLOADING,
    (_P.STAGED,      _E.READY):     _P.INSTALLING,
    (_P.STAGED,      _E.LOST):      _P.DOWNLOADING,
    (_P.INSTALLING,  _E.INSTALLED): _P.SWITCHING,
    (_P.INSTALLING,  _E.LOST):      _P.DOWNLOADING,
    (_P.INSTALLING,  _E.STALE):     _P.CHECKING,
    (_P.SWITCHING,   _E.HELD):      _P.STAGED,
    (_P.SWITCHING,   _E.STARTED):   _P.PROVISIONAL,
    (_P.SWITCHING,   _E.RETURNED):  _P.ROLLED_BACK,
    (_P.PROVISIONAL, _E.PASSED):    _P.COMMITTED,
    (_P.PROVISIONAL, _E.REFUSED):   _P.REVERTING,
    (_P.PROVISIONAL, _E.RETURNED):  _P.ROLLED_BACK,
    (_P.REVERTING,   _E.RETURNED):  _P.ROLLED_BACK,
    (_P.REVERTING,   _E.PASSED):    _P.COMMITTED,
    (_P.COMMITTED,   _E.RETURNED):  _P.ROLLED_BACK,  # it broke off start after start
}  # fmt: skip
_WAITING = frozenset({Phase.STAGED})
"""Phases that may last for weeks: starts of the process in them are no sign of trouble."""


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
    urls: tuple[str, ...] = ()
    """Other places that have the delta, best first."""


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
    """`rollouts/{rollout}`; a release that failed is tried again only for another rollout, or another attempt of it."""
    delta: Delta | None = None
    """A shorter way from some release."""
    fetch_policy: FetchPolicy = FetchPolicy.ANY
    urls: tuple[str, ...] = ()
    """Other places that have the whole artifact, best first."""
    preconditions: Preconditions = Preconditions()
    attempt: int = 0
    """Counts the tries of the rollout on this unit."""


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
    spare_slot: str = ""
    """That slot; empty: it holds none."""
    failed_slot: str = ""
    """Slot the launcher or the gate went back from, since it was last chosen."""
    failure: str = ""
    """Why, in one sentence."""
    chosen_slot: str = ""
    """Slot that the next start tries; empty: none."""
    counter: int = 0
    """Of the release that runs; 0: the factory software."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person at the unit said of an update."""

    is_given: bool
    who: str
    """As the operating system knows the one who said it."""
    utc_s: float
    """When [s since 1970]."""
    release: str = ""
    rollout: str = ""

    @property
    def sentence(self) -> str:
        """Who said what, and when."""
        time = datetime.fromtimestamp(self.utc_s, UTC).isoformat(timespec="seconds")
        return f"{'agreed' if self.is_given else 'refused'} by {self.who} at {time}"


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
    agreement: Agreement | None = None
    """What both repositories said; `None`: they were not asked yet."""
    is_delta: bool = False
    """What is fetched is the delta of the target."""
    reason: str = ""
    """Why it failed, for programs: `Refusal` and reasons of errors."""
    gate: tuple[GateResult, ...] = ()
    """What the health gate saw when it decided."""
    consent: Consent | None = None
    """What a person at the unit said of it."""
    delta_problem: str = ""
    """Why the delta was of no use; this attempt takes no other. Empty: it was not tried, or is on its way."""
    fault_count: int = 0
    """Faults of the unit in this phase that may pass, and were waited out."""
    slot_before: str = ""
    """Slot that ran when the release was installed; empty: the factory software."""
    components: Plan | None = None
    """What is done beside the slot; `None`: nothing was begun."""
    left: tuple[str, ...] = ()
    """Components that an attempt before could neither finish nor take back."""
    notices: Mapping[str, Told] = field(default_factory=dict)
    """What the release has people told, by language; empty before it is verified."""

    @property
    def is_taken_back(self) -> bool:
        """Whether its components are on their way back."""
        return self.components is not None and self.components.goal is Goal.REVERTED

    @property
    def artifact(self) -> tuple[str, int]:
        """SHA-256 and size of what is fetched; empty before it was ordered."""
        if self.target is None:
            return "", 0
        delta = self.target.delta if self.is_delta else None
        return (delta.sha256, delta.size_bytes) if delta else (self.target.sha256, self.target.size_bytes)

    @property
    def download(self) -> Order:
        """What is to be fetched; a release made of a delta needs its own room too.

        Raises: FailedPreconditionError: nothing was ordered.
        """
        if self.target is None:
            raise FailedPreconditionError("update: there is no release to be fetched")
        sha256, size_bytes = self.artifact
        room_bytes = self.target.size_bytes if self.is_delta else 0
        return Order(self.target.release, sha256, size_bytes, self.is_delta, room_bytes)

    def after(self, event: Event, *, message: str = "", reason: str = "") -> "Update":
        """The attempt after an event.

        Raises: FailedPreconditionError: the event cannot happen in this phase.
        """
        following = NEXT.get((self.phase, event))
        if following is None:
            raise FailedPreconditionError(f"update: {event} cannot happen while {self.phase}", reason="TRANSITION")
        return replace(self, phase=following, message=message, reason=reason, resume_count=0, fault_count=0)

    def resumed(self, downloaded_bytes: int) -> "Update":
        """The attempt after one more process start. A download that got further starts counting again."""
        progressed = self.phase is Phase.DOWNLOADING and downloaded_bytes > self.downloaded_bytes
        is_counted = not progressed and self.phase not in AT_REST | _WAITING
        count = self.resume_count + 1 if is_counted else 0
        return replace(self, resume_count=count, downloaded_bytes=downloaded_bytes)

    def status(
        self, running: Running, blockers: tuple[str, ...] = (), components: tuple[Found, ...] = ()
    ) -> "UpdateStatus":
        """What the unit says of it, with what runs and what it waits for."""
        target = self.target
        return UpdateStatus(
            release=target.release if target else "",
            rollout=target.rollout if target else "",
            phase=self.phase,
            downloaded_bytes=self.downloaded_bytes,
            total_bytes=self.artifact[1],
            running_release=running.release,
            running_version=running.version,
            message=self.message,
            resumed_from_bytes=self.resumed_from_bytes,
            blockers=blockers,
            gate=self.gate,
            reason=self.reason,
            running_counter=running.counter,
            is_delta=self.is_delta,
            consent=self.consent.sentence if self.consent else "",
            attempt=target.attempt if target else 0,
            components=components,
            notices=self.notices,
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
    blockers: tuple[str, ...] = ()
    gate: tuple[GateResult, ...] = ()
    reason: str = ""
    running_counter: int = 0
    is_delta: bool = False
    consent: str = ""
    attempt: int = 0
    components: tuple[Found, ...] = ()
    """What runs beside the agent."""
    notices: Mapping[str, Told] = field(default_factory=dict)
    """What the release has people told, by language."""
