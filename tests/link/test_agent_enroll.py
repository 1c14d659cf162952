"""First contact through the agent's command line: with a token, by registration, and with an operator who decides."""

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.link.agent_enroller import Applying, Enroller, refuses, waits
from wayside.errors import PermissionDeniedError, UnavailableError


@pytest.fixture
def unit(tmp_path: Path) -> Applying:
    return Applying(tmp_path)


async def test_without_a_token_a_registered_unit_is_enrolled_at_once(unit: Applying) -> None:
    enroller = Enroller()
    enroller.answers = [enroller.enrols()]
    async with enroller:
        unit.trust(enroller)
        done = await unit.enroll()
    assert (done.status, done.output) == (0, "enrolled as nodes/rsu-1\n")
    assert enroller.requests[0].token == ""
    assert enroller.requests[0].esn == "ESN-1"


async def test_an_unknown_unit_waits_with_the_same_key_until_it_is_approved(unit: Applying) -> None:
    enroller = Enroller()
    enroller.answers = [waits, waits, waits, enroller.enrols("rsu-g98-k12")]
    async with enroller:
        unit.trust(enroller)
        done = await unit.enroll()
    lines = done.output.splitlines()
    assert done.status == 0
    assert lines == [
        "waiting for an operator: enrollmentRequests/abc",
        f"key SHA-256: {enroller.keys_sha256[0]}",
        "enrolled as nodes/rsu-g98-k12",
    ]
    assert len(enroller.requests) == 4
    assert len(set(enroller.keys_sha256)) == 1


async def test_the_id_that_an_operator_chose_is_the_units_from_then_on(unit: Applying) -> None:
    enroller = Enroller()
    enroller.answers = [enroller.enrols("chosen")]
    async with enroller:
        unit.trust(enroller)
        await unit.enroll()
    assert (unit.identity / "node").read_text() == "chosen\n"
    status = await unit.run("status", "--json")
    assert json.loads(status.output)["node"] == "chosen"


async def test_no_wait_leaves_with_a_status_of_its_own_and_goes_on_later(unit: Applying) -> None:
    enroller = Enroller()
    enroller.answers = [waits, enroller.enrols()]
    async with enroller:
        unit.trust(enroller)
        first, second = await unit.enroll("--no-wait"), await unit.enroll("--no-wait")
    assert (first.status, second.status) == (3, 0)
    assert not first.errors
    assert len(set(enroller.keys_sha256)) == 1


async def test_a_unit_that_is_turned_away_ends_with_one_sentence(unit: Applying) -> None:
    enroller = Enroller(waits, refuses(PermissionDeniedError("an operator turned this unit away")))
    async with enroller:
        unit.trust(enroller)
        done = await unit.enroll()
    assert done.status == 1
    assert done.errors == "wayside-agent: an operator turned this unit away\n"
    assert not (unit.identity / "node").exists()


async def test_a_manager_that_goes_away_meanwhile_is_waited_for(unit: Applying) -> None:
    enroller = Enroller()
    gone = refuses(UnavailableError("the manager is stopping", reason="STOPPING"))
    enroller.answers = [waits, gone, gone, enroller.enrols()]
    async with enroller:
        unit.trust(enroller)
        done = await unit.enroll()
    assert done.status == 0
    assert done.errors.count("the manager is stopping") == 1


async def test_a_new_key_replaces_identity_and_key_together(unit: Applying) -> None:
    enroller = Enroller()
    enroller.answers = [enroller.enrols(), waits, enroller.enrols("rsu-2")]
    async with enroller:
        unit.trust(enroller)
        await unit.enroll()
        certificate = (unit.identity / "certificate.pem").read_text()
        assert (await unit.enroll("--new-key", "--no-wait")).status == 3
        assert (unit.identity / "certificate.pem").read_text() == certificate
        assert (await unit.enroll("--new-key")).status == 0
    first, second, third = enroller.keys_sha256
    assert first != second == third
    assert (unit.identity / "node").read_text() == "rsu-2\n"
    assert not (unit.identity / "next").exists()
    shown = await unit.run("key", "show", "--json")
    assert json.loads(shown.output)["key_sha256"] == third


async def test_the_public_key_can_be_shown_before_first_contact_and_is_the_one_used(unit: Applying) -> None:
    unit.configure()
    shown = await unit.run("key", "show")
    assert shown.status == 0, shown.errors
    pem, _, digest = shown.output.rpartition("SHA-256: ")
    key = serialization.load_pem_public_key(pem.encode())
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert digest.strip() == hashlib.sha256(der).hexdigest()
    enroller = Enroller()
    enroller.answers = [enroller.enrols()]
    async with enroller:
        unit.trust(enroller)
        await unit.enroll()
    assert enroller.keys_sha256 == [digest.strip()]
    assert (unit.identity / "key.pem").stat().st_mode & 0o777 == 0o600
