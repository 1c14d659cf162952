"""What holds for every test: its order, its examples, where the public test data is, and a guard on log calls."""

import logging
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]

# The same examples at every run, however busy the machine is; `make fuzz` looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real processes first, the longest before all: they mostly wait, and a run must not end with one long file."""
    items.sort(key=lambda item: (not item.path.name.startswith("test_demo_"), "e2e" not in item.path.parts))


def _shared_data() -> Path | None:
    for candidate in (os.environ.get("WAYSIDE_DATA"), str(ROOT.parent / "shared" / "data")):
        if candidate and (Path(candidate) / "manifest.json").is_file():
            return Path(candidate)
    return None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public recordings; skips where it is not there."""
    found = _shared_data()
    if found is None:
        pytest.skip("needs the public recordings: ../shared/data is not there and WAYSIDE_DATA names no such folder")
    return found


@pytest.fixture(autouse=True)
def raise_on_bad_log_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log call whose arguments do not fit its format fails the test, at whatever level."""

    def checked(self: logging.Logger, *args: object, **kwargs: object) -> logging.LogRecord:
        record = make_record(self, *args, **kwargs)  # type: ignore[arg-type]  # passed through as it came
        record.getMessage()
        return record

    make_record = logging.Logger.makeRecord
    monkeypatch.setattr(logging.Logger, "makeRecord", checked)
