"""Writes one straight-line Python function per message: payload in, values of the wanted signals out.

A signal's bits are cut from the payload with one shift and one mask; the payload is made an integer once. Signals that
come together (the whole message, or one branch of a multiplexer) form a group. A group whose bits did not change since
the last frame is not decoded again, only its time moves on (measured: 0.4 us a frame instead of 1.3).

Only numbers of the description reach the text; names never do, so a database cannot put code into the agent.

    values[slot]    physical value, or None              refuse(slot, code)   a code that is no value
    times[group]    UTC ns of the newest frame           flag(slots)          refused by the validity flag
    seen[group]     its payload bits                     again(group)         the same refusals once more
    bad[group]      refusals of the newest payload       undefined()          no signal belongs to the multiplexer value
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wayside_agent.core.signals import Message, Signal
from wayside_agent.core.validity import Acceptance, Companion, acceptance, companions

_FLOAT_FORMATS = {16: "e", 32: "f", 64: "d"}


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a wanted signal's value stands."""

    index: int
    signal: Signal
    acceptance: Acceptance


@dataclass(frozen=True, slots=True)
class Group:
    """Signals that come together."""

    index: int
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class MessageSource:
    """The text of one message's function, and what it needs."""

    text: str
    payload_bytes: int
    """Length of the payload the function takes, padded with zeros."""
    needed_bytes: int
    """Shortest frame that holds every wanted signal."""
    groups: tuple[Group, ...]


@dataclass(slots=True)
class _Writer:
    message: Message
    wanted: frozenset[str]
    is_judged: bool
    first_slot: int
    first_group: int
    size_bytes: int = 8
    is_big_gate: bool = False
    lines: list[str] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    slot_count: int = 0
    companions: Mapping[str, Companion] = field(default_factory=dict)

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)


def message_source(
    message: Message, wanted: frozenset[str], *, first_slot: int, first_group: int, is_judged: bool = True
) -> MessageSource | None:
    """The function for the wanted signals of a message; `None`: it has none of them.

    Without `is_judged` every code is a value, as other decoders have it.
    """
    used = _with_multiplexers(message, wanted)
    if not used:
        return None
    writer = _Writer(message, wanted, is_judged, first_slot, first_group)
    writer.companions = companions(message) if is_judged else {}
    read = [*used, *(writer.companions[signal.name].flag for signal in used if signal.name in writer.companions)]
    needed_bytes = max(signal.end_byte for signal in used)
    writer.size_bytes = max(8, *(signal.end_byte for signal in read))
    writer.is_big_gate = all(signal.is_big_endian for signal in read)
    _write_function(writer, read)
    text = "\n".join(writer.lines) + "\n"
    return MessageSource(text, writer.size_bytes, needed_bytes, tuple(writer.groups))


def _with_multiplexers(message: Message, wanted: frozenset[str]) -> list[Signal]:
    by_name = {signal.name: signal for signal in message.signals}
    used: set[str] = set()
    for name in wanted & by_name.keys():
        at: str | None = name
        while at is not None and at in by_name and at not in used:
            used.add(at)
            at = by_name[at].multiplexer
    return [signal for signal in message.signals if signal.name in used]


def _write_function(writer: _Writer, read: Sequence[Signal]) -> None:
    writer.line(0, "def build(values, times, seen, bad, refuse, flag, again, undefined, unpack):")
    writer.line(1, "def decode(data, time_ns, integer=int.from_bytes):")
    if any(not signal.is_big_endian for signal in read):
        writer.line(2, 'x = integer(data, "little")')
    if any(signal.is_big_endian for signal in read):
        writer.line(2, 'y = integer(data, "big")')
    root = [signal for signal in read if signal.multiplexer is None]
    _write_group(writer, 2, list(dict.fromkeys(root)))
    writer.line(1, "return decode")


def _write_group(writer: _Writer, depth: int, signals: Sequence[Signal]) -> None:
    wanted = [signal for signal in signals if signal.name in writer.wanted]
    if wanted:
        _write_gate(writer, depth, wanted)
    present = {signal.name for signal in signals}
    for multiplexer in dict.fromkeys(signal.multiplexer for signal in writer.message.signals):
        if multiplexer in present:
            _write_branches(writer, depth, next(signal for signal in signals if signal.name == multiplexer))


def _write_gate(writer: _Writer, depth: int, wanted: Sequence[Signal]) -> None:
    group = writer.first_group + len(writer.groups)
    slots = tuple(
        Slot(
            writer.first_slot + writer.slot_count + index, signal, acceptance(signal, is_j1939=writer.message.is_j1939)
        )
        for index, signal in enumerate(wanted)
    )
    writer.slot_count += len(slots)
    writer.groups.append(Group(group, slots))
    mask = 0
    for signal in [*wanted, *(writer.companions[each.name].flag for each in wanted if each.name in writer.companions)]:
        mask |= signal.mask(writer.size_bytes, is_big_endian=writer.is_big_gate)
    writer.line(depth, f"times[{group}] = time_ns")
    writer.line(depth, f"bits = {'y' if writer.is_big_gate else 'x'} & {mask:#x}")
    writer.line(depth, f"if bits != seen[{group}]:")
    writer.line(depth + 1, f"seen[{group}] = bits")
    if writer.is_judged:
        writer.line(depth + 1, f"bad[{group}] = ()")
    _write_slots(writer, depth + 1, slots)
    if writer.is_judged:
        writer.line(depth, f"elif bad[{group}]:")
        writer.line(depth + 1, f"again({group})")


