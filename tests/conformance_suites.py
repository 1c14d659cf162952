"""Recordings that keep every rule, made by our own simulators and voices, and the same with one fault each."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.v2x_codec import SAMPLES
from wayside.v2x.codec import Profile, encode
from wayside.v2x.readable import parsed
from wayside_agent.core.conformance.model import RuleName

PROFILE = Profile.P20
START_NS = int(datetime(2026, 11, 23, 6, 55, 2, tzinfo=UTC).timestamp()) * 1_000_000_000
MINUTE_OF_YEAR = 326 * 1440 + 6 * 60 + 55  # 23 November is day 327 of 2026
COUNT = 5


@dataclass
class Line:
    """One record, still as people write it."""

    time_ns: int
    application_id: int
    message: dict[str, Any]
    raw: bytes | None = None
    """Instead of the message."""

    @property
    def payload(self) -> bytes:
        return encode(parsed(self.message), PROFILE) if self.raw is None else self.raw

    @property
    def text(self) -> str:
        record = {"time_ns": self.time_ns, "application_id": self.application_id, "payload": self.payload.hex()}
        return json.dumps(record)


def copied(kind: str) -> dict[str, Any]:
    """The sample of a kind, to be changed."""
    return dict(json.loads(json.dumps(SAMPLES[kind])))


def second_s(time_ns: int) -> float:
    return time_ns // 1_000_000 % 60_000 / 1000


def bsm(number: int) -> Line:
    time_ns = START_NS + number * 100_000_000
    message = copied("BSM")
    message["bsmFrame"] |= {"msgCnt": (125 + number) % 128, "secMark_s": second_s(time_ns)}
    return Line(time_ns, 111, message)


def rsm(number: int) -> Line:
    time_ns = START_NS + number * 100_000_000
    message = copied("RSM")
    frame = message["rsmFrame"]
    frame["msgCnt"] = number
    for place, participant in enumerate(frame["participants"]):
        participant |= {"ptcId": place + 1, "secMark_s": second_s(time_ns)}
    return Line(time_ns, 3623, message)


def spat(number: int) -> Line:
    time_ns = START_NS + number * 100_000_000
    light = {"startTime_s": 0.0, "minEndTime_s": 5.0, "likelyEndTime_s": 12.5, "maxEndTime_s": 20.0}
    states = [
        {"light": "red", "timing": {"counting": light}},
        {"light": "yellow", "timing": {"counting": light | {"startTime_s": 12.5, "likelyEndTime_s": 15.5}}},
    ]
    crossing = {
        "intersectionId": {"region": 4601, "id": 17},
        "status": ["fixedTimeOperation"],
        "phases": [{"id": phase, "phaseStates": states} for phase in range(1, 9)],
    }
    frame = {"msgCnt": number, "moy_min": MINUTE_OF_YEAR, "timeStamp_s": second_s(time_ns), "intersections": [crossing]}
    return Line(time_ns, 3619, json.loads(json.dumps({"spatFrame": frame})))


def road_map(number: int) -> Line:
    message = copied("MAP")
    for node in message["mapFrame"]["nodes"]:
        for link in node["inLinks"]:
            link["upstreamNodeId"] = {"region": 4601, "id": 16}
            link["lanes"] = [lane | {"laneID": place + 1} for place, lane in enumerate(link["lanes"])]
    return Line(START_NS + number * 1_000_000_000, 3618, message)


def rsi(number: int) -> Line:
    event = {
        "rteId": 1,
        "eventType": 401,
        "eventSource": "police",
        "timeDetails": {"startTime_min": 1000, "endTime_min": 2000},
        "priority": "e0",
    }
    frame = {
        "msgCnt": 7,
        "id": "3132333435363738",
        "refPos": {"lat_deg": 20.03, "long_deg": 110.33},
        "rtes": [event, event | {"rteId": 2}],
    }
    return Line(START_NS + number * 500_000_000, 3621, json.loads(json.dumps({"rsiFrame": frame})))


MAKERS: Mapping[str, Callable[[int], Line]] = {"BSM": bsm, "RSM": rsm, "SPAT": spat, "MAP": road_map, "RSI": rsi}


def lines(kind: str) -> list[Line]:
    """A recording that keeps every rule."""
    return [MAKERS[kind](number) for number in range(COUNT)]


def write_suite(folder: Path, recordings: Mapping[str, list[Line]], **options: str) -> Path:
    """A suite of recordings; `options` are further lines of TOML for each."""
    folder.mkdir(exist_ok=True)
    tables = ['name = "made by a test"\nversion = "1"\nprofile = "p20"\n']
    for name, made in recordings.items():
        (folder / f"{name}.jsonl").write_text("".join(f"{line.text}\n" for line in made), "utf-8")
        rows = "".join(f"{key} = {value}\n" for key, value in options.items())
        tables.append(f'[[recordings]]\nfile = "{name}.jsonl"\n{rows}')
    (folder / "suite.toml").write_text("\n".join(tables), "utf-8")
    return folder


def _changed(kind: str, number: int, change: Callable[[dict[str, Any]], object]) -> Callable[[], list[Line]]:
    def made() -> list[Line]:
        found = lines(kind)
        change(next(iter(found[number].message.values())))
        return found

    return made


def _record(kind: str, number: int, **fields: object) -> Callable[[], list[Line]]:
    def made() -> list[Line]:
        found = lines(kind)
        for name, value in fields.items():
            setattr(found[number], name, value)
        return found

    return made


def _without(kind: str, number: int) -> Callable[[], list[Line]]:
    return lambda: [line for place, line in enumerate(lines(kind)) if place != number]


def _late(kind: str, number: int, late_ms: int) -> Callable[[], list[Line]]:
    """All from a message on come later, and say so."""

    def made() -> list[Line]:
        found = lines(kind)
        for line in found[number:]:
            line.time_ns += late_ms * 1_000_000
            next(iter(line.message.values()))["secMark_s"] = second_s(line.time_ns)
        return found

    return made


def _map_and_spat() -> list[Line]:
    """A movement of the MAP has a phase that the SPAT does not have."""
    street, light = road_map(0), spat(0)
    street.message["mapFrame"]["nodes"][0]["inLinks"][0]["movements"][0]["phaseId"] = 99
    return [street, light]


def _long() -> list[Line]:
    """A MAP of many lanes."""
    found = [road_map(0)]
    for link in found[0].message["mapFrame"]["nodes"][0]["inLinks"]:
        link["lanes"] = [link["lanes"][0] | {"laneID": place} for place in range(20)]
    return found


FAULTS: Mapping[str, tuple[RuleName, int, str, Callable[[], list[Line]]]] = {
    "no-message": (RuleName.RECORD, 3, "holds no message", _record("BSM", 2, raw=b"\x7f\xff")),
    "cut-off": (RuleName.READABLE, 3, "ends before its last field", _record("BSM", 2, raw=bsm(2).payload[:-1])),
    "trailing": (RuleName.READABLE, 3, "1 bytes follow its end", _record("BSM", 2, raw=bsm(2).payload + b"\0")),
    "application": (RuleName.APPLICATION, 3, "under AID 3618 instead of 111, ", _record("BSM", 2, application_id=3618)),
    "length": (RuleName.LENGTH, 1, "are more than 1394", _long),
    "order": (RuleName.ORDER, 3, "it comes 900 ms before", _record("BSM", 2, time_ns=START_NS - 800_000_000)),
    "period": (RuleName.PERIOD, 4, "comes 161 ms after", _late("BSM", 3, 61)),
    "count-gap": (RuleName.COUNT, 3, "has count 0 behind 126", _without("BSM", 2)),
    "count-echo": (RuleName.COUNT, 3, "has count 126 behind 126", _changed("BSM", 2, lambda m: m.update(msgCnt=126))),
    "count-spat": (
        RuleName.COUNT,
        3,
        "SPAT of 4601.17 has count 9 behind 1",
        _changed("SPAT", 2, lambda m: m.update(msgCnt=9)),
    ),
    "clock": (RuleName.CLOCK, 3, "secMark is -700 ms ahead", _changed("BSM", 2, lambda m: m.update(secMark_s=1.5))),
    "clock-spat": (
        RuleName.CLOCK,
        2,
        "timeStamp is 60000 ms ahead",
        _changed("SPAT", 1, lambda m: m.update(moy_min=MINUTE_OF_YEAR + 1)),
    ),
    "position": (
        RuleName.KNOWN,
        1,
        "pos.lat is not known",
        _changed("BSM", 0, lambda m: m["pos"].update(lat_deg=None)),
    ),
    "time": (RuleName.KNOWN, 1, "secMark is not known", _changed("BSM", 0, lambda m: m.update(secMark_s=65.535))),
    "id": (RuleName.KNOWN, 5, "id is not known", _changed("BSM", 4, lambda m: m.update(id="00" * 8))),
    "size": (RuleName.KNOWN, 5, "size.width is not known", _changed("BSM", 4, lambda m: m["size"].update(width_m=0.0))),
    "speed": (RuleName.PLAUSIBLE, 5, "speed: 100 m/s", _changed("BSM", 4, lambda m: m.update(speed_mps=100.0))),
    "place": (
        RuleName.PLAUSIBLE,
        1,
        "refPos.lat: 60 °",
        _changed("RSI", 0, lambda m: m["refPos"].update(lat_deg=60.0)),
    ),
    "priority": (
        RuleName.PLAUSIBLE,
        1,
        "priority ff",
        _changed("RSI", 0, lambda m: m["rtes"][0].update(priority="ff")),
    ),
    "times": (
        RuleName.PLAUSIBLE,
        1,
        "ends at minute 900",
        _changed("RSI", 0, lambda m: m["rtes"][0]["timeDetails"].update(endTime_min=900)),
    ),
    "participants": (
        RuleName.UNIQUE,
        2,
        "ptcId 2 is there twice",
        _changed("RSM", 1, lambda m: m["participants"][0].update(ptcId=2)),
    ),
    "phase-twice": (
        RuleName.UNIQUE,
        2,
        "phases.id 2 is there twice",
        _changed("SPAT", 1, lambda m: m["intersections"][0]["phases"][0].update(id=2)),
    ),
    "no-light": (
        RuleName.PHASES,
        2,
        "phase 1 of 4601.17 has 0 lights",
        _changed("SPAT", 1, lambda m: m["intersections"][0]["phases"][0]["phaseStates"].pop(0)),
    ),
    "light-ends": (
        RuleName.PHASES,
        2,
        "a light of phase 1 of 4601.17 ends outside",
        _changed(
            "SPAT",
            1,
            lambda m: m["intersections"][0]["phases"][0]["phaseStates"][0]["timing"]["counting"].update(
                maxEndTime_s=12.0
            ),
        ),
    ),
    "strange-phase": (RuleName.PHASES, 2, "phase 99 of the MAP of 4601.17", _map_and_spat),
}
"""By name: the rule that is broken, the record in which, what is said, and the recording."""
