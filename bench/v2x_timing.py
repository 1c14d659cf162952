"""How evenly BSM, SPAT and MAP go out: jitter of intervals, and lateness against the grid, idle and under load.

An OBU with simulated receiver and a roadside unit, both real agents with their radio on UDP over loopback; times are
the kernel's where the messages arrive. A bare process that sends every 100 ms, in the same run, tells how punctual the
machine is. Under load the OBU hears 200 vehicles, the RSU 300, and says 160 RSM a second.
"""

import os
import tempfile
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

from bench._harness import Report
from bench._v2x_unit import Air, V2xUnit, local_broker
from wayside.v2x.peek import MessageKind
from wayside_demo.centre import Centre

TIMING_S = float(os.environ.get("TIMING_S", "60"))
PERIODS_MS = {MessageKind.BSM: 100.0, MessageKind.SPAT: 100.0, MessageKind.MAP: 1000.0}
BEAT_MS = 100.0
KINDS = {"obu": (MessageKind.BSM,), "rsu": (MessageKind.SPAT, MessageKind.MAP)}
VEHICLES = {"obu": 200, "rsu": 300}
OBJECTS = 256
"""16 in an RSM, ten times a second."""


def main() -> None:
    """Measures and prints."""
    report = Report("v2x-timing")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        centre = Centre(folder, folder)
        stack.callback(centre.stop)
        centre.start()
        air = stack.enter_context(Air().listening())
        port = stack.enter_context(local_broker(folder))
        for kind, spoken in KINDS.items():
            unit = V2xUnit(kind, folder, centre, air, broker_port=port)
            for load, vehicles, objects in (("idle", 0, 0), ("under load", VEHICLES[kind], OBJECTS)):
                unit.start()
                run = unit.run(TIMING_S, vehicles=vehicles, objects=objects, air=air)
                unit.stop()
                _add(report, f"a bare process beside the {kind} {load}", air.beats_ns, BEAT_MS)
                for each in spoken:
                    _add(report, f"{each} {load}", air.times_ns[each], PERIODS_MS[each])
                report.add(f"{kind} {load}: reference loop meanwhile, ns", run.loop_ns, digits=1)
    report.print()


def _add(report: Report, name: str, times_ns: list[int], period_ms: float) -> None:
    times_ms = [(each - times_ns[0]) / 1e6 for each in times_ns]
    jitter = sorted(abs(b - a - period_ms) for a, b in pairwise(times_ms))
    turns = [round(each / period_ms) for each in times_ms]
    lateness = [time_ms - turn * period_ms for time_ms, turn in zip(times_ms, turns, strict=True)]
    report.add(f"{name}: messages", len(times_ms), digits=0)
    report.add(f"{name}: turns left out", turns[-1] + 1 - len(turns), digits=0)
    for share, words in ((0.5, "p50"), (0.99, "p99"), (1.0, "max")):
        at = min(int(share * len(jitter)), len(jitter) - 1)
        report.add(f"{name}: |interval - period| {words}, ms", jitter[at])
    edge = max(1, len(lateness) // 10)  # the first and the last tenth: a grid that drifts has moved between them
    drift_ms = sorted(lateness[-edge:])[edge // 2] - sorted(lateness[:edge])[edge // 2]
    report.add(f"{name}: drift over the run, ms", drift_ms)


if __name__ == "__main__":
    main()
