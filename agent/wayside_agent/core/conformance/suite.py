"""What is to be judged: `suite.toml` of a folder, the recordings beside it, and what holds for each of them.

suite = suite_of(text)         # InvalidArgumentError names the field
"""

import tomllib
from typing import Annotated

import msgspec

from wayside.errors import InvalidArgumentError
from wayside.v2x.peek import MessageKind
from wayside.v2x.profile import Profile
from wayside_agent.core.conformance.model import RuleName
from wayside_agent.core.v2x_files import FileFormat

FILE = "suite.toml"
_FileName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")]
"""Of the suite's own folder: no path leads out of it."""
_Words = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_PeriodMs = Annotated[int, msgspec.Meta(ge=1, le=3_600_000)]


class Recording(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of messages, and what may be expected of it."""

    file: _FileName
    format: FileFormat = FileFormat.AUTO
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Of the file; another one is not judged."""
    expected: _FileName | None = None
    """A line for each record, as `v2x decode` writes it: the message, or `error` where it must be refused."""
    kinds: tuple[MessageKind, ...] = ()
    """Kinds that may be there; none: all."""
    least_messages: Annotated[int, msgspec.Meta(ge=0)] = 1
    may_miss: bool = False
    """Recorded over the air: a gap in the counts is loss, and no finding."""
    periods_ms: dict[MessageKind, _PeriodMs] = {}
    """Longest time between two messages of a sender, instead of the standard's."""
    tolerance_ms: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 20
    """Of a period."""
    clock_tolerance_ms: Annotated[int, msgspec.Meta(ge=0, le=29_000)] = 500
    """Between the time in a message and that of its reception, before or behind."""
    skip: dict[RuleName, _Words] = {}
    """Rules that are not asked, and why."""


class Suite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A set of recordings under one profile."""

    name: _Words
    version: _Words
    profile: Profile
    recordings: Annotated[tuple[Recording, ...], msgspec.Meta(min_length=1, max_length=200)]


def suite_of(text: str) -> Suite:
    """The suite that a `suite.toml` describes.

    Raises: InvalidArgumentError: naming the field.
    """
    try:
        suite = msgspec.convert(tomllib.loads(text), Suite)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InvalidArgumentError(f"{FILE}: {error}") from None
    names = [each.file for each in suite.recordings]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InvalidArgumentError(f"{FILE}: {', '.join(sorted(twice))} is there twice; name each recording once")
    return suite
