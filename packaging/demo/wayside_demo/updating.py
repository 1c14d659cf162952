"""The chapter on software: a release arrives although the power fails, and one that is deaf is taken back."""

import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from wayside_demo.centre import ReleaseBuilder
from wayside_demo.ceremony import People
from wayside_demo.fleet import Fleet
from wayside_demo.stage import until
from wayside_demo.units import Unit

GOOD_VERSION, BAD_VERSION = "1.1.0", "1.2.0"
Command = Callable[..., dict[str, Any]]


class Updating:
    """What the story tells of releases."""

    def __init__(self, work_dir: Path, fleet: Fleet, node_ids: Sequence[str], *, people: People, say: Console) -> None:
        self._fleet = fleet
        self._node_ids = node_ids
        self._people = people
        self._say = say
        self.builder = ReleaseBuilder(work_dir, {GOOD_VERSION: "", BAD_VERSION: "silent-radio"})

    def roll_out_good(self, command: Command, victim: Unit) -> dict[str, Any]:
        """All run the good release, although one of them was killed in the middle of its download."""
        self._rolled_out(command, GOOD_VERSION)
        node_id, fleet = victim.node_id, self._fleet
        until(f"{node_id} is in the middle of its download", partial(fleet.is_downloading, node_id), 40)
        at_bytes = int(fleet.update(node_id)["downloaded_bytes"])
        victim.agent.kill(signal.SIGKILL)
        self._say.print(f"  {node_id}: kill -9 at {at_bytes / 1e6:.1f} MB")
        for each in self._node_ids:
            until(f"{each} runs {GOOD_VERSION} for good", partial(fleet.has_committed, each, GOOD_VERSION), 90)
        resumed_bytes = int(fleet.update(node_id)["resumed_from_bytes"])
        self._say.print(f"  {node_id}: went on at byte {resumed_bytes:,}; all run {GOOD_VERSION}, their gates passed")
        return {"resume_shown": resumed_bytes > 0, "resumed_from_bytes": resumed_bytes}

    def roll_out_bad(self, command: Command) -> dict[str, Any]:
        """All try the bad release and go back by themselves."""
        rollout, fleet = self._rolled_out(command, BAD_VERSION), self._fleet
        for node_id in self._node_ids:
            until(f"{node_id} takes {BAD_VERSION} back", partial(fleet.is_taken_back, node_id, rollout), 90)
            until(f"{node_id} runs {GOOD_VERSION} again", partial(fleet.has_committed, node_id, GOOD_VERSION), 30)
            word = fleet.word_on_rollout(node_id, rollout)["message"]
            self._say.print(f"  {node_id}: back on {fleet.running(node_id)}: {word}")
        return {"rollback_shown": True, "release_after": fleet.running_everywhere(self._node_ids)}

    def _rolled_out(self, command: Command, version: str) -> str:
        """Signs and publishes a release and starts to roll it out to every node; the rollout."""
        artifact = self.builder.artifact(version)
        self._people.sign(artifact)
        release = command("releases", "publish", str(artifact))
        self._say.print(f"  published {release['name']}, {int(release['size_bytes']) / 1e6:.1f} MB")
        bounds = ["--max-in-flight", str(len(self._node_ids)), "--max-failures", str(len(self._node_ids) + 1)]
        return str(command("rollouts", "create", release["name"], "--all", *bounds)["name"])
