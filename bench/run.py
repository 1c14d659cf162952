"""Runs one benchmark, `python bench/run.py NAME`; without NAME lists them."""

import importlib
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def main() -> int:
    """Runs the benchmark of the first argument; the exit status says whether it ran."""
    names = sorted(
        path.stem.replace("_", "-") for path in FOLDER.glob("*.py") if path.stem != "run" and path.stem[0] != "_"
    )
    sys.path.insert(0, str(FOLDER.parent))
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    if wanted in names:
        importlib.import_module(f"bench.{wanted.replace('-', '_')}").main()
        return 0
    if wanted:
        print(f"There is no benchmark {wanted!r}; choose one of these:", file=sys.stderr)
    for name in names:
        first_line = (FOLDER / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8").splitlines()[0]
        print(f"{name:<20} {first_line.strip(chr(34))}")
    return 2 if wanted else 0


if __name__ == "__main__":
    sys.exit(main())
