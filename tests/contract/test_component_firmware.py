"""Firmware of two-bank devices: what power cuts, silence and wrong images lead to."""

import random
from contextlib import suppress
from pathlib import Path

import pytest

from tests.contract.component_devices import BANK_BYTES, HARDWARE, device, image, payload, served
from wayside.errors import FailedPreconditionError, ResourceExhaustedError
from wayside_agent.core.firmware_frames import Kind
from wayside_agent.drivers.component_firmware import FirmwareComponent
from wayside_agent.drivers.firmware_dialogue import FirmwareDialogue
from wayside_agent.drivers.sim_banks import Banks
from wayside_agent.drivers.sim_firmware import FirmwareDevice
from wayside_agent.ports.components import Payload
from wayside_agent.ports.errors import DeviceAbsentError, DeviceError, DeviceFaultError, DeviceTimeoutError

WRITES_MAX = 100
"""More than a life of a device has."""


def dialogue(answering: FirmwareDevice) -> FirmwareDialogue:
    async def exchange(question: bytes) -> bytes:
        answer = answering.answer(question)
        if answer is None:
            raise DeviceTimeoutError("silent")
        return answer

    return FirmwareDialogue(exchange, "the radio")


async def proven(answering: FirmwareDevice, wanted: Payload) -> None:
    """Everything up to the end of the trial."""
    talk = dialogue(answering)
    await talk.install(wanted, lambda _: None)
    await talk.activate()
    await talk.confirm()


async def test_a_power_cut_at_any_write_leaves_the_old_or_the_new_one(tmp_path: Path) -> None:
    old, new = payload(tmp_path, "1"), payload(tmp_path, "2")
    for cut in range(1, WRITES_MAX):
        folder = tmp_path / str(cut)
        folder.mkdir()
        await proven(device(folder), old)
        banks = Banks(folder / "banks", bank_bytes=BANK_BYTES)
        banks.loses_power_at_write = cut
        answering = FirmwareDevice(banks, hardware=HARDWARE)
        try:
            await proven(answering, new)
        except DeviceTimeoutError:
            assert not answering.is_on
        else:
            break
        answering.power_on()
        assert answering.state().version in {"1", "2"}
        await dialogue(answering).revert()
        await proven(answering, new)
        assert (answering.state().version, answering.state().is_trial) == ("2", False)
    else:
        pytest.fail("no life without a power cut was reached")
    assert cut > 8  # three chunks, each with its record, and five records more


async def test_a_trial_that_nobody_confirms_ends_at_the_next_start_but_one(tmp_path: Path) -> None:
    answering = device(tmp_path)
    await proven(answering, payload(tmp_path, "1"))
    await dialogue(answering).install(payload(tmp_path, "2"), lambda _: None)
    await dialogue(answering).activate()
    answering.power_on()
    assert answering.state().version == "2"
    answering.power_on()
    assert answering.state().version == "1"
    await dialogue(answering).revert()
    assert answering.state().version == "1"


async def test_new_firmware_that_is_deaf_is_left_at_the_next_starts(tmp_path: Path) -> None:
    answering = device(tmp_path)
    await proven(answering, payload(tmp_path, "1"))
    answering.faults.is_deaf_after_activation = True
    talk = dialogue(answering)
    await talk.install(payload(tmp_path, "2"), lambda _: None)
    await talk.activate()
    with pytest.raises(DeviceTimeoutError, match="the radio does not answer REVERT"):
        await talk.revert()
    answering.power_on()
    await talk.revert()
    assert (await talk.state()).version == "1"


async def test_an_image_that_was_partly_written_is_gone_on_with(tmp_path: Path) -> None:
    answering, talk = device(tmp_path), None
    answering.faults.hangs_at = Kind.FINISH
    talk = dialogue(answering)
    with pytest.raises(DeviceTimeoutError, match="FINISH"):
        await talk.install(payload(tmp_path, "1"), lambda _: None)
    answering.faults.hangs_at, answering.faults.fails_at = None, Kind.DATA  # nothing is left to send
    await talk.install(payload(tmp_path, "1"), lambda _: None)


