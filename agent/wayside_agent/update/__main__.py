"""`python -m wayside_agent.update`: the helper as the daemon starts it; see `drivers.installer_process`."""

import argparse
import sys
from pathlib import Path

from wayside_agent.update import confinement


def main() -> int:
    """Answers one request of standard input on standard output; 1: nobody hears."""
    parser = argparse.ArgumentParser(prog="wayside-agent install", description=__doc__)
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--trust-dir", type=Path)
    parser.add_argument("--hardware-id", default="")
    parser.add_argument("--parent", type=int, default=0, help="process it ends with")
    arguments = parser.parse_args()
    confinement.confine(parent=arguments.parent)
    from wayside_agent.update.helper import answer  # here: not before everything is given up
    from wayside_agent.update.place import Place

    try:
        answer(
            Place(arguments.state_dir, arguments.hardware_id, arguments.trust_dir),
            sys.stdin.buffer,
            sys.stdout.buffer,
        )
    except OSError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
