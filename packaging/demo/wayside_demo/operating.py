"""The chapter on operating: many silent units are one alarm, a unit says what is wrong and hands over its logs."""

import json
import signal
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from wayside_demo.centre import Centre
from wayside_demo.road import LINE, Road
from wayside_demo.stage import Program, until

AREA = f"backhauls/{LINE}"
BUS = "cabinet"
ABSENT_ID, LONGEST_SILENCE_S = "7A1", 2  # in none of the recordings
CHECK = f"can.{BUS}.silence"
SCREEN_LINES = 50
Command = Callable[..., dict[str, Any]]


class Operating:
    """What the story tells of alarms, health and jobs."""

    def __init__(self, work_dir: Path, centre: Centre, say: Console) -> None:
        self._work_dir = work_dir
        self._centre = centre
        self._say = say

    def miss_controller(self, command: Command, node_id: str) -> None:
        """A unit is told of a controller that must be heard on its bus, and that is not there."""
        layer = self._layer(
            "cabinet-bus",
            [node_id],
            f'[config.can.buses.{BUS}.expected_ids]\n"{ABSENT_ID}" = {LONGEST_SILENCE_S}\n',
        )
        command("config", "apply", "-f", str(layer))
        self._say.print(f"  0x{ABSENT_ID} must come at least each {LONGEST_SILENCE_S} s, and never does")

    def cut_line(self, command: Command, road: Road, units: Program) -> dict[str, Any]:
        """Half the road is cut off: one alarm, rollouts rest; then the report tells who came back when."""
        for node_id in road.behind_line:
            until(f"{node_id} is heard", partial(self._is_heard, node_id), 30)
        units.kill(signal.SIGUSR1)
        self._say.print(f"  {LINE} is cut: {len(road.behind_line)} units are cut off at once")
        until(f"an alarm tells of all of {AREA}", lambda: self._missing() == len(road.behind_line), 60)
        alarms = self._centre.wayside("alarms", "list")["alarms"]
        self._show("alarms", "list", "--severity", "major")
        alarm = next(each for each in alarms if each["subject"] == AREA)
        members = {f"nodes/{node_id}" for node_id in road.behind_line}
        has_rested = self._rests(command, road)
        units.kill(signal.SIGUSR2)
        self._say.print(f"  {LINE} is mended")
        until("all of them are back", partial(self._is_restored, alarm["name"]), 60)
        until("the rollout went on by itself", partial(self._is_in_state, "STATE_SUCCEEDED"), 60)
        self._show("alarms", "report", alarm["name"])
        return {
            "area_alarm_shown": [each["subject"] for each in alarms if _missing_of(each)] == [AREA]
            and members.isdisjoint(each["subject"] for each in alarms),
            "alarm_member_count": int(alarm["member_count"]),
            "rollout_rested": has_rested,
            "restored_shown": {each["node"] for each in self._report(alarm["name"])["members"]} == members,
        }

    def explain(self, node_id: str) -> dict[str, Any]:
        """One screen says what is wrong with a unit, since when, and what went before."""
        until(f"{CHECK} of {node_id} has failed", partial(self._has_failed, node_id), 60)
        screen = self._show("nodes", "show", node_id)
        lines = screen.splitlines()
        before = screen.partition("\njust before:\n")[2]
        is_told = any(line.startswith(CHECK) and ABSENT_ID in line for line in lines)
        is_explained = is_told and " since " in lines[0] and f"expected_ids.{ABSENT_ID}" in before
        return {"node_explained": is_explained and len(lines) <= SCREEN_LINES}

    def fetch_bundle(self, node_id: str) -> dict[str, Any]:
        """A job brings what a technician would drive out for."""
        folder = self._work_dir / "bundles"
        self._show("jobs", "run", node_id, "debug-bundle", "--into", str(folder))
        (bundle,) = folder.glob("*.tar.gz")
        with tarfile.open(bundle) as archive:
            files = [member for member in archive if member.isfile()]
        for member in files:
            self._say.print(f"    {member.size:>9,}  {member.name}", markup=False)
        return {"bundle_fetched": bool(files), "bundle_bytes": bundle.stat().st_size}

    def _rests(self, command: Command, road: Road) -> bool:
        """Whether a rollout to the cut-off units rests for the storm."""
        layer = self._layer(LINE, road.behind_line[:1], "[config.telemetry]\nsample_period_s = 3\n")
        self._rollout = str(command("config", "apply", "-f", str(layer))["rollout"])
        until("the rollout rests", partial(self._is_in_state, "STATE_PAUSED"), 60)
        message = self._centre.wayside("rollouts", "show", self._rollout)["message"]
        self._say.print(f"  {self._rollout}: {message}", markup=False)
        return "storm" in message

    def _layer(self, name: str, node_ids: "list[str] | tuple[str, ...]", config: str) -> Path:
        layer = self._work_dir / f"{name}.toml"
        layer.write_text(
            f'name = "{name}"\npriority = 400\n\n[selector]\nnodes = {json.dumps(list(node_ids))}\n\n{config}'
        )
        return layer

    def _show(self, *arguments: str) -> str:
        """Runs a command of the operator, shows what it prints, and returns it."""
        self._say.print(f"  [dim]$ wayside {' '.join(arguments)}[/dim]")
        printed = self._centre.printed(*arguments)
        for line in printed.splitlines():
            self._say.print(f"  {line}", markup=False)
        return printed

    def _is_heard(self, node_id: str) -> bool:
        return bool(self._centre.watch.node(node_id).get("presence") == "PRESENCE_ONLINE")

    def _missing(self) -> int:
        alarms = self._centre.wayside("alarms", "list")["alarms"]
        return sum(_missing_of(each) for each in alarms if each["subject"] == AREA)

    def _report(self, alarm: str) -> dict[str, Any]:
        return self._centre.wayside("alarms", "report", alarm)

    def _is_restored(self, alarm: str) -> bool:
        return bool(self._report(alarm).get("restored_after"))

    def _is_in_state(self, state: str) -> bool:
        return bool(self._centre.wayside("rollouts", "show", self._rollout)["state"] == state)

    def _has_failed(self, node_id: str) -> bool:
        checks = self._centre.wayside("health", "show", node_id).get("checks", [])
        return any(each["name"] == CHECK and each["state"].endswith("FAILED") for each in checks)


def _missing_of(alarm: dict[str, Any]) -> int:
    """Members of an area alarm that are not back."""
    is_area = alarm["kind"].startswith("area.")
    return int(alarm.get("member_count", 0)) - int(alarm.get("recovered_count", 0)) if is_area else 0
