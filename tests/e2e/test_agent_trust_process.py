"""The agent as a real process: its certificate is renewed, its clock is wrong, its key is in a token, it is put out."""

import asyncio
import datetime as dt
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.contract.agent_keys import token
from tests.link.agent_authority import Authority, RenewingManager, asks_to_renew, key_of
from tests.link.agent_enroller import Applying
from tests.link.agent_peer import Conversation, sound
from wayside.errors import PermissionDeniedError
from wayside_agent import registry, settings
from wayside_agent.drivers.identity import IdentityFiles

FAKETIME = next(
    (str(path) for path in Path("/usr/lib").glob("*/faketime/libfaketime.so.1")),
    "",
)
SINCE_1970_S = -time.time()


class Running:
    """An agent at work and what it writes."""

    def __init__(self, unit: Applying, process: asyncio.subprocess.Process) -> None:
        self.unit = unit
        self.process = process
        self.log = ""

    async def says(self, words: str) -> str:
        """Reads its log until it says so; returns that line."""
        assert self.process.stderr
        while line := (await self.process.stderr.readline()).decode():
            self.log += line
            if words in line:
                return line
        raise AssertionError(f"it ended: {self.log}")

    async def status(self) -> dict[str, Any]:
        done = await self.unit.run("status", "--json")
        document: dict[str, Any] = json.loads(done.output)
        return document


@asynccontextmanager
async def running(unit: Applying, **environment: str) -> AsyncIterator[Running]:
    process = await unit.started("run", **environment)
    try:
        async with asyncio.timeout(40):
            yield Running(unit, process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
    assert process.returncode == 0


def files_of(unit: Applying, key: settings.IdentitySettings) -> IdentityFiles:
    return IdentityFiles(unit.identity, registry.key_store(key))


def enrol(unit: Applying, manager: RenewingManager, key: settings.IdentitySettings | None = None) -> None:
    unit.identity.parent.mkdir(exist_ok=True)
    manager.enrol(files_of(unit, key or settings.IdentitySettings()))


@pytest.fixture
def unit(tmp_path: Path) -> Applying:
    return Applying(tmp_path)


def faked(utc: str) -> dict[str, str]:
    """An environment in which the system clock says something else; steady clocks run on."""
    if not FAKETIME:
        pytest.skip("needs libfaketime: apt-get install faketime")
    return {"LD_PRELOAD": FAKETIME, "FAKETIME": f"@{utc}", "DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"}


def ever() -> RenewingManager:
    """A manager whose certificates begin in 1970, as ours do."""
    whole = (dt.timedelta(seconds=SINCE_1970_S), dt.timedelta(days=30))
    manager = RenewingManager(sound, authority=Authority("first", life=whole))
    manager.server = manager.authority.server(life=(SINCE_1970_S, 86_400.0))
    return manager


async def test_the_agent_renews_its_certificate_while_it_runs(unit: Applying) -> None:
    manager = RenewingManager(asks_to_renew, sound)
    enrol(unit, manager)
    key = key_of(unit.identity / "certificate.pem")
    async with manager:
        unit.configure(device_port=manager.port)
        async with running(unit) as agent:
            await agent.says("renewed and proven")
            status = await agent.status()
    assert key_of(unit.identity / "certificate.pem") != key
    assert (unit.identity / "certificate.pem").read_text() == manager.accepted
    assert status["is_manager_reached"]
    assert status["time"]["source"] == "manager"
    assert status["certificate_expire_time"] > status["time"]["utc_time"]
    hellos = [session.requests[0].hello for session in manager.sessions]
    assert hellos[0].instance_id == hellos[-1].instance_id != ""
    warnings = [line for line in agent.log.splitlines() if "WARNING" in line]
    assert [line for line in warnings if '"check": ' not in line] == [], "nothing but checks of the unit itself"


async def test_a_unit_whose_clock_says_1970_is_not_locked_out(unit: Applying) -> None:
    manager = ever()
    enrol(unit, manager)
    async with manager:
        unit.configure(device_port=manager.port)
        async with running(unit, **faked("1970-01-01 00:10:00")) as agent:
            await agent.says("the system clock says 1970-01-01")
            while not (status := await agent.status())["is_manager_reached"]:
                pass
    assert status["time"]["utc_time"] > "2026"
    assert "1970" in status["time"]["clock_fault"]


async def test_a_unit_whose_clock_says_2040_says_so_and_works_on(unit: Applying) -> None:
    """TLS judges the manager by the system clock; all the unit can do is to name it."""
    manager = ever()
    enrol(unit, manager)
    async with manager:
        unit.configure(device_port=manager.port)
        async with running(unit, **faked("2040-01-01 00:00:00")) as agent:
            line = await agent.says("set the system clock if it is wrong: it says 2040-01-01")
            status = await agent.status()
    assert "the agent runs on" in line
    assert status["is_running"]
    assert not status["is_manager_reached"]
    assert not manager.sessions


async def test_a_unit_that_was_revoked_says_so_in_its_status(unit: Applying) -> None:
    async def puts_out(conversation: Conversation) -> None:
        await conversation.hears()
        await conversation.refuses(PermissionDeniedError("nodes/rsu-1 was revoked", reason="NODE_REVOKED"))

    manager = RenewingManager(puts_out)
    enrol(unit, manager)
    async with manager:
        unit.configure(device_port=manager.port)
        async with running(unit) as agent:
            await agent.says("nodes/rsu-1 was revoked")
            assert (await agent.status())["manager_refusal"] == "nodes/rsu-1 was revoked"
            said = await unit.run("status")
    assert "manager_refusal: nodes/rsu-1 was revoked" in said.output


@pytest.mark.parametrize("is_shown", [True, False])
async def test_a_token_key_serves_the_manager_and_cannot_serve_a_broker(unit: Applying, is_shown: bool) -> None:
    manager = RenewingManager(asks_to_renew, sound)
    with token(unit.folder / "token") as options:
        enrol(unit, manager, settings.IdentitySettings(driver="key-pkcs11", options=options))
        key = key_of(unit.identity / "certificate.pem")
        lines = "\n".join(f'{name} = "{value}"' for name, value in options.items())
        extra = f'[identity]\ndriver = "key-pkcs11"\n[identity.options]\n{lines}\n[mqtt]\nuse_node_certificate = '
        async with manager:
            unit.configure(device_port=manager.port, extra=f"{extra}{str(is_shown).lower()}\n")
            if is_shown:
                refused = await unit.run("run")
                assert refused.status == 2
                assert "field mqtt.use_node_certificate" in refused.errors
                return
            async with running(unit) as agent:
                await agent.says("renewed and proven")
    assert key_of(unit.identity / "certificate.pem") != key


@pytest.mark.parametrize("name", ["key-pkcs11", "no-such"])
async def test_a_key_driver_that_cannot_work_is_named(unit: Applying, name: str) -> None:
    options = '[identity.options]\nmodule = "/nowhere.so"\ntoken_label = "unit"\npin_file = "/nowhere"\n'
    unit.configure(extra=f'[identity]\ndriver = "{name}"\n{options if name == "key-pkcs11" else ""}')
    done = await unit.run("key", "show")
    assert done.status in {1, 2}
    assert "field identity." in done.errors
    assert done.errors.count("\n") == 1
