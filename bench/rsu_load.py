"""A roadside unit under load: 3,000 BSM/s in, 160 RSM/s out, SPAT and MAP; CPU, drops, lateness; then full decode.

The agent is the real one, enrolled, with its radio on UDP over loopback; vehicles are another process. CPU is that of
the agent alone, and given for a core that takes 40 ns for the reference loop. A subscription takes 50 BSM a second; RSM
are those of 256 objects that a sensor's process publishes at a mosquitto ten times a second, MAP one of a file.
The cores are kept awake by work at nice 19, as `awake_cores` says; the last run is without.
"""

import os
import tempfile
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

from bench._harness import Report
from bench._v2x_unit import Air, Run, V2xUnit, awake_cores, local_broker
from wayside.v2x.peek import MessageKind
from wayside_demo.centre import Centre

LOAD_S = float(os.environ.get("LOAD_S", "60"))
REFERENCE_NS = 40.0
OBJECTS = 256
"""16 in a message, ten times a second: 160 RSM/s."""
SUBSCRIPTION = """
[[v2x.subscriptions]]
topic = "v2x/{node}/bsm"
limit_per_s = 50
format = "both"
"""


def main() -> None:
    """Measures and prints."""
    report = Report("rsu-load")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        centre = Centre(folder, folder)
        stack.callback(centre.stop)
        centre.start()
        air = stack.enter_context(Air().listening())
        port = stack.enter_context(local_broker(folder))
        unit = V2xUnit("rsu", folder, centre, air, broker_port=port, extra=SUBSCRIPTION)
        for name, mode, vehicles, cores, goal in (
            ("300 vehicles, peek", "peek", 300, awake_cores(), 15),
            ("200 vehicles, full decode", "decode", 200, awake_cores(), 25),
            ("300 vehicles, peek, cores sleep", "peek", 300, nullcontext(), 15),
        ):
            unit.start(mode)
            with cores:
                run = unit.run(LOAD_S, vehicles=vehicles, objects=OBJECTS, air=air)
            _add(report, name, run, air, goal=goal, result=unit.stop())
    report.print()


def _add(report: Report, name: str, run: Run, air: Air, *, goal: int, result: dict[str, Any]) -> None:
    ages_us = result["ages_us"]
    heard = run.status["health"]["radio"]
    (subscription,) = run.status["v2x"]["subscriptions"]
    report.add(f"{name}: CPU, % of a core of 40 ns (goal {goal})", 100 * run.cpu_ratio * REFERENCE_NS / run.loop_ns)
    report.add(f"{name}: CPU, % of this core", 100 * run.cpu_ratio)
    report.add(f"{name}: reference loop meanwhile, ns", run.loop_ns, digits=1)
    report.add(f"{name}: BSM sent to it", run.traffic["sent"], digits=0)
    report.add(f"{name}: of these lost (goal 0)", run.traffic["sent"] - result["messages"], digits=0)
    report.add(f"{name}: dropped by the kernel", float(heard.get("dropped_count", 0)), digits=0)
    report.add(f"{name}: samples taken", subscription["taken_count"], digits=0)
    report.add(f"{name}: samples dropped", subscription["dropped_count"], digits=0)
    report.add(f"{name}: lateness, p50 ms", ages_us[len(ages_us) // 2] / 1000)
    report.add(f"{name}: lateness, p99 ms (goal 20)", ages_us[len(ages_us) * 99 // 100] / 1000)
    report.add(f"{name}: lateness, max ms", ages_us[-1] / 1000)
    seen = run.status["v2x"]["perception"]["latency_s"]["object_to_air"]
    report.add(f"{name}: object to air, p50 ms", 1000 * seen["p50"], digits=0)
    report.add(f"{name}: object to air, p99 ms", 1000 * seen["p99"], digits=0)
    for kind in (MessageKind.RSM, MessageKind.SPAT, MessageKind.MAP):
        report.add(f"{name}: {kind} out, 1/s", len(air.times_ns[kind]) / (LOAD_S + 1), digits=1)


if __name__ == "__main__":
    main()
