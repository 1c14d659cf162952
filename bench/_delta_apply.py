"""Applies one delta as a unit does, in a process of its own: `_delta_apply.py DELTA BASE INTO TREE`.

Prints the most memory it had [KiB]: the kernel's own account for parents (`ru_maxrss`) begins at the parent's size.
"""

import sys
from pathlib import Path

from wayside_agent.update.delta import rebuilt


def main() -> None:
    """Runs once; who started it reads what it took."""
    delta, base, into, tree = sys.argv[1:]
    with Path(delta).open("rb") as file:
        rebuilt(file, base=Path(base), into=Path(into), expected_tree_sha256=tree, is_abandoned=lambda: False)
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    print(peak.split()[1])


if __name__ == "__main__":
    main()
