"""Deltas that lead to a release, as `wayside releases list` and `show` print them."""

from collections import Counter

from wayside.v1 import release_pb2
from wayside_manager.cli.output import print_table, worded

COLUMNS = ("DELTA FROM", "STATE", "SIZE [BYTE]", "OF THE WHOLE", "WHY")


def delta_counts(release: release_pb2.Release) -> str:
    """`2 ready, 1 failed`; `none` where nothing leads to it but the whole."""
    counts = Counter(_state(delta) for delta in release.deltas)
    return ", ".join(f"{counts[state]} {state}" for state in sorted(counts)) or "none"


def print_deltas(release: release_pb2.Release) -> None:
    """Prints a line for each; nothing where there is none."""
    if release.deltas:
        print_table(COLUMNS, (_row(delta, release.size_bytes) for delta in release.deltas))


def _row(delta: release_pb2.ReleaseDelta, whole_bytes: int) -> tuple[object, ...]:
    is_made = delta.size_bytes > 0
    share = f"{100 * delta.size_bytes / max(whole_bytes, 1):.1f} %" if is_made else ""
    size = delta.size_bytes if is_made else ""
    return delta.base.removeprefix("releases/"), _state(delta), size, share, delta.message


def _state(delta: release_pb2.ReleaseDelta) -> str:
    return worded(release_pb2.ReleaseDelta.State, delta.state, "STATE_")
