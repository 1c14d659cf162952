"""What the files of /proc and /sys, and chrony, say of the unit's computer. Every function gives `None` for nonsense.

Source: proc(5); Linux Documentation/ABI/testing/sysfs-bus-mmc and sysfs-class-thermal; chronyc(1), `-c tracking`; JEDEC
JESD84-B51, DEVICE_LIFE_TIME_EST.
"""

import math
import re
from dataclasses import dataclass

from wayside_agent.core.stamps import TimeQuality

_KIBIBYTE = 1024
_PLAUSIBLE_CELSIUS = (-60.0, 200.0)
_LIFE_STEPS = 10  # one step is a tenth of the life; 11: exceeded
_TRACKING_FIELDS = 14
_LOCAL_REFERENCE = "7F7F0101"  # chrony's own clock, `local` in its configuration
_MEMORY = re.compile(r"^(MemTotal|MemAvailable):\s+(\d{1,15}) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Ticks since boot, over all cores."""

    busy: int
    total: int

    def ratio_since(self, earlier: "CpuTimes | None") -> float | None:
        """Busy share, 0 to 1, since an earlier reading; `None` without one or without progress."""
        if earlier is None or self.total <= earlier.total:
            return None
        return min(1.0, max(0.0, (self.busy - earlier.busy) / (self.total - earlier.total)))


@dataclass(frozen=True, slots=True)
class ClockState:
    """How good the unit's clock is."""

    quality: TimeQuality
    source: str = ""
    """What disciplines it, as chrony names it; `kernel`: a program that tells the kernel only."""
    offset_s: float | None = None
    """Positive: the clock is behind."""


def cpu_times(stat: str) -> CpuTimes | None:
    """Of /proc/stat: idle and waiting for disks is not busy; guest time is part of user time."""
    first = stat.partition("\n")[0].split()
    values = [int(text) for text in first[1:9] if text.isdigit()]
    if not first or first[0] != "cpu" or len(values) < 4:  # noqa: PLR2004  # user, nice, system, idle
        return None
    idle = values[3] + (values[4] if len(values) > 4 else 0)  # noqa: PLR2004  # iowait
    return CpuTimes(busy=sum(values) - idle, total=sum(values))


def memory_bytes(meminfo: str) -> tuple[int, int] | None:
    """Used and total memory of /proc/meminfo; what the kernel could give back is not used."""
    found = {match[1]: int(match[2]) * _KIBIBYTE for match in _MEMORY.finditer(meminfo)}
    if len(found) != 2 or found["MemAvailable"] > found["MemTotal"]:  # noqa: PLR2004  # both lines
        return None
    return found["MemTotal"] - found["MemAvailable"], found["MemTotal"]


def resident_pages(statm: str) -> int | None:
    """Resident pages of /proc/self/statm."""
    fields = statm.split()
    return int(fields[1]) if len(fields) > 1 and fields[1].isdigit() else None


def uptime_s(text: str) -> float | None:
    """Seconds since boot of /proc/uptime."""
    first = text.split()[:1]
    return _finite(first[0]) if first else None


def wear_ratio(life_time: str) -> float | None:
    """Share of an eMMC's life that is used, 0 to 1, of `life_time` (two hexadecimal numbers, the worse one counts).

    A step is a tenth and stands for its upper end: 0x01 is up to 0.1.
    """
    try:
        steps = [int(text, 16) for text in life_time.split()]
    except ValueError:
        return None
    known = [step for step in steps if 0 < step <= _LIFE_STEPS + 1]
    return min(1.0, max(known) / _LIFE_STEPS) if known else None


def celsius(millidegrees: str) -> float | None:
    """Temperature of a thermal zone; sensors that are not there report nonsense."""
    try:
        value = int(millidegrees) / 1000
    except ValueError:
        return None
    low, high = _PLAUSIBLE_CELSIUS
    return value if low <= value <= high else None


def chrony_state(tracking: str) -> ClockState | None:
    """Of `chronyc -c tracking`; UNSYNCHRONIZED if chrony follows nothing.

    At stratum 1 the reference is a clock on this unit: a GNSS receiver or its PPS, unless it is a PTP clock (PHC).
    """
    fields = tracking.strip().split(",")
    if len(fields) != _TRACKING_FIELDS:
        return None
    reference, name, stratum, leap = fields[0].upper(), fields[1], fields[2], fields[13]
    offset_s = _finite(fields[4])
    if offset_s is None:
        return None
    if leap.startswith("Not sync") or stratum == "0":
        return ClockState(TimeQuality.UNSYNCHRONIZED, source="chrony")
    if reference == _LOCAL_REFERENCE:
        return ClockState(TimeQuality.HOLDOVER, source="chrony local")
    is_gnss = stratum == "1" and not name.startswith("PHC")
    return ClockState(TimeQuality.GNSS if is_gnss else TimeQuality.NETWORK, f"chrony {name}"[:64], offset_s)


def _finite(text: str) -> float | None:
    """The number a text is; `nan` and `inf`, which Python takes for numbers, are nonsense."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