def _write_slots(writer: _Writer, depth: int, slots: Sequence[Slot]) -> None:
    by_flag: dict[Companion | None, list[Slot]] = {}
    for slot in slots:
        by_flag.setdefault(writer.companions.get(slot.signal.name), []).append(slot)
    for companion, governed in by_flag.items():
        inner = depth
        if companion is not None:
            flag = _bits(companion.flag, writer.size_bytes)
            writer.line(depth, f"if ({flag}) != {companion.valid_code}:")
            writer.line(depth + 1, f"flag({tuple(slot.index for slot in governed)})")
            writer.line(depth, "else:")
            inner = depth + 1
        for slot in governed:
            _write_slot(writer, inner, slot)


def _write_slot(writer: _Writer, depth: int, slot: Slot) -> None:
    signal = slot.signal
    code = _code(signal, writer.size_bytes)
    condition = _condition(slot.acceptance, signal) if writer.is_judged else ""
    if not condition:
        writer.line(depth, f"values[{slot.index}] = {_scaled(f'({code})', signal)}")
        return
    writer.line(depth, f"code = {code}")
    if signal.is_float:
        writer.line(depth, f"value = {_scaled('code', signal)}")
    writer.line(depth, f"if {condition}:")
    writer.line(depth + 1, f"values[{slot.index}] = {'value' if signal.is_float else _scaled('code', signal)}")
    writer.line(depth, "else:")
    writer.line(depth + 1, f"refuse({slot.index}, {'value' if signal.is_float else 'code'})")


def _write_branches(writer: _Writer, depth: int, multiplexer: Signal) -> None:
    selected = [signal for signal in writer.message.signals if signal.multiplexer == multiplexer.name]
    used = {signal.name for signal in _with_multiplexers(writer.message, writer.wanted)}
    branches: dict[tuple[tuple[int, int], ...], list[Signal]] = {}
    for signal in selected:
        if signal.name in used:
            branches.setdefault(signal.multiplexer_ranges, []).append(signal)
    name = f"m{depth}"
    writer.line(depth, f"{name} = {_code(multiplexer, writer.size_bytes)}")
    for ranges, signals in branches.items():
        writer.line(depth, f"if {_in_ranges(name, ranges)}:")
        _write_group(writer, depth + 1, signals)
    every = tuple(sorted({pair for signal in selected for pair in signal.multiplexer_ranges}))
    writer.line(depth, f"if not ({_in_ranges(name, every)}):")
    writer.line(depth + 1, "undefined()")


def _in_ranges(name: str, ranges: Sequence[tuple[int, int]]) -> str:
    return " or ".join(f"{name} == {low}" if low == high else f"{low} <= {name} <= {high}" for low, high in ranges)


def _bits(signal: Signal, size_bytes: int) -> str:
    shift = signal.shift(size_bytes)
    text = ("y" if signal.is_big_endian else "x") + (f" >> {shift}" if shift else "")
    return text if shift + signal.size_bits == 8 * size_bytes else f"{text} & {(1 << signal.size_bits) - 1:#x}"


def _code(signal: Signal, size_bytes: int) -> str:
    bits = _bits(signal, size_bytes)
    if signal.is_float:
        kind = _FLOAT_FORMATS[signal.size_bits]
        return f'unpack("<{kind}", ({bits}).to_bytes({signal.size_bits // 8}, "little"))[0]'
    if signal.is_signed:
        half = 1 << (signal.size_bits - 1)
        return f"(({bits}) ^ {half:#x}) - {half:#x}"
    return bits


def _scaled(code: str, signal: Signal) -> str:
    factor = "" if signal.scale == 1 else f" * {signal.scale!r}"
    return f"{code}{factor}" + ("" if signal.offset == 0 else f" + {signal.offset!r}")


def _condition(accepted: Acceptance, signal: Signal) -> str:
    """Text that holds for codes that are values; empty: every code is."""
    low, high = accepted.low, accepted.ceiling
    if signal.is_float:
        ends = (max(low, -1.7976931348623157e308), min(high, 1.7976931348623157e308))  # NaN and infinities fail both
        return f"{ends[0]!r} <= value <= {ends[1]!r}"
    natural_low, natural_high = signal.natural_range()
    tests = []
    if low > natural_low:
        tests.append(f"code >= {math.trunc(low)}")
    if high < natural_high:
        tests.append(f"code <= {math.trunc(high)}")
    tests.extend(f"code != {code}" for code in sorted(accepted.refused) if low <= code <= high)
    outside = [code for code in sorted(accepted.named) if not low <= code <= high]
    if not outside:
        return " and ".join(tests)
    return " or ".join([f"({' and '.join(tests)})", *(f"code == {code}" for code in outside)])
