"""What a unit hears and sends under lists of AIDs, and of what a chip has verified."""

import asyncio
import socket
from pathlib import Path

import pytest

from wayside.errors import PermissionDeniedError
from wayside.v2x.peek import MessageKind
from wayside_agent.air.guarded import GuardedRadio, guarded
from wayside_agent.core.frame_layout import DSMP, ApplicationId, Layout, Payload, Verified
from wayside_agent.drivers.radio_replay import RadioReplay
from wayside_agent.drivers.radio_udp import UdpRadio
from wayside_agent.drivers.sim_radio import SimRadio
from wayside_agent.ports.errors import SourceEndedError
from wayside_agent.v2x_settings import V2xSettings

BSM, SPAT = b"\x00bsm", b"\x30spat"


def behind(radio: UdpRadio, **settings: object) -> GuardedRadio:
    found = guarded(radio, V2xSettings(**settings))  # type: ignore[arg-type]  # fields of the settings
    assert isinstance(found, GuardedRadio)
    return found


def say(port: int, *datagrams: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for datagram in datagrams:
            sock.sendto(datagram, ("127.0.0.1", port))


async def test_what_is_not_on_the_list_is_counted_and_not_heard() -> None:
    radio = UdpRadio(UdpRadio.Options(layout="dsmp"))
    bsm = [DSMP.built(BSM, application_id=aid, time_ns=0) for aid in (111, 113, 113)]
    async with behind(radio, receive_aids=(3619,)) as guard:
        say(radio.local_port, *bsm, DSMP.built(SPAT, application_id=3619, time_ns=0))
        async with asyncio.timeout(5):
            heard = await guard.read()
    assert (heard.kind, heard.application_id) == (MessageKind.SPAT, 3619)
    assert guard.picture() == {
        "unlisted_count": 3,
        "unverified_count": 0,
        "withheld_count": 0,
        "unlisted_by_aid": {"111": 1, "113": 2},
        "withheld_by_aid": {},
    }


async def test_what_has_no_aid_is_on_no_list(tmp_path: Path) -> None:
    path = tmp_path / "road.hex"
    path.write_text(BSM.hex())
    guard = guarded(RadioReplay(RadioReplay.Options(path=str(path))), V2xSettings(receive_aids=(111,)))
    assert isinstance(guard, GuardedRadio)
    async with guard:
        with pytest.raises(SourceEndedError):
            await guard.read()
    assert guard.figures()["radio.unlisted_count"] == (1.0, "")


async def test_nothing_is_sent_under_an_aid_that_is_not_on_the_list() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        radio = UdpRadio(UdpRadio.Options(radio_host="127.0.0.1", radio_port=sock.getsockname()[1]))
        async with behind(radio, send_aids=(3618, 3619)) as guard:
            with pytest.raises(PermissionDeniedError, match=r"AID 111; add it to `v2x\.send_aids`"):
                await guard.send(BSM, application_id=111)
            await guard.send(SPAT, application_id=3619)
            assert sock.recv(100) == SPAT
            assert guard.counters().sent == {3619: 1}
            assert guard.picture()["withheld_by_aid"] == {"111": 1}


async def test_only_what_the_chip_has_verified_is_heard_where_that_is_asked_for() -> None:
    layout = (ApplicationId(), Verified(), Payload())
    radio = UdpRadio(UdpRadio.Options(layout=layout))
    blank = Layout(fields=layout).built(BSM, application_id=111, time_ns=0)
    async with behind(radio, require_verified=True) as guard:
        say(radio.local_port, blank, blank[:2] + b"\x09" + blank[3:], blank[:2] + b"\x01" + blank[3:])
        async with asyncio.timeout(5):
            heard = await guard.read()
    assert heard.verdict is not None
    assert heard.verdict.verified is True
    assert guard.figures()["radio.unverified_count"] == (2.0, "")


def test_without_lists_there_is_nothing_between_unit_and_radio() -> None:
    radio = SimRadio(SimRadio.Options(center_frequency_hz=5.915e9))
    assert guarded(radio, V2xSettings()) is radio
    behind_lists = guarded(radio, V2xSettings(send_aids=(111,)))
    assert isinstance(behind_lists, GuardedRadio)
    assert behind_lists.station().center_frequency_hz == 5.915e9
