"""Roadside units that are only simulated: each speaks the device plane as an agent does, and has no hardware.

    python simulated_units.py FOLDER --device localhost:8443 --enrollment localhost:8444 --ca-file ca.pem

The folder is as `wayside_demo.road` prepares it. The units enrol by registered keys and follow what they are told:
a configuration is on trial for a second and then kept, or taken back if it holds the text of `--reverts`. Every trial's
begin and end is a line of `trials.jsonl`, so that somebody who did not plan a rollout can judge it; `sessions.jsonl`
has one for every attempt to open a session, every session, and every one that must wait (ADMISSION_WAIT). They wait as
agents do. What the manager has not acknowledged is said again, and how they are now ahead of it, if that is much. One
process plays them all; each has its own key and connection. SIGUSR1 cuts the line of those that `--behind-line` names,
and SIGUSR2 mends it, but for those that `--never-back` names: between them they make reports that nobody hears.
"""

import argparse
import asyncio
import csv
import hashlib
import json
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TextIO

import grpc.aio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wayside.node_config import decoded
from wayside.status import from_rpc_error
from wayside.v1 import (
    enrollment_service_pb2,
    enrollment_service_pb2_grpc,
    node_pb2,
    node_service_pb2,
    node_service_pb2_grpc,
)
from wayside_agent.drivers.certificate_request import request_pem
from wayside_agent.services.exchange import BACKLOG_COUNT
from wayside_agent.services.reconnecting import ADMISSION_WAIT, Reconnecting

TRIAL_S = 1.0
RECONNECT_CAP_S = 2.0
VERSION, MODEL = "1.0.0", "simulated"


class Line:
    """What units reach the manager by."""

    def __init__(self) -> None:
        self.mended, self.broken = asyncio.Event(), asyncio.Event()
        self.mended.set()

    def cut(self) -> None:
        """From now on nothing goes over it."""
        self.mended.clear()
        self.broken.set()

    def mend(self) -> None:
        """It works again."""
        self.broken.clear()
        self.mended.set()


class Lines:
    """The lines of all units: one that many share, what hangs on it and is lost with it, and those of the others."""

    def __init__(self, behind_line: Collection[str], never_back: Collection[str]) -> None:
        self.shared, self._lost, self._others = Line(), Line(), Line()
        self._behind_line, self._never_back = behind_line, never_back

    def of(self, node_id: str) -> Line:
        """What a unit reaches the manager by."""
        if node_id in self._never_back:
            return self._lost
        return self.shared if node_id in self._behind_line else self._others

    def cut(self) -> None:
        """Cuts the shared line; only that is ever mended."""
        self.shared.cut()
        self._lost.cut()


@dataclass(frozen=True, slots=True)
class Notes:
    """What the units note for whoever judges them: JSON lines with the time of a steady clock [s]."""

    trials: TextIO
    sessions: TextIO

    @staticmethod
    def write(file: TextIO, **said: object) -> None:
        """One more line, at once."""
        file.write(json.dumps({"time_s": time.monotonic()} | said) + "\n")
        file.flush()


