"""Lines of candump, hostile ones included.

Understands what `candump -l` writes, `(1502984866.421964) can0 09F112CC#FF725AFF7FFF7FFD`, also with FD (`##` and a
flags digit), remote (`#R`), a DLC above 8 (`_9`) and a direction (` R`), and what candump prints on a terminal,
`(0.000000)  can0  123   [8]  11 22 33 44 55 66 77 88`, with or without a time. Blank lines and `#` comments are none.

Source: can-utils, lib.c (`snprintf_canframe`, `snprintf_long_canframe`).
Usage: `logged_frame("(1.5) can0 123#00").can_id == 0x123`.
"""

import re
from typing import NamedTuple

from wayside_agent.core.frames import (
    CLASSIC,
    ERROR_FLAG,
    EXTENDED_FLAG,
    EXTENDED_MASK,
    FD,
    REMOTE_FLAG,
    STANDARD_MASK,
    FrameBatch,
)
from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND

MAX_LINE_CHARS = 512  # the longest line candump writes has less than 300
FD_FLAG = 0x04  # CANFD_FDF
_CLASSIC_DATA_BYTES = 8
_STANDARD_DIGITS = 3
_FD_SIZES = frozenset({*range(9), 12, 16, 20, 24, 32, 48, 64})

_STAMP = r"\((?P<seconds>[0-9]{1,11})\.(?P<fraction>[0-9]{1,9})\)"
_ID = r"(?P<id>[0-9A-Fa-f]{8}|[0-9A-Fa-f]{3})"
_LOGGED = re.compile(
    _STAMP + r"\s+(?P<channel>\S{1,32})\s+" + _ID + r"#(?:#(?P<flags>[0-9A-Fa-f])(?P<fd>[0-9A-Fa-f]{0,128})"
    r"|(?P<remote>R)(?P<dlc>[0-9A-F])?|(?P<data>[0-9A-Fa-f]{0,16}))(?:_[0-9A-Fa-f])?(?:\s+[RT])?\s*\Z"
)
_PRINTED = re.compile(
    r"\s*(?:" + _STAMP + r"\s+)?(?P<channel>\S{1,32})\s+(?:[RT]X\s+\S\s+\S\s+)?" + _ID + r"\s+\[(?P<size>[0-9]{1,2})\]"
    r"(?:\s+(?P<remote>remote request)|(?P<data>(?:\s+[0-9A-Fa-f]{2}){0,64}))(?:\s+ERRORFRAME)?(?:\s+'.*')?\s*\Z"
)


class LogLineError(ValueError):
    """The line is no frame, nor blank or a comment."""


class LoggedFrame(NamedTuple):
    """One frame of a recording."""

    time_ns: int | None
    """As written, mostly UTC since 1970; `None`: the line has no time."""
    channel: str
    can_id: int
    """With the flag bits of `struct can_frame`."""
    size: int
    flags: int
    """FD flags; 0 on a classic frame."""
    data: bytes

    @property
    def is_fd(self) -> bool:
        """Whether it needs a `struct canfd_frame`."""
        return bool(self.flags) or self.size > _CLASSIC_DATA_BYTES


def logged_frame(line: str) -> LoggedFrame | None:
    """The frame a line holds; `None`: it is blank or a comment.

    Raises: LogLineError: it is neither.
    """
    text = line.strip()
    if not text or text.startswith("#"):
        return None
    if len(line) > MAX_LINE_CHARS:
        raise LogLineError("longer than any line of candump")
    match = _LOGGED.match(text)
    if match:
        return _from_log(match)
    match = _PRINTED.match(text)
    if match:
        return _from_print(match)
    raise LogLineError("not a line of candump")


def batched(frames: list[LoggedFrame], times_ns: list[int]) -> FrameBatch:
    """Frames as one batch, in FD structs if any of them is FD."""
    layout = FD if any(frame.is_fd for frame in frames) else CLASSIC
    pack = layout.pack
    raw = b"".join([pack(can_id, size, flags, data) for _, _, can_id, size, flags, data in frames])
    return FrameBatch(raw, tuple(times_ns), layout.size)


def candump_line(time_ns: int, channel: str, frame: tuple[int, int, int, bytes]) -> str:
    """One frame, as `FrameBatch.structs` gives it, as `candump -l` writes it, with its line end."""
    can_id, size, flags, data = frame
    if can_id & (EXTENDED_FLAG | ERROR_FLAG):
        name = f"{can_id & (EXTENDED_MASK | ERROR_FLAG):08X}"
    else:
        name = f"{can_id & STANDARD_MASK:03X}"
    content = data[:size].hex().upper()
    if can_id & REMOTE_FLAG:
        body = f"#R{size or ''}"
    elif flags or size > _CLASSIC_DATA_BYTES:
        body = f"##{flags & ~FD_FLAG & 0xF:X}{content}"
    else:
        body = f"#{content}"
    seconds, nanoseconds = divmod(time_ns, NANOSECONDS_PER_SECOND)
    return f"({seconds}.{nanoseconds // 1000:06d}) {channel} {name}{body}\n"


def _from_log(match: re.Match[str]) -> LoggedFrame:
    can_id = _can_id(match["id"])
    if match["remote"]:
        size = min(int(match["dlc"] or "0", 16), _CLASSIC_DATA_BYTES)
        return LoggedFrame(_time_ns(match), match["channel"], can_id | REMOTE_FLAG, size, 0, b"")
    if match["flags"] is not None:
        data = _bytes(match["fd"])
        if len(data) not in _FD_SIZES:
            raise LogLineError("no length of an FD frame")
        return LoggedFrame(
            _time_ns(match), match["channel"], can_id, len(data), int(match["flags"], 16) | FD_FLAG, data
        )
    data = _bytes(match["data"])
    return LoggedFrame(_time_ns(match), match["channel"], can_id, len(data), 0, data)


def _from_print(match: re.Match[str]) -> LoggedFrame:
    can_id, size = _can_id(match["id"]), int(match["size"])
    flags = FD_FLAG if len(match["size"]) > 1 else 0  # candump prints the length of FD frames with two digits
    if size not in _FD_SIZES or (size > _CLASSIC_DATA_BYTES and not flags):
        raise LogLineError("no length of a frame")
    if match["remote"]:
        return LoggedFrame(_time_ns(match), match["channel"], can_id | REMOTE_FLAG, size, 0, b"")
    data = _bytes("".join(match["data"].split()))
    if len(data) != size:
        raise LogLineError("fewer or more bytes than the length says")
    return LoggedFrame(_time_ns(match), match["channel"], can_id, size, flags, data)


def _time_ns(match: re.Match[str]) -> int | None:
    if match["seconds"] is None:
        return None
    return int(match["seconds"]) * NANOSECONDS_PER_SECOND + int(match["fraction"].ljust(9, "0"))


def _can_id(digits: str) -> int:
    value = int(digits, 16)
    if len(digits) == _STANDARD_DIGITS:
        if value > STANDARD_MASK:
            raise LogLineError("an 11-bit id above 7FF")
        return value
    if value <= EXTENDED_MASK:
        return value | EXTENDED_FLAG
    if value & ~(EXTENDED_MASK | ERROR_FLAG):
        raise LogLineError("a 29-bit id above 1FFFFFFF")
    return value


def _bytes(digits: str) -> bytes:
    if len(digits) % 2:
        raise LogLineError("half a byte")
    return bytes.fromhex(digits)
