"""One fetch as the agent does it, in a process of its own: `python _download_fetch.py SPEC.json`; figures as JSON.

The process is what a daemon is before an update: libraries loaded and the channel to the manager in use.
"""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from wayside_agent.core.download import Order
from wayside_agent.core.sources import MANAGER
from wayside_agent.drivers.downloads import DownloadDir
from wayside_agent.link.https import HttpsPlace
from wayside_agent.link.manager import ManagerLink
from wayside_agent.ports.identity import Identity
from wayside_agent.services.fetching import Fetching

KIB_PER_MIB = 1024


def main() -> None:
    """Fetches and prints."""
    print(json.dumps(asyncio.run(_fetched(json.loads(Path(sys.argv[1]).read_text())))))


async def _fetched(spec: dict[str, Any]) -> dict[str, float]:
    identity = Identity("n0", *(spec[name].encode() for name in ("key", "certificate", "authorities")))
    order = Order(spec["release"], spec["sha256"], spec["size_bytes"])
    async with ManagerLink(spec["address"], identity) as link, DownloadDir(Path(spec["folder"])) as downloads:
        await link.authorities()
        fetching = Fetching(
            link,
            downloads,
            places={"https": HttpsPlace(spec["ca_file"])},
            max_bytes_per_s=lambda: 0,
            may_download=lambda: True,
        )
        if spec["is_dropped"]:
            begin_cpu_s = _cpu_s()
            async for _ in link.fetch(order.release, offset_bytes=0):
                pass
            return {"cpu_s": _cpu_s() - begin_cpu_s}
        before_mib = _begun_peak_mib()
        begin_s, begin_cpu_s = time.perf_counter(), _cpu_s()
        await fetching.fetch(order, _nobody, lambda: tuple(spec["addresses"]) or (MANAGER,))
        return {
            "s": time.perf_counter() - begin_s,
            "cpu_s": _cpu_s() - begin_cpu_s,
            "before_mib": before_mib,
            "grown_mib": _memory_mib("VmHWM") - before_mib,
        }


async def _nobody(_done_bytes: int, _begin_bytes: int) -> None:
    """Takes the progress."""


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _begun_peak_mib() -> float:
    """What the process holds; its peak begins anew."""
    Path("/proc/self/clear_refs").write_text("5")
    return _memory_mib("VmRSS")


def _memory_mib(field: str) -> float:
    [line] = [each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith(field)]
    return int(line.split()[1]) / KIB_PER_MIB


if __name__ == "__main__":
    main()
