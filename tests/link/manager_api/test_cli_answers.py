"""What `wayside` says of values, places and ended rollouts, against a manager in this process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.link.manager_api.commands import wayside
from tests.link.manager_api.config_unit import Fate, following
from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer, release_archive

BROKER = """\
name = "broker"
priority = 7
[selector]
kinds = ["rsu"]
[config]
telemetry.broker_host = "localhost"
"""


def written(tmp_path: Path, text: str, name: str = "file.toml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.usefixtures("rsu")
async def test_variables_are_printed_as_they_were_given(manager: LocalManager, tmp_path: Path) -> None:
    given = ("--variable", "lanes=4", "--variable", "width=3.5", "--variable", "lit=true", "--variable", "road=G98")
    code, out, err = await wayside(manager, "nodes", "update", "rsu-1", *given)
    assert code == 0, err
    assert "lanes=4, lit=true, road=G98, width=3.5" in out
    site = written(tmp_path, 'name = "k12"\nvariables = { lanes = 4 }\n')
    await wayside(manager, "sites", "apply", "-f", site)
    _, shown, _ = await wayside(manager, "sites", "show", "k12")
    assert "lanes=4" in shown.split()


@pytest.mark.usefixtures("rsu")
async def test_a_branch_is_explained_value_by_value(manager: LocalManager, tmp_path: Path) -> None:
    await wayside(manager, "config", "apply", "-f", written(tmp_path, BROKER))
    code, out, err = await wayside(manager, "config", "explain", "rsu-1", "telemetry")
    assert (code, err) == (0, "")
    lines = [line.rstrip() for line in out.splitlines()]
    heading = next(index for index, line in enumerate(lines) if line.startswith("telemetry.broker_host = "))
    assert lines[heading].startswith('telemetry.broker_host = "localhost" (set by broker, default ""')
    assert lines[heading + 1].split() == ["LAYER", "PRIORITY", "SAYS", "VARIABLES"]
    assert lines[heading + 2].split() == ["broker", "7", '"localhost"']
    assert lines[heading + 3] == ""
    assert "telemetry.broker_port = 0 (default)" in lines
    assert sum(line.startswith("LAYER") for line in lines) == 1


async def test_a_node_that_took_its_configuration_back_shows_why(
    manager: LocalManager, rsu: NodeCredential, tmp_path: Path
) -> None:
    async with following(manager, rsu, fate=Fate.REVERT) as unit:
        await wayside(manager, "config", "apply", "-f", written(tmp_path, BROKER), "--watch")
        await unit.told()
        _, out, _ = await wayside(manager, "config", "show", "rsu-1")
    assert "differs    reverted: " in out
    assert "the health gate did not pass" in out


async def test_a_node_that_runs_what_it_should_differs_in_nothing(
    manager: LocalManager, rsu: NodeCredential, tmp_path: Path
) -> None:
    async with following(manager, rsu, fate=Fate.APPLY) as unit:
        await wayside(manager, "config", "apply", "-f", written(tmp_path, BROKER), "--watch")
        await unit.told()
        code, out, err = await wayside(manager, "config", "show", "rsu-1")
    assert code == 0, err
    assert "differs" not in out


@pytest.mark.parametrize("noun", ["sites", "corridors", "groups", "geofences", "licences"])
def test_a_person_is_asked_before_a_thing_is_deleted(noun: str) -> None:
    program = f"from wayside_manager.cli.operator import app; app(['{noun}', 'delete', 'k12'])"
    person, terminal = os.openpty()
    try:
        os.write(person, b"n\n")
        done = subprocess.run(
            [sys.executable, "-c", program], stdin=terminal, capture_output=True, text=True, check=False, timeout=60
        )
    finally:
        os.close(person)
        os.close(terminal)
    assert done.returncode == 1
    assert f"Delete the {noun.removesuffix('s')} k12? [y/N]" in done.stdout + done.stderr
    assert "Aborted" in done.stderr


async def test_who_says_yes_beforehand_is_not_asked(manager: LocalManager, tmp_path: Path) -> None:
    await wayside(manager, "sites", "apply", "-f", written(tmp_path, 'name = "k12"\n'))
    code, out, err = await wayside(manager, "sites", "delete", "k12", "--yes")
    assert (code, out, err) == (0, "k12 is deleted\n", "")


async def test_an_aborted_rollout_says_the_same_at_once_and_later(manager: LocalManager, operator: Peer) -> None:
    await operator.publish(release_archive("1.1.0"))
    for node_id in ("rsu-1", "rsu-2"):
        await manager.enroll(node_id)
    _, made, _ = await wayside(manager, "rollouts", "create", "1.1.0", "--all", "-o", "json")
    name = json.loads(made)["name"]

    _, aborted, _ = await wayside(manager, "rollouts", "abort", name)
    await wayside(manager, "rollouts", "watch", name)  # until its nodes have settled
    _, shown, _ = await wayside(manager, "rollouts", "show", name)
    for out in (aborted, shown):
        assert "2 left-out" in out
        assert "pending" not in out


@pytest.mark.parametrize(
    ("selector", "field", "what"),
    [
        ('sites = ["k99"]', "selector.sites", "site k99"),
        ('corridors = ["g99 K1..K2"]', "selector.corridors", "corridor g99"),
        ('groups = ["pilots"]', "selector.groups", "group pilots"),
        ('geofences = ["town"]', "selector.geofences", "geofence town"),
    ],
    ids=["site", "corridor", "group", "geofence"],
)
async def test_a_layer_for_a_place_that_is_not_there_names_file_line_and_field(
    manager: LocalManager, tmp_path: Path, selector: str, field: str, what: str
) -> None:
    path = written(tmp_path, BROKER.replace('kinds = ["rsu"]', selector))
    for verb in (("config", "apply"), ("config", "preview")):
        code, _, err = await wayside(manager, *verb, "-f", path)
        assert code == 3
        assert err.startswith(f"error: {path}: line 4: {field}: {what} does not exist; "), err


async def test_a_place_of_an_option_is_not_looked_for_in_the_file(manager: LocalManager, tmp_path: Path) -> None:
    code, _, err = await wayside(manager, "config", "preview", "-f", written(tmp_path, BROKER), "--site", "k99")
    assert (code, err) == (3, "error: site k99 does not exist; list the sites to see which do\n")


async def test_a_map_may_write_a_kind_as_the_other_files_do(manager: LocalManager, tmp_path: Path) -> None:
    ring = [[110, 20], [110.2, 20], [110.2, 20.2], [110, 20]]
    feature = {
        "type": "Feature",
        "id": "town",
        "properties": {"type": "geofence", "kind": "test-area"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path = written(tmp_path, json.dumps({"type": "FeatureCollection", "features": [feature]}), "map.geojson")
    code, out, err = await wayside(manager, "sites", "import", path)
    assert (code, out) == (0, "1 made, 0 changed, 0 the same\n"), err
    _, shown, _ = await wayside(manager, "geofences", "show", "town", "-o", "json")
    assert json.loads(shown)["kind"] == "KIND_TEST_AREA"
