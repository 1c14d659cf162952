"""A rollout over three real units near each other: one has the release from the manager, the others from that one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_delta_update import FAST, MakeUnit, published, until_runs
from wayside_demo.centre import Centre
from wayside_demo.dropping_link import DroppingLink
from wayside_demo.field import SENSORS, FieldUnit
from wayside_demo.stage import free_port, until

UPDATE_S = 180.0


@pytest.fixture
def line(centre: Centre) -> Iterator[Callable[[], DroppingLink]]:
    """Makes lines to the manager whose bytes are counted; they end with the test."""
    made: list[DroppingLink] = []

    def make() -> DroppingLink:
        made.append(DroppingLink(centre.addresses[0]))
        return made[-1]

    yield make
    for each in made:
        each.close()


def peer(port: int) -> str:
    """Sensors with the section that makes a unit serve; it stands at the end of the settings."""
    return f'{SENSORS}\n[peer]\nlisten = "127.0.0.1:{port}"\nadvertise = "127.0.0.1:{port}"\n'


def site(name: str, latitude: float) -> str:
    """A site; half a kilometre lies between the two."""
    position = f"{{ latitude_degrees = {latitude}, longitude_degrees = 121.4 }}"
    return f'[[sites]]\nname = "sites/{name}"\nposition = {position}\n'


def settled(unit: FieldUnit, site: str, ring: str) -> None:
    """Puts a unit that is enrolled into its place, and waits until it is there."""
    unit.centre.wayside("nodes", "update", unit.node_id, "--site", site, "--label", f"ring={ring}")
    unit.configure(FAST)
    unit.until_online()


def artifact_bytes(release: dict[str, Any]) -> int:
    return int(release["size_bytes"])


def test_the_first_wave_fetches_from_the_manager_and_the_others_from_the_first(
    centre: Centre, unit: MakeUnit, line: Callable[[], DroppingLink], tmp_path: Path
) -> None:
    sites = tmp_path / "sites.toml"
    sites.write_text("".join(site(name, latitude) for name, latitude in (("k12", 31.2), ("k13", 31.205))))
    centre.wayside("sites", "apply", "-f", str(sites))
    release = published(centre, tmp_path, "1.1.0")
    size_bytes = artifact_bytes(release)
    lines = {name: line() for name in ("rsu-first", "rsu-second", "obu-third")}
    first = unit("rsu-first", sensors=peer(free_port()), device_address=lines["rsu-first"].address)
    second = unit("rsu-second", device_address=lines["rsu-second"].address)
    third = unit("obu-third", kind="obu", device_address=lines["obu-third"].address)
    settled(first, "k12", "canary")
    settled(second, "k12", "rest")
    settled(third, "k13", "rest")
    before = {name: each.down_bytes for name, each in lines.items()}

    units = [option for name in lines for option in ("--node", name)]
    waves = ("--wave", "ring=canary", "--wave", "rest", "--observe", "1s")
    rollout = centre.wayside("rollouts", "create", "releases/1.1.0", *units, *waves)["name"]
    until(
        "the rollout is over",
        lambda: centre.wayside("rollouts", "show", rollout)["state"] == "STATE_SUCCEEDED",
        UPDATE_S,
    )
    for each in (first, second, third):
        assert int(until_runs(each, "1.1.0")["total_bytes"]) == size_bytes

    came = {name: each.down_bytes - before[name] for name, each in lines.items()}
    assert came["rsu-first"] >= size_bytes
    assert came["rsu-second"] < size_bytes / 4
    assert came["obu-third"] < size_bytes / 4
    assert sum(came.values()) < 2 * size_bytes  # of three times that much
    words = first.agent.words()
    assert "nodes/rsu-second fetches from byte 0" in words
    assert "nodes/obu-third fetches from byte 0" in words