class SimulatedUnit:
    """One unit: what it runs, and what it has to say."""

    def __init__(
        self, node_id: str, esn: str, key_pem: bytes, notes: Notes, *, comes_with: bytes, reverts: bytes, line: Line
    ) -> None:
        self.node_id = node_id
        self._line = line
        self._esn = esn
        self._key_pem = key_pem
        self._notes = notes
        self._reverts = reverts
        self._certificate_pem = b""
        self._spool_id = uuid.uuid4().hex
        self._sequence = 0
        self._running = (0, comes_with)
        self._tried: set[str] = set()
        self._owed: dict[int, node_service_pb2.Report] = {}
        self._outgoing: asyncio.Queue[node_service_pb2.SessionRequest] = asyncio.Queue()
        self._reconnecting = Reconnecting(cap_s=RECONNECT_CAP_S, rng=Random())  # noqa: S311  # no secrets

    async def enrol(self, stub: "enrollment_service_pb2_grpc.EnrollmentServiceAsyncStub") -> None:
        """Trades its registered key for a certificate."""
        key = serialization.load_pem_private_key(self._key_pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self.node_id}: its key is no elliptic-curve key")
        answer = await stub.Enroll(
            enrollment_service_pb2.EnrollRequest(
                certificate_request_pem=request_pem(key, self.node_id),
                node_id=self.node_id,
                esn=self._esn,
                kind=node_pb2.NODE_KIND_RSU,
            )
        )
        self._certificate_pem = answer.certificate_pem.encode()

    async def run(self, device_address: str, ca_pem: bytes) -> None:
        """Is connected for ever, but while the line is cut."""
        async with asyncio.TaskGroup() as group:
            while True:
                connected = group.create_task(self._connected(device_address, ca_pem), name=f"{self.node_id}-connected")
                await self._line.broken.wait()
                connected.cancel()
                await self._endure()

    async def _endure(self) -> None:
        """Goes on making reports until the line is mended."""
        while not self._line.mended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._report_period_s):
                    await self._line.mended.wait()
                    return
            self._say(node_service_pb2.Report(health=self._health()))

    async def _connected(self, device_address: str, ca_pem: bytes) -> None:
        """Holds a session for ever, and opens the next one when it ends: the manager may be away."""
        credentials = grpc.ssl_channel_credentials(ca_pem, self._key_pem, self._certificate_pem)
        options = (("grpc.use_local_subchannel_pool", 1),)
        async with grpc.aio.secure_channel(device_address, credentials, options=options) as channel:
            stub = node_service_pb2_grpc.NodeServiceStub(channel)
            while True:
                self._note_session("attempt")
                pause_s = self._reconnecting.after(None)
                try:
                    await self._hold(stub)
                except grpc.aio.AioRpcError as refused:
                    error = from_rpc_error(refused)
                    pause_s = self._reconnecting.after(error)
                    if error.reason == ADMISSION_WAIT:
                        self._note_session("wait", pause_s)
                await asyncio.sleep(pause_s)
                self._reconnecting.failed()

    async def _hold(self, stub: "node_service_pb2_grpc.NodeServiceAsyncStub") -> None:
        async for answer in stub.Session(self._said()):
            if answer.HasField("welcome"):
                self._note_session("open")
                self._resume(answer.welcome.acknowledged_sequence)
            elif answer.HasField("ack"):
                self._reconnecting.is_well()
                self._settle(answer.ack.sequence)
            elif answer.HasField("probe"):
                self._outgoing.put_nowait(node_service_pb2.SessionRequest(probe=answer.probe))
            elif answer.HasField("desired_state") and answer.desired_state.HasField("config"):
                await self._walk_to(stub, answer.desired_state.config)

    def _resume(self, acknowledged: int) -> None:
        """Says what the manager does not hold yet; if that is much, how the unit is now ahead of it."""
        self._settle(acknowledged)
        if len(self._owed) > BACKLOG_COUNT:
            self._show()
        for report in self._owed.values():
            self._outgoing.put_nowait(node_service_pb2.SessionRequest(report=report))
        self._say(node_service_pb2.Report(health=self._health()))

    def _settle(self, acknowledged: int) -> None:
        self._owed = {sequence: owed for sequence, owed in self._owed.items() if sequence > acknowledged}

    def _show(self) -> None:
        live = node_service_pb2.Report(health=self._health())
        live.record_time.GetCurrentTime()
        self._outgoing.put_nowait(node_service_pb2.SessionRequest(live=live))

    async def _said(self) -> AsyncIterator[node_service_pb2.SessionRequest]:
        """The hello, then whatever is to be said, and a health report when nothing was for a period."""
        hello = node_service_pb2.SessionHello(
            agent_version=VERSION, spool_id=self._spool_id, instance_id=self._spool_id
        )
        outgoing = self._outgoing = asyncio.Queue()  # before the hello: the welcome fills it
        yield node_service_pb2.SessionRequest(hello=hello)
        while True:
            try:
                async with asyncio.timeout(self._report_period_s):
                    request = await outgoing.get()
            except TimeoutError:
                self._say(node_service_pb2.Report(health=self._health()))
            else:
                yield request

    async def _walk_to(
        self, stub: "node_service_pb2_grpc.NodeServiceAsyncStub", target: node_service_pb2.ConfigTarget
    ) -> None:
        if target.trial in self._tried:
            return
        fetched = await stub.FetchConfig(node_service_pb2.FetchConfigRequest(revision=target.revision))
        decoded(fetched.config)  # as strict as a real one
        before, self._running = self._running, (target.revision, fetched.config)
        if before[1] != fetched.config:
            await self._try(target, before)
        self._tried.add(target.trial)
        if self._reverts and self._reverts in fetched.config:
            self._running = before
            self._say_config(target, node_pb2.ConfigReport.OUTCOME_REVERTED, "this unit is made to take it back")
        else:
            self._say_config(target, node_pb2.ConfigReport.OUTCOME_APPLIED)
        self._say(node_service_pb2.Report(health=self._health()))

    async def _try(self, target: node_service_pb2.ConfigTarget, before: tuple[int, bytes]) -> None:
        self._note("begin", target.trial)
        self._say_config(target, node_pb2.ConfigReport.OUTCOME_PROVISIONAL)
        try:
            await asyncio.sleep(TRIAL_S)
        except asyncio.CancelledError:  # the line is cut: it is tried again when it is told again
            self._running = before
            raise
        finally:
            self._note("end", target.trial)

    @property
    def _report_period_s(self) -> float:
        return decoded(self._running[1]).report_period_s

    def _note(self, event: str, trial: str) -> None:
        self._notes.write(self._notes.trials, node=self.node_id, event=event, trial=trial)

    def _note_session(self, event: str, wait_s: float = 0.0) -> None:
        self._notes.write(self._notes.sessions, node=self.node_id, event=event, wait_s=wait_s)

    def _say_config(
        self,
        target: node_service_pb2.ConfigTarget,
        outcome: node_pb2.ConfigReport.Outcome.ValueType,
        message: str = "",
    ) -> None:
        word = node_pb2.ConfigReport(
            revision=target.revision,
            outcome=outcome,
            message=message,
            running_revision=self._running[0],
            trial=target.trial,
            running_config=self._running[1],
        )
        self._say(node_service_pb2.Report(config=word))

    def _health(self) -> node_pb2.HealthReport:
        revision, content = self._running
        health = node_pb2.HealthReport(
            agent_version=VERSION,
            config_revision=revision,
            config_sha256=hashlib.sha256(content).hexdigest(),
            model=MODEL,
        )
        health.report_period.FromMilliseconds(round(self._report_period_s * 1000))
        return health

    def _say(self, report: node_service_pb2.Report) -> None:
        self._sequence += 1
        report.sequence = self._sequence
        report.record_time.GetCurrentTime()
        self._owed[self._sequence] = report
        self._outgoing.put_nowait(node_service_pb2.SessionRequest(report=report))


