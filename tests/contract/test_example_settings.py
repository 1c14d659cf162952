"""The settings files the packages bring as examples are valid, down to every driver's options."""

from pathlib import Path

import pytest

from wayside_agent import registry, settings

EXAMPLES = sorted((Path(__file__).parents[2] / "packaging" / "examples").glob("agent-*.toml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_valid(path: Path) -> None:
    unit = settings.read(path)
    assert registry.can_buses(unit)
    assert registry.gnss(unit)
    assert registry.radio(unit)
    assert registry.feeds(unit) == ()
