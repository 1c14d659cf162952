"""Makes the recordings the project ships, with its own simulators: `python -m wayside_demo.ship [FOLDER]`.

The same bytes every time; a test compares them with what is in the repository.
"""

import shutil
import sys
from pathlib import Path

from wayside_agent.drivers import sim_can, sim_gnss, sim_radio
from wayside_demo.recordings import SHIPPED

DURATION_S = 20.0
SEEDS = {"rsu": 11, "obu": 7}


def ship(folder: Path) -> None:
    """Writes every recording into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for unit, seed in SEEDS.items():
        sim_can.write_candump(folder / f"{unit}.candump", duration_s=DURATION_S, seed=seed)
        sim_gnss.write_nmea(folder / f"{unit}.nmea", duration_s=DURATION_S, seed=seed)
    sim_radio.write_recording(
        folder / "v2x.jsonl", duration_s=DURATION_S, seed=SEEDS["rsu"], vehicle_count=2, rate_hz=2
    )
    shutil.copyfile(sim_can.DBC_PATH, folder / "sim.dbc")


if __name__ == "__main__":
    ship(Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED)
