"""`wayside config` and `wayside licences` against a manager in this process."""

import json
from pathlib import Path

import pytest

from tests.link.manager_api.commands import wayside
from tests.link.manager_api.config_unit import Fate, following
from tests.link.manager_api.peer import LocalManager, NodeCredential

LAYER = """\
name = "base"
priority = 7

[selector]
kinds = ["rsu"]

[config]
report_period_s = {period_s}
"""


def layer_file(tmp_path: Path, period_s: float = 45) -> Path:
    path = tmp_path / "layer.toml"
    path.write_text(LAYER.format(period_s=period_s))
    return path


@pytest.mark.usefixtures("rsu")
async def test_a_layer_is_previewed_applied_shown_rolled_back_and_deleted(
    manager: LocalManager, tmp_path: Path
) -> None:
    file = layer_file(tmp_path)
    _, dry, _ = await wayside(manager, "config", "apply", "-f", file, "--dry-run", "-o", "json")
    code, applied, _ = await wayside(manager, "config", "apply", "-f", file, "--comment", "slower", "-o", "json")
    assert code == 0
    assert json.loads(dry)["changed_node_count"] == 1
    assert json.loads(applied)["changed_nodes"] == ["nodes/rsu-1"]
    assert json.loads(applied)["rollout"].startswith("rollouts/")
    layer_file(tmp_path, 46)
    _, diff, _ = await wayside(manager, "config", "diff", "-f", file)
    assert "report_period_s" in diff
    assert "45" in diff
    await wayside(manager, "config", "apply", "-f", file)
    _, history, _ = await wayside(manager, "config", "history", "base", "-o", "json")
    assert [each["comment"] for each in json.loads(history)["revisions"]] == ["", "slower"]
    code, _, _ = await wayside(manager, "config", "rollback", "base")
    assert code == 0
    _, shown, _ = await wayside(manager, "config", "show", "rsu-1", "-o", "json")
    assert json.loads(shown)["config"] == {"report_period_s": 45}
    _, got, _ = await wayside(manager, "config", "get", "base")
    assert '"report_period_s": 45' in got
    _, layers, _ = await wayside(manager, "config", "layers")
    assert "base" in layers
    _, explained, _ = await wayside(manager, "config", "explain", "rsu-1", "report_period_s")
    assert explained.startswith("report_period_s = 45 (set by base, default 30")
    _, between, _ = await wayside(manager, "config", "diff", "rsu-1", "--from", "2", "--to", "1", "-o", "json")
    assert [(each["before"], each["after"]) for each in json.loads(between)["values"]] == [(46, 45)]
    code, deleted, _ = await wayside(manager, "config", "delete", "base", "--yes")
    assert code == 0
    assert "changes 1 node: rsu-1" in deleted
    _, nothing, _ = await wayside(manager, "config", "preview", "rsu-1")
    assert "of 1 nodes would change" in nothing


@pytest.mark.usefixtures("rsu")
async def test_what_is_refused_names_file_line_path_and_range(manager: LocalManager, tmp_path: Path) -> None:
    file = layer_file(tmp_path, 0)
    code, _, error = await wayside(manager, "config", "apply", "-f", file)
    assert code == 2
    assert error.startswith(f"error: {file}: line 8: config.report_period_s: 0 is outside 1 to 3600"), error
    for verb in ("preview", "diff"):
        code, said, _ = await wayside(manager, "config", verb, "-f", file)
        assert code == 1
        assert "report_period_s: 0 is outside 1 to 3600" in said


async def test_drift_is_listed_and_trials_are_decided(
    manager: LocalManager, rsu: NodeCredential, tmp_path: Path
) -> None:
    async with following(manager, rsu, fate=Fate.HOLD) as unit:
        await wayside(manager, "config", "apply", "-f", layer_file(tmp_path), "--needs-confirmation")
        await unit.until(lambda: unit.trial)
        await unit.told()
        assert unit.trial is not None
        trial = unit.trial.trial
        _, drift, _ = await wayside(manager, "config", "drift", "--kind", "rsu", "-o", "json")
        assert [each["cause"] for each in json.loads(drift)["drifts"]] == ["CAUSE_PROVISIONAL"]
        code, _, _ = await wayside(manager, "config", "extend", "rsu-1", "--trial", trial, "--timeout", "10m")
        assert code == 0
        code, _, error = await wayside(manager, "config", "confirm", "rsu-1", "--trial", "other")
        assert (code, "other" in error) == (1, True)
        code, _, _ = await wayside(manager, "config", "confirm", "rsu-1", "--trial", trial)
        assert code == 0
        await unit.until(lambda: unit.running_revision == 1)
        await unit.told()
        _, drift, _ = await wayside(manager, "config", "drift", "-o", "json")
        assert json.loads(drift) == {"drifts": []}
        code, _, error = await wayside(manager, "config", "cancel", "rsu-1", "--trial", trial)
        assert code == 1


