"""What the daemon and the helper process say to each other: one line of JSON there, lines of JSON back.

    line = encoded(Agree(node="nodes/rsu-1", now_s=…, …))       # to the helper's standard input, or its socket
    answer = answered(line)                                     # Progress any number of times, then one of the others

Both sides read with bounds; neither trusts the other: the helper judges by what it has verified itself, the daemon
takes an answer for what it is, a word. ADR 0021.
"""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from wayside.errors import InvalidArgumentError
from wayside.release_manifest import MAX_BYTES, Component, Notice

MAX_LINE_BYTES = 2 * MAX_BYTES
"""An answer may hold all of a manifest."""

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Folder = Annotated[str, Meta(pattern=r"^/", max_length=4_096)]
Size = Annotated[int, Meta(ge=0, le=2**53)]
Time = Annotated[float, Meta(ge=0, le=2**36)] | None
Text = Annotated[str, Meta(max_length=2_000)]
Version = Annotated[str, Meta(min_length=1, max_length=100)]


class Agree(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="agree"):
    """Verify what was staged and say whether it tells this unit to install a release."""

    node: Annotated[str, Meta(max_length=100)]
    """`nodes/{node}`: who this unit is."""
    now_s: Time
    """UTC [s since 1970]; `None`: nobody knows."""
    version: Version
    sha256: Sha256
    """Of the artifact, as the manager orders it."""
    size_bytes: Size
    staged: Folder
    """Holds `image/` and `director/` with the files the manager sent."""


class Verify(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="verify"):
    """Hold an artifact against what was agreed, and say what the release is made of."""

    now_s: Time
    sha256: Sha256
    """Of the release that was agreed on."""
    artifact: Folder
    is_delta: bool = False
    """The artifact is a delta: what it leads to is judged when it is applied, what it says of that now."""


class Install(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="install"):
    """Write a release into a slot."""

    now_s: Time
    sha256: Sha256
    """Of the release that was agreed on."""
    artifact: Folder
    """The whole artifact, or a delta."""
    is_delta: bool
    slot: Annotated[str, Meta(pattern=r"^[ab]\Z")]
    """The spare one; neither chosen nor bootable."""


Request = Agree | Verify | Install


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag="progress"):
    """How far it is."""

    ratio: Annotated[float, Meta(ge=0, le=1)]


class Agreed(msgspec.Struct, frozen=True, kw_only=True, tag="agreed"):
    """Both repositories tell this unit to install it; the fields of `core.agreement.Agreement`."""

    version: Version
    sha256: Sha256
    size_bytes: Size
    tree_sha256: Annotated[str, Meta(max_length=64)]
    counter: Size
    end_s: float
    """When the metadata that says so ends, UTC [s since 1970]."""


class Done(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="done"):
    """It is installed, or verified; then with what it says of itself."""

    components: Annotated[tuple[Component, ...], Meta(max_length=50)] = ()
    notices: dict[Annotated[str, Meta(pattern="^(zh|en)$")], Notice] = {}


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """It is not done, and never will be with these bytes."""

    reason: Annotated[str, Meta(max_length=40)]
    """A `core.agreement.Refusal`."""
    message: Text


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """The device stands in the way."""

    is_disk_full: bool
    message: Text


_T = TypeVar("_T")

Answer = Progress | Agreed | Done | Refused | Failed

_encoder = msgspec.json.Encoder()
_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


def encoded(message: Request | Answer) -> bytes:
    """A line."""
    return _encoder.encode(message) + b"\n"


def asked(line: bytes) -> Request:
    """The request in a line.

    Raises: InvalidArgumentError: it is none, or too long.
    """
    return _decoded(_requests, line)


def answered(line: bytes) -> Answer:
    """The answer in a line.

    Raises: InvalidArgumentError: it is none, or too long.
    """
    return _decoded(_answers, line)


def _decoded(decoder: "msgspec.json.Decoder[_T]", line: bytes) -> "_T":
    if len(line) > MAX_LINE_BYTES:
        raise InvalidArgumentError(f"a line of more than {MAX_LINE_BYTES} bytes came; restart the agent")
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgumentError(f"a line that is no message came ({error})"[:300]) from error
