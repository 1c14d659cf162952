"""The messages of SWUpdate's control socket: C structs of fixed size, in the machine's own layout.

    writer.write(install_request(software_set="stable", running_mode="copy2", is_dry_run=False))
    if is_taken(await reader.readexactly(MESSAGE_BYTES)): ...

Source: SWUpdate 2022.12, include/network_ipc.h and swupdate_status.h; the API version is checked by SWUpdate.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from wayside.errors import InvalidArgumentError

_MAGIC = 0x14052001
_API_VERSION = 1
_SOURCE_LOCAL = 4
_HEAD = struct.Struct("@ii")
_INSTALL = struct.Struct("@ii Iii N 512s 256s 256s ? 0N I 2048s 0N")  # `0N`: padding as a C compiler has it
_STATUS = struct.Struct("@ii iii 2048s")
MESSAGE_BYTES = _INSTALL.size
"""The union is as large as its largest member, which is the request to install."""
NAME_MAX_LENGTH = 255


class Message(IntEnum):
    """`msgtype`."""

    INSTALL = 0
    ACK = 1
    NACK = 2
    STATUS = 3


class Recovery(IntEnum):
    """`RECOVERY_STATUS`."""

    IDLE = 0
    START = 1
    RUN = 2
    SUCCESS = 3
    FAILURE = 4
    DOWNLOAD = 5
    DONE = 6
    SUBPROCESS = 7
    PROGRESS = 8


@dataclass(frozen=True, slots=True)
class Status:
    """What SWUpdate does, and one line of its log."""

    current: Recovery
    last_result: Recovery
    line: str


def install_request(*, software_set: str, running_mode: str, is_dry_run: bool) -> bytes:
    """Asks to install the image that follows; names may be empty.

    Raises: InvalidArgumentError: a name is too long.
    """
    names = (software_set.encode(), running_mode.encode())
    if any(len(name) > NAME_MAX_LENGTH for name in names):
        raise InvalidArgumentError(f"software set and mode have at most {NAME_MAX_LENGTH} bytes each")
    head = (_MAGIC, Message.INSTALL, _API_VERSION, _SOURCE_LOCAL, 1 if is_dry_run else 2)
    return _INSTALL.pack(*head, 0, b"", *names, False, 0, b"")


def status_request() -> bytes:
    """Asks for the next status."""
    return _HEAD.pack(_MAGIC, Message.STATUS).ljust(MESSAGE_BYTES, b"\0")


def is_taken(content: bytes) -> bool:
    """Whether an image may follow the request.

    Raises: InvalidArgumentError: no message of SWUpdate.
    """
    return _unpacked(content)[1] == Message.ACK


def status(content: bytes) -> Status:
    """The status in an answer.

    Raises: InvalidArgumentError: no message of SWUpdate.
    """
    _, _, current, last, _, line = _unpacked(content)
    if not {current, last} <= set(Recovery):
        raise InvalidArgumentError(f"a status names {current} and {last}, which there are not")
    text = line.partition(b"\0")[0].decode(errors="replace").strip()
    return Status(Recovery(current), Recovery(last), text)


def _unpacked(content: bytes) -> tuple[int, int, int, int, int, bytes]:
    if len(content) != MESSAGE_BYTES:
        raise InvalidArgumentError(f"{len(content)} bytes came, a message has {MESSAGE_BYTES}")
    magic, kind, current, last, error, line = _STATUS.unpack_from(content)
    if magic != _MAGIC or kind not in set(Message):
        raise InvalidArgumentError("what came is no message of SWUpdate")
    return magic, kind, current, last, error, line
