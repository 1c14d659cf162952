"""A power cut at every file-system step of a configuration's trial: old or new, and the last report says which."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_power_cut_at_any_step_leaves_the_old_or_the_new_and_the_trial_ends_as_without_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.e2e.config_power_cut_child", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    for name in ("proven", "refused"):
        assert result[name]["problems"] == [], done.stderr[-3000:]
        assert result[name]["cuts"] > 15
