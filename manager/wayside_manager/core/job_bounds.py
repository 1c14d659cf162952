"""Bounds of what a job may ask for, one row per field, as job.proto says them.

Usage: `bounded("ttl", 0.0)` is the default, `bounded("ttl", 3.0)` raises with one sentence that names the field.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from wayside.errors import InvalidArgumentError
from wayside_manager.core.jobs import NOTE_MAX_CHARS

_HOUR_S, _DAY_S = 3600.0, 86_400.0
PUSH_MAX_BYTES = 1 << 20
PATH_MAX_CHARS = 1_000
HOST_MAX_CHARS = 253  # RFC 1035
ID_MAX_CHARS = 63
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:-]{0,62}\Z")
# names and addresses; no leading '-', which a program could take for an option
_HOST = re.compile(r"[A-Za-z0-9:][A-Za-z0-9._:%-]{0,252}\Z")
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}\Z")


@dataclass(frozen=True, slots=True)
class Bound:
    """Least, most and default of a number."""

    least: float
    most: float
    default: float
    unit: str = ""


BOUNDS: Mapping[str, Bound] = {
    "ttl": Bound(10, 30 * _DAY_S, _HOUR_S, "s"),
    "timeout": Bound(1, 24 * _HOUR_S, 600, "s"),
    "artifact_max_bytes": Bound(1, 1 << 30, 64 << 20, "bytes"),
    "upload_max_bytes_per_second": Bound(1, 1 << 30, 0, "bytes per second"),
    "debug_bundle.log_age": Bound(1, 7 * _DAY_S, _HOUR_S, "s"),
    "packet_capture.duration": Bound(1, 600, 10, "s"),
    "packet_capture.snap_bytes": Bound(1, 65_535, 256, "bytes"),
    "packet_capture.max_packets": Bound(1, 1_000_000, 10_000),
    "packet_capture.port": Bound(1, 65_535, 0),
    "log_level.duration": Bound(1, 24 * _HOUR_S, 600, "s"),
    "network_probe.count": Bound(1, 100, 5),
    "gnss_snapshot.duration": Bound(1, 300, 10, "s"),
    "can_snapshot.duration": Bound(1, 300, 10, "s"),
    "shell.duration": Bound(1, 2 * _HOUR_S, 600, "s"),
}
"""By field of `wayside.v1.JobSpec`; 0 or absent stands for the default."""


def bounded(field: str, number: float) -> float:
    """The number, or the field's default for 0.

    Raises: InvalidArgumentError.
    """
    bound = BOUNDS[field]
    if number == 0:
        return bound.default
    if not bound.least <= number <= bound.most:
        unit = f" {bound.unit}" if bound.unit else ""
        raise _invalid(field, f"{number:g}{unit} is not within {bound.least:.10g} to {bound.most:.10g}{unit}")
    return number


def checked_word(field: str, word: str, *, may_be_empty: bool = False) -> str:
    """A name out of a unit's settings or system: a service, an interface, a diagnostic, a bus.

    Raises: InvalidArgumentError.
    """
    if not (_WORD.match(word) or (may_be_empty and not word)):
        raise _invalid(field, f"{word[:80]!r} is not 1 to {ID_MAX_CHARS} letters, digits, '.', '_', '@', ':' or '-'")
    return word


def checked_host(field: str, host: str) -> str:
    """A host name or address; empty: the manager.

    Raises: InvalidArgumentError.
    """
    if host and not _HOST.match(host):
        raise _invalid(field, f"{host[:80]!r} is no host name or address")
    return host


def checked_path(field: str, path: str) -> str:
    """An absolute path without a way back up.

    Raises: InvalidArgumentError.
    """
    parts = path.split("/")
    is_plain = path.startswith("/") and path.isprintable() and not {"..", "."}.intersection(parts)
    if not is_plain or len(path) > PATH_MAX_CHARS or path.endswith("/"):
        raise _invalid(
            field, f"{path[:80]!r} is no absolute path of a file, at most {PATH_MAX_CHARS} characters and without '..'"
        )
    return path


def checked_level(field: str, level: str) -> str:
    """How much to log.

    Raises: InvalidArgumentError.
    """
    if level not in LEVELS:
        raise _invalid(field, f"{level[:80]!r} is none of {', '.join(LEVELS)}")
    return level


def checked_content(field: str, content: bytes) -> bytes:
    """What a pushed file shall hold.

    Raises: InvalidArgumentError.
    """
    if len(content) > PUSH_MAX_BYTES:
        raise _invalid(field, f"{len(content)} bytes are more than {PUSH_MAX_BYTES}; use a release for what is larger")
    return content


def checked_note(field: str, note: str, *, is_required: bool = False) -> str:
    """Why somebody wants something.

    Raises: InvalidArgumentError.
    """
    if is_required and not note.strip():
        raise InvalidArgumentError(f"{field}: say why, in at most {NOTE_MAX_CHARS} characters", reason="REASON_MISSING")
    if len(note) > NOTE_MAX_CHARS or not note.replace("\n", " ").isprintable():
        raise InvalidArgumentError(
            f"{field}: give at most {NOTE_MAX_CHARS} printable characters", reason="NOTE_INVALID"
        )
    return note


def checked_file(field: str, file: str) -> str:
    """A plain file name.

    Raises: InvalidArgumentError.
    """
    if not _FILE.match(file):
        raise InvalidArgumentError(
            f"{field}: {file[:80]!r} is not 1 to 100 letters, digits, '.', '_' and '-', the first no '.'",
            reason="FILE_NAME_INVALID",
        )
    return file


def _invalid(field: str, what: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"spec.{field}: {what}", reason="JOB_INVALID")
