"""The unit's computer: load, memory, disk and its wear, temperature, fans, batteries, uptime, quality of the clock.

Reads /proc and /sys itself. psutil would cost 8 ms of processor time at import and 1.1 MB, and knows neither wear nor
the clock. NVMe wear is not in sysfs and stays unknown.

**Tested with:** Debian 12 on x86-64; a made-up /proc and /sys of a board with eMMC; chrony 4.3 on its own clock.
**Source:** `core.host_text`, `core.host_supply`.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from wayside_agent.core import host_supply, host_text
from wayside_agent.core.host_text import ClockState, CpuTimes
from wayside_agent.core.stamps import TimeQuality
from wayside_agent.drivers import kernel_clock
from wayside_agent.ports.devices import HostReading

_FILE_SIZE_MAX_BYTES = 65_536
_TRACKING_SIZE_MAX_BYTES = 4096
_WEAR = "class/mmc_host/mmc*/mmc*:*/life_time"
_SUPPLIES = "class/power_supply/*"
_SUPPLY_FILES = ("type", "scope", "online", "status", "capacity")
_FANS = "class/hwmon/hwmon*/fan*_input"
_TEMPERATURES = ("class/thermal/thermal_zone*/temp", "class/hwmon/hwmon*/temp*_input")


class LinuxHost:
    """A Linux computer. Reading it never raises; what cannot be read is `None`."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Where to look."""

        state_dir: Annotated[str, msgspec.Meta(min_length=1, description="Folder whose disk counts.")] = "/"
        proc_dir: Annotated[str, msgspec.Meta(min_length=1, description="The kernel's process files.")] = "/proc"
        sys_dir: Annotated[str, msgspec.Meta(min_length=1, description="The kernel's device files.")] = "/sys"
        chronyc_command: Annotated[str, msgspec.Meta(description="Program to ask chrony; empty: do not ask.")] = (
            "chronyc"
        )
        chronyc_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=30, description="Time it may take [s].")] = 2.0

    def __init__(self, options: Options) -> None:
        self._options = options
        self._cpu: CpuTimes | None = None
        self._was_synchronized = False
        self._turned: set[str] = set()  # a fan that is not fitted reads 0 for ever

    async def read(self) -> HostReading:
        """The present state. `cpu_ratio` is over the time since the reading before, `None` at the first."""
        files = await asyncio.to_thread(_files, self._options)
        clock = await self._clock()
        cpu_ratio = files.cpu.ratio_since(self._cpu) if files.cpu else None
        self._cpu = files.cpu
        used_bytes, total_bytes = files.memory_bytes or (None, None)
        free_bytes, size_bytes = files.disk_bytes or (None, None)
        return HostReading(
            cpu_ratio=cpu_ratio,
            memory_used_bytes=used_bytes,
            memory_total_bytes=total_bytes,
            disk_free_bytes=free_bytes,
            disk_total_bytes=size_bytes,
            disk_wear_ratio=files.wear_ratio,
            temperature_celsius=files.temperature_celsius,
            uptime_s=files.uptime_s,
            clock_offset_s=clock.offset_s,
            clock_source=clock.source,
            time_quality=clock.quality,
            agent_memory_bytes=files.agent_memory_bytes,
            on_battery=host_supply.on_battery(files.supplies),
            battery_ratio=host_supply.battery_ratio(files.supplies),
            fan_rpm=self._slowest_rpm(files.fans_rpm),
        )

    def _slowest_rpm(self, fans_rpm: Mapping[str, float]) -> float | None:
        self._turned |= {name for name, rpm in fans_rpm.items() if rpm > 0}
        return min((rpm for name, rpm in fans_rpm.items() if name in self._turned), default=None)

    async def _clock(self) -> ClockState:
        """Chrony's word, else the kernel's; a clock that was synchronised once and no longer is in holdover."""
        clock = host_text.chrony_state(await self._tracking())
        if clock is None:
            is_synchronized = await asyncio.to_thread(kernel_clock.is_synchronized)
            quality = TimeQuality.NETWORK if is_synchronized else TimeQuality.UNSYNCHRONIZED
            clock = ClockState(quality, source="kernel" if is_synchronized else "")
        if clock.quality is not TimeQuality.UNSYNCHRONIZED:
            self._was_synchronized = True
        elif self._was_synchronized:
            return ClockState(TimeQuality.HOLDOVER, source=clock.source)
        return clock

    async def _tracking(self) -> str:
        """What chrony says; empty if it is not there, silent or broken."""
        command = self._options.chronyc_command
        if not command:
            return ""
        try:
            process = await asyncio.create_subprocess_exec(
                command,
                "-c",
                "-n",
                "tracking",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError:
            return ""
        try:
            async with asyncio.timeout(self._options.chronyc_timeout_s):
                output = await process.stdout.read(_TRACKING_SIZE_MAX_BYTES) if process.stdout else b""
                return output.decode("ascii", errors="replace") if await process.wait() == 0 else ""
        except TimeoutError:
            return ""
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


@dataclass(frozen=True, slots=True)
class _Files:
    cpu: CpuTimes | None
    memory_bytes: tuple[int, int] | None
    disk_bytes: tuple[int, int] | None
    wear_ratio: float | None
    temperature_celsius: float | None
    uptime_s: float | None
    agent_memory_bytes: int | None
    supplies: Sequence[Mapping[str, str]]
    fans_rpm: Mapping[str, float]


def _files(options: LinuxHost.Options) -> _Files:
    """Everything that stands in files. Blocks."""
    proc, sys = Path(options.proc_dir), Path(options.sys_dir)
    pages = host_text.resident_pages(_text(proc / "self/statm"))
    temperatures = (_worst(sys.glob(pattern), host_text.celsius) for pattern in _TEMPERATURES)
    return _Files(
        cpu=host_text.cpu_times(_text(proc / "stat")),
        memory_bytes=host_text.memory_bytes(_text(proc / "meminfo")),
        disk_bytes=_disk_bytes(options.state_dir),
        wear_ratio=_worst(sys.glob(_WEAR), host_text.wear_ratio),
        temperature_celsius=next((value for value in temperatures if value is not None), None),
        uptime_s=host_text.uptime_s(_text(proc / "uptime")),
        agent_memory_bytes=None if pages is None else pages * os.sysconf("SC_PAGE_SIZE"),
        supplies=[{name: _text(path / name).strip() for name in _SUPPLY_FILES} for path in _found(sys, _SUPPLIES)],
        fans_rpm=_fans_rpm(sys),
    )


def _found(sys: Path, pattern: str) -> Sequence[Path]:
    try:
        return sorted(sys.glob(pattern))
    except OSError:
        return ()


def _fans_rpm(sys: Path) -> Mapping[str, float]:
    """Speed of each fan that is not told to stand."""
    speeds = {
        str(path): host_supply.turning_rpm(
            _text(path).strip(),
            _text(path.with_name(path.name.replace("fan", "pwm").removesuffix("_input"))).strip(),
        )
        for path in _found(sys, _FANS)
    }
    return {name: rpm for name, rpm in speeds.items() if rpm is not None}


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_FILE_SIZE_MAX_BYTES).decode("ascii", errors="replace")
    except OSError:
        return ""


def _worst(paths: Iterable[Path], value: Callable[[str], float | None]) -> float | None:
    """The highest value of several files."""
    try:
        values = [value(_text(path)) for path in paths]
    except OSError:
        return None
    return max((each for each in values if each is not None), default=None)


def _disk_bytes(folder: str) -> tuple[int, int] | None:
    """Free (for us) and whole size of the disk a folder is on."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
