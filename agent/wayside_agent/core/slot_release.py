"""What a slot says of itself: `slot.json`, the last file that is written into it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SlotRelease:
    """A complete release in a slot."""

    slot: str
    release: str
    version: str
    sha256: str
    """Of its artifact."""
    tree_sha256: str = ""
    """Over the list of its files; empty: written by an agent that did not know of it."""
    counter: int = 0
