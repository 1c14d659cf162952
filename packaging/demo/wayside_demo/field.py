"""One unit in the field with simulated sensors, for tests and benches: a folder, its settings, and its agent."""

import json
import subprocess
from pathlib import Path
from typing import Any

from wayside_demo.centre import Centre
from wayside_demo.stage import BIN, Program, until

SENSORS = """\
[[can]]
name = "body"
driver = "simulator"

[gnss]
driver = "simulator"

[radio]
driver = "simulator"
"""


class FieldUnit:
    """A unit that a centre can enrol."""

    def __init__(
        self,
        node_id: str,
        folder: Path,
        centre: Centre,
        *,
        extra: str = "",
        sensors: str = SENSORS,
        kind: str = "rsu",
        device_address: str = "",
    ) -> None:
        """Writes the settings; `device_address` is where it reaches the manager, unless at its own door."""
        folder.mkdir(parents=True)
        self.node_id = node_id
        self.folder = folder
        self.centre = centre
        self.settings = folder / "agent.toml"
        door, enrollment_address = centre.addresses
        self.settings.write_text(
            f"""\
state_dir = "state"
database_dir = "dbc"
{extra}
[node]
id = "{node_id}"
esn = "ESN-{node_id}"
kind = "{kind}"

[manager]
device_address = "{device_address or door}"
enrollment_address = "{enrollment_address}"
reconnect_cap_s = 2.0

{sensors}"""
        )
        (folder / "dbc").mkdir()
        command = [str(BIN / "wayside-agent"), "run", "--settings", str(self.settings)]
        self.agent = Program(node_id, command, folder, restart=True)

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command of `wayside-agent` for this unit."""
        return subprocess.run(
            [str(BIN / "wayside-agent"), *arguments, "--settings", str(self.settings)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def enroll(self, token: str = "", *, ca_file: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Enrols the unit, with a fresh token unless one is given."""
        token_file = self.folder / "token"
        token_file.write_text(token or self.centre.wayside("nodes", "token")["token"])
        trusted = ca_file or self.centre.data / "operator" / "ca.pem"
        return self.command("enroll", "--token-file", str(token_file), "--ca-file", str(trusted))

    def node(self) -> dict[str, Any]:
        """What the operator sees of the unit."""
        return self.centre.watch.node(self.node_id)

    def status(self) -> dict[str, Any]:
        """What the running agent says of itself."""
        status: dict[str, Any] = json.loads(self.command("status", "--json").stdout)
        return status

    def until_online(self, timeout_s: float = 30.0) -> None:
        """Starts the agent, and waits until the operator sees the unit online."""
        self.agent.start()
        until(f"{self.node_id} online", lambda: self.node().get("presence") == "PRESENCE_ONLINE", timeout_s)

    def configure(self, config: str, *, name: str = "", plan: str = "") -> dict[str, Any]:
        """Applies a layer for this unit alone; `config` is TOML below `[config]`, `plan` that of a rollout."""
        layer = self.folder / "layer.toml"
        layer.write_text(
            f"""\
name = "configLayers/{name or self.node_id}"
priority = 500

[selector]
nodes = ["nodes/{self.node_id}"]

{config}
"""
        )
        if not plan:
            return self.centre.wayside("config", "apply", "-f", str(layer))
        plan_file = self.folder / "plan.toml"
        plan_file.write_text(plan)
        return self.centre.wayside("config", "apply", "-f", str(layer), "--plan", str(plan_file))

    def until_config(self, outcome: str, revision: int, timeout_s: float = 20.0) -> dict[str, Any]:
        """Waits for the unit's word on a configuration, and returns it."""

        def has_spoken() -> bool:
            report = self.node().get("config", {})
            return report.get("outcome") == outcome and int(report["revision"]) >= revision

        until(f"{self.node_id} says {outcome} of configuration {revision}", has_spoken, timeout_s)
        report: dict[str, Any] = self.node()["config"]
        return report

    def until_word(self, rollout: str, outcome: str, timeout_s: float = 30.0) -> dict[str, Any]:
        """Waits for the unit's word in a rollout of configuration, and returns it.

        After a failure its newest word is soon another: the manager tells it the former configuration again.
        """

        def word() -> dict[str, Any]:
            (node,) = self.centre.wayside("rollouts", "nodes", rollout)["nodes"]
            found: dict[str, Any] = node.get("config") or {}
            return found

        until(f"{self.node_id} says {outcome} in {rollout}", lambda: word().get("outcome") == outcome, timeout_s)
        return word()
