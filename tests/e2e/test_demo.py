"""`make demo` does the main job, on real recordings where they are and on shipped ones where not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wayside_demo.recordings import SHIPPED
from wayside_demo.ship import ship

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 420


def test_shipped_recordings_are_what_the_simulators_make(tmp_path: Path) -> None:
    ship(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in SHIPPED.iterdir()}


@pytest.mark.parametrize("data", ["shipped", "real"])
def test_the_demo_shows_all_of_it(data: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    folder = request.getfixturevalue("shared_data") if data == "real" else tmp_path
    environment = os.environ | {
        "DEMO_EXIT": "1",
        "WAYSIDE_DATA": str(folder),
        "PYTHONPATH": str(ROOT / "packaging" / "demo"),
    }
    told = subprocess.run(
        [sys.executable, "-m", "wayside_demo"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    seen = json.loads(told.stdout.splitlines()[-1])
    assert told.returncode == 0, told.stdout[-3000:]
    assert seen["ok"] is True
    assert seen["data"] == data
    assert seen["nodes"] == 2
    assert seen["reports_lost"] == 0
    assert seen["resume_shown"] is True
    assert seen["rollback_shown"] is True
    assert seen["approval_shown"] is True
    assert seen["config_reverted"] is True
    assert seen["drift_shown"] is True
    assert seen["road_trials"] == seen["simulated_units"] == 12
    assert seen["road_breaches"] == 0
    assert 1 <= seen["road_most_at_once"] <= 4
    assert seen["area_alarm_shown"] is True
    assert seen["alarm_member_count"] == 6
    assert seen["rollout_rested"] is True
    assert seen["restored_shown"] is True
    assert seen["node_explained"] is True
    assert seen["bundle_fetched"] is True
    assert seen["bundle_bytes"] > 0
    assert seen["audit_intact"] is True
    assert seen["revoked_cut_s"] > 0
    assert seen["release_before"] != seen["release_after"] == "1.1.0"
    assert min(seen[key] for key in ("can_frames", "fixes", "v2x_messages", "telemetry_batches")) > 0
