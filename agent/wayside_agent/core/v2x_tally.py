"""What is in a file of messages: kinds, which profile can be meant, senders, losses, frames of other regions.

tally = Tally()
for each in recorded(content, form): tally.add(each)
tally.document()
"""

from collections import Counter
from typing import Any

from wayside.v2x.codec import DecodeError, Profile, decode
from wayside.v2x.foreign import foreign
from wayside.v2x.generated.messages import MessageFrame
from wayside.v2x.peek import MessageKind, peek
from wayside.v2x.plausibility import doubts
from wayside_agent.core.packet_delivery import PacketDelivery
from wayside_agent.core.radio_recording import RecordError
from wayside_agent.core.v2x import ReceivedMessage


class Tally:
    """Goes along with a file."""

    def __init__(self) -> None:
        self._kinds: Counter[str] = Counter()
        self._foreign: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._read: dict[Profile, Counter[str]] = {profile: Counter() for profile in Profile}
        self._plausible: Counter[Profile] = Counter(dict.fromkeys(Profile, 0))
        self._delivery = PacketDelivery()
        self._times_ns: list[int] = []
        self._size_bytes = 0

    def add(self, each: ReceivedMessage | RecordError) -> None:
        """Counts a record."""
        if isinstance(each, RecordError):
            self._errors[str(each)] += 1
            return
        self._size_bytes += len(each.payload)
        if each.time_ns:
            self._times_ns.append(each.time_ns)
        frames = {profile: _read(each.payload, profile) for profile in Profile}
        stranger = None if any(frames.values()) else foreign(each.payload)
        if stranger is not None:
            self._foreign[f"{stranger.family} {stranger.name}"] += 1
            return
        self._kinds[each.kind.value] += 1
        for profile, frame in frames.items():
            self._read[profile][each.kind.value] += frame is not None
            self._plausible[profile] += frame is not None and not any(doubts(frame))
        self._count(each)

    def document(self) -> dict[str, Any]:
        """For people and JSON."""
        times_ns = self._times_ns
        return {
            "messages": dict(self._kinds),
            "readable": {profile.value: dict(counts) for profile, counts in self._read.items()},
            "plausible": {profile.value: count for profile, count in self._plausible.items()},
            "plausible_profile": self._best(),
            "foreign": dict(self._foreign),
            "size_bytes": self._size_bytes,
            "duration_s": (max(times_ns) - min(times_ns)) / 1e9 if times_ns else None,
            "bsm_senders": self._delivery.sender_count,
            "bsm_received": self._delivery.total.received,
            "bsm_lost": self._delivery.total.lost,
            "errors": dict(self._errors),
        }

    def _best(self) -> str:
        """The profile under which most messages can be true; several if they do not differ, empty if none is read."""
        most = max(self._plausible.values())
        return ", ".join(profile for profile in Profile if most and self._plausible[profile] == most)

    def _count(self, message: ReceivedMessage) -> None:
        if message.kind is not MessageKind.BSM:
            return
        try:
            seen = peek(message.payload)
        except DecodeError:
            return
        if seen.id is not None and seen.message_count is not None:
            self._delivery.heard(seen.id, seen.message_count)


def _read(payload: bytes, profile: Profile) -> MessageFrame | None:
    try:
        return decode(payload, profile)
    except DecodeError:
        return None
