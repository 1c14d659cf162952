"""Messages in files of people: recordings, captures, hex, packets of a platform.

for each in recorded(content, FileFormat.AUTO):      # ReceivedMessage, or an error with the place
"""

import re
from collections.abc import Iterator
from enum import StrEnum

from wayside.v2x.peek import message_kind
from wayside_agent.core.application_id import LayoutError
from wayside_agent.core.frame_layout import DSMP, RAW
from wayside_agent.core.pcap_reading import PcapError, is_pcap, packets
from wayside_agent.core.radio_recording import RecordError, messages, packet
from wayside_agent.core.v2x import ReceivedMessage

_HEX_LINE = re.compile(r"\s*(?:0x)?([0-9a-fA-F]{2}(?:[\s:]?[0-9a-fA-F]{2})*)\s*\Z")
MAX_FILE_BYTES = 256 * 1024 * 1024


class FileFormat(StrEnum):
    """How messages stand in a file."""

    AUTO = "auto"
    """A capture, or lines: our recordings, the packets of a Chinese RSU with their titles, bare hex."""
    HEX = "hex"
    PCAP = "pcap"
    PLATFORM = "platform"
    """One packet of an RSU to its platform: id, time, length, message."""
    PLATFORM_BSM = "platform-bsm"
    """The same for BSM, which has a count of messages."""
    UPER = "uper"
    """The file is one message."""


def recorded(content: bytes, form: FileFormat) -> Iterator[ReceivedMessage | RecordError]:
    """Every message, and an error for every record that holds none."""
    if form is FileFormat.UPER:
        yield _message(content, 0, None)
    elif form in {FileFormat.PLATFORM, FileFormat.PLATFORM_BSM}:
        yield from _platform(content, has_count=form is FileFormat.PLATFORM_BSM)
    elif form is FileFormat.PCAP or (form is FileFormat.AUTO and is_pcap(content)):
        yield from _captured(content)
    else:
        yield from _lines(content)


def _lines(content: bytes) -> Iterator[ReceivedMessage | RecordError]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        yield RecordError("the file is no text; say with --format what it is")
        return
    for line in text.splitlines():
        if found := _HEX_LINE.match(line):
            yield _message(bytes.fromhex(re.sub(r"[\s:]", "", found[1])), 0, None)
        else:
            yield from messages([line])


def _platform(content: bytes, *, has_count: bool) -> Iterator[ReceivedMessage | RecordError]:
    try:
        found = packet(content, has_count=has_count)
    except RecordError as error:
        yield error
        return
    for each in found.messages:
        yield _message(each, found.time_ms * 1_000_000, None)


def _captured(content: bytes) -> Iterator[ReceivedMessage | RecordError]:
    try:
        for each in packets(content):
            layout = DSMP if each.is_dsmp or each.payload[:2] == b"\x04\x00" else RAW
            try:
                frame = layout.parsed(each.payload)
            except LayoutError as error:
                yield RecordError(str(error))
                continue
            yield _message(frame.payload, each.time_ns, frame.application_id)
    except PcapError as error:
        yield RecordError(str(error))


def _message(payload: bytes, time_ns: int, application_id: int | None) -> ReceivedMessage | RecordError:
    kind = message_kind(payload)
    if kind is None:
        return RecordError(f"{payload[:4].hex()}… is no message of a known kind")
    return ReceivedMessage(payload, kind, time_ns, application_id)
