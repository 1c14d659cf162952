"""The chapter on software: a release comes although power fails, the next although the line is cut; one goes back."""

import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console

from wayside_demo.centre import ReleaseBuilder
from wayside_demo.ceremony import People
from wayside_demo.dropping_link import DroppingLink
from wayside_demo.fleet import Fleet
from wayside_demo.recordings import ROOT
from wayside_demo.stage import until
from wayside_demo.units import Unit

GOOD_VERSION, DELTA_VERSION, BAD_VERSION = "1.1.0", "1.1.1", "1.2.0"
NEW_BYTES = 4 << 20  # what the delta has to bring: four chunks of a download
SLOW_LINK_BYTES_PER_S = 700_000
CUTS_BYTES = (1_600_000, 1_600_000)  # of the line, between the cuts: each time one chunk has come whole
RESUMED_BYTES = 2 << 20
Command = Callable[..., dict[str, Any]]


class Updating:
    """What the story tells of releases."""

    def __init__(self, work_dir: Path, fleet: Fleet, node_ids: Sequence[str], *, people: People, say: Console) -> None:
        self._fleet = fleet
        self._node_ids = node_ids
        self._people = people
        self._say = say
        overlays = {
            GOOD_VERSION: None,
            DELTA_VERSION: _new_map(work_dir / "new-map"),
            BAD_VERSION: ROOT / "firmware_images" / "overlays" / "silent-radio",
        }
        self.builder = ReleaseBuilder(work_dir, overlays)

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

    def roll_out_delta(self, command: Command, victim: Unit, link: DroppingLink) -> dict[str, Any]:
        """All run the next release, of which they fetched what is new; the line of one was cut twice meanwhile."""
        release, node_id, fleet = self._published(command, DELTA_VERSION), victim.node_id, self._fleet
        until(f"the delta to {DELTA_VERSION} is made", lambda: self._delta() is not None, 60)
        delta = self._delta() or {}
        share = int(delta["size_bytes"]) / int(release["size_bytes"])
        self._say.print(f"  the delta from {delta['base']}: {int(delta['size_bytes']) / 1e6:.1f} MB, {share:.0%} of it")
        link.slow_down(SLOW_LINK_BYTES_PER_S, cuts_bytes=CUTS_BYTES)
        self._started(command, release, "--fetch", "never-full")
        until("the line was cut twice", lambda: link.cut_count == len(CUTS_BYTES), 60)
        until(f"{node_id} goes on", partial(fleet.has_resumed, node_id, RESUMED_BYTES), 60)
        resumed_bytes = int(fleet.update(node_id)["resumed_from_bytes"])
        self._say.print(f"  {node_id}: its line was cut {link.cut_count} times; it went on at byte {resumed_bytes:,}")
        link.speed_up()
        for each in self._node_ids:
            until(f"{each} runs {DELTA_VERSION} for good", partial(fleet.has_committed, each, DELTA_VERSION), 90)
        by_delta = all(fleet.update(each).get("is_delta", False) for each in self._node_ids)
        self._say.print(f"  all run {DELTA_VERSION}: every file is what two people signed")
        return {"delta_shown": by_delta, "delta_share": round(share, 3), "delta_resumed_from_bytes": resumed_bytes}

    def roll_out_bad(self, command: Command) -> dict[str, Any]:
        """All try the bad release and go back by themselves."""
        rollout, fleet = self._rolled_out(command, BAD_VERSION), self._fleet
        for node_id in self._node_ids:
            until(f"{node_id} takes {BAD_VERSION} back", partial(fleet.is_taken_back, node_id, rollout), 90)
            until(f"{node_id} runs {DELTA_VERSION} again", partial(fleet.has_committed, node_id, DELTA_VERSION), 30)
            word = fleet.word_on_rollout(node_id, rollout)["message"]
            self._say.print(f"  {node_id}: back on {fleet.running(node_id)}: {word}")
        return {"rollback_shown": True, "release_after": fleet.running_everywhere(self._node_ids)}

    def _rolled_out(self, command: Command, version: str) -> str:
        """Signs and publishes a release and starts to roll it out to every node; the rollout."""
        return self._started(command, self._published(command, version))

    def _published(self, command: Command, version: str) -> dict[str, Any]:
        """Signs and publishes a release."""
        artifact = self.builder.artifact(version)
        self._people.sign(artifact)
        release = command("releases", "publish", str(artifact))
        self._say.print(f"  published {release['name']}, {int(release['size_bytes']) / 1e6:.1f} MB")
        return release

    def _started(self, command: Command, release: dict[str, Any], *options: str) -> str:
        """Starts to roll out a release to every node; the rollout."""
        bounds = ["--max-in-flight", str(len(self._node_ids)), "--max-failures", str(len(self._node_ids) + 1)]
        return str(command("rollouts", "create", release["name"], "--all", *bounds, *options)["name"])

    def _delta(self) -> dict[str, Any] | None:
        """The delta from the release that runs, once it can be fetched."""
        deltas = self._fleet.deltas(DELTA_VERSION)
        ready = (each for each in deltas if each["state"] == "STATE_READY")
        return next((each for each in ready if each["base"] == f"releases/{GOOD_VERSION}"), None)


def _new_map(overlay: Path) -> Path:
    """What the next release brings: a file that no compression makes smaller, the same at every run."""
    file = overlay / "site" / "wayside_demo_map.bin"
    file.parent.mkdir(parents=True)
    file.write_bytes(Random(1).randbytes(NEW_BYTES))  # noqa: S311  # repeatable, guards nothing
    return overlay
