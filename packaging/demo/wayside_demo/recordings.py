"""What the demo's units read: real public recordings where they are, else recordings the project made itself."""

import os
from dataclasses import dataclass
from pathlib import Path

import can

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = Path(__file__).parents[1] / "recordings"
REAL_MARK = "manifest.json"


@dataclass(frozen=True, slots=True)
class Recordings:
    """Files for one RSU and one OBU."""

    kind: str
    """`real` or `shipped`."""
    rsu_can: Path
    obu_can: Path
    obu_database: Path
    rsu_nmea: Path
    obu_nmea: Path
    radio: Path
    controller: Path | None = None
    """Words of a signal controller."""


def found(work_dir: Path) -> Recordings:
    """Those of `$WAYSIDE_DATA`, or `../shared/data` when that is not set; the shipped ones where there are none."""
    data = Path(os.environ.get("WAYSIDE_DATA") or ROOT.parent / "shared" / "data")
    if (data / REAL_MARK).is_file():
        return _real(data, work_dir)
    return Recordings(
        kind="shipped",
        rsu_can=SHIPPED / "rsu.candump",
        obu_can=SHIPPED / "obu.candump",
        obu_database=SHIPPED / "sim.dbc",
        rsu_nmea=SHIPPED / "rsu.nmea",
        obu_nmea=SHIPPED / "obu.nmea",
        radio=SHIPPED / "v2x.jsonl",
    )


def _real(data: Path, work_dir: Path) -> Recordings:
    return Recordings(
        kind="real",
        rsu_can=data / "can/trc/sample3_PCAN-View.trc",
        obu_can=_as_candump(data / "can/mf4/11111111_00000012_00000001.MF4", work_dir / "obu.candump"),
        obu_database=data / "can/dbc/CSS-Electronics-SAE-J1939-DEMO.dbc",
        rsu_nmea=data / "gnss/nmea/beidou-gb.log",
        obu_nmea=data / "gnss/nmea/nmea-rtk.log",
        radio=data / "v2x/china/spat_bsm_rsm_hex_and_decode.txt",
        controller=data / "v2x/tsc/ntcip_spat_data.txt",
    )


def _as_candump(mf4: Path, target: Path) -> Path:
    """The frames of an MF4 file as a candump log: a unit does not carry the MF4 reader's 150 MB of numpy and pandas."""
    with can.MF4Reader(mf4) as reader, can.CanutilsLogWriter(target) as writer:
        for frame in reader:
            writer.on_message_received(frame)
    return target
