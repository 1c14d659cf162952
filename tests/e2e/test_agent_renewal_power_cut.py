"""A power cut at every file-system step of a renewal: the unit keeps a way in, and is renewed in its next life."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_power_cut_at_any_step_of_a_renewal_leaves_a_usable_identity(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.e2e.renewal_power_cut_child", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    assert result["problems"] == [], done.stderr[-3000:]
    assert result["cuts"] > 30
