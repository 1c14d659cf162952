"""Frames in, values out: a plan says which signals are wanted, a decoder holds their newest values.

Usage:

    decoder = Decoder(DecodePlan(database, wanted=("EEC1.EngineSpeed",)), bus="can0")
    decoder.decode(batch)                       # as often as frames arrive
    news = decoder.news(TimeQuality.GNSS)       # as often as somebody wants to know
"""

import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from wayside_agent.core.decode_source import Group, MessageSource, Slot, message_source
from wayside_agent.core.frames import CLASSIC_SIZE_BYTES, FrameBatch
from wayside_agent.core.readings import Reading
from wayside_agent.core.signals import MAX_DATA_BYTES, Database, Matching
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.core.validity import Refusal

_MAX_KNOWN_IDS = 4096  # a bus carries a few hundred; somebody who sends all 2^29 must not fill the memory

_Function = Callable[[bytes, int], None]


@dataclass(frozen=True, slots=True)
class DecodePlan:
    """A database and what is wanted of it."""

    database: Database
    wanted: tuple[str, ...] = ()
    """`Message.Signal` names; empty: every signal. Names the database does not have are passed over, see
    `Database.without`."""
    is_judged: bool = True
    """Whether `core.validity` decides what is a value; without it every code is one."""

    def wanted_of(self, message_name: str) -> frozenset[str]:
        """Names of the wanted signals of a message."""
        if not self.wanted:
            messages = (message for message in self.database.messages if message.name == message_name)
            return frozenset(signal.name for message in messages for signal in message.signals)
        pairs = (name.partition(".") for name in self.wanted)
        return frozenset(signal for message, _, signal in pairs if message == message_name)


@dataclass(frozen=True, slots=True)
class News:
    """What changed since somebody last asked."""

    readings: tuple[Reading, ...]
    """The newest value of each signal that came, changed or not."""
    withdrawn: tuple[str, ...]
    """Names of signals that came and have no value now; an older reading of theirs no longer holds."""


@dataclass(frozen=True, slots=True)
class DecodeCounters:
    """What a decoder has counted."""

    frame_count: int = 0
    """Every frame it was shown."""
    matched_count: int = 0
    """Frames of messages with wanted signals."""
    refusal_counts: Mapping[Refusal, int] = field(default_factory=dict)
    """Codes that were no values, once per frame and signal, by reason."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A message that is wanted, ready to decode."""

    function: _Function
    source: MessageSource
    names: tuple[str, ...]


