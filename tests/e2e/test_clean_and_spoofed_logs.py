"""Logs of real receivers through a real agent and manager: clean ones raise nothing, and what is done to them is told.

The logs are replayed faster than they were recorded; alarms that must hold for a while are asked to hold as much
shorter. `tests/unit/test_gnss_plausibility.py` judges the same logs epoch by epoch.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wayside_agent.core.fix import Fix, FixMode
from wayside_agent.core.nmea import NmeaDecoder
from wayside_agent.core.nmea_sentence import encoded
from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.stage import until
from wayside_manager.core.alarm_rules import RULES

CLEAN = ("april6_2019", "beidou-bd", "beidou-gb", "nmea-rtk", "quectel-l76k-nmea", "sl869", "ublox-zed-f9p-nmea")
SPEED = 10.0
RTK, STANDING = "nmea-rtk", "ublox-zed-f9p-nmea"  # at 10 Hz, 104 epochs and, ten minutes later, 18; 29 s at 1 Hz
PLACES = {"GGA": (1, 2), "RMC": (1, 3), "GLL": (5, 1), "GNS": (1, 2)}
"""Fields with the time and the latitude, by kind of sentence; the hemisphere, the longitude and its own follow."""
METERS_PER_MINUTE = 1_853.25
MARK = "host.memory"
"""A check that a limit of 0 keeps degraded. An alarm as soon as the policy says so: then the manager has looked."""
CONFIG = f'[config]\nreport_period_s = 1\n[config.health.limits."{MARK}"]\ndegraded_above = 0.0\n'


def apply_policy(centre: Centre, *, has_mark: bool) -> None:
    """Alarms of the receiver hold as much shorter as the replay is faster; the mark is one at once, or never."""
    scaled = {kind: rule.raise_after for kind, rule in RULES.items() if kind.startswith("gnss.") and rule.raise_after}
    rows = [{"kind": kind, "raise_after": f"{after.total_seconds() / SPEED}s"} for kind, after in scaled.items()]
    rules = [*rows, {"kind": MARK, "raise_after": "0s", "is_silenced": not has_mark}]
    file = centre.data / "policy.json"
    file.write_text(json.dumps({"rules": rules}))
    centre.wayside("alarms", "apply-policy", "-f", str(file))


def receiver(recording: Path, **options: object) -> str:
    """Settings of a unit whose only sensor is a recorded receiver."""
    given = {"path": str(recording), "time_base": "recorded"} | options
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in given.items())
    return f'[gnss]\ndriver = "replay"\n[gnss.options]\n{lines}\n'


def sentences(data: Path, log: str) -> list[str]:
    lines = (data / "gnss" / "nmea" / f"{log}.log").read_text(encoding="ascii").splitlines()
    return [line for line in lines if not line.startswith("#")]


def epochs(recording: Path) -> list[Fix]:
    decoder = NmeaDecoder()
    return [*decoder.feed(recording.read_bytes()), *decoder.flush()]


def alarms(centre: Centre, node_id: str, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = centre.wayside("alarms", "list", "--subject", f"nodes/{node_id}", *options)["alarms"]
    return found


def told(centre: Centre, node_id: str) -> list[str]:
    """Kinds of all alarms that were ever raised of a node, in order."""
    events = centre.wayside("events", "list", "--node", node_id, "--event", "alarm.raised", "--count", "1000")
    return [str(event["details"]["alarm_kind"]) for event in events["events"]]


@pytest.fixture(scope="module", autouse=True)
def policy(centre: Centre) -> None:
    apply_policy(centre, has_mark=False)


def test_clean_logs_raise_nothing(
    centre: Centre, unit: Callable[..., FieldUnit], shared_data: Path, tmp_path: Path
) -> None:
    recording = tmp_path / "clean.log"
    recording.write_text("".join(f"{line}\r\n" for log in CLEAN for line in sentences(shared_data, log)))
    wanted = epochs(recording)
    fixed = sum(fix.mode is not FixMode.NONE for fix in wanted)
    obu = unit("obu-clean", kind="obu", sensors=receiver(recording, speed=SPEED))
    obu.configure(CONFIG)
    obu.until_online()

    def heard() -> dict[str, Any]:
        found: dict[str, Any] = obu.node().get("health", {}).get("gnss", {})
        return found

    until("all of it is played", lambda: int(heard().get("fix_count", 0)) >= fixed, 60)
    apply_policy(centre, has_mark=True)
    until("a finding since then is an alarm", lambda: MARK in told(centre, obu.node_id), 60)

    gnss = heard()
    counts = (int(gnss["fix_count"]), int(gnss["no_fix_count"]), int(gnss.get("implausible_count", 0)))
    assert counts == (fixed, len(wanted) - fixed, 0)
    checks = {each["name"]: each["state"] for each in obu.node()["health"]["checks"]}
    assert checks["gnss.plausible"] == checks["time.week"] == checks["time.jump"] == "HEALTH_STATE_OK"
    kinds = [kind for kind in told(centre, obu.node_id) if kind.startswith(("gnss.", "time."))]
    assert kinds == []


@dataclass(frozen=True)
class Case:
    """What is done to a log, and what must be said of it."""

    log: str
    kind: str
    north_m: Callable[[int], float]
    """How far to the north an epoch is moved, by its number."""
    words: str
    freezes_after: int | None = None
    """All that follow say what this epoch says, but for the time."""


def spoilt(lines: list[str], case: Case) -> Iterator[bytes]:
    """The sentences of a log with other positions, and check sums that are right."""
    epoch, time = -1, ""
    frozen: dict[str, list[str]] = {}
    for line in lines:
        fields = line.removeprefix("$").partition("*")[0].split(",")
        time_place, place = PLACES.get(fields[0][-3:], (0, 0))
        if not place or not fields[place]:
            yield f"{line}\r\n".encode()
            continue
        epoch, time = epoch + (fields[time_place] != time), fields[time_place]
        degrees, minutes = fields[place][:2], float(fields[place][2:]) + case.north_m(epoch) / METERS_PER_MINUTE
        turns, minutes = divmod(minutes, 60)
        fields[place] = f"{int(degrees) + int(turns):02d}{minutes:011.8f}"
        if case.freezes_after is not None and epoch >= case.freezes_after:
            fields = list(frozen.setdefault(fields[0][-3:], fields))
            fields[time_place] = time
        yield encoded(",".join(fields))


CASES = {
    "jumping": Case(RTK, "obu", lambda epoch: 50_000.0 if epoch > 60 else 0.0, "the position leapt by 500"),
    "frozen": Case(RTK, "obu", lambda _: 0.0, "has not changed for 60 epochs", freezes_after=61),
    "spoofed-drive": Case(STANDING, "obu", lambda epoch: 25.0 * epoch, "its positions move at 25 m/s"),
    "spoofed-site": Case(RTK, "rsu", lambda epoch: 5.0 * max(0, epoch - 61), "m from where the unit stands"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_cannot_be_true_is_an_alarm_that_says_why(
    centre: Centre, unit: Callable[..., FieldUnit], shared_data: Path, tmp_path: Path, case: Case
) -> None:
    recording = tmp_path / "spoilt.log"
    recording.write_bytes(b"".join(spoilt(sentences(shared_data, case.log), case)))
    node_id = f"{case.kind}-{tmp_path.name[-12:].strip('-').replace('_', '-')}"
    made = unit(node_id, kind=case.kind, sensors=receiver(recording, speed=100.0, loop=True, gap_max_s=3600.0))
    made.until_online()
    until("it is an alarm", lambda: [each["kind"] for each in alarms(centre, node_id)] == ["gnss.plausible"], 60)
    (alarm,) = alarms(centre, node_id)
    assert alarm["severity"] == "SEVERITY_CRITICAL"
    assert case.words in alarm["message"]
