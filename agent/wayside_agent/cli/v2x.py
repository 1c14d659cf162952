"""`wayside-agent v2x decode|encode|stat FILE`: V2X messages for people."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.v2x.codec import DecodeError, EncodeError, Profile, decode, encode
from wayside.v2x.foreign import Family, foreign
from wayside.v2x.phase2_readable import parsed, readable
from wayside_agent.cli.v2x_envelope import without_envelope
from wayside_agent.core.radio_recording import RecordError
from wayside_agent.core.spdu.hearing import taken_out
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.core.v2x_files import MAX_FILE_BYTES, FileFormat, recorded
from wayside_agent.core.v2x_tally import Tally


def decoded_as(path: Path, profile: str, form: FileFormat, *, unconfirmed: bool = False) -> Iterator[dict[str, Any]]:
    """A document for each message of a file, under one of our profiles or those of another region.

    Raises: InvalidArgumentError: what decodes the messages of other regions is not installed.
    """
    if profile in Profile.__members__.values():
        return decoded(path, Profile(profile), form, unconfirmed=unconfirmed)
    from wayside_agent.cli import v2x_foreign  # here: only these need it

    return v2x_foreign.decoded(_records(path, form), Family(profile), path)


def decoded(path: Path, profile: Profile, form: FileFormat, *, unconfirmed: bool = False) -> Iterator[dict[str, Any]]:
    """A document for each message of a file; `error` where there is none; `unconfirmed`: see `wayside.v2x.phase2`."""
    for each in _records(path, form):
        if isinstance(each, RecordError):
            yield {"error": str(each)}
            continue
        message, security = without_envelope(each)
        document: dict[str, Any] = {
            "kind": message.kind,
            "profile": profile,
            "payload": message.payload.hex(),
            **security,
        }
        if message.time_ns:
            document["time_ns"] = message.time_ns
        if message.application_id is not None:
            document["application_id"] = message.application_id
        try:
            document["message"] = readable(decode(message.payload, profile), profile, unconfirmed=unconfirmed)
        except DecodeError as error:
            document["error"] = _reason(error, message.payload)
        yield document


def encoded(path: Path, profile: Profile) -> Iterator[str]:
    """The hex of each message of a file: a line of JSON each, as `decode` writes them, or one message alone.

    Raises: InvalidArgumentError: naming line and field.
    """
    text = _content(path).decode("utf-8", errors="replace")
    for number, line in enumerate(_documents(text), start=1):
        try:
            document = json.loads(line)
            message = document.get("message", document) if isinstance(document, dict) else document
            yield encode(parsed(message, profile), profile).hex()
        except (ValueError, RecursionError) as error:
            raise InvalidArgumentError(f"{path}, message {number}: it is no JSON ({error})") from None
        except EncodeError as error:
            raise InvalidArgumentError(f"{path}, message {number}: {error}") from None


def counted(path: Path, form: FileFormat) -> dict[str, Any]:
    """What is in a file."""
    tally = Tally()
    for each in _records(path, form):
        tally.add(each if isinstance(each, RecordError) else taken_out(each)[0])
    return tally.document()


def _reason(error: DecodeError, payload: bytes) -> str:
    """Why a message cannot be read, and what it may be instead."""
    found = foreign(payload)
    return f"{error}; it may be {found.name} of {found.family}" if found else str(error)


def _records(path: Path, form: FileFormat) -> Iterator[ReceivedMessage | RecordError]:
    return recorded(_content(path), form)


def _documents(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        json.loads(lines[0] if lines else "")
    except ValueError:
        return [text]  # one document over many lines
    return lines


def _content(path: Path) -> bytes:
    """Raises: NotFoundError, InvalidArgumentError."""
    try:
        if str(path) == "-":
            content = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        else:
            with path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise NotFoundError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise InvalidArgumentError(f"{path}: more than {MAX_FILE_BYTES} bytes; cut it")
    return content
