"""Tries every device and looks at every check once: what works, what does not, and why.

Devices are open already, so they are watched for a moment instead of opened a second time; the disk is written to.

**Tested with:** the simulators; a folder that cannot be written.
"""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wayside.errors import WaysideError
from wayside_agent.core.health import Checks, State
from wayside_agent.core.job_work import SelfTest
from wayside_agent.drivers.files import write_atomic
from wayside_agent.ports.jobs import Assignment, Yield

WATCH_S = 3.0
_DISK_BYTES = 64 * 1024
_SLOW_MS = 1000.0


@dataclass(frozen=True, slots=True)
class Look:
    """One device at one instant."""

    device: str
    is_open: bool
    count: int
    """Of what it brings; one that counts on is alive."""
    fault: str = ""
    must_count: bool = True
    """One that is silent for seconds does not work."""


class SelfTestWorker:
    """Tries everything once."""

    def __init__(
        self,
        devices: Callable[[], Sequence[Look]],
        checks: Callable[[], Checks],
        *,
        watch_s: float = WATCH_S,
    ) -> None:
        self._devices = devices
        self._checks = checks
        self._watch_s = watch_s

    async def work(self, assignment: Assignment[SelfTest]) -> Yield:
        """See `ports.jobs.Worker`. It succeeds if every device works and no check has failed."""
        before = {look.device: look for look in self._devices()}
        disk = await asyncio.to_thread(_disk, assignment.folder)
        await asyncio.sleep(self._watch_s)
        devices = [_device(before.get(look.device, look), look) for look in self._devices()] + [disk]
        found = [check.finding for check in self._checks()]
        checks = [{"name": each.name, "state": each.state, "reason": each.reason} for each in found]
        bad = [f"{each['name']}: {each['reason']}" for each in devices if not each["is_ok"]]
        bad += [f"{each.name}: {each.reason}" for each in found if each.state is State.FAILED]
        result: dict[str, object] = {"is_ok": not bad, "devices": devices, "checks": checks}
        count = len(devices) + len(checks)
        words = f"{len(bad)} of {count} do not work: {'; '.join(bad)}" if bad else f"all {count} work"
        return Yield(words, result, is_success=not bad)


def _device(before: Look, now: Look) -> dict[str, object]:
    reason = now.fault
    if not reason and not now.is_open:
        reason = "is not open"
    if not reason and now.must_count and now.count <= before.count:
        reason = "is silent"
    return {"name": now.device, "is_ok": not reason, "reason": reason, "count": now.count - before.count}


def _disk(folder: Path) -> dict[str, object]:
    """Writes, syncs and reads once."""
    path, content = folder / "self_test", os.urandom(_DISK_BYTES)
    begin_s = time.monotonic()
    reason = ""
    try:
        write_atomic(path, content)
        if path.read_bytes() != content:
            reason = "reads other bytes than were written"
        path.unlink()
    except (OSError, WaysideError) as error:
        reason = str(error)
    took_ms = round((time.monotonic() - begin_s) * 1000, 1)
    if not reason and took_ms > _SLOW_MS:
        reason = f"takes {took_ms:.0f} ms for {_DISK_BYTES} bytes"
    return {"name": "disk", "is_ok": not reason, "reason": reason, "took_ms": took_ms}
