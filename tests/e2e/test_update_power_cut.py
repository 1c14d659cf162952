"""A power cut at every file-system step of an update: what starts next is whole, and the update still ends well."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.releases import archive


def artifact(path: Path, version: str) -> Path:
    files = {
        "site/wayside_agent/__init__.py": b"",
        "site/wayside_agent/__main__.py": f"VERSION = {version!r}\n".encode() * 20,
        "site/deep/er/module.py": b"x = 1\n" * 300,
    }
    path.write_bytes(archive(version, files))
    return path


def test_a_power_cut_at_any_step_leaves_a_whole_release_and_the_update_ends_as_without_it(tmp_path: Path) -> None:
    old, new = artifact(tmp_path / "old.tar.gz", "1.1.0"), artifact(tmp_path / "new.tar.gz", "1.2.0")
    work = tmp_path / "work"
    work.mkdir()
    command = [sys.executable, str(Path(__file__).with_name("power_cut_child.py")), str(work), str(old), str(new)]
    here = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}  # the child uses helpers of the tests
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=here)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    for name in ("proven", "refused"):
        assert result[name]["problems"] == [], done.stderr[-2000:]
        assert result[name]["cuts"] > 50
