"""The chapter on configuration: a road is changed, but never two neighbours at once; a bad change undoes itself."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from wayside_demo.centre import Centre
from wayside_demo.fleet import Fleet
from wayside_demo.road import NAME, Road
from wayside_demo.stage import Program, StoryError, until

SITE_COUNT = 12
TRIAL_S = 12
ROLLOUT_S = 120.0
REPORT_PERIOD_S = 2  # of the road: a unit is missed after 4 s
UNREACHABLE = "localhost:1"
Command = Callable[..., dict[str, Any]]


class Configuring:
    """What the story tells of configuration."""

    def __init__(self, work_dir: Path, log_dir: Path, centre: Centre, fleet: Fleet, say: Console) -> None:
        self._work_dir = work_dir
        self._log_dir = log_dir
        self._centre = centre
        self._fleet = fleet
        self._say = say
        self._road: Road | None = None
        self.programs: list[Program] = []

    def build_road(self, command: Command) -> dict[str, Any]:
        """A corridor of simulated sites is imported, and a unit comes to each."""
        road = self._road = Road.prepared(self._work_dir / "road", SITE_COUNT)
        command("sites", "import", str(road.map_file))
        command("nodes", "import", str(road.units_file))
        ca_file = self._centre.data / "operator" / "ca.pem"
        units = Program("road", road.units_command(*self._centre.addresses, ca_file), self._log_dir)
        self.programs.append(units)
        units.start()
        for node_id in road.unit_ids:
            until(f"{node_id} is online", partial(self._is_heard, node_id), 60)
        self._say.print(f"  {SITE_COUNT} units along {NAME.upper()}, one at each site")
        return {"simulated_units": SITE_COUNT}

    def change_road(self, command: Command) -> dict[str, Any]:
        """The whole road gets a new configuration, never two neighbours at once."""
        road = self.the_road()
        layer, plan = self._work_dir / "road.toml", self._work_dir / "careful.toml"
        layer.write_text(
            f'name = "{NAME}"\npriority = 300\n\n[selector]\ncorridors = ["{NAME}"]\n\n'
            f"[config]\nreport_period_s = {REPORT_PERIOD_S}\n\n[config.telemetry]\nsample_period_s = 2\n"
        )
        plan.write_text(
            'trial_timeout = "30s"\n\n[[waves]]\ncount = 1\nobservation = "2s"\n\n[[waves]]\npercent = 100\n'
        )
        command("config", "preview", "-f", str(layer))
        applied = command("config", "apply", "-f", str(layer), "--plan", str(plan))
        until("the road runs it", partial(self._has_ended, rollout_of(applied)), ROLLOUT_S)
        rollout = self._rollout(rollout_of(applied))
        if rollout["state"] != "STATE_SUCCEEDED":
            raise StoryError(f"the rollout of the road: {rollout['state']}: {rollout.get('message', '')}")
        judged = road.judged(rollout_of(applied).removeprefix("rollouts/"))
        self._say.print(
            f"  {judged.trial_count} trials, at most {judged.most_at_once} at once; neighbours at once:"
            f" {len(judged.breaches)} times, by the units' own notes"
        )
        return {
            "road_trials": judged.trial_count,
            "road_most_at_once": judged.most_at_once,
            "road_breaches": len(judged.breaches),
        }

    def break_uplink(self, command: Command, node_id: str) -> dict[str, Any]:
        """A unit is told a manager that is not there; it comes back by itself, and says why."""
        layer, plan = self._work_dir / "bad.toml", self._work_dir / "quick.toml"
        layer.write_text(
            f'name = "bad"\npriority = 900\n\n[selector]\nnodes = ["{node_id}"]\n\n'
            f'[config.manager]\ndevice_address = "{UNREACHABLE}"\n'
        )
        plan.write_text(f'trial_timeout = "{TRIAL_S}s"\n')
        applied = command("config", "apply", "-f", str(layer), "--plan", str(plan))
        until(f"{node_id} takes it back", partial(self._has_ended, rollout_of(applied)), TRIAL_S + 60)
        (stood,) = self._centre.wayside("rollouts", "nodes", rollout_of(applied))["nodes"]
        word = stood["config"]
        self._say.print(f"  {node_id}: {word['message']}")
        drift = command("config", "drift", "--node", node_id)["drifts"]
        command("config", "delete", "bad", "--yes")
        until(f"{node_id} runs what it should", partial(self._is_in_step, node_id), 60)
        return {
            "config_reverted": word["outcome"] == "OUTCOME_REVERTED" and self._fleet.is_online(node_id),
            "drift_shown": bool(drift),
        }

    def the_road(self) -> Road:
        """The road that was built.

        Raises: StoryError: none was.
        """
        if self._road is None:
            raise StoryError("there is no road yet")
        return self._road

    def _is_heard(self, node_id: str) -> bool:
        return bool(self._fleet.node(node_id).get("presence") == "PRESENCE_ONLINE")

    def _rollout(self, name: str) -> dict[str, Any]:
        return self._centre.wayside("rollouts", "show", name)

    def _has_ended(self, name: str) -> bool:
        return self._rollout(name)["state"] not in {"STATE_RUNNING", "STATE_PAUSED"}

    def _is_in_step(self, node_id: str) -> bool:
        return not self._centre.wayside("config", "drift", "--node", node_id).get("drifts")


def rollout_of(applied: dict[str, Any]) -> str:
    """The rollout an applied layer started.

    Raises: StoryError: it started none.
    """
    name = str(applied.get("rollout", ""))
    if not name:
        raise StoryError(f"nothing is rolled out: {json.dumps(applied)[:200]}")
    return name
