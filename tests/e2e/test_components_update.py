# ruff: noqa: RUF001  # Chinese has punctuation of its own
"""A release with a radio's firmware and a map, with real processes: all of it comes, is told of, and stays together."""

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.contract.component_devices import image
from wayside.release_manifest import Component, Notice
from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import until

MakeUnit = Callable[..., FieldUnit]
ROOT = Path(__file__).parents[2]
UPDATE_S = 120.0
FAST = "[config]\nreport_period_s = 1\n[config.update]\nhealth_gate_timeout_s = 20\n"
PARTS = """
[[components]]
name = "radio"
driver = "simulator"
options = {{ path = "{folder}/banks" }}

[[components]]
name = "map"
driver = "file"
options = {{ folder = "{folder}", file_name = "town.map" }}
"""
NOTICES = {
    "zh": Notice(purpose="修复", changes="新地图", duration_s=60.0, unavailable="V2X 提示", safety="请停车"),
    "en": Notice(purpose="Mends", changes="A new map", duration_s=60.0, unavailable="V2X warnings", safety="Park"),
}


def build() -> ModuleType:
    """The builder, a program beside the packages."""
    spec = importlib.util.spec_from_file_location("wayside_build", ROOT / "firmware_images" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def published(centre: Centre, folder: Path, version: str, *, hardware: str) -> None:
    radio, town = folder / f"radio-{version}", folder / f"map-{version}"
    radio.write_bytes(image(version, hardware=hardware))
    town.write_bytes(f"map {version}".encode())
    payloads = {
        Component(name="map", version=version, driver="file", file="payload/town.map"): town,
        Component(name="radio", version=version, driver="firmware", file="payload/radio.bin"): radio,
    }
    artifact = folder / f"{version}.tar.gz"
    artifact.write_bytes(build().built(version, payloads=payloads, notices=NOTICES))
    centre.people.sign(artifact)
    centre.wayside("releases", "publish", str(artifact))


def until_phase(unit: FieldUnit, release: str, phase: str) -> dict[str, Any]:
    """Waits for the unit's word on a release."""

    def has_spoken() -> bool:
        word: dict[str, str] = unit.node().get("update", {})
        return (word.get("release"), word.get("phase")) == (f"releases/{release}", phase)

    until(f"{unit.node_id} says {phase} of {release}", has_spoken, UPDATE_S)
    word: dict[str, Any] = unit.node()["update"]
    return word


def versions(word: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each.get("version", "") for each in word["components"]}


def test_a_release_brings_a_radio_and_a_map_and_one_that_does_not_fit_changes_neither(
    centre: Centre, unit: MakeUnit, tmp_path: Path
) -> None:
    published(centre, tmp_path, "1.1.0", hardware="sim-mcu")
    parts = tmp_path / "parts"
    parts.mkdir()
    rsu = unit("rsu-parts", extra="", sensors=PARTS.format(folder=parts))
    rsu.configure(FAST)
    rsu.until_online()
    centre.wayside("rollouts", "create", "releases/1.1.0", "--node", "rsu-parts")
    done = until_phase(rsu, "1.1.0", "PHASE_COMMITTED")
    assert versions(done) == {"radio": "1.1.0", "map": "1.1.0"}
    assert {each["check"] for each in done["gate"] if each["passed"]} >= {"component.radio", "component.map"}
    assert (parts / "town.map").read_bytes() == b"map 1.1.0"
    assert "component radio: runs 1.1.0" in rsu.command("check").stdout
    shown = json.loads((rsu.folder / "state" / "update-notice.json").read_text(encoding="utf-8"))
    assert shown["zh"] == "已更新到版本 1.1.0。目的：修复。内容：新地图。"

    published(centre, tmp_path, "1.2.0", hardware="another")
    rollout = centre.wayside("rollouts", "create", "releases/1.2.0", "--node", "rsu-parts")["name"]
    until("it fails", lambda: centre.wayside("rollouts", "show", rollout)["state"] == "STATE_FAILED", UPDATE_S)
    (node,) = centre.wayside("rollouts", "nodes", rollout)["nodes"]
    assert "is for 'another'" in node["update"]["message"]
    failed = until_phase(rsu, "1.1.0", "PHASE_COMMITTED")  # it was told to keep what it has
    assert (failed["running_release"], versions(failed)) == ("releases/1.1.0", {"radio": "1.1.0", "map": "1.1.0"})
    assert (parts / "town.map").read_bytes() == b"map 1.1.0"