def _units(
    folder: Path, notes: Notes, *, comes_with: bytes, reverts: bytes, line_of: Callable[[str], Line]
) -> list[SimulatedUnit]:
    with (folder / "units.csv").open(encoding="utf-8") as file:
        rows = [(row["node_id"], row["esn"]) for row in csv.DictReader(file)]
    return [
        SimulatedUnit(
            node_id,
            esn,
            (folder / f"{node_id}.key").read_bytes(),
            notes,
            comes_with=comes_with,
            reverts=reverts,
            line=line_of(node_id),
        )
        for node_id, esn in rows
    ]


async def run(
    units: list[SimulatedUnit], ca_pem: bytes, *, lines: Lines, device_address: str, enrollment_address: str
) -> None:
    """Enrols the units and runs them until the process is stopped."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, lines.cut)
    loop.add_signal_handler(signal.SIGUSR2, lines.shared.mend)
    async with grpc.aio.secure_channel(enrollment_address, grpc.ssl_channel_credentials(ca_pem)) as channel:
        stub = enrollment_service_pb2_grpc.EnrollmentServiceStub(channel)
        for unit in units:
            await unit.enrol(stub)
    async with asyncio.TaskGroup() as group:
        for unit in units:
            group.create_task(unit.run(device_address, ca_pem), name=unit.node_id)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Simulated roadside units.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", required=True)
    parser.add_argument("--enrollment", required=True)
    parser.add_argument("--ca-file", type=Path, required=True)
    parser.add_argument("--comes-with", default="{}", help="configuration they begin with, JSON")
    parser.add_argument("--reverts", default="", help="units take configurations back that hold this text")
    parser.add_argument("--behind-line", default="", help="units, with commas between them, that SIGUSR1 cuts off")
    parser.add_argument("--never-back", default="", help="units, as above, that SIGUSR1 cuts off for good")
    given = parser.parse_args()
    ca_pem = given.ca_file.read_bytes()
    lines = Lines(frozenset(given.behind_line.split(",")), frozenset(given.never_back.split(",")))
    with (
        (given.folder / "trials.jsonl").open("a", encoding="utf-8") as trials,
        (given.folder / "sessions.jsonl").open("a", encoding="utf-8") as sessions,
    ):
        notes, comes_with, reverts = Notes(trials, sessions), given.comes_with.encode(), given.reverts.encode()
        units = _units(given.folder, notes, comes_with=comes_with, reverts=reverts, line_of=lines.of)
        asyncio.run(run(units, ca_pem, lines=lines, device_address=given.device, enrollment_address=given.enrollment))


if __name__ == "__main__":
    main()
