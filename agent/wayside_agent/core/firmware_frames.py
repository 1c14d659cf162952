"""What an agent and a radio or microcontroller say to each other about firmware: one frame there, one back.

    content = framed(Kind.DATA, number=7, body=offset.to_bytes(4, "little") + chunk)
    frame, rest = unframed(buffer)           # None while it is not whole; raises InvalidArgumentError on nonsense

A frame, all little-endian: `WF`, kind (1 byte), number (1 byte), length of the body (2 bytes), body (at most 1,100
bytes), CRC-32 of everything before (4 bytes). The answer carries the number of the question. A
question asked twice is done once, so whoever hears nothing asks again.

Source: our own; the sizes suit a UART at 115,200 bit/s. docs/integrate.md describes it for makers of devices.
"""

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

from wayside.errors import InvalidArgumentError

MARKER = b"WF"
MAX_BODY_BYTES = 1_100
CHUNK_BYTES = 1_024
"""Of an image, in one frame."""
_HEAD = struct.Struct("<2sBBH")
_CRC = struct.Struct("<I")
_BEGIN = struct.Struct("<I32s")
_STATE = struct.Struct("<B?I")
_IMAGE = struct.Struct("<4s32s32sII")
HEAD_BYTES = _HEAD.size
IMAGE_HEAD_BYTES = _IMAGE.size
IMAGE_MARKER = b"WFI1"


class Kind(IntEnum):
    """What is asked, and how it is answered."""

    STATE = 1  # body empty; answered by STATE
    BEGIN = 2  # size (4), SHA-256 (32); answered by DONE with how many bytes of that image are there (4)
    DATA = 3  # offset (4), content; answered by DONE with how many bytes are there (4)
    FINISH = 4  # checks what was written; answered by DONE
    ACTIVATE = 5  # starts the other bank, on trial; answered by DONE
    CONFIRM = 6  # ends the trial; answered by DONE
    REVERT = 7  # starts the bank before, forgets the other; answered by DONE
    DONE = 0x80
    STATED = 0x81
    REFUSED = 0xFF  # a sentence in UTF-8


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    kind: Kind
    number: int
    """0 to 255."""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What a device says of itself."""

    bank: int
    """That runs: 0 or 1."""
    is_trial: bool
    bank_bytes: int
    """Room for an image."""
    hardware: str
    version: str
    """That runs; empty: none is known."""
    spare_version: str
    """In the other bank, complete; empty: none."""


@dataclass(frozen=True, slots=True)
class ImageHead:
    """The first bytes of an image: whose it is."""

    hardware: str
    version: str
    size_bytes: int
    """Of what follows the head."""
    crc32: int
    """Of what follows the head."""


def framed(kind: Kind, number: int, body: bytes = b"") -> bytes:
    """The bytes of a frame.

    Raises: InvalidArgumentError: the body is too long.
    """
    if len(body) > MAX_BODY_BYTES:
        raise InvalidArgumentError(f"a frame holds {MAX_BODY_BYTES} bytes, not {len(body)}")
    content = _HEAD.pack(MARKER, kind, number, len(body)) + body
    return content + _CRC.pack(zlib.crc32(content))


def frame_bytes(head: bytes) -> int:
    """How long a frame is that begins with these `HEAD_BYTES`.

    Raises: InvalidArgumentError: none does.
    """
    marker, _, _, length = _HEAD.unpack_from(head)
    if marker != MARKER or length > MAX_BODY_BYTES:
        raise InvalidArgumentError("no frame begins here")
    return HEAD_BYTES + int(length) + _CRC.size


def unframed(content: bytes) -> Frame:
    """The frame in these bytes, all of them.

    Raises: InvalidArgumentError: it is none, or was damaged on its way.
    """
    if len(content) < HEAD_BYTES or len(content) != frame_bytes(content):
        raise InvalidArgumentError(f"{len(content)} bytes are no frame")
    if _CRC.unpack_from(content, len(content) - _CRC.size)[0] != zlib.crc32(content[: -_CRC.size]):
        raise InvalidArgumentError("the checksum of a frame is wrong")
    _, kind, number, _ = _HEAD.unpack_from(content)
    if kind not in set(Kind):
        raise InvalidArgumentError(f"a frame has kind {kind}, which there is not")
    return Frame(Kind(kind), number, content[HEAD_BYTES : -_CRC.size])


def begin_body(size_bytes: int, sha256: bytes) -> bytes:
    """The body of BEGIN."""
    return _BEGIN.pack(size_bytes, sha256)


def begun(body: bytes) -> tuple[int, bytes]:
    """Size and SHA-256 of the image that BEGIN announces.

    Raises: InvalidArgumentError.
    """
    if len(body) != _BEGIN.size:
        raise InvalidArgumentError(f"BEGIN has {len(body)} bytes instead of {_BEGIN.size}")
    size_bytes, sha256 = _BEGIN.unpack(body)
    return size_bytes, sha256


def count_body(count: int) -> bytes:
    """A number of bytes, or an offset, as frames hold it."""
    return count.to_bytes(4, "little")


def counted(body: bytes) -> int:
    """The number at the beginning of a body.

    Raises: InvalidArgumentError.
    """
    if len(body) < 4:  # noqa: PLR2004  # as many as `count_body` writes
        raise InvalidArgumentError("a frame ends before its number does")
    return int.from_bytes(body[:4], "little")


def state_body(state: DeviceState) -> bytes:
    """The body of STATED: the numbers, then three lines."""
    lines = f"{state.hardware}\n{state.version}\n{state.spare_version}"
    return _STATE.pack(state.bank, state.is_trial, state.bank_bytes) + lines.encode()


def stated(body: bytes) -> DeviceState:
    """The state in a body.

    Raises: InvalidArgumentError.
    """
    try:
        bank, is_trial, bank_bytes = _STATE.unpack_from(body)
        hardware, version, spare_version = body[_STATE.size :].decode().split("\n")
    except (struct.error, ValueError) as error:
        raise InvalidArgumentError(f"a state cannot be read ({error})") from error
    if bank not in {0, 1}:
        raise InvalidArgumentError(f"a state names bank {bank}, which there is not")
    return DeviceState(bank, is_trial, bank_bytes, hardware, version, spare_version)


def image_head_body(head: ImageHead) -> bytes:
    """The first `IMAGE_HEAD_BYTES` of an image."""
    names = (head.hardware.encode(), head.version.encode())
    if any(len(name) > 32 or b"\0" in name for name in names):  # noqa: PLR2004  # as `_IMAGE` has it
        raise InvalidArgumentError("hardware and version of an image have at most 32 bytes each")
    return _IMAGE.pack(IMAGE_MARKER, *names, head.size_bytes, head.crc32)


def image_head(content: bytes) -> ImageHead:
    """Whose image begins with these bytes.

    Raises: InvalidArgumentError: no image does.
    """
    if len(content) < IMAGE_HEAD_BYTES or not content.startswith(IMAGE_MARKER):
        raise InvalidArgumentError("it does not begin as an image does")
    _, hardware, version, size_bytes, crc32 = _IMAGE.unpack_from(content)
    try:
        names = [name.rstrip(b"\0").decode("ascii") for name in (hardware, version)]
    except UnicodeDecodeError as error:
        raise InvalidArgumentError("hardware or version of an image are not ASCII") from error
    if not all(name.isprintable() for name in names):
        raise InvalidArgumentError("hardware or version of an image cannot be printed")
    return ImageHead(names[0], names[1], size_bytes, crc32)
