"""A kept release whose files rot, with real processes: the unit stays within reach, and nobody drives out."""

from collections.abc import Callable
from pathlib import Path

from tests.e2e.test_delta_update import FAST, UPDATE_S, published, until_runs
from wayside_agent import boot
from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import until

MakeUnit = Callable[..., FieldUnit]


def rot(unit: FieldUnit) -> None:
    """Damages what the running release imports when it starts, source and byte code."""
    package = unit.folder / "state" / "slots" / "a" / "site" / "wayside_agent"
    files = [package / "app.py", *(package / "__pycache__").glob("app.*")]
    for each in files:
        each.chmod(0o600)
        each.write_bytes(b"\xff" * each.stat().st_size)


def forgive_soon(overlay: Path) -> None:
    """Lets a release be up for long after three seconds."""
    path = overlay / "site" / "wayside_agent" / "boot.py"
    path.parent.mkdir(parents=True)
    path.write_text(Path(boot.__file__).read_text().replace(f"UP_S = {boot.UP_S}", "UP_S = 3.0"))


def starts(unit: FieldUnit) -> str:
    """How many were counted."""
    return (unit.folder / "state" / "slots" / "starts").read_text().split()[-1]


def test_a_kept_release_that_cannot_start_any_more_is_left_said_and_installed_again(
    centre: Centre, unit: MakeUnit, tmp_path: Path
) -> None:
    forgive_soon(tmp_path / "overlay-1.1.0")
    published(centre, tmp_path, "1.1.0")
    rsu = unit("rsu-rot")
    rsu.configure(FAST)
    rsu.until_online()
    centre.wayside("rollouts", "create", "releases/1.1.0", "--node", "rsu-rot")
    until_runs(rsu, "1.1.0")
    rsu.agent.kill()
    until("the next start is counted", lambda: starts(rsu) == "1", UPDATE_S)
    until("it is up for long", lambda: starts(rsu) == "0", UPDATE_S)
    rot(rsu)
    rsu.agent.kill()

    until(
        "the factory software says what happened",
        lambda: rsu.node().get("update", {}).get("phase") == "PHASE_ROLLED_BACK",
        UPDATE_S,
    )
    word = rsu.node()["update"]
    assert word["reason"] == "LAUNCHER"
    assert "broke off 10 starts in a row" in word["message"]
    assert word.get("running_release", "") == ""

    centre.wayside("rollouts", "create", "releases/1.1.0", "--node", "rsu-rot")
    until_runs(rsu, "1.1.0")
