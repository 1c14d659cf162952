"""A unit whose update runs over real slots and downloads; a link, vitals and surroundings in the hands of the test."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from tests.contract.slot_installer import SlotInstaller
from tests.releases import archive
from wayside.errors import NotFoundError, UnavailableError, WaysideError
from wayside_agent import boot
from wayside_agent.core.gate import Vitals
from wayside_agent.core.preconditions import Limits, Situation
from wayside_agent.core.update import Consent, Phase, ReleaseTarget, Update, UpdateStatus
from wayside_agent.drivers.downloads import DownloadDir
from wayside_agent.drivers.files import StateFile
from wayside_agent.drivers.slot_dir import SlotDir
from wayside_agent.drivers.update_notice import NoticeFile
from wayside_agent.ports.components import ComponentDriver
from wayside_agent.ports.errors import RestartRequestedError
from wayside_agent.ports.hooks import Hooks, NoHooks
from wayside_agent.ports.keeping import ArtifactKeeper, NoKeeper
from wayside_agent.ports.machine import Machine, NoMachine
from wayside_agent.ports.updates import ArtifactPlace, UpdateStore
from wayside_agent.services.ota import Ota
from wayside_agent.services.update_world import World

GOOD = Vitals(manager_reached=True, fix_dimension=3, radio_messages_per_s=12.5)
DEAF = Vitals(manager_reached=True, fix_dimension=3)
CHUNK = 4096


def release(version: str) -> bytes:
    noise = b"".join(hashlib.sha256(f"{version}{n}".encode()).digest() for n in range(2000))
    return archive(version, files={"site/wayside_agent/__init__.py": b"", "site/noise": noise})


OLD, NEW = release("1.1.0"), release("1.2.0")


def target_of(content: bytes, version: str = "1.1.0", rollout: str = "rollouts/r1") -> ReleaseTarget:
    digest = hashlib.sha256(content).hexdigest()
    return ReleaseTarget(f"releases/{version}", version, digest, len(content), rollout)


class EndedError(Exception):
    """What the test waited for was reported."""


class Manager:
    """Artifacts in memory, with a link that can be cut."""

    def __init__(self) -> None:
        self.contents = {"releases/1.1.0": OLD, "releases/1.2.0": NEW}
        self.offsets: list[int] = []
        self.asked: list[str] = []
        """Releases, or SHA-256 of deltas."""
        self.cut_after: list[int] = []
        """Chunks of each of the next transfers before it is cut."""
        self.on_chunk: Callable[[], None] = lambda: None

    async def fetch(self, release: str, *, offset_bytes: int, delta_sha256: str = "") -> AsyncIterator[bytes]:
        self.offsets.append(offset_bytes)
        name = delta_sha256 or release
        self.asked.append(name)
        if name not in self.contents:
            raise NotFoundError(f"{release}: there is no such release")
        left = self.cut_after.pop(0) if self.cut_after else -1
        for begin in range(offset_bytes, len(self.contents[name]), CHUNK):
            if left == 0:
                raise UnavailableError("the link is down")
            left -= 1
            self.on_chunk()
            yield self.contents[name][begin : begin + CHUNK]


class Unit:
    """One unit; `start` is one life of its process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manager = Manager()
        self.said: list[UpdateStatus] = []
        self.now_s = 0.0
        self.vitals_on_trial = GOOD
        self.rate = 0
        self.is_metered = False
        self.places: Mapping[str, ArtifactPlace] = {}
        self.keeper: ArtifactKeeper = NoKeeper()
        self.may_download: Callable[[], bool] = lambda: True
        self.until: Callable[[UpdateStatus], bool] = lambda _: False
        self.ota: Ota | None = None
        self.config_looks_left = 0
        """How often it is still found that a configuration is on trial."""
        self.report_error: Exception | None = None
        self.situation = Situation()
        self.limits = Limits(min_free_bytes=0)
        self.hooks: Hooks = NoHooks()
        self.faults: list[WaysideError] = []
        """What the next questions to the helper end with."""
        self.components: Mapping[str, ComponentDriver] = {}
        self.machine: Machine = NoMachine()

    async def start(self, target: ReleaseTarget | None, *, is_told: bool = True, is_launched: bool = True) -> None:
        slot = boot.next_start(self.root / "slots").slot if is_launched else ""
        async with AsyncExitStack() as stack:
            options = SlotDir.Options(directory=str(self.root / "slots"), running_slot=slot)
            slots = await stack.enter_async_context(SlotDir(options))
            downloads = await stack.enter_async_context(DownloadDir(self.root / "downloads"))
            is_trial = (await slots.running()).is_provisional
            self.ota = Ota(
                World(
                    slots=slots,
                    installer=SlotInstaller(slots, self.root, self.faults),
                    source=self.manager,
                    places=self.places,
                    keeper=self.keeper,
                    downloads=downloads,
                    store=self.store(),
                    components=self.components,
                    machine=self.machine,
                    consents=StateFile(self.root / "consent.state", Consent),
                    report=self.report,
                    vitals=lambda: self.vitals() if is_trial else GOOD,
                    max_download_bytes_per_s=lambda: self.rate,
                    gate_timeout_s=lambda: 20.0,
                    is_config_on_trial=self.is_config_on_trial,
                    may_download=lambda: self.may_download(),  # noqa: PLW0108  # a test sets it later
                    is_metered=lambda: self.is_metered,
                    situation=lambda: self.situation,
                    limits=lambda: self.limits,
                    hooks=self.hooks,
                    utc_s=lambda: 1_800_000_000.0,
                    notice=NoticeFile(self.root).show,
                    clock=lambda: self.now_s,
                    pause=self.pause,
                )
            )
            if is_told:
                self.ota.follow(target)
            async with asyncio.timeout(20):
                await self.ota.run()

    def store(self) -> UpdateStore:
        return StateFile(self.root / "update.state", Update)

    def vitals(self) -> Vitals:
        """Of a release on trial."""
        return self.vitals_on_trial

    def is_config_on_trial(self) -> bool:
        self.config_looks_left -= 1
        return self.config_looks_left >= 0

    async def report(self, status: UpdateStatus) -> None:
        self.said.append(status)
        if self.until(status):
            raise EndedError
        if self.report_error is not None:
            raise self.report_error

    async def pause(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)

    async def ended(self, target: ReleaseTarget | None, phase: Phase) -> UpdateStatus:
        """The status once a phase is reported, through as many lives as it takes."""
        self.until = lambda status: status.phase is phase and status.rollout == (target.rollout if target else "")
        for _ in range(6):
            try:
                await self.start(target)
            except RestartRequestedError:
                continue
            except EndedError:
                break
        assert self.said[-1].phase is phase, [status.phase for status in self.said]
        return self.said[-1]

    def phases(self) -> list[Phase]:
        said = [status.phase for status in self.said]
        return [phase for before, phase in zip([None, *said], said, strict=False) if phase is not before]
