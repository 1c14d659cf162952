"""`wayside-manager security-report` says what is so: of a manager that runs, and of one that does not."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import BIN, run

MANAGER = str(BIN / "wayside-manager")


def _report(data: Path) -> dict[str, Any]:
    printed = run([MANAGER, "security-report", "--data", str(data), "--output", "json"])
    report: dict[str, Any] = json.loads(printed)
    report["by_name"] = {hop["name"]: hop for hop in report["hops"]}
    return report


def test_a_running_manager_is_measured_and_its_nodes_are_named(centre: Centre, unit: Callable[..., FieldUnit]) -> None:
    rsu = unit("rsu-report")
    rsu.configure('[config.telemetry]\nbroker_host = "broker.example"\nbroker_plaintext = true\n')
    before = sorted(path.relative_to(centre.data) for path in centre.data.rglob("*"))
    report = _report(centre.data)
    assert sorted(path.relative_to(centre.data) for path in centre.data.rglob("*")) == before
    assert "TLSv1.3" in report["by_name"]["unit → manager (device port)"]["how"]
    assert "TLS 1.2 refused" in report["by_name"]["operators, integrators → manager (operator port)"]["how"]
    telemetry = report["by_name"]["unit → MQTT broker"]
    assert telemetry["protection"] in {"plain", "partly"}
    assert "rsu-report" in telemetry["how"]
    assert any("rsu-report" in warning for warning in report["warnings"])
    authorities = [secret for secret in report["secrets"] if secret["path"].startswith("authorit")]
    assert [secret["mode"] for secret in authorities] == ["0600"]
    assert authorities[0]["path"] in report["by_name"]["manager at rest"]["keys"][0]
    assert centre.manager.is_running()


def test_a_secret_that_others_can_read_is_found_without_a_manager(tmp_path: Path) -> None:
    data = tmp_path / "manager"
    run([MANAGER, "init", str(data)])
    (data / "server.key").chmod(0o644)
    report = _report(data)
    assert "not measured" in report["by_name"]["unit → manager (device port)"]["how"]
    assert any("server.key has mode 0644" in warning for warning in report["warnings"])


def test_no_secret_is_in_the_report(centre: Centre) -> None:
    token = (centre.data / "operator" / "token").read_text().strip()
    for output in ("table", "json"):
        printed = run([MANAGER, "security-report", "--data", str(centre.data), "--output", output])
        assert token not in printed
        assert "PRIVATE KEY" not in printed


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    command = [MANAGER, "security-report", "--data", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 3
    assert "Traceback" not in ended.stderr
