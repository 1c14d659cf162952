"""`make demo` does the main job on real recordings."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 600


def test_the_demo_shows_all_of_it_on_real_recordings(shared_data: Path) -> None:
    environment = os.environ | {
        "DEMO_EXIT": "1",
        "WAYSIDE_DATA": str(shared_data),
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
    assert seen["data"] == "real"
    assert seen["nodes"] == 2
    assert seen["reports_lost"] == 0
    assert seen["resume_shown"] is True
    assert seen["delta_shown"] is True
    assert seen["delta_share"] < 0.3
    assert seen["delta_resumed_from_bytes"] >= 2 << 20
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
    assert {"red-light", "hazard"} <= set(seen["warnings_shown"])
    assert min(seen["city_messages"][name] for name in ("HB", "SPAT", "BSM")) > 0
    assert seen["audit_intact"] is True
    assert seen["revoked_cut_s"] > 0
    assert seen["release_before"] != seen["release_after"] == "1.1.1"
    assert min(seen[key] for key in ("can_frames", "fixes", "v2x_messages", "telemetry_batches")) > 0
