"""Real processes: what is published is on the air, over a crash and without the manager, until it is withdrawn."""

import signal
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wayside.v2x.codec import Profile, decode, encode
from wayside.v2x.generated.messages import RoadSideInformation
from wayside.v2x.uper import DecodeError
from wayside_demo.centre import Centre
from wayside_demo.field import FieldUnit
from wayside_demo.road_air import road_works
from wayside_demo.stage import until

SENSORS = """\
[gnss]
driver = "simulator"

[radio]
driver = "udp"
options = {{ radio_host = "127.0.0.1", radio_port = {port} }}
"""
QUIET_S = 1.5
"""Three periods of an event."""


@pytest.fixture
def air() -> Iterator[socket.socket]:
    """Where the unit's radio would be."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener


def on_air(air: socket.socket) -> bool:
    """Whether the road works are heard within three periods."""
    air.setblocking(False)
    try:
        while air.recv(2048):
            pass  # what was said before
    except BlockingIOError:
        pass
    air.settimeout(QUIET_S)
    try:
        _, content = decode(air.recv(2048), Profile.P20)
    except (TimeoutError, DecodeError):
        return False
    return isinstance(content, RoadSideInformation) and content.id == road_works().id


def test_what_is_published_survives_a_crash_without_the_manager_and_is_withdrawn(
    centre: Centre, unit: Callable[..., FieldUnit], air: socket.socket, tmp_path: Path
) -> None:
    rsu = unit("rsu-road", sensors=SENSORS.format(port=air.getsockname()[1]))
    rsu.until_online()
    file = tmp_path / "works.hex"
    file.write_text(encode(("rsiFrame", road_works()), Profile.P20).hex())
    end = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    centre.wayside("broadcasts", "publish", str(file), "--name", "works", "--node", "rsu-road", "--until", end)
    until("it is on the air", lambda: on_air(air), 20)
    until("the unit has said so", lambda: said(centre) == "STATE_ON_AIR", 20)

    centre.watch.stop()
    centre.manager.stop(signal.SIGKILL)
    rsu.agent.kill(signal.SIGKILL)
    until("it is on the air again", lambda: on_air(air), 20)
    assert not rsu.status()["is_manager_reached"]

    centre.start_manager()
    until("the unit is back", lambda: rsu.status()["is_manager_reached"], 30)
    centre.wayside("broadcasts", "withdraw", "works")
    until("it is off the air", lambda: not on_air(air), 20)
    until("the unit has said so", lambda: said(centre) == "STATE_WITHDRAWN", 20)


def said(centre: Centre) -> str:
    """The newest word of the unit."""
    (receipt,) = centre.wayside("broadcasts", "show", "works")["receipts"]
    return str(receipt.get("report", {}).get("state", ""))
