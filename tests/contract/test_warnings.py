"""What warns the driver, fed as sensing feeds it: bounded, deaf to itself, and with real packets."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.contract.test_air import UNIT, made
from tests.unit.warning_world import CROSSING, Road, at
from wayside.errors import InvalidArgumentError
from wayside.v2x.codec import Profile, decode
from wayside.v2x.peek import Peek, peek
from wayside_agent.core.bsm import Bsm, encoded_bsm
from wayside_agent.core.radio_recording import messages as recorded_messages
from wayside_agent.core.speaking import Body, Speaker
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.core.warnings.model import Change, Finding, Kind
from wayside_agent.core.warnings.movers import Own
from wayside_agent.drivers.id_change_command import IdChangeCommand
from wayside_agent.services.v2x_warnings import Warnings, World
from wayside_agent.settings import NodeSettings
from wayside_agent.v2x_settings import V2xSettings, WarningSettings

OURS = (7).to_bytes(8, "big")


class Driver:
    """A vehicle whose display is this."""

    def __init__(self, own: Own | None, *, profile: Profile = Profile.P20, utc_s: float | None = None) -> None:
        self.own = own
        self.now_s = 100.0
        self.shown: list[tuple[str, Kind]] = []
        self.warnings = Warnings(
            World(
                own=lambda: self.own,
                own_ids=lambda: (OURS,),
                profile=profile,
                utc_s=lambda: utc_s,
                show=self._show,
                mono_s=lambda: self.now_s,
            )
        )
        self.warnings.look()

    def _show(self, changes: Sequence[Change], _active: Sequence[Finding]) -> None:
        self.shown += [(each.action.value, each.finding.kind) for each in changes]

    def hear(self, payload: bytes, *, application_id: int | None = None) -> None:
        seen = peek(payload)
        self.warnings.take(ReceivedMessage(payload, seen.kind, 1, application_id), seen)

    def count(self, what: str, reason: str) -> int:
        found = self.warnings.picture()[what]
        assert isinstance(found, dict)
        return int(found.get(reason, 0))


def standing(metres: float, sender: bytes = b"\1" * 8) -> bytes:
    """A BSM of a vehicle that stands so far east of the crossing."""
    place = at(metres, 0.0)
    return encoded_bsm(
        Bsm(1, sender, timedelta(seconds=1), place[0] / 1e7, place[1] / 1e7, speed_mps=0.0, heading_deg=90.0)
    )


@pytest.fixture
def driver() -> Driver:
    return Driver(Own(CROSSING, 90.0, 15.0))


def test_a_vehicle_ahead_is_shown_at_the_next_look(driver: Driver) -> None:
    driver.hear(standing(40.0), application_id=111)
    driver.warnings.look()
    assert driver.shown == [("begin", Kind.FORWARD_COLLISION)]
    driver.now_s += 1.6
    driver.warnings.look()
    assert driver.shown[1:] == [("end", Kind.FORWARD_COLLISION)]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (lambda driver: driver.hear(standing(40.0, OURS)), "our own"),
        (lambda driver: driver.hear(standing(40.0), application_id=3618), "application id"),
        (lambda driver: driver.hear(standing(400.0)), "far away"),
        (lambda driver: driver.hear(standing(40.0)[:-2]), "unreadable"),
    ],
    ids=["our own", "wrong AID", "far away", "cut off"],
)
def test_what_is_not_looked_at_is_counted(driver: Driver, words: Callable[[Driver], None], reason: str) -> None:
    words(driver)
    driver.warnings.look()
    assert driver.shown == []
    assert driver.count("left_out_count", reason) == 1


def test_of_a_flood_the_newest_are_looked_at(driver: Driver) -> None:
    for sender in range(1000):
        driver.hear(standing(100.0 + sender % 100, sender.to_bytes(8, "little")))
    driver.hear(standing(40.0))
    driver.warnings.look()
    assert driver.count("left_out_count", "too many") == 1001 - 512
    assert driver.shown == [("begin", Kind.FORWARD_COLLISION)]


def test_a_vehicle_that_does_not_know_where_it_is_ends_its_warnings(driver: Driver) -> None:
    driver.hear(standing(40.0))
    driver.warnings.look()
    driver.own = None
    for _ in range(6):
        driver.now_s += 0.1
        driver.hear(standing(40.0))
        driver.warnings.look()
    assert driver.shown == [("begin", Kind.FORWARD_COLLISION), ("end", Kind.FORWARD_COLLISION)]
    assert driver.warnings.picture()["is_warning"] is False


@pytest.mark.parametrize("profile", Profile, ids=lambda each: each.value)
@pytest.mark.parametrize(("utc_s", "stale"), [(None, 0), (1_795_503_302.0, 1)], ids=["played", "now"])
def test_real_packets_are_taken_when_played_and_stale_when_said_now(
    shared_data: Path, profile: Profile, utc_s: float | None, stale: int
) -> None:
    lines = (shared_data / "v2x/china/spat_bsm_rsm_hex_and_decode.txt").read_text("utf-8").splitlines()
    packets = [each for each in recorded_messages(lines) if isinstance(each, ReceivedMessage)]
    frame = next(frame for frame in (decode(each.payload, profile) for each in packets) if frame[0] == "bsmFrame")
    assert frame[0] == "bsmFrame"
    place = frame[1].pos.lat, frame[1].pos.long
    driver = Driver(Own(place, 90.0, 10.0), profile=profile, utc_s=utc_s)
    seen: list[Peek] = [peek(each.payload) for each in packets]
    for message, first in zip(packets, seen, strict=True):
        driver.warnings.take(message, first)
    driver.warnings.look()
    assert driver.count("left_out_count", "unreadable") == 0
    assert driver.count("implausible_count", "stale") >= stale
    if utc_s is None:
        assert driver.count("implausible_count", "roadside") == 1
        assert driver.warnings.picture()["movers"] == 2  # whom the roadside unit sees is 1,400 km away


def test_only_an_obu_warns_and_only_with_settings() -> None:
    with_ = msgspec.structs.replace
    warning = with_(UNIT, v2x=V2xSettings(warnings=WarningSettings()))
    with pytest.raises(InvalidArgumentError, match=r"field v2x\.warnings: only an OBU with gnss and radio"):
        made(with_(warning, node=NodeSettings(id="rsu-1", esn="E1", kind="rsu")))


NEW_ID = bytes(range(8))
PYTHON = sys.executable


async def test_the_radio_is_told_of_the_new_id(tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = f"import os, pathlib; pathlib.Path({str(told)!r}).write_text(os.environ['WAYSIDE_TEMPORARY_ID'])"
    command = IdChangeCommand((PYTHON, "-c", script), timeout_s=20)
    await command(NEW_ID)
    assert (told.read_text(), command.fault) == ("0001020304050607", "")


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        (("/nowhere/at-all",), "cannot be started"),
        (("sleep", "60"), "did not end within 0.05 s and was stopped"),
        (("false",), "ended with status 1"),
    ],
    ids=["not there", "hangs", "fails"],
)
async def test_a_command_that_fails_stops_nobody(
    command: tuple[str, ...], fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    change = IdChangeCommand(command, timeout_s=0.05)
    async with asyncio.timeout(20):
        await change(NEW_ID)
        await change(NEW_ID)
    assert fault in change.fault
    assert len(caplog.records) == 1


def test_the_id_before_is_known_for_one_change() -> None:
    speaker = Speaker(Body(), Random(1).randbytes)  # noqa: S311  # repeatable
    first = speaker.id
    speaker.change_id()
    assert speaker.ids == (speaker.id, first)
    assert speaker.id != first


def test_a_road_at_rest_says_nothing() -> None:
    road = Road(speed_mps=0.0)
    road.map()
    road.vehicle(-195.0)
    assert road.look() == []
