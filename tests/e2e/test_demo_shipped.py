"""`make demo` begins on the recordings it ships, where there are no real ones. The rest is told on real ones."""

from pathlib import Path

import pytest
from rich.console import Console

from wayside_demo.recordings import SHIPPED
from wayside_demo.ship import ship
from wayside_demo.story import Story


def test_shipped_recordings_are_what_the_simulators_make(tmp_path: Path) -> None:
    ship(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in SHIPPED.iterdir()}


def test_units_show_live_values_of_shipped_recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYSIDE_DATA", str(tmp_path / "nothing"))
    story = Story(tmp_path, Console(quiet=True))
    try:
        for step in (story.choose_recordings, story.start_centre, story.enrol, story.show_live):
            step()
    finally:
        story.close()
    assert (story.seen["data"], story.seen["nodes"], story.seen["approval_shown"]) == ("shipped", 2, True)
