"""One unit: its launcher, its update and its slots are the product's; its disk, time and manager are the test's.

outcome = Unit(folder, fate).live()     # through as many starts as it takes; the folder is one that `prepare` made
assert outcome.problems == []           # or it is a defect of the product
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TypeVar

from wayside.errors import WaysideError
from wayside_agent import boot
from wayside_agent.core.gate import Vitals
from wayside_agent.core.preconditions import Situation
from wayside_agent.core.update import Consent, FetchPolicy, Phase, ReleaseTarget, Update, UpdateStatus
from wayside_agent.drivers.component_file import FileComponent
from wayside_agent.drivers.downloads import DownloadDir
from wayside_agent.drivers.files import StateFile
from wayside_agent.drivers.slot_dir import SlotDir
from wayside_agent.ports.errors import RestartRequestedError
from wayside_agent.services.ota import Ota
from wayside_agent.services.update_world import World
from wayside_demo.power_cut.checks import DefectError, check_end, check_map, hold, named, version_in
from wayside_demo.power_cut.disk import Disk, EndedError, swapped
from wayside_demo.power_cut.fate import Fate, Kind, Start, Worth
from wayside_demo.power_cut.installer import ROOTS, NearInstaller
from wayside_demo.power_cut.manager import NOW_S, Surroundings
from wayside_demo.power_cut.releases import MAP, NEW, NEXT, OLD, delta, release
from wayside_demo.power_cut.signing import pin_roots
from wayside_demo.power_cut.striking import Outcome, Striking

GOOD = Vitals(manager_reached=True, fix_dimension=3, radio_messages_per_s=10.0)
DEAF = Vitals(manager_reached=True, fix_dimension=3)
AWAY = Vitals(manager_reached=False, fix_dimension=3, radio_messages_per_s=10.0)
GATE_S, START_S = 20.0, 5.0
BACK_OFF_S = 30.0
"""Of the supervisor, when the agent cannot even start."""
DAY_S = 86_400.0
MAX_STARTS, MAX_PAUSES, MAX_LIFE_S = 60, 20_000, 10.0
HARMLESS = {Kind.KILL, Kind.POWER, Kind.MANAGER, Kind.PAST}
"""What must never cost a good release, if it strikes once."""
END = {Phase.COMMITTED, Phase.ROLLED_BACK, Phase.FAILED}

T = TypeVar("T")


class RestedError(Exception):
    """The update has ended."""

    def __init__(self, status: UpdateStatus) -> None:
        super().__init__(status.phase)
        self.status = status


class CannotStartError(Exception):
    """The agent ends with a sentence: the disk refuses it its folders. Its supervisor starts it again."""


class _Watched(StateFile[Update]):
    """The update's own memory, which tells the phase that is persisted."""

    def __init__(self, path: Path, entered: Callable[[Phase], None]) -> None:
        super().__init__(path, Update)
        self._entered = entered

    def save(self, document: Update) -> None:
        super().save(document)
        self._entered(document.phase)


