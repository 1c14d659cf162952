"""One parser under atheris: `python -m tests.fuzz.coverage_guided NAME [libFuzzer option]...`; see `tests/fuzz/run.py`.

Our own modules are instrumented; C libraries under them (cryptography, upb, msgspec) are not.
"""

import importlib
import sys


def main() -> None:
    """Runs the program until libFuzzer ends the process."""
    atheris = importlib.import_module("atheris")  # not among the project's dependencies
    with atheris.instrument_imports(include=["wayside", "wayside_agent", "wayside_manager"]):
        targets = importlib.import_module("tests.fuzz.targets")
    engine = importlib.import_module("tests.fuzz.engine")
    target = targets.BY_NAME[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda data: engine.checked(target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
