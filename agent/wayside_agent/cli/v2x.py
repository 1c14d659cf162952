"""`wayside-agent v2x decode|encode|stat FILE`: V2X messages for people."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.v2x.codec import DecodeError, EncodeError, Profile, decode, encode
from wayside.v2x.peek import MessageKind, peek
from wayside.v2x.readable import parsed, readable
from wayside_agent.core.packet_delivery import PacketDelivery
from wayside_agent.core.radio_recording import RecordError
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.core.v2x_files import MAX_FILE_BYTES, FileFormat, recorded


def decoded(path: Path, profile: Profile, form: FileFormat) -> Iterator[dict[str, Any]]:
    """A document for each message of a file; `error` where there is none."""
    for each in _records(path, form):
        if isinstance(each, RecordError):
            yield {"error": str(each)}
            continue
        document: dict[str, Any] = {"kind": each.kind, "profile": profile, "payload": each.payload.hex()}
        if each.time_ns:
            document["time_ns"] = each.time_ns
        if each.application_id is not None:
            document["application_id"] = each.application_id
        try:
            document["message"] = readable(decode(each.payload, profile))
        except DecodeError as error:
            document["error"] = str(error)
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
            yield encode(parsed(message), profile).hex()
        except (ValueError, RecursionError) as error:
            raise InvalidArgumentError(f"{path}, message {number}: it is no JSON ({error})") from None
        except EncodeError as error:
            raise InvalidArgumentError(f"{path}, message {number}: {error}") from None


def counted(path: Path, form: FileFormat) -> dict[str, Any]:
    """What is in a file: kinds, profiles that read all of a kind, senders, and how many messages were missed."""
    kinds: Counter[MessageKind] = Counter()
    read: dict[Profile, Counter[MessageKind]] = {profile: Counter() for profile in Profile}
    errors: Counter[str] = Counter()
    delivery, times_ns, size_bytes = PacketDelivery(), [], 0
    for each in _records(path, form):
        if isinstance(each, RecordError):
            errors[str(each)] += 1
            continue
        kinds[each.kind] += 1
        size_bytes += len(each.payload)
        if each.time_ns:
            times_ns.append(each.time_ns)
        for profile in Profile:
            read[profile][each.kind] += _is_readable(each, profile)
        seen = _peeked(each)
        if seen is not None:
            delivery.heard(*seen)
    duration_s = (max(times_ns) - min(times_ns)) / 1e9 if times_ns else None
    return {
        "messages": dict(kinds),
        "readable": {profile: dict(counts) for profile, counts in read.items()},
        "size_bytes": size_bytes,
        "duration_s": duration_s,
        "bsm_senders": delivery.sender_count,
        "bsm_received": delivery.total.received,
        "bsm_lost": delivery.total.lost,
        "errors": dict(errors),
    }


def _is_readable(message: ReceivedMessage, profile: Profile) -> bool:
    try:
        decode(message.payload, profile)
    except DecodeError:
        return False
    return True


def _peeked(message: ReceivedMessage) -> tuple[bytes, int] | None:
    """Sender and count of a BSM."""
    if message.kind is not MessageKind.BSM:
        return None
    try:
        seen = peek(message.payload)
    except DecodeError:
        return None
    return (seen.id, seen.message_count) if seen.id is not None and seen.message_count is not None else None


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
