"""What the radio hands over, how it works, and what it has counted. The messages themselves: `wayside.v2x`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from msgspec import Struct

from wayside.v2x.peek import MessageKind, message_kind


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody who looked at the signature of a message says of it."""

    verified: bool | None = None
    """Whether it is by who it says; `None`: not looked at."""
    signer_digest: bytes | None = None
    """HashedId8 of the certificate it is signed with."""
    certificate_days: float | None = None
    """Until that certificate ends [d]."""
    checked_by: Literal["radio", "agent"] = "radio"
    """The security chip of the radio, or the unit's own security module."""


class ReceivedMessage(Struct, frozen=True, gc=False):
    """One V2X message as the radio handed it over."""

    payload: bytes
    """UPER MessageFrame."""
    kind: MessageKind
    time_ns: int
    """UTC nanoseconds since 1970, of reception or as recorded."""
    application_id: int | None = None
    """AID (PSID) when the radio says it."""
    verdict: Verdict | None = None
    """On its signature; `None`: nobody says anything."""


@dataclass(frozen=True, slots=True)
class Station:
    """How a radio works. `None`: not known, never zero."""

    center_frequency_hz: float | None = None
    transmit_power_dbm: float | None = None
    """At the antenna port."""
    channel_busy_ratio: float | None = None
    """Share of time the channel is busy, 0 to 1."""
    signing_certificate_end_s: float | None = None
    """When the certificate it signs with ends, seconds since 1970."""


@dataclass(frozen=True, slots=True)
class RadioCounters:
    """What a radio driver has counted since it was opened."""

    malformed_count: int = 0
    """Datagrams or records that held no message in the expected layout."""
    foreign_count: int = 0
    """Datagrams from an address that is not allowed; not looked into."""
    dropped_count: int | None = None
    """Datagrams the kernel dropped because nobody read in time; `None`: the driver cannot tell."""
    sent_count: int = 0
    """Messages handed to the radio."""
    sent: Mapping[int, int] = field(default_factory=dict)
    """The same by AID, of `MAX_APPLICATIONS` at most."""
    sent_kinds: Mapping[MessageKind, int] = field(default_factory=dict)
    """The same by kind; what is of none is not in it."""


MAX_APPLICATIONS = 100
"""Ids that are counted apart; who invents ids on the air must not fill the memory."""


def counted(counts: dict[int, int], application_id: int | None) -> None:
    """Counts one message of an application; ids beyond the hundredth, and none, are passed over."""
    if application_id is not None and (application_id in counts or len(counts) < MAX_APPLICATIONS):
        counts[application_id] = counts.get(application_id, 0) + 1


@dataclass(slots=True)
class SentMessages:
    """What a driver has handed to its radio since it was opened."""

    count: int = 0
    by_application: dict[int, int] = field(default_factory=dict)
    by_kind: dict[MessageKind, int] = field(default_factory=dict)

    def add(self, payload: bytes, application_id: int) -> None:
        """Counts one message."""
        self.count += 1
        counted(self.by_application, application_id)
        if kind := message_kind(payload):
            self.by_kind[kind] = self.by_kind.get(kind, 0) + 1

    def on_top_of(self, heard: RadioCounters) -> RadioCounters:
        """The driver's counters, with these."""
        return replace(heard, sent_count=self.count, sent=dict(self.by_application), sent_kinds=dict(self.by_kind))