class Decoder:
    """Newest values of the wanted signals of one bus. Messages are compiled when first seen."""

    def __init__(self, plan: DecodePlan, *, bus: str) -> None:
        self._plan = plan
        self._bus = bus
        self._matching = Matching(plan.database.messages)
        self._entries: dict[int, _Entry | None] = {}
        self._by_id: dict[int, _Entry | None] = {}
        self._names: list[str] = []
        self._slots: list[Slot] = []
        self._group_of_slot: list[int] = []
        self._groups: list[Group] = []
        self._values: list[int | float | None] = []
        self._times: list[int] = []
        self._seen: list[int] = []
        self._bad: list[tuple[Refusal, ...]] = []
        self._refusals: Counter[Refusal] = Counter()
        self._frame_count = 0
        self._matched_count = 0
        self._frame_bytes = MAX_DATA_BYTES

    def decode(self, batch: FrameBatch) -> int:
        """Takes in a batch and returns how many of its frames belong to messages with wanted signals."""
        by_id = self._by_id
        matched = 0
        is_classic = batch.size_bytes == CLASSIC_SIZE_BYTES
        for time_ns, (can_id, size, _, data) in zip(batch.times_ns, batch.structs(), strict=True):
            entry = by_id[can_id] if can_id in by_id else self._entry(can_id)
            if entry is None:
                continue
            matched += 1
            source = entry.source
            if size < source.needed_bytes:
                self._decode_short(entry, data[:size], time_ns)
            elif is_classic:
                entry.function(data, time_ns)
            else:
                entry.function(data[: source.payload_bytes], time_ns)
        self._frame_count += len(batch)
        self._matched_count += matched
        return matched

    def samples(self, batch: FrameBatch) -> Iterator[tuple[str, int, float]]:
        """Each value of each frame as (name, time [UTC ns], value), for captures and tests; decodes like `decode`.

        What `news` has not told yet is told by nobody: use one or the other.
        """
        for index, time_ns in enumerate(batch.times_ns):
            raw = batch.raw[index * batch.size_bytes : (index + 1) * batch.size_bytes]
            self.decode(FrameBatch(raw, (time_ns,), batch.size_bytes))
            for reading in self.news(TimeQuality.RECORDED).readings:
                yield reading.name, time_ns, reading.value

    def news(self, quality: TimeQuality) -> News:
        """What came since the last call; the times are of the given quality."""
        readings: list[Reading] = []
        withdrawn: list[str] = []
        for group in self._groups:
            time_ns = self._times[group.index]
            if time_ns < 0:
                continue
            self._times[group.index] = -1
            for slot in group.slots:
                value, name = self._values[slot.index], self._names[slot.index]
                if value is None:
                    withdrawn.append(name)
                else:
                    readings.append(Reading(name, value, slot.signal.unit, time_ns, quality))
        return News(tuple(readings), tuple(withdrawn))

    def counters(self) -> DecodeCounters:
        """Counts since the decoder was made."""
        return DecodeCounters(self._frame_count, self._matched_count, dict(self._refusals))

    def _entry(self, can_id: int) -> _Entry | None:
        index = self._matching.index(can_id)
        if index is None:
            entry = None
        else:
            if index not in self._entries:
                self._entries[index] = self._compiled(index)
            entry = self._entries[index]
        if len(self._by_id) < _MAX_KNOWN_IDS:
            self._by_id[can_id] = entry
        return entry

    def _compiled(self, index: int) -> _Entry | None:
        message = self._plan.database.messages[index]
        source = message_source(
            message,
            self._plan.wanted_of(message.name),
            first_slot=len(self._values),
            first_group=len(self._groups),
            is_judged=self._plan.is_judged,
        )
        if source is None:
            return None
        self._make_room(source.groups, f"can.{self._bus}.{message.name}.")
        namespace: dict[str, Callable[..., _Function]] = {}
        # the text holds numbers of the description only, see core.decode_source
        exec(compile(source.text, "<decode plan>", "exec"), namespace)  # noqa: S102 - generated from numbers only
        build = namespace["build"]
        state = (self._values, self._times, self._seen, self._bad)
        function = build(*state, self._refuse, self._flag, self._again, self._undefined, struct.unpack)
        names = tuple(slot.signal.name for group in source.groups for slot in group.slots)
        return _Entry(_padded(function, source.payload_bytes), source, names)

    def _make_room(self, groups: Sequence[Group], prefix: str) -> None:
        for group in groups:
            self._groups.append(group)
            self._times.append(-1)
            self._seen.append(-1)
            self._bad.append(())
            for slot in group.slots:
                self._slots.append(slot)
                self._group_of_slot.append(group.index)
                self._names.append(prefix + slot.signal.name)
                self._values.append(None)

    def _decode_short(self, entry: _Entry, data: bytes, time_ns: int) -> None:
        """Decodes what the frame holds; signals behind its end have no value."""
        groups = entry.source.groups
        before = [self._times[group.index] for group in groups]
        for group in groups:
            self._times[group.index] = self._seen[group.index] = -1
        self._frame_bytes = len(data)
        entry.function(data.ljust(entry.source.payload_bytes, b"\0"), time_ns)
        self._frame_bytes = MAX_DATA_BYTES
        for group, earlier_ns in zip(groups, before, strict=True):
            self._seen[group.index] = -1
            if self._times[group.index] < 0:
                self._times[group.index] = earlier_ns
                continue
            for slot in group.slots:
                if slot.signal.end_byte > len(data):
                    self._withdraw(slot.index, Refusal.SHORT_FRAME)

    def _refuse(self, slot: int, code: float) -> None:
        refusal = self._slots[slot].acceptance.refusal(code)
        self._withdraw(slot, refusal or Refusal.OUT_OF_RANGE)

    def _flag(self, slots: Sequence[int]) -> None:
        for slot in slots:
            self._withdraw(slot, Refusal.FLAGGED_INVALID)

    def _withdraw(self, slot: int, refusal: Refusal) -> None:
        self._values[slot] = None
        if self._slots[slot].signal.end_byte > self._frame_bytes:
            return  # padding, not data; counted as a short frame
        self._bad[self._group_of_slot[slot]] += (refusal,)
        self._refusals[refusal] += 1

    def _again(self, group: int) -> None:
        self._refusals.update(self._bad[group])

    def _undefined(self) -> None:
        self._refusals[Refusal.UNDEFINED_MULTIPLEXER] += 1


def _padded(function: _Function, payload_bytes: int) -> _Function:
    """The function itself, or for long messages one that also takes the 8 bytes of a classic frame."""
    if payload_bytes <= 8:  # noqa: PLR2004 - data of a classic frame
        return function
    return lambda data, time_ns: function(data.ljust(payload_bytes, b"\0"), time_ns)
