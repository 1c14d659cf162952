"""A unit that hears signed messages: out of their envelopes, with samples of them verified."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.v2x_signed import NOW_S, Signer
from wayside.errors import InvalidArgumentError
from wayside.v2x.peek import MessageKind
from wayside_agent.air.radio import radio_of, verification_of
from wayside_agent.air.secured import SecuredRadio, secured
from wayside_agent.cli.check import findings
from wayside_agent.core.spdu.certificate import parsed_certificate
from wayside_agent.core.spdu.envelope import parsed_spdu
from wayside_agent.core.spdu.judging import Judge, Outcome
from wayside_agent.drivers.radio_udp import UdpRadio
from wayside_agent.drivers.security_openssl import OpenSslModule
from wayside_agent.drivers.sim_radio import SimRadio
from wayside_agent.services.v2x_verification import WINDOW_S, Sampling, Verification
from wayside_agent.settings import Driver, ManagerSettings, NodeSettings, Settings
from wayside_agent.v2x_security_settings import SecuritySettings
from wayside_agent.v2x_settings import V2xSettings

BSM = bytes.fromhex("002eb7d528470707070704a399af1ab4b614721fc22efc0006047e87e8401fffe022587080a68000")
ROOT = Signer(issues=True)
CAR = Signer(ROOT)


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    (tmp_path / "root.oer").write_bytes(ROOT.certificate)
    return tmp_path


def say(port: int, *datagrams: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for datagram in datagrams:
            sock.sendto(datagram, ("127.0.0.1", port))


@asynccontextmanager
async def hearing(trust: Path, **settings: object) -> AsyncIterator[tuple[SecuredRadio, Callable[..., None]]]:
    """A radio that looks at signatures, and what speaks to it."""
    udp = UdpRadio(UdpRadio.Options())
    asked = SecuritySettings(trust_dir=str(trust), **settings)  # type: ignore[arg-type]  # fields of the settings
    radio = secured(udp, asked, utc_s=lambda: NOW_S)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group, radio:
        looking = group.create_task(radio.verification.run())
        yield radio, lambda *datagrams: say(udp.local_port, *datagrams)
        looking.cancel()


async def looked_at(radio: SecuredRadio, outcome: Outcome, count: int) -> None:
    name = f"v2x.security.{outcome.value}_count"
    while radio.verification.figures()[name][0] < count:  # noqa: ASYNC110  # a thread is at it
        await asyncio.sleep(0.001)  # a thread is at it


async def test_a_signed_message_is_heard_as_what_is_in_it(trust: Path) -> None:
    async with hearing(trust) as (radio, speak):
        speak(CAR.message(BSM), b"\x03\x80" + bytes((len(BSM),)) + BSM, BSM)
        heard = [await radio.read() for _ in range(3)]
    assert [each.payload for each in heard] == [BSM] * 3
    assert [each.application_id for each in heard] == [111, None, None]
    assert {each.kind for each in heard} == {MessageKind.BSM}
    assert heard[0].verdict is not None
    assert (heard[0].verdict.verified, heard[0].verdict.checked_by) == (None, "agent")
    assert heard[1].verdict is heard[2].verdict is None


async def test_what_only_begins_like_an_envelope_stays_as_it_is(trust: Path) -> None:
    foreign = b"\x03\x81\x00\x40" + BSM
    async with hearing(trust) as (radio, speak):
        speak(foreign)
        assert (await radio.read()).payload == foreign


async def test_a_signer_is_known_by_its_digest_once_its_certificate_was_verified(trust: Path) -> None:
    async with hearing(trust) as (radio, speak):
        speak(CAR.message(BSM))
        await radio.read()
        await looked_at(radio, Outcome.VERIFIED, 1)
        speak(CAR.message(BSM, by_digest=True))
        verdict = (await radio.read()).verdict
    assert verdict is not None
    assert verdict.signer_digest == CAR.digest
    assert 360 < (verdict.certificate_days or 0) < 366


async def test_liars_are_counted_and_make_the_check_red(trust: Path) -> None:
    whole = CAR.message(BSM)
    lie = whole[:-1] + bytes((whole[-1] ^ 1,))
    async with hearing(trust, limit_per_s=100) as (radio, speak):
        for datagram in (whole, *[lie] * 4, *[whole] * 10):
            speak(datagram)
            await radio.read()
        await looked_at(radio, Outcome.BAD_SIGNATURE, 4)
        await looked_at(radio, Outcome.VERIFIED, 11)
        assert radio.verification.refused_ratio == pytest.approx(4 / 15)
        assert radio.verification.picture()["signed_count"] == 15


async def test_what_is_too_much_is_heard_all_the_same_and_not_looked_at(trust: Path) -> None:
    async with hearing(trust, limit_per_s=1) as (radio, speak):
        for _ in range(30):
            speak(CAR.message(BSM))
            await radio.read()
        await looked_at(radio, Outcome.VERIFIED, 1)
        assert radio.verification.passed_over_count >= 20
        assert radio.verification.refused_ratio is None


async def test_of_those_that_name_their_signer_by_a_digest_every_nth_is_looked_at(trust: Path) -> None:
    async with hearing(trust, sample_one_in=5, limit_per_s=100) as (radio, speak):
        for _ in range(20):
            speak(CAR.message(BSM, by_digest=True))
            await radio.read()
        await looked_at(radio, Outcome.UNKNOWN_SIGNER, 4)
        assert radio.verification.refused_ratio is None


async def test_who_is_signed_in_an_unknown_way_is_heard_and_counted(trust: Path) -> None:
    whole = CAR.message(BSM, by_digest=True)
    async with hearing(trust) as (radio, speak):
        speak(whole[:-66] + b"\x8a\x40" + whole[-64:])
        heard = await radio.read()
    assert (heard.payload, heard.verdict) == (BSM, None)
    assert radio.verification.picture()["not_understood_count"] == 1


def verification(now_s: list[float]) -> Verification:
    judge = Judge(OpenSslModule(), [parsed_certificate(ROOT.certificate)], max_age_s=30.0)
    return Verification(judge, Sampling(1, 1000), utc_s=lambda: NOW_S, mono_s=lambda: now_s[0])


async def offered(looks: Verification, message: bytes, count: int) -> None:
    """Offers a message so often, and waits until all are looked at."""
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        looking = group.create_task(looks.run())
        for _ in range(count):
            before = sum(looks.picture()["outcomes"].values())  # type: ignore[attr-defined]  # counts
            looks.offer(parsed_spdu(message))
            while sum(looks.picture()["outcomes"].values()) == before:  # type: ignore[attr-defined]  # noqa: ASYNC110  # a thread is at it
                await asyncio.sleep(0.001)
        looking.cancel()


async def test_a_liar_who_has_gone_leaves_no_alarm() -> None:
    now_s = [0.0]
    looks, whole = verification(now_s), CAR.message(BSM)
    await offered(looks, whole[:-1] + bytes((whole[-1] ^ 1,)), 10)
    assert looks.refused_ratio == 1.0
    now_s[0] = WINDOW_S + 1
    assert looks.refused_ratio is None


async def test_strangers_do_not_hide_a_liar() -> None:
    looks, whole = verification([0.0]), CAR.message(BSM)
    await offered(looks, whole[:-1] + bytes((whole[-1] ^ 1,)), 10)
    await offered(looks, Signer().message(BSM), 10)
    assert looks.refused_ratio == 1.0


async def test_the_check_of_settings_reads_whom_a_unit_trusts(tmp_path: Path) -> None:
    unit = Settings(
        node=NodeSettings(id="rsu-1", esn="E1", kind="rsu"),
        manager=ManagerSettings(device_address="127.0.0.1:1", enrollment_address="127.0.0.1:1"),
        radio=Driver(driver="simulator"),
        state_dir=str(tmp_path),
        v2x=V2xSettings(security=SecuritySettings(trust_dir=str(tmp_path / "nobody"))),
    )
    assert [each.message for each in await findings(unit) if "v2x.security.trust_dir" in each.message]


@pytest.mark.parametrize("content", [None, b"noise"], ids=["nobody", "no certificate"])
def test_a_folder_without_anybody_to_trust_is_a_mistake_of_the_settings(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "root.oer").write_bytes(content)
    settings = V2xSettings(security=SecuritySettings(trust_dir=str(tmp_path)))
    with pytest.raises(InvalidArgumentError, match=r"field v2x\.security\.trust_dir"):
        radio_of(SimRadio(SimRadio.Options()), settings, utc_s=lambda: NOW_S)


def test_who_looks_at_signatures_is_found_behind_lists_too(trust: Path) -> None:
    security = SecuritySettings(trust_dir=str(trust))
    for settings in (V2xSettings(security=security), V2xSettings(security=security, receive_aids=(111,))):
        radio = radio_of(SimRadio(SimRadio.Options()), settings, utc_s=lambda: NOW_S)
        assert verification_of(radio) is not None
    assert verification_of(radio_of(SimRadio(SimRadio.Options()), V2xSettings(), utc_s=lambda: NOW_S)) is None


def test_signatures_without_a_radio_are_a_mistake_of_the_settings(trust: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"field v2x\.security: it needs a radio"):
        radio_of(None, V2xSettings(security=SecuritySettings(trust_dir=str(trust))), utc_s=lambda: NOW_S)
