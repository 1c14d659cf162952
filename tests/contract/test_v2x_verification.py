"""Signed messages that come over a real socket: opened at once, verified beside their way, counted."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.spdu_world import AID, SignedWorld
from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.v2x.peek import MessageKind
from wayside_agent import registry
from wayside_agent.air.opening import secured
from wayside_agent.air.secured import SecuredRadio, trust
from wayside_agent.core.health import State
from wayside_agent.core.health_limits import LIMITS
from wayside_agent.core.health_rules import findings
from wayside_agent.core.health_samples import RadioSample, Sample, SecuritySample
from wayside_agent.core.security.certificate import certificate
from wayside_agent.core.security.signing import Algorithm, Key, Signature
from wayside_agent.core.security.spdu import spdu
from wayside_agent.core.security.trust import Trust
from wayside_agent.core.v2x import ReceivedMessage, Verdict
from wayside_agent.drivers.radio_udp import UdpRadio
from wayside_agent.ports.errors import DeviceError
from wayside_agent.services.v2x_verification import QUEUE_MAX, Sampling, Verification
from wayside_agent.settings import Driver, ManagerSettings, NodeSettings, Settings
from wayside_agent.v2x_security_settings import SecuritySettings
from wayside_agent.v2x_settings import V2xSettings

BSM = bytes.fromhex("002eb7d528470707070704a399af1ab4")


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> SignedWorld:
    return SignedWorld(tmp_path)


def asked(world: SignedWorld, **more: object) -> SecuritySettings:
    folder = world.folder / "trust"
    folder.mkdir(exist_ok=True)
    (folder / "root.oer").write_bytes(world.root.certificate)
    return SecuritySettings(trust_dir=str(folder), **{"sample_one_in": 1, **more})  # type: ignore[arg-type]  # fields


def unit(settings: SecuritySettings, *, radio: bool = True) -> Settings:
    return Settings(
        node=NodeSettings(id="rsu-1", esn="E1", kind="rsu"),
        manager=ManagerSettings(device_address="127.0.0.1:1", enrollment_address="127.0.0.1:1"),
        radio=Driver(driver="udp") if radio else None,
        v2x=V2xSettings(security=settings),
    )


async def heard(settings: SecuritySettings, *datagrams: bytes) -> tuple[list[ReceivedMessage], Verification]:
    """What comes of datagrams, once each sample is judged."""
    plain = UdpRadio(UdpRadio.Options())
    radio, looks = secured(unit(settings), plain, registry.security, utc_s=time.time)
    assert isinstance(radio, SecuredRadio)
    assert looks is not None
    async with radio, running(looks), asyncio.timeout(5):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for datagram in datagrams:
                sock.sendto(datagram, ("127.0.0.1", plain.local_port))
        messages = [await radio.read() for _ in datagrams]
        while looks.is_busy:  # noqa: ASYNC110  # counters tell nobody when they rise
            await asyncio.sleep(0)
    return messages, looks


async def test_a_signed_message_is_opened_and_verified(world: SignedWorld) -> None:
    message = world.message(BSM, generation_s=time.time())
    [found], looks = await heard(asked(world), message)
    assert (found.payload, found.kind, found.application_id) == (BSM, MessageKind.BSM, AID)
    assert found.verdict is not None
    assert (found.verdict.verified, found.verdict.checked_by) == (None, "agent"), "nobody waits for the look"
    assert found.verdict.signer_digest == world.vehicle.digest
    assert looks.picture()["by_kind"]["BSM"]["verified"] == 1  # type: ignore[index]  # a document


async def test_an_sm2_signature_is_verified(tmp_path: Path) -> None:
    world = SignedWorld(tmp_path, Algorithm.SM2)
    _, looks = await heard(asked(world), world.message(BSM, generation_s=time.time()))
    assert looks.picture()["by_kind"]["BSM"]["verified"] == 1  # type: ignore[index]  # a document


async def test_forged_messages_make_the_check_of_the_radio_degraded(world: SignedWorld) -> None:
    good = world.message(BSM, generation_s=time.time())
    forged = good[:-1] + bytes((good[-1] ^ 1,))
    _, looks = await heard(asked(world), *[good] * 8, *[forged] * 4)
    assert looks.refused_ratio() == pytest.approx(1 / 3)
    sample = Sample(radio=RadioSample(security=SecuritySample(looks.refused_ratio(), looks.fault)))
    [found] = [each for each in findings(sample, LIMITS, before=lambda _: State.OK) if each.name == "radio.security"]
    assert found.state is State.DEGRADED


async def test_a_message_without_an_envelope_is_handed_on_as_it_is(world: SignedWorld) -> None:
    [found], looks = await heard(asked(world), BSM)
    assert (found.payload, found.verdict, looks.signed_count) == (BSM, None, 0)


async def test_what_only_begins_as_an_envelope_is_handed_on_as_it_is(world: SignedWorld) -> None:
    likely = b"\x03\x81" + BSM
    [found], _ = await heard(asked(world), likely)
    assert (found.payload, found.verdict) == (likely, None)


async def test_an_envelope_stays_closed_where_the_settings_say_so(world: SignedWorld) -> None:
    message = world.message(BSM, generation_s=time.time())
    [found], looks = await heard(asked(world, unwrap=False), message)
    assert found.payload == message
    assert found.verdict is not None
    assert looks.signed_count == 1


async def test_one_in_so_many_is_looked_at(world: SignedWorld) -> None:
    message = spdu(world.message(BSM, generation_s=time.time())).signed
    looks = Verification(trusting(world), Sampling(one_in=4), utc_s=time.time, mono_s=lambda: 1.0)
    for _ in range(9):
        looks.heard(received(), message)
    await drained(looks)
    assert looks.outcomes[MessageKind.BSM].total() == 3


async def test_no_more_than_the_limit_are_looked_at_in_a_second(world: SignedWorld) -> None:
    message = spdu(world.message(BSM, generation_s=time.time())).signed
    now_s = 1.0
    looks = Verification(trusting(world), Sampling(1, 5.0), utc_s=time.time, mono_s=lambda: now_s)
    for _ in range(20):
        looks.heard(received(), message)
    now_s = 1.5
    for _ in range(20):
        looks.heard(received(), message)
    await drained(looks)
    assert looks.outcomes[MessageKind.BSM].total() == 5 + 2


async def test_a_slow_module_holds_nobody_up_and_what_has_no_room_is_counted(world: SignedWorld) -> None:
    go = threading.Event()
    module = registry.security(asked(world))

    def slow(told: bytes, signature: Signature, key: Key) -> bool:
        go.wait(5)
        return module.verify(told, signature, key)

    root = certificate(world.root.certificate)
    go.set()
    known = Trust([root], slow, leap_s=0, max_age_s=5.0)
    go.clear()
    looks = Verification(known, Sampling(1, 1000.0), utc_s=time.time, mono_s=time.monotonic)
    message = spdu(world.message(BSM, generation_s=time.time())).signed
    for _ in range(QUEUE_MAX + 7):
        assert looks.heard(received(), message).verified is None
    assert looks.dropped_count == 7
    go.set()
    await drained(looks)
    assert looks.outcomes[MessageKind.BSM].total() == QUEUE_MAX


async def test_a_module_that_fails_is_said_by_the_check(world: SignedWorld) -> None:
    def broken(_told: bytes, _signature: Signature, key: Key) -> bool:
        if key.point == world.vehicle.signer.point:
            raise DeviceError("the chip does not answer")
        return True

    known = Trust([certificate(world.root.certificate)], broken, leap_s=0, max_age_s=5.0)
    looks = Verification(known, Sampling(1, 50.0), utc_s=time.time, mono_s=time.monotonic)
    looks.heard(received(), spdu(world.message(BSM, generation_s=time.time())).signed)
    await drained(looks)
    sample = Sample(radio=RadioSample(security=SecuritySample(looks.refused_ratio(), looks.fault)))
    [found] = [each for each in findings(sample, LIMITS, before=lambda _: State.OK) if each.name == "radio.security"]
    assert (found.state, found.reason) == (State.FAILED, "no signature can be verified: the chip does not answer")


async def test_the_days_a_certificate_has_left_are_said(world: SignedWorld) -> None:
    _, looks = await heard(asked(world), world.message(BSM, generation_s=time.time()))
    verdict = looks.heard(received(), spdu(world.message(BSM, with_certificate=False)).signed)
    assert verdict.certificate_days is not None
    assert verdict == Verdict(None, world.vehicle.digest, verdict.certificate_days, "agent")


def test_a_folder_that_is_not_there_is_named(world: SignedWorld) -> None:
    settings = SecuritySettings(trust_dir=str(world.folder / "none"))
    with pytest.raises(NotFoundError, match=r"field v2x\.security\.trust_dir: .*none cannot be read"):
        trust(settings, registry.security(settings))


def test_an_empty_folder_trusts_nobody_and_is_refused(tmp_path: Path) -> None:
    settings = SecuritySettings(trust_dir=str(tmp_path))
    with pytest.raises(InvalidArgumentError, match=r"trust_dir: .* holds no certificate"):
        trust(settings, registry.security(settings))


def test_a_file_that_is_no_certificate_is_named(world: SignedWorld) -> None:
    settings = asked(world)
    (Path(settings.trust_dir) / "letter.txt").write_text("Dear authority")
    with pytest.raises(InvalidArgumentError, match=r"letter\.txt is no certificate that can be read"):
        trust(settings, registry.security(settings))


def test_signatures_without_a_radio_are_refused(world: SignedWorld) -> None:
    with pytest.raises(InvalidArgumentError, match=r"field v2x\.security: nothing is heard without a radio"):
        secured(unit(asked(world), radio=False), None, registry.security, utc_s=time.time)


def trusting(world: SignedWorld) -> Trust:
    settings = asked(world)
    return trust(settings, registry.security(settings))


def received() -> ReceivedMessage:
    return ReceivedMessage(BSM, MessageKind.BSM, time.time_ns(), AID)


async def drained(looks: Verification) -> None:
    """Runs until nothing waits any more."""
    async with running(looks), asyncio.timeout(5):
        while looks.is_busy:  # noqa: ASYNC110  # as above
            await asyncio.sleep(0)


@asynccontextmanager
async def running(looks: Verification) -> AsyncIterator[None]:
    """Samples are judged meanwhile."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(looks.run())
        yield
        task.cancel()
