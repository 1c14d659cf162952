"""Applies one delta as a unit does, in a process of its own: `_delta_apply.py DELTA BASE INTO TREE`."""

import sys
from pathlib import Path

from wayside_agent.update.delta import rebuilt


def main() -> None:
    """Runs once; who started it reads what it took."""
    delta, base, into, tree = sys.argv[1:]
    with Path(delta).open("rb") as file:
        rebuilt(file, base=Path(base), into=Path(into), expected_tree_sha256=tree, is_abandoned=lambda: False)


if __name__ == "__main__":
    main()
