"""An update by delta with real processes: the manager makes it, the unit fetches nothing else and runs it for good."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import run, until

MakeUnit = Callable[..., FieldUnit]
ROOT = Path(__file__).parents[2]
BUILD_S, UPDATE_S = 120.0, 120.0
FAST = "[config]\nreport_period_s = 1\n[config.update]\nhealth_gate_timeout_s = 20\n"


def published(centre: Centre, folder: Path, version: str) -> dict[str, Any]:
    """A release with one module that no other version has, beside what its overlay holds already; both people sign."""
    overlay = folder / f"overlay-{version}"
    module = overlay / "site" / "wayside_agent" / "of_this_version.py"
    module.parent.mkdir(parents=True, exist_ok=True)
    module.write_text(f'"""Of one version."""\n\nVERSION = "{version}"\n' + "# the same in all of them\n" * 200)
    artifact = folder / f"{version}.tar.gz"
    build = [sys.executable, str(ROOT / "firmware_images" / "build.py"), "--version", version]
    run([*build, "--output", str(artifact), "--overlay", str(overlay)], timeout_s=BUILD_S)
    centre.people.sign(artifact)
    release: dict[str, Any] = centre.wayside("releases", "publish", str(artifact))
    return release


def until_runs(unit: FieldUnit, version: str) -> dict[str, Any]:
    """Waits until the unit runs a release for good; its word on that."""

    def has_committed() -> bool:
        word: dict[str, str] = unit.node().get("update", {})
        return word.get("phase") == "PHASE_COMMITTED" and word.get("running_release") == f"releases/{version}"

    until(f"{unit.node_id} runs {version}", has_committed, UPDATE_S)
    word: dict[str, Any] = unit.node()["update"]
    return word


def deltas(centre: Centre, version: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = centre.wayside("releases", "show", version).get("deltas", [])
    return found


def test_a_unit_updates_by_a_delta_that_the_manager_made(centre: Centre, unit: MakeUnit, tmp_path: Path) -> None:
    published(centre, tmp_path, "1.1.0")
    rsu = unit("rsu-delta")
    rsu.configure(FAST)
    rsu.until_online()
    centre.wayside("rollouts", "create", "releases/1.1.0", "--node", "rsu-delta")
    assert not until_runs(rsu, "1.1.0").get("is_delta", False)  # the factory software is no base

    whole = published(centre, tmp_path, "1.2.0")
    until("the delta is made", lambda: any(each["state"] == "STATE_READY" for each in deltas(centre, "1.2.0")), BUILD_S)
    (delta,) = deltas(centre, "1.2.0")
    assert delta["base"] == "releases/1.1.0"
    assert int(delta["size_bytes"]) < int(whole["size_bytes"]) / 20

    centre.wayside("rollouts", "create", "releases/1.2.0", "--node", "rsu-delta", "--fetch", "never-full")
    word = until_runs(rsu, "1.2.0")
    assert word["is_delta"] is True
    assert int(word["total_bytes"]) == int(delta["size_bytes"])
    assert all(each["passed"] for each in word["gate"])