@pytest.mark.parametrize("kind", [Kind.BEGIN, Kind.DATA, Kind.FINISH], ids=lambda kind: kind.name)
async def test_a_device_that_refuses_a_step_is_named_with_its_reason(tmp_path: Path, kind: Kind) -> None:
    answering = device(tmp_path)
    answering.faults.fails_at = kind
    with pytest.raises(DeviceFaultError, match=f"the radio refuses {kind.name}: told to fail"):
        await dialogue(answering).install(payload(tmp_path, "1"), lambda _: None)
    assert answering.state().spare_version == ""


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (image("1", hardware="other"), "is for 'other', the radio is 'sim-mcu'"),
        (image("2"), "says it is version '2'"),
        (image("1")[:-1], "says it is version '1' with 3000 bytes, the release says '1' and 2999"),
        (b"", "does not begin as an image does"),
        (b"\xff" * 500, "does not begin as an image does"),
    ],
    ids=["hardware", "version", "truncated", "empty", "noise"],
)
async def test_a_wrong_image_is_refused_before_anything_is_written(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    answering = device(tmp_path)
    before = (tmp_path / "banks").read_bytes()
    with pytest.raises(FailedPreconditionError, match=sentence):
        await dialogue(answering).install(payload(tmp_path, "1", content), lambda _: None)
    assert (tmp_path / "banks").read_bytes() == before


async def test_an_image_with_a_flipped_bit_never_starts(tmp_path: Path) -> None:
    answering = device(tmp_path)
    content = bytearray(image("1"))
    content[-1] ^= 1
    with pytest.raises(DeviceFaultError, match="the image is damaged"):
        await dialogue(answering).install(payload(tmp_path, "1", bytes(content)), lambda _: None)
    with pytest.raises(FailedPreconditionError, match="nothing complete"):
        await dialogue(answering).activate()


async def test_an_image_larger_than_a_bank_is_refused(tmp_path: Path) -> None:
    large = payload(tmp_path, "1", image("1", size_bytes=BANK_BYTES))
    with pytest.raises(ResourceExhaustedError, match="build a smaller one"):
        await dialogue(device(tmp_path)).precheck(large)


@pytest.mark.parametrize("seed", range(3))
async def test_a_line_that_damages_frames_is_asked_again(tmp_path: Path, seed: int) -> None:
    answering, rng = device(tmp_path), random.Random(seed)  # noqa: S311  # a bad line, no secret

    async def exchange(question: bytes) -> bytes:
        answer = answering.answer(question) or b""
        if rng.random() < 0.1:  # it was done, and nobody knows
            raise DeviceTimeoutError("silent")
        return answer

    talk = FirmwareDialogue(exchange, "the radio")
    await talk.install(payload(tmp_path, "1"), lambda _: None)
    assert answering.state().spare_version == "1"


async def test_a_device_that_speaks_nonsense_never_gets_further_than_an_error(tmp_path: Path) -> None:
    wanted, rng = payload(tmp_path, "1"), random.Random(7)  # noqa: S311  # a bad line, no secret
    for _ in range(300):
        answering = device(tmp_path)

        async def exchange(question: bytes, answering: FirmwareDevice = answering) -> bytes:
            answer = bytearray(answering.answer(question) or b"")
            if rng.random() < 0.5:
                answer[rng.randrange(len(answer))] ^= 1 << rng.randrange(8)
            return bytes(answer[: rng.randrange(1, 40)] if rng.random() < 0.3 else answer)

        with suppress(DeviceError, FailedPreconditionError):
            await FirmwareDialogue(exchange, "the radio").install(wanted, lambda _: None)


async def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with served(device(tmp_path)) as address:
        pass
    absent = FirmwareComponent(FirmwareComponent.Options(address=address))
    with pytest.raises(DeviceAbsentError, match=r"socket://127\.0\.0\.1:.* cannot be used"):
        await absent.version()


async def test_a_silent_device_on_a_line_is_named(tmp_path: Path) -> None:
    answering = device(tmp_path)
    answering.faults.hangs_at = Kind.STATE
    async with served(answering) as address:
        deaf = FirmwareComponent(FirmwareComponent.Options(address=address, timeout_s=0.05))
        with pytest.raises(DeviceTimeoutError, match="does not answer STATE"):
            await deaf.version()
