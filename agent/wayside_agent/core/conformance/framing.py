"""Rules of what surrounds a message: the record, its AID, its size."""

from collections.abc import Mapping

from wayside.v2x.peek import MessageKind
from wayside.v2x.profile import Profile
from wayside_agent.core.application_id import REGULAR_IDS, LayoutError, p_encoded
from wayside_agent.core.conformance.model import Finding, Findings, RuleName, Seen

APPLICATIONS: Mapping[MessageKind, frozenset[int]] = {
    MessageKind.BSM: frozenset({111, 112, 113, 114}),
    MessageKind.MAP: frozenset({3618}),
    MessageKind.SPAT: frozenset({3619}),
    MessageKind.RSI: frozenset({3620, 3621, 3622}),
    MessageKind.RSM: frozenset({3623}),
}
DSM_MAX_BYTES = 1_400
"""DsmMaxLength."""
_MOST_ID_BYTES = 4


class RecordRule:
    """The record holds a message in the framing of its file."""

    name = RuleName.RECORD

    def found(self, seen: Seen) -> Findings:
        """What is wrong with the next record."""
        if seen.must_be_refused:
            return None
        return [Finding("record", {"reason": seen.reason})] if seen.received is None else ()


class ReadableRule:
    """The message is one of the profile, whole, with nothing behind it."""

    name = RuleName.READABLE

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    def found(self, seen: Seen) -> Findings:
        """What is wrong with the next record."""
        if seen.received is None or seen.must_be_refused:
            return None
        return [Finding("readable", {"profile": self._profile, "reason": seen.reason})] if seen.reason else ()


class KindRule:
    """The message is of a kind that the suite expects."""

    name = RuleName.KIND

    def __init__(self, kinds: tuple[MessageKind, ...]) -> None:
        self._kinds = kinds

    def found(self, seen: Seen) -> Findings:
        """What is wrong with the next record."""
        if seen.received is None or not self._kinds:
            return None
        kind = seen.received.kind
        return () if kind in self._kinds else [Finding("kind", {"kind": kind, "kinds": ", ".join(self._kinds)})]


class ApplicationRule:
    """The AID is one of the message's kind."""

    name = RuleName.APPLICATION

    def found(self, seen: Seen) -> Findings:
        """What is wrong with the next record."""
        if seen.received is None or seen.received.application_id is None or seen.received.kind not in APPLICATIONS:
            return None
        kind, application_id = seen.received.kind, seen.received.application_id
        if application_id in APPLICATIONS[kind]:
            return ()
        known = ", ".join(map(str, sorted(APPLICATIONS[kind])))
        return [Finding("application", {"kind": kind, "application_id": application_id, "known": known})]


class LengthRule:
    """The message fits into one DSM: 1,400 bytes less its header and that of the adaptation layer."""

    name = RuleName.LENGTH

    def found(self, seen: Seen) -> Findings:
        """What is wrong with the next record."""
        if seen.received is None:
            return None
        most = DSM_MAX_BYTES - (1 + _id_bytes(seen.received.kind, seen.received.application_id) + 2) - 1
        size_bytes = len(seen.received.payload)
        return [Finding("length", {"size_bytes": size_bytes, "most": most})] if size_bytes > most else ()


def _id_bytes(kind: MessageKind, application_id: int | None) -> int:
    known = REGULAR_IDS.get(kind) if application_id is None else application_id
    try:
        return _MOST_ID_BYTES if known is None else len(p_encoded(known))
    except LayoutError:
        return _MOST_ID_BYTES