class Unit:
    """One unit through one run."""

    def __init__(self, root: Path, fate: Fate, begin_utc_s: float = NOW_S) -> None:
        self._root, self._fate = root, fate
        self._around, self._outcome = Surroundings(begin_utc_s), Outcome(fate)
        self._striking = Striking(fate, self._around, self._outcome)
        self._disk = Disk(root, self._striking.at_step, is_full=lambda: self._around.is_full)
        self._rng = Random(fate.seed)  # noqa: S311  # repeatable
        self._pauses = 0
        self._before = OLD if fate.start is Start.RELEASE else ""
        """Version that ran before; empty: the factory software."""

    def live(self, version: str = NEW) -> Outcome:
        """The whole run: the update under test with its faults, then one more without any."""
        try:
            with self._disk, swapped(asyncio, "to_thread", _at_once):
                self._update_to(version)
                self._striking.over()
                self._follow_up()
        except DefectError as error:
            self._outcome.problems.append(str(error))
        return self._outcome

    def prepare(self) -> None:
        """Only the update, for runs that begin with what it leaves."""
        with self._disk, swapped(asyncio, "to_thread", _at_once):
            self._update_to(OLD)

    def _update_to(self, version: str) -> None:
        worth, target = self._fate.worth, self._ordered(version)
        status = self._rested(target, worth)
        self._outcome.phase, self._outcome.message = status.phase, status.message
        self._outcome.is_by_delta = status.is_delta
        check_end(self._root, status, version if status.phase is Phase.COMMITTED else self._before)
        is_proven = status.phase is not Phase.COMMITTED or worth is Worth.GOOD
        hold(is_proven, f"lie: a {worth} release was committed")
        self._check_cost(status)
        again = self._rested(target, worth)
        hold(again.phase is status.phase, f"lie: it says {status.phase}, and after one more start {again.phase}")
        if status.phase is Phase.COMMITTED:
            self._before = version

    def _check_cost(self, status: UpdateStatus) -> None:
        """One fault that a unit has to live with costs neither a good release nor a whole in the place of a delta."""
        fate = self._fate
        is_whole_fetched = self._around.fetched_bytes["whole"] > 0
        is_allowed = fate.policy is not FetchPolicy.NEVER_FULL or not is_whole_fetched
        hold(is_allowed, "cost: the whole was fetched, which the order forbids")
        if len(fate.strikes) > 1 or any(strike.kind not in HARMLESS for strike in fate.strikes):
            return
        hold(not (fate.is_delta and is_whole_fetched), f"cost: {fate.strikes} makes it fetch the whole")
        is_kept = status.phase is Phase.COMMITTED or fate.worth is not Worth.GOOD
        hold(is_kept, f"lost: one {fate.strikes} costs a good release: {status.phase}: {status.message}")

    def _follow_up(self) -> None:
        status = self._rested(self._ordered(NEXT), Worth.GOOD)
        is_done = status.phase is Phase.COMMITTED
        hold(is_done, f"stuck: the next update ends {status.phase}: {status.message}")
        check_end(self._root, status, NEXT)

    def _ordered(self, version: str) -> ReleaseTarget:
        self._around.ordered = replace(release(version).target, fetch_policy=self._fate.policy)
        return self._around.ordered

    def _offered(self, target: ReleaseTarget, runs: str) -> ReleaseTarget:
        """The order as the manager sends it to a unit that runs this."""
        is_there = self._fate.is_delta and runs and runs != target.version
        return replace(target, delta=delta(runs, target.version)) if is_there else target

    def _rested(self, target: ReleaseTarget, worth: Worth) -> UpdateStatus:
        """The status once the update has ended, through as many starts as it takes."""
        for _ in range(MAX_STARTS):
            self._outcome.starts += 1
            self._around.now_s += START_S
            try:
                self._start(target, worth)
            except RestedError as rested:
                return rested.status
            except RestartRequestedError:
                continue
            except CannotStartError:
                self._around.now_s += BACK_OFF_S
            except EndedError:
                is_power_off = self._striking.is_power_off
                self._striking.restarted()
                if is_power_off:
                    self._disk.cut(self._rng)
        raise DefectError(f"stuck: {self._striking.phase} after {MAX_STARTS} starts")

    def _start(self, target: ReleaseTarget, worth: Worth) -> None:
        slot = boot.next_start(self._root / "slots").slot
        runs = version_in(self._root, slot)
        hold(runs in {self._before, target.version}, f"brick: {named(runs)} starts, neither the old nor the new")
        check_map(self._root, self._before, target.version)
        is_new = runs == target.version and runs != self._before
        if is_new and worth is Worth.CRASHING:
            raise EndedError
        try:
            asyncio.run(self._run(slot, self._offered(target, runs), worth if is_new else Worth.GOOD))
        except (RestedError, RestartRequestedError, CannotStartError, DefectError):
            raise
        except TimeoutError as error:
            raise DefectError(f"stuck: it waits for ever while {self._striking.phase}") from error
        except Exception as error:
            sentence = f"crash: {type(error).__name__}: {error} while {self._striking.phase}"
            raise DefectError(sentence) from error

    async def _run(self, slot: str, target: ReleaseTarget, worth: Worth) -> None:
        options = SlotDir.Options(directory=str(self._root / "slots"), running_slot=slot)
        async with AsyncExitStack() as stack:
            try:
                slots = await stack.enter_async_context(SlotDir(options))
                downloads = await stack.enter_async_context(DownloadDir(self._root / "downloads"))
            except WaysideError as error:
                raise CannotStartError from error
            ota = Ota(self._world(slots, downloads, target, worth))
            self._speak(ota, target, is_known=False)
            async with asyncio.timeout(MAX_LIFE_S):
                await ota.run()

    def _speak(self, ota: Ota, target: ReleaseTarget, *, is_known: bool) -> None:
        """The manager says what it wants once it is reached, and again whenever it was away."""
        is_reached = not self._around.is_away
        if not is_reached:
            self._around.now_s += 0.25
        elif not is_known:
            ota.follow(target)
        asyncio.get_running_loop().call_soon(lambda: self._speak(ota, target, is_known=is_reached))

    def _world(self, slots: SlotDir, downloads: DownloadDir, target: ReleaseTarget, worth: Worth) -> World:
        async def report(status: UpdateStatus) -> None:
            if status.rollout == target.rollout and status.phase in END:
                raise RestedError(status)

        async def pause(seconds: float) -> None:
            self._around.now_s += seconds
            self._pauses += 1
            hold(self._pauses < MAX_PAUSES, f"stuck: {MAX_PAUSES} pauses, now while {self._striking.phase}")
            if worth is Worth.LATE and self._striking.phase is Phase.PROVISIONAL:
                raise EndedError
            await asyncio.sleep(0)

        return World(
            slots=slots,
            installer=NearInstaller(self._root, slots, self._around),
            source=self._around,
            downloads=downloads,
            components={MAP: FileComponent(FileComponent.Options(folder=str(self._root / MAP), file_name=MAP))},
            store=_Watched(self._root / "update.state", self._striking.entered),
            consents=StateFile(self._root / "consent.state", Consent),
            report=report,
            vitals=lambda: AWAY if self._around.is_away else DEAF if worth is Worth.DEAF else GOOD,
            max_download_bytes_per_s=lambda: 0,
            gate_timeout_s=lambda: GATE_S,
            situation=lambda: Situation(lock="a test" if self._around.now_s < self._fate.wait_s else ""),
            utc_s=lambda: self._around.utc_s() or 0.0,
            clock=lambda: self._around.now_s,
            pause=pause,
        )


def prepare(root: Path, start: Start) -> None:
    """Makes the folder of a unit before its update."""
    root.mkdir(parents=True)
    (root / MAP).mkdir()
    pin_roots(root / ROOTS)
    if start is Start.RELEASE:
        Unit(root, Fate(seed=0, start=Start.FACTORY), NOW_S - DAY_S).prepare()


async def _at_once(act: Callable[..., T], /, *args: object, **options: object) -> T:
    """In the place of `asyncio.to_thread`: the order of things is the same in every run."""
    await asyncio.sleep(0)
    return act(*args, **options)
