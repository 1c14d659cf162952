"""What a release says of itself that the unit acts on: its parts, and what people are told of it.

Usage: `told = contents(manifest)`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from wayside.release_manifest import Component, Notice


@dataclass(frozen=True, slots=True)
class Told:
    """What a person must know of an update, in one language. Persisted: fields are added, never changed."""

    purpose: str = ""
    changes: str = ""
    duration_s: float = 0.0
    """How long the unit is busy with it [s]."""
    unavailable: str = ""
    """What does not work meanwhile."""
    safety: str = ""
    """How to be safe meanwhile."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Parts and notices of a release, as people signed them."""

    components: tuple[Component, ...]
    notices: Mapping[str, Told]
    """By language: `zh`, `en`."""


def contents(components: tuple[Component, ...], notices: Mapping[str, Notice]) -> Contents:
    """The same as the unit keeps it."""
    return Contents(components, {language: _told(notice) for language, notice in notices.items()})


def _told(notice: Notice) -> Told:
    return Told(notice.purpose, notice.changes, notice.duration_s, notice.unavailable, notice.safety)
