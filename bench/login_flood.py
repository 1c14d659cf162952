"""What 10,000 failed logins a second from one address cost everybody else: p50 and p99 of good clients, and ratios.

A real manager; a flooder in a process of its own; good clients on 127.0.0.1 in this one. The flooder takes its part of
the cores, too. So a process that leaves the manager alone burns as much CPU for a while: what the flood costs more than
that is what the manager lets itself be bothered. Quiet, flood and burning take turns, and what is seen in all rounds is
taken together, so that other load on the machine falls on all three. Each round has a new flooder on a new address,
for the start of a flood is its worst part; it tries tokens and passwords in turns.
"""

import asyncio
import itertools
import json
import math
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio

from bench._harness import Report as Figures
from bench._sessions import BIN, Manager, SessionCall, after, channel, greet, request_pem
from wayside.v1 import (
    enrollment_service_pb2,
    enrollment_service_pb2_grpc,
    fleet_service_pb2,
    fleet_service_pb2_grpc,
    node_pb2,
    node_service_pb2,
    node_service_pb2_grpc,
)
from wayside_manager.services.authority import key_pem, new_key

RATE = 11_000  # what is offered must not fall below 10,000
ROUNDS = 4
PHASE_S = 12.0
WARM_UP_S = 2.0
PERIOD_S = 0.025  # of calls and reports: an operator may call 50 times a second
KINDS = ("token", "password")
NEWCOMER_PERIOD_S = 0.2  # of connections
BURNER = """
import sys, time
print("ready", flush=True)
share, end = float(sys.argv[1]), time.monotonic() + float(sys.argv[2])
while (now := time.monotonic()) < end:
    while time.monotonic() < now + 0.01 * share:
        pass
    time.sleep(0.01 * (1 - share) if share < 1 else 0)
"""


@dataclass
class Latencies:
    """What the good clients saw in one phase."""

    ms: dict[str, list[float]] = field(default_factory=dict)
    manager_cpu_ms: float = 0.0
    elapsed_s: float = 0.0

    def quantile_ms(self, series: str, share: float) -> float:
        """The smallest latency that `share` of a series do not exceed [ms]."""
        ordered = sorted(self.ms[series])
        return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True)
class Clients:
    """Good clients: two that stay connected, and what a new one needs."""

    manager: Manager
    fleet: "fleet_service_pb2_grpc.FleetServiceAsyncStub"
    session: SessionCall
    sequence: Iterator[int] = field(default_factory=lambda: itertools.count(1))


LIST, REPORT, NEWCOMER = "ListNodes", "report to ack", "connect and ListNodes"


