"""The daemon's end of the helper: real helpers, and ones that crash, hang, babble and die."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.contract.helper_door import HARDWARE, NODE, Unit
from tests.releases import archive
from wayside.errors import FailedPreconditionError, UnavailableError, WaysideError
from wayside_agent import boot
from wayside_agent.core.agreement import Agreement, RefusedError
from wayside_agent.core.installing import MAX_LINE_BYTES, Done, encoded
from wayside_agent.core.update import ReleaseTarget
from wayside_agent.drivers import installer_process
from wayside_agent.drivers.installer_process import Helper, InstallerProcess
from wayside_agent.drivers.slot_dir import SlotDir
from wayside_agent.ports.errors import DeviceFaultError, DeviceTimeoutError
from wayside_agent.ports.installer import Metadata

RELEASE = archive("1.1.0")
AGREEMENT = Agreement("releases/1.1.0", "1.1.0", "a" * 64, 1, "b" * 64, 1)


class World:
    """A unit's folders, a manager in memory, and the daemon's end."""

    def __init__(self, root: Path) -> None:
        self.unit = Unit(root)
        self.unit.order(RELEASE)
        self.error: WaysideError | None = None
        self.versions = (0, 0)
        self.extra: dict[str, bytes] = {}
        self.socket = ""
        self.slots = SlotDir(SlotDir.Options(directory=str(self.unit.slots)))

    async def metadata(self, *, image_root_version: int, director_root_version: int) -> Metadata:
        self.versions = (image_root_version, director_root_version)
        if self.error is not None:
            raise self.error
        sent = self.unit.signed.sent()
        return {**sent, "image": {**sent["image"], **self.extra}}

    @property
    def installer(self) -> InstallerProcess:
        state = self.unit.state
        helper = Helper(state, state / "roots", HARDWARE, self.socket)
        return InstallerProcess(helper, self, self.slots, node=NODE, now_s=lambda: self.unit.now_s)

    @property
    def target(self) -> ReleaseTarget:
        return ReleaseTarget("releases/1.1.0", "1.1.0", self.unit.sha256(), len(RELEASE), "rollouts/r1")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    async with made.slots:
        yield made


async def test_a_release_goes_from_agreement_into_a_slot_that_starts(world: World) -> None:
    installer, said = world.installer, list[float]()
    agreement = await installer.agree(world.target)
    await installer.verify(agreement, world.unit.artifact, is_delta=False)
    slot = await installer.install(agreement, world.unit.artifact, is_delta=False, progress=said.append)
    await world.slots.choose(slot, gate_timeout_s=20.0)
    assert boot.next_start(world.unit.slots).slot == slot
    assert world.versions == (1, 1)
    assert said == sorted(said)
    held = SlotDir(SlotDir.Options(directory=str(world.unit.slots), running_slot=slot))
    own = await held.own()
    assert own is not None
    assert (own.tree_sha256, own.counter) == (agreement.tree_sha256, agreement.counter)


async def test_what_the_slot_holds_already_is_not_written_again(world: World) -> None:
    installer = world.installer
    agreement = await installer.agree(world.target)
    slot = await installer.install(agreement, world.unit.artifact, is_delta=False, progress=lambda _: None)
    world.unit.artifact.unlink()
    assert await installer.install(agreement, world.unit.artifact, is_delta=False, progress=lambda _: None) == slot


async def test_a_refusal_comes_with_its_reason(world: World) -> None:
    world.unit.now_s = None
    with pytest.raises(RefusedError, match="what time it is") as raised:
        await world.installer.agree(world.target)
    assert raised.value.reason == "TIME"


async def test_a_refused_artifact_leaves_a_slot_that_does_not_start(world: World) -> None:
    installer = world.installer
    agreement = await installer.agree(world.target)
    world.unit.artifact.write_bytes(RELEASE[:-1] + b"x")
    with pytest.raises(RefusedError) as raised:
        await installer.install(agreement, world.unit.artifact, is_delta=False, progress=lambda _: None)
    assert raised.value.reason == "HASH"
    with pytest.raises(FailedPreconditionError, match="holds no complete release"):
        await world.slots.choose("a", gate_timeout_s=20.0)


async def test_a_manager_that_is_away_is_no_refusal(world: World) -> None:
    world.error = UnavailableError("the manager is away")
    with pytest.raises(UnavailableError):
        await world.installer.agree(world.target)


async def test_a_manager_without_roots_is_a_refusal(world: World) -> None:
    world.error = FailedPreconditionError("there are no roots of trust")
    with pytest.raises(RefusedError) as raised:
        await world.installer.agree(world.target)
    assert raised.value.reason == "NO_ROOT"


async def test_a_unit_without_roots_asks_nobody(world: World) -> None:
    (world.unit.state / "roots" / "image" / "root.json").write_bytes(b'{"signed": {"_type": "targets", "version": 1}}')
    with pytest.raises(RefusedError) as raised:
        await world.installer.agree(world.target)
    assert (raised.value.reason, world.versions) == ("NO_ROOT", (0, 0))


@pytest.mark.parametrize(
    "extra",
    [
        {"../../evil.json": b"x"},
        {"/etc/evil.json": b"x"},
        {"a\nb.json": b"x"},
        {"evil.sh": b"x"},
        {"1.big.json": bytes(7_000_000)},
        {f"{number}.x.json": b"x" for number in range(700)},
    ],
    ids=["upwards", "absolute", "line-break", "no-json", "too-large", "too-many"],
)
async def test_a_manager_that_sends_odd_files_is_refused_before_one_is_written(
    world: World, extra: dict[str, bytes]
) -> None:
    world.extra = extra
    with pytest.raises(RefusedError) as raised:
        await world.installer.agree(world.target)
    assert raised.value.reason == "MALFORMED"
    assert not (world.unit.state / "evil.json").exists()


@pytest.mark.parametrize(
    ("module", "words"),
    [("no_such_module_anywhere", "No module named"), ("compileall", "ended with status 2 without an answer")],
)
async def test_a_helper_that_crashes_is_a_sentence(
    world: World, module: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installer_process, "MODULE", module)
    with pytest.raises(DeviceFaultError, match=words):
        await world.installer.verify(AGREEMENT, world.unit.artifact, is_delta=False)


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(world: World, talk: Talk) -> AsyncIterator[None]:
    """A helper behind a socket, as systemd would start it."""
    path = world.unit.state / "s"
    async with await asyncio.start_unix_server(talk, path):
        world.socket = str(path)
        yield


async def honest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(encoded(Done()))
    writer.close()


async def test_a_helper_behind_a_socket_is_asked_the_same(world: World) -> None:
    async with listening(world, honest):
        await world.installer.verify(AGREEMENT, world.unit.artifact, is_delta=False)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", "without an answer"),
        (b"Traceback\n", "what is no answer"),
        (b"{}\n", "what is no answer"),
        (b"x" * (MAX_LINE_BYTES * 3), "cannot be read"),
        (b'{"type":"progress","ratio":0.5}\n' * 2_000, "more than 1000 answers"),
        (b'{"type":"progress","ratio":1e999}\n', "what is no answer"),
        (b'{"type":"refused","reason":"MOOD","message":""}\n', "answers another question"),
    ],
    ids=["nothing", "traceback", "no-answer", "endless-line", "endless-progress", "infinite", "no-reason"],
)
async def test_a_helper_that_babbles_is_a_sentence(world: World, said: bytes, words: str) -> None:
    async def babbling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(said)
        writer.close()

    async with listening(world, babbling):
        with pytest.raises(DeviceFaultError, match=words):
            await world.installer.verify(AGREEMENT, world.unit.artifact, is_delta=False)


async def test_a_helper_that_hangs_is_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()

    async def hanging(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"type":"progress","rat')
        await ended.wait()
        writer.close()

    monkeypatch.setattr(installer_process, "VERIFY_TIMEOUT_S", 0.2)
    async with listening(world, hanging):
        with pytest.raises(DeviceTimeoutError, match="did not end within"):
            await world.installer.verify(AGREEMENT, world.unit.artifact, is_delta=False)
        ended.set()


async def test_a_socket_that_nobody_serves_names_the_unit_to_start(world: World) -> None:
    world.socket = str(world.unit.state / "nobody")
    with pytest.raises(DeviceFaultError, match=r"start wayside-install\.socket"):
        await world.installer.verify(AGREEMENT, world.unit.artifact, is_delta=False)


async def test_a_helper_ends_when_its_daemon_stops(world: World) -> None:
    """A helper that waits for the lock of another one is killed with the question."""
    import fcntl

    (world.unit.state / "trust").mkdir()
    with (world.unit.state / "trust" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await world.installer.verify(AGREEMENT, world.unit.artifact, is_delta=False)
    assert helpers_of(world) == []


def helpers_of(world: World) -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(world.unit.state) in _text(path)]


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
