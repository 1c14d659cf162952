"""A real manager, a real broker and real agents, as processes on loopback; the stage is the demo's."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """A manager that serves and a broker."""
    work_dir = tmp_path_factory.mktemp("centre")
    made = Centre(work_dir, work_dir)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def unit(centre: Centre, tmp_path: Path) -> Iterator[Callable[..., FieldUnit]]:
    """Makes enrolled units with simulated sensors; they end with the test."""
    made: list[FieldUnit] = []

    def make(node_id: str, *, enrolled: bool = True, **given: str) -> FieldUnit:
        fresh = FieldUnit(node_id, tmp_path / node_id, centre, **given)
        made.append(fresh)
        if enrolled:
            fresh.enroll()
        return fresh

    yield make
    for each in made:
        each.agent.stop()