def main() -> None:
    """Runs the benchmark."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "manager"
        program = str(BIN / "wayside-manager")
        ports = ["--device-port", "0", "--operator-port", "0"]
        subprocess.run([program, "init", str(folder), *ports], check=True, capture_output=True)
        with subprocess.Popen(
            [program, "serve", "--data", str(folder), "--log-level", "ERROR"], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                asyncio.run(_measure(Manager(folder, process))).print()
            finally:
                process.terminate()


async def _measure(manager: Manager) -> Figures:
    figures = Figures("login-flood")
    async with AsyncExitStack() as stack:
        operator = await stack.enter_async_context(channel(manager.operator_address, manager.ca_pem))
        credential = await _enrolled(manager, operator)
        device = await stack.enter_async_context(channel(manager.device_address, manager.ca_pem, *credential))
        session = node_service_pb2_grpc.NodeServiceStub(device).Session(None)
        await greet(session)
        clients = Clients(manager, fleet_service_pb2_grpc.FleetServiceStub(operator), session)
        quiet, flood, burn = Latencies(), Latencies(), Latencies()
        await _phase(Latencies(), clients, WARM_UP_S)
        counts = Counter[str]()
        for number in range(ROUNDS):
            await _phase(quiet, clients, PHASE_S)
            flooder = _flooder(manager, f"127.0.0.{2 + number}", KINDS[number % len(KINDS)])
            await _phase(flood, clients, PHASE_S)
            count = await _result(flooder)
            counts.update(count)
            burner = _started(["-c", BURNER, str(count["cpu_s"] / count["elapsed_s"]), str(PHASE_S)])
            await _phase(burn, clients, PHASE_S)
            burner.communicate()
        session.cancel()
    _report_flood(figures, counts)
    for label, latencies in (("quiet", quiet), ("flood", flood), ("same CPU burned", burn)):
        figures.add(f"{label}: CPU of the manager, cores", latencies.manager_cpu_ms / 1000 / latencies.elapsed_s)
        for series in latencies.ms:
            figures.add(f"{label}: {series}, p50 ms", latencies.quantile_ms(series, 0.5))
            figures.add(f"{label}: {series}, p99 ms", latencies.quantile_ms(series, 0.99))
            figures.add(f"{label}: {series}, longest ms", latencies.quantile_ms(series, 1.0))
    for series in quiet.ms:
        p99_ms = flood.quantile_ms(series, 0.99)
        figures.add_ratio(f"{series}, p99: flood / quiet", p99_ms / quiet.quantile_ms(series, 0.99))
        figures.add_ratio(f"{series}, p99: flood / same CPU burned", p99_ms / burn.quantile_ms(series, 0.99))
    return figures


def _report_flood(figures: Figures, count: Counter[str]) -> None:
    offered = sum(count[name] for name in ("written", "refused", "unheard", "unfinished"))
    figures.add("failed logins offered per s", offered / count["elapsed_s"], digits=0)
    for name in ("written", "answered", "refused", "unheard", "unfinished", "handshakes", "cut"):
        figures.add(f"flood: {name}", count[name], digits=0)
    figures.add("flood: CPU of the flooder, cores", count["cpu_s"] / count["elapsed_s"])


def _started(arguments: list[str]) -> "subprocess.Popen[str]":
    root = Path(__file__).parent.parent
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, cwd=root)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _flooder(manager: Manager, source: str, what: str) -> "subprocess.Popen[str]":
    where = ["--port", manager.operator_address.rpartition(":")[2], "--from", source]
    return _started(["-m", "bench._flooder", *where, "--what", what, "--rate", str(RATE), "--seconds", str(PHASE_S)])


async def _result(process: "subprocess.Popen[str]") -> dict[str, float]:
    output, _ = await asyncio.to_thread(process.communicate)
    found: dict[str, float] = json.loads(output)
    return found


async def _enrolled(manager: Manager, operator: grpc.aio.Channel) -> tuple[bytes, bytes]:
    enrollment = enrollment_service_pb2_grpc.EnrollmentServiceStub(operator)
    token_request = enrollment_service_pb2.CreateEnrollmentTokenRequest()
    token = (await enrollment.CreateEnrollmentToken(token_request, metadata=manager.metadata)).token
    key = new_key()
    request = enrollment_service_pb2.EnrollRequest(
        token=token, node_id="n1", esn="E1", kind=node_pb2.NODE_KIND_RSU, certificate_request_pem=request_pem(key)
    )
    return key_pem(key).encode(), (await enrollment.Enroll(request)).certificate_pem.encode()


async def _phase(found: Latencies, clients: Clients, seconds: float) -> None:
    """All good clients at once, for so long."""
    start_ms, end_s = clients.manager.cpu_ms(), time.perf_counter() + seconds
    async with asyncio.TaskGroup() as group:
        for series, call, period_s in (
            (LIST, lambda: _list(clients.fleet, clients.manager), PERIOD_S),
            (REPORT, lambda: _report(clients), PERIOD_S),
            (NEWCOMER, lambda: _newcomer(clients.manager), NEWCOMER_PERIOD_S),
        ):
            group.create_task(_timed(found.ms.setdefault(series, []), call, period_s, end_s))
    found.manager_cpu_ms += clients.manager.cpu_ms() - start_ms
    found.elapsed_s += seconds


async def _timed(found_ms: list[float], call: Callable[[], Awaitable[None]], period_s: float, end_s: float) -> None:
    due_s = time.perf_counter()
    while due_s < end_s:
        await asyncio.sleep(due_s - time.perf_counter())
        start_s = time.perf_counter()
        await call()
        found_ms.append((time.perf_counter() - start_s) * 1000)
        due_s = max(due_s + period_s, time.perf_counter())


async def _list(fleet: "fleet_service_pb2_grpc.FleetServiceAsyncStub", manager: Manager) -> None:
    await fleet.ListNodes(fleet_service_pb2.ListNodesRequest(), metadata=manager.metadata)


async def _newcomer(manager: Manager) -> None:
    async with channel(manager.operator_address, manager.ca_pem) as newcomer:
        await _list(fleet_service_pb2_grpc.FleetServiceStub(newcomer), manager)


async def _report(clients: Clients) -> None:
    report = node_service_pb2.Report(
        sequence=next(clients.sequence), health=node_pb2.HealthReport(agent_version="1.0.0", config_revision=0)
    )
    await clients.session.write(node_service_pb2.SessionRequest(report=report))
    await after(clients.session, "ack")


if __name__ == "__main__":
    main()
