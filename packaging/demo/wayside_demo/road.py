"""A road of simulated sites, for rollouts that must not take it down: its map, its units, and who judges them.

Usage: `road = Road.prepared(folder, count=12)`; import `road.map_file`, `road.units_file`; later `road.judged(trial)`.
"""

import base64
import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wayside_agent.drivers.certificate_request import public_key_der

NAME = "g98"
SITE_DISTANCE_M = 500.0
MAX_IN_FLIGHT_PERCENT = 34
LINE = "ring-east"
OTHER_LINE = "ring-west"
FIRST_LATITUDE_DEG, FIRST_LONGITUDE_DEG = 20.0, 110.3
DEGREES_PER_M = 1 / 111_320.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the units themselves noted of their trials."""

    trial_count: int
    most_at_once: int
    breaches: tuple[str, ...]
    """One sentence for every time two neighbours were on trial at once."""


@dataclass(frozen=True, slots=True)
class Road:
    """A folder with what the simulated units and the operator need."""

    folder: Path
    count: int

    @classmethod
    def prepared(cls, folder: Path, count: int) -> "Road":
        """Makes the keys, the list of units and the map."""
        folder.mkdir()
        road = cls(folder, count)
        with road.units_file.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["node_id", "esn", "kind", "public_key", "site"])
            for index in range(1, count + 1):
                public_key = base64.b64encode(road._new_key(index)).decode()
                writer.writerow([unit_id(index), f"SIM-{index:04d}", "rsu", public_key, site_id(index)])
        features = [*map(road._site, range(1, count + 1)), _corridor(count)]
        road.map_file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        return road

    @property
    def units_file(self) -> Path:
        """For `wayside nodes import`."""
        return self.folder / "units.csv"

    @property
    def map_file(self) -> Path:
        """For `wayside sites import`."""
        return self.folder / "road.geojson"

    def units_command(self, device_address: str, enrollment_address: str, ca_file: Path) -> list[str]:
        """The command that enrols the units and plays them; it needs nothing of the environment."""
        program = str(Path(__file__).with_name("simulated_units.py"))
        where = ["--device", device_address, "--enrollment", enrollment_address, "--ca-file", str(ca_file)]
        return [sys.executable, program, str(self.folder), *where, "--behind-line", ",".join(self.behind_line)]

    @property
    def unit_ids(self) -> tuple[str, ...]:
        """In the order of the road."""
        return tuple(map(unit_id, range(1, self.count + 1)))

    @property
    def behind_line(self) -> tuple[str, ...]:
        """The units whose sites reach the centre by `LINE`: the far half of the road."""
        return self.unit_ids[self.count // 2 :]

    def notes(self, trial: str) -> list[dict[str, Any]]:
        """What the units noted of the trials of one rollout, in order; a line that is being written does not count."""
        lines = (self.folder / "trials.jsonl").read_text().split("\n")[:-1]
        return [note for note in map(json.loads, lines) if note["trial"] == trial]

    def judged(self, trial: str) -> Judgement:
        """Judges the trials of one rollout by what the units noted, not by what the manager planned."""
        places = {node_id: place for place, node_id in enumerate(self.unit_ids)}
        on_trial: set[int] = set()
        breaches, most, begun = [], 0, 0
        for note in self.notes(trial):
            place = places[note["node"]]
            if note["event"] == "end":
                on_trial.discard(place)
                continue
            begun += 1
            breaches += [f"{note['node']} and its neighbour" for near in (place - 1, place + 1) if near in on_trial]
            on_trial.add(place)
            most = max(most, len(on_trial))
        return Judgement(begun, most, tuple(breaches))

    def _site(self, index: int) -> dict[str, object]:
        longitude_deg = FIRST_LONGITUDE_DEG + index * SITE_DISTANCE_M * DEGREES_PER_M
        line = LINE if unit_id(index) in self.behind_line else OTHER_LINE
        return {
            "type": "Feature",
            "id": site_id(index),
            "geometry": {"type": "Point", "coordinates": [round(longitude_deg, 6), FIRST_LATITUDE_DEG]},
            "properties": {"type": "site", "kind": "roadside", "time_zone": "Asia/Shanghai", "backhaul": line},
        }

    def _new_key(self, index: int) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        path = self.folder / f"{unit_id(index)}.key"
        path.touch(mode=0o600)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path.write_bytes(key.private_bytes(*form))
        return public_key_der(key)


def unit_id(index: int) -> str:
    """Node id of the unit at the site of this index, from 1."""
    return f"rsu-{site_id(index)}"


def site_id(index: int) -> str:
    """Id of the site of this index, from 1."""
    return f"{NAME}-s{index:02d}"


def _corridor(count: int) -> dict[str, object]:
    sites = [{"site": site_id(index), "stake_meters": index * SITE_DISTANCE_M} for index in range(1, count + 1)]
    properties = {"type": "corridor", "display_name": NAME.upper(), "sites": sites}
    limit = {"max_in_flight_percent": MAX_IN_FLIGHT_PERCENT}
    return {"type": "Feature", "id": NAME, "geometry": None, "properties": properties | limit}
