"""A road of simulated units at a centre, for tests of rollouts: what is rolled out to it, and how it went."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wayside_demo.centre import Centre
from wayside_demo.road import NAME, Road
from wayside_demo.stage import Program, until

ENDED = frozenset({"STATE_SUCCEEDED", "STATE_FAILED", "STATE_ABORTED"})


class RoadStage:
    """Sites, units, and an operator who changes them; one unit at each site."""

    def __init__(self, centre: Centre, folder: Path, count: int) -> None:
        self.centre = centre
        self.folder = folder
        self.road = Road.prepared(folder / "road", count)

    @contextmanager
    def running(self, *options: str) -> Iterator[Program]:
        """Imports all of it, and has the units online, which one program plays."""
        self.centre.wayside("sites", "import", str(self.road.map_file))
        self.centre.wayside("nodes", "import", str(self.road.units_file))
        command = self.road.units_command(*self.centre.addresses, self.centre.data / "ca.pem")
        units = Program("road", [*command, *options], self.folder)
        units.start()
        try:
            until("all units are online", self._all_online, 120)
            yield units
        finally:
            units.stop()

    def apply(self, config: str, *, plan: str = "", name: str = NAME) -> str:
        """Changes the whole road; `config` is TOML below `[config]`, `plan` that of a plan. Returns the rollout."""
        layer, plan_file = self.folder / f"{name}.toml", self.folder / "plan.toml"
        layer.write_text(f'name = "{name}"\npriority = 300\n[selector]\ncorridors = ["{NAME}"]\n[config]\n{config}\n')
        plan_file.write_text(plan)
        return str(self.centre.wayside("config", "apply", "-f", str(layer), "--plan", str(plan_file))["rollout"])

    def ended(self, rollout: str, timeout_s: float) -> dict[str, Any]:
        """The rollout as it is at its end."""
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            found.update(self.centre.wayside("rollouts", "show", rollout))
            return found["state"] in ENDED

        until(f"{rollout} ends", has_ended, timeout_s)
        return found

    def notes(self, rollout: str) -> list[dict[str, Any]]:
        """What the units noted of the trials of a rollout."""
        return self.road.notes(rollout.removeprefix("rollouts/"))

    def begun(self, rollout: str) -> list[str]:
        """The units that have begun the trial of a rollout, in order, by their own notes."""
        return [note["node"] for note in self.notes(rollout) if note["event"] == "begin"]

    def until_begun(self, rollout: str, more_than: int, timeout_s: float = 90.0) -> None:
        """Waits until so many units have begun."""
        what = f"more than {more_than} begin {rollout}"
        until(what, lambda: len(self.begun(rollout)) > more_than, timeout_s)

    def assert_kept(self, rollout: str) -> None:
        """Every unit was told once, and never two neighbours at once."""
        assert sorted(self.begun(rollout)) == sorted(self.road.unit_ids)
        judged = self.road.judged(rollout.removeprefix("rollouts/"))
        assert judged.breaches == ()
        assert judged.most_at_once <= self.road.count // 3

    def _all_online(self) -> bool:
        return all(self.centre.watch.node(each).get("presence") == "PRESENCE_ONLINE" for each in self.road.unit_ids)
