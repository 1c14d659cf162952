"""Around the demo's crossing: a signal controller, real packets of others, a map, road works, a way to drive.

    air = RoadAir(radio, controller, rsu_port=..., signal_port=...)
    air.start(); air.close()

What a roadside unit is sent is what was recorded; where nothing real is there, a controller is made up.
"""

import contextlib
import json
import math
import socket
import struct
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wayside.v2x.generated.messages import Connection as LaneConnection
from wayside.v2x.generated.messages import (
    Lane,
    Link,
    MapData,
    Node,
    NodeReferenceID,
    Position3D,
    PositionLLmD64b,
    PositionOffsetLLV,
    ReferencePath,
    RegulatorySpeedLimit,
    RoadPoint,
    RoadSideInformation,
    RTEData,
)
from wayside.v2x.peek import MessageKind
from wayside.v2x.readable import readable
from wayside_agent.core.application_id import REGULAR_IDS
from wayside_agent.core.fix import Fix, FixMode, FixQuality, Position
from wayside_agent.core.frame_layout import DSMP
from wayside_agent.core.nmea_text import sentences
from wayside_agent.core.radio_recording import messages
from wayside_agent.core.v2x import ReceivedMessage

REGION, NODE, UPSTREAM = 4601, 9, 8
PHASE_ID = 41
"""Of the way the vehicle comes; the controller's phase 4, which is red in the recording."""
CROSSING_DEG = (20.0317, 110.3312)
STOP_LINE_M = 12.0
"""South of the middle."""
HAZARD_M = 150.0
WAY_M = 280.0
SPEED_MPS = 14.0
ROAD_WORKS = 501
"""Of GB/T 29100."""
_METRES_PER_DEGREE = 111_195.0
_RAW = 10_000_000
_BEGIN = datetime(2026, 1, 1, 4, tzinfo=UTC)
_RATE_HZ = 10
_BEAT_S = 0.1
_SLOW_BEATS = 5


def place(south_m: float) -> tuple[float, float]:
    """So far south of the middle of the crossing, latitude and longitude [°]."""
    latitude_deg, longitude_deg = CROSSING_DEG
    return latitude_deg - south_m / _METRES_PER_DEGREE, longitude_deg


def write_drive(path: Path) -> None:
    """A receiver's sentences of a vehicle that comes from the south and does not brake."""
    step_m = SPEED_MPS / _RATE_HZ
    with path.open("wb") as file:
        for index in range(math.ceil((WAY_M + STOP_LINE_M) / step_m)):
            latitude_deg, longitude_deg = place(WAY_M - index * step_m)
            fix = Fix(
                mode=FixMode.THREE_D,
                quality=FixQuality.RTK_FIXED,
                position=Position(latitude_deg, longitude_deg, 12.0),
                utc_time=_BEGIN + timedelta(seconds=index / _RATE_HZ),
                speed_mps=SPEED_MPS,
                course_deg=0.0,
                hdop=0.7,
                satellite_count=24,
                correction_age_s=1.0,
            )
            file.write(sentences(fix, with_view=False))


def write_broadcasts(path: Path) -> None:
    """What the roadside unit repeats, as it takes it: the map and the road works."""
    documents = (readable(("mapFrame", road_map())), readable(("rsiFrame", road_works())))
    path.write_text("".join(json.dumps(each) + "\n" for each in documents))


def road_map() -> MapData:
    """The crossing, with the lane the vehicle comes by."""
    points = [RoadPoint(posOffset=_offset(south_m)) for south_m in (WAY_M + 20, 120.0, STOP_LINE_M)]
    beyond = NodeReferenceID(region=REGION, id=NODE + 1)
    lane = Lane(laneID=1, connectsTo=[LaneConnection(remoteIntersection=beyond, phaseId=PHASE_ID)], points=points)
    limit = RegulatorySpeedLimit(type=5, speed=round(60 / 3.6 / 0.02))
    link = Link(
        upstreamNodeId=NodeReferenceID(region=REGION, id=UPSTREAM), speedLimits=[limit], linkWidth=350, lanes=[lane]
    )
    middle = Position3D(lat=_raw(CROSSING_DEG[0]), long=_raw(CROSSING_DEG[1]))
    node = Node(id=NodeReferenceID(region=REGION, id=NODE), refPos=middle, inLinks=[link])
    return MapData(msgCnt=0, nodes=[node])


def road_works() -> RoadSideInformation:
    """Road works on the way."""
    middle = Position3D(lat=_raw(CROSSING_DEG[0]), long=_raw(CROSSING_DEG[1]))
    path = ReferencePath(activePath=[_offset(WAY_M + 20), _offset(STOP_LINE_M)], pathRadius=50)
    event = RTEData(
        rteId=1, eventType=ROAD_WORKS, eventSource=1, eventPos=_offset(HAZARD_M), eventRadius=100, referencePaths=[path]
    )
    return RoadSideInformation(msgCnt=0, id=b"G98-K12 ", refPos=middle, rtes=[event])


class RoadAir:
    """Everything around the two units of a crossing."""

    def __init__(self, radio: Path, controller: Path | None, *, rsu_port: int, signal_port: int) -> None:
        """`radio`: recorded packets; `controller`: recorded words of a signal controller, `None`: made up."""
        self._packets = [each for each in messages(radio.read_text().splitlines()) if isinstance(each, ReceivedMessage)]
        self._word = _recorded_word(controller) if controller else _made_up_word()
        self._ports = (rsu_port, signal_port)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._play, name="road-air", daemon=True)

    def start(self) -> None:
        """Begins to play."""
        self._thread.start()

    def close(self) -> None:
        """Ends it."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _play(self) -> None:
        rsu_port, signal_port = self._ports
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            beat = 0
            while not self._ends.wait(_BEAT_S):
                with contextlib.suppress(OSError):  # a unit is not up yet
                    sock.sendto(self._word, ("127.0.0.1", signal_port))
                    if beat % _SLOW_BEATS == 0:
                        for each in self._packets:
                            sock.sendto(_framed(each.payload, each.kind), ("127.0.0.1", rsu_port))
                beat += 1


def _framed(payload: bytes, kind: MessageKind) -> bytes:
    return DSMP.built(payload, application_id=REGULAR_IDS[kind], time_ns=time.time_ns())


def _recorded_word(path: Path) -> bytes:
    """The first word of the recording: green for 2 and 6, red for 4 and 8."""
    return bytes.fromhex(path.read_text().split()[0])


def _made_up_word() -> bytes:
    """Red for 4 and 8 for ten seconds more, green for 2 and 6."""
    rows = [struct.pack(">B6H", phase, *(_times(phase)), 0, 0, 0, 0) for phase in range(1, 17)]
    masks = struct.pack(">11H", _mask(4, 8), 0, _mask(2, 6), *[0] * 8)
    return b"\xcd\x10" + b"".join(rows) + masks + bytes(9)


def _times(phase: int) -> Sequence[int]:
    return (100, 100) if phase in {2, 4, 6, 8} else (0, 0)


def _mask(*phases: int) -> int:
    return sum(1 << (phase - 1) for phase in phases)


def _offset(south_m: float) -> PositionOffsetLLV:
    latitude_deg, longitude_deg = place(south_m)
    absolute = PositionLLmD64b(lon=_raw(longitude_deg), lat=_raw(latitude_deg))
    return PositionOffsetLLV(offsetLL=("position-LatLon", absolute))


def _raw(degrees: float) -> int:
    return round(degrees * _RAW)
