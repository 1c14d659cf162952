"""A strict reader of RFC 5424 messages: what does not keep to its grammar (section 6) is an error."""

import re
from dataclasses import dataclass

_PRINTABLE = r"[!-~]"
_SD_NAME = r"[!#-<>-\\^-~]{1,32}"  # printable without '=', ' ', ']' and '"'
_HEADER = re.compile(
    rf"<(0|[1-9][0-9]{{0,2}})>([1-9][0-9]{{0,2}}) (\S+) ({_PRINTABLE}{{1,255}}) ({_PRINTABLE}{{1,48}}) "
    rf"({_PRINTABLE}{{1,128}}) ({_PRINTABLE}{{1,32}}) "
)
_TIME = re.compile(
    r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_PARAMETER = re.compile(rf' ({_SD_NAME})="((?:[^"\\\]]|\\.)*)"', re.DOTALL)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Message:
    """A message."""

    facility: int
    severity: int
    time: str
    host: str
    app: str
    kind: str
    sd_id: str
    values: dict[str, str]
    text: str


def read(told: bytes) -> Message:
    """The message in these bytes.

    Raises: ValueError: they are none.
    """
    head = _HEADER.match(told.decode("utf-8", "surrogateescape"))
    if head is None:
        raise ValueError(f"no header: {told[:200]!r}")
    priority, version, time, host, app, process, kind = head.groups()
    if int(priority) > 191 or version != "1" or not _TIME.fullmatch(time) or process != "-":
        raise ValueError(f"priority, version or time: {told[:200]!r}")
    rest = told.decode("utf-8", "surrogateescape")[head.end() :]
    sd_id, values, rest = _structured_data(rest)
    if not rest.startswith(" "):
        raise ValueError(f"no blank before the text: {rest[:50]!r}")
    text = rest[1:].encode("utf-8", "surrogateescape")
    if not text.startswith(_BOM):
        raise ValueError("a text in UTF-8 begins with its mark")
    return Message(
        facility=int(priority) // 8,
        severity=int(priority) % 8,
        time=time,
        host=host,
        app=app,
        kind=kind,
        sd_id=sd_id,
        values=values,
        text=text.removeprefix(_BOM).decode("utf-8"),
    )


def _structured_data(rest: str) -> tuple[str, dict[str, str], str]:
    opened = re.match(rf"\[({_SD_NAME})", rest)
    if opened is None:
        raise ValueError(f"no structured data: {rest[:50]!r}")
    place, values = opened.end(), {}
    while found := _PARAMETER.match(rest, place):
        values[found[1]] = re.sub(r'\\(["\\\]])', r"\1", found[2])
        place = found.end()
    if rest[place : place + 1] != "]":
        raise ValueError(f"structured data do not end: {rest[place:][:50]!r}")
    return opened[1], values, rest[place + 1 :]


def frames(content: bytes) -> list[bytes]:
    """The messages in a stream of frames, RFC 5425, section 4.3.

    Raises: ValueError: it is not one.
    """
    found, place = [], 0
    while place < len(content):
        length = re.compile(rb"([1-9][0-9]{0,5}) ").match(content, place)
        if length is None or length.end() + int(length[1]) > len(content):
            raise ValueError(f"no whole frame: {content[place:][:50]!r}")
        place = length.end() + int(length[1])
        found.append(content[length.end() : place])
    return found