@pytest.mark.parametrize(("fate", "ended"), [(Fate.APPLY, 0), (Fate.REVERT, 1)])
async def test_whoever_applies_a_layer_may_watch_it_to_its_end(
    manager: LocalManager, rsu: NodeCredential, tmp_path: Path, fate: Fate, ended: int
) -> None:
    async with following(manager, rsu, fate=fate) as unit:
        code, said, error = await wayside(manager, "config", "apply", "-f", layer_file(tmp_path), "--watch")
        await unit.told()
    assert code == ended, (said, error)
    assert "base is in force as revision 1" in said
    assert ("has failed" in error) is bool(ended)
    assert ("the health gate did not pass" in said) is bool(ended)


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        (("--corridor", "g98"), ["near", "far"]),
        (("--corridor", "g98:K12..K13"), ["near"]),
        (("--corridor", "g98:15500..K20"), []),
        (("--geofence", "town"), ["near"]),
        (("--geofence", "town", "--corridor", "g98:K14..K16"), []),
        (("--site", "k15", "--kind", "rsu"), ["far"]),
    ],
    ids=" ".join,
)
async def test_a_preview_is_narrowed_by_places(
    manager: LocalManager, tmp_path: Path, options: tuple[str, ...], changed: list[str]
) -> None:
    town = {"type": "Polygon", "coordinates": [[[110, 20], [110.2, 20], [110.2, 20.2], [110, 20.2], [110, 20]]]}
    places = {
        "sites": [
            {"name": "k12", "position": {"latitude": 20.1, "longitude": 110.1}},
            {"name": "k15", "position": {"latitude": 20.5, "longitude": 110.5}},
        ],
        "corridors": {"name": "g98", "sites": [{"site": "k12", "stake": "K12+300"}, {"site": "k15", "stake": "K15"}]},
        "geofences": {"name": "town", "kind": "test-area", "geometry": town},
    }
    for noun, content in places.items():
        file = tmp_path / f"{noun}.json"
        file.write_text(json.dumps({noun: content} if isinstance(content, list) else content))
        code, _, error = await wayside(manager, noun, "apply", "-f", file)
        assert code == 0, error
    for node, site in (("near", "k12"), ("far", "k15"), ("away", "")):
        await manager.enroll(node)
        if site:
            code, _, error = await wayside(manager, "nodes", "update", node, "--site", site)
            assert code == 0, error
    code, said, error = await wayside(manager, "config", "preview", "-f", layer_file(tmp_path), *options, "-o", "json")
    assert code == 0, error
    named = {node for group in json.loads(said)["changes"] for node in group["nodes"]}
    assert named == {f"nodes/{node}" for node in changed}


async def test_the_schema_is_printed(manager: LocalManager) -> None:
    code, text, _ = await wayside(manager, "config", "schema")
    assert code == 0
    assert "report_period_s" in text
    assert json.loads(text)["$schema"].endswith("2020-12/schema")
    code, _, _ = await wayside(manager, "config", "schema", "99.0.0")
    assert code == 3


@pytest.mark.usefixtures("rsu")
async def test_licences_are_imported_from_json(manager: LocalManager, tmp_path: Path) -> None:
    row = {"licence": "l-1", "number": "HI-12", "node": "rsu-1", "center_mhz": 5915, "bandwidth_mhz": "20",
           "max_power_dbm": 29.5, "expires": "2126-12-31T08:00:00+08:00"}  # fmt: skip
    file = tmp_path / "licences.json"
    file.write_text(json.dumps([row]))
    code, said, error = await wayside(manager, "licences", "apply", "-f", file)
    assert (code, said.strip()) == (0, "1 licence is in force"), error
    _, shown, _ = await wayside(manager, "licences", "show", "l-1", "-o", "json")
    licence = json.loads(shown)
    assert (licence["node"], licence["bandwidth_hertz"], licence["max_transmit_power_dbm"]) == (
        "nodes/rsu-1",
        2e7,
        29.5,
    )
    assert licence["expire_time"] == "2126-12-31T00:00:00Z"
    for content, complaint in (
        ([row | {"center_mhz": True}], "row 1: center_mhz"),
        ([row, row | {"licence": "l-2", "colour": "red"}], "colour"),
        ([{"licence": "l-2"}], "row 1"),
        (row, "give a list of objects"),
    ):
        file.write_text(json.dumps(content))
        code, _, error = await wayside(manager, "licences", "apply", "-f", file)
        assert code == 2
        assert complaint in error
        assert str(file) in error


@pytest.mark.usefixtures("rsu")
async def test_licences_are_imported_listed_compared_and_deleted(manager: LocalManager, tmp_path: Path) -> None:
    file = tmp_path / "licences.csv"
    head = "licence,number,node,center_mhz,bandwidth_mhz,max_power_dbm,expires\n"
    file.write_text(f"{head}l-1,HI-12,rsu-1,5915,20,29,2126-12-31\n")
    code, said, error = await wayside(manager, "licences", "apply", "-f", file)
    assert (code, said.strip()) == (0, "1 licence is in force"), error
    _, listed, _ = await wayside(manager, "licences", "list", "-o", "json")
    (licence,) = json.loads(listed)["radio_licences"]
    assert (licence["center_frequency_hertz"], licence["expire_time"]) == (5.915e9, "2127-01-01T00:00:00Z")
    _, mismatches, _ = await wayside(manager, "licences", "mismatches")
    assert "unknown" in mismatches
    file.write_text(f"{head}l-1,HI-12,rsu-1,5915,20,290,2126-12-31\n")
    code, _, error = await wayside(manager, "licences", "apply", "-f", file)
    assert code == 2
    assert "row 1: radio_licence.max_transmit_power_dbm: 290 is not within -50 to 60 dBm" in error
    code, _, _ = await wayside(manager, "licences", "delete", "l-1")
    assert code == 0
