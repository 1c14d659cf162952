"""What must hold of a unit's slots and of what it says, whatever struck.

`hold(is_so, sentence)` raises DefectError; every sentence begins with brick, stuck, crash, lie, lost or cost.
"""

import json
from pathlib import Path

from wayside_agent import boot
from wayside_agent.core.update import UpdateStatus
from wayside_demo.power_cut.releases import MAP, MAP_FILE, release


class DefectError(Exception):
    """Something is not as it must be: a sentence that begins as said above."""


def hold(is_so: bool, sentence: str) -> None:
    """Raises: DefectError: it is not so."""
    if not is_so:
        raise DefectError(sentence)


def named(version: str) -> str:
    """A version in a sentence."""
    return version or "the factory software"


def version_in(root: Path, slot: str) -> str:
    """The version in a slot that starts, whose every file must be as people signed it; empty: the factory software.

    Raises: DefectError: a brick.
    """
    if not slot:
        return ""
    folder = root / "slots" / slot
    try:
        version = str(json.loads((folder / "slot.json").read_bytes())["version"])
    except (OSError, ValueError) as error:
        raise DefectError(f"brick: slot {slot} starts and has no slot.json ({error})") from error
    for name, content in release(version).files.items():
        found = (folder / name).read_bytes() if (folder / name).is_file() else None
        hold(found == content, f"brick: slot {slot} starts and its {name} is not whole")
    return version


def check_map(root: Path, *versions: str) -> None:
    """Holds the map against what people signed for one of some versions; the empty one has none.

    Raises: DefectError.
    """
    path = root / MAP / MAP
    there = path.read_bytes() if path.exists() else b""
    known = [release(version).files[MAP_FILE] if version else b"" for version in versions]
    hold(there in known, f"brick: the map is none of {', '.join(map(named, versions))}")


def check_end(root: Path, status: UpdateStatus, wanted: str) -> None:
    """Holds what is said against what starts, now and at the next starts.

    Raises: DefectError.
    """
    for _ in range(3):
        start = boot.next_start(root / "slots")
        runs = version_in(root, start.slot)
        hold(start.gate_timeout_s == 0.0, f"lie: {status.phase}, and {runs} is still on trial")
        hold(runs == wanted, f"lie: {status.phase}, and {named(runs)} starts")
    check_map(root, wanted)
    said = status.running_release.removeprefix("releases/")
    hold(said == wanted, f"lie: it says {named(said)} runs, it is {named(wanted)}")
