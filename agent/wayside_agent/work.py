"""The jobs of a unit, joined: which worker does which kind, with what the unit's settings allow.

A worker is imported and made when the first job of its kind begins, for most units never do most of them.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from wayside_agent.core.health import Checks
from wayside_agent.core.job import Kind
from wayside_agent.link.manager import ManagerLink
from wayside_agent.ports.jobs import Worker
from wayside_agent.services.sensing import Sensing
from wayside_agent.settings import Settings

if TYPE_CHECKING:
    from wayside_agent.drivers.job_self_test import Look
    from wayside_agent.drivers.job_snapshots import FixTap, FrameTap


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What workers ask of the running agent."""

    sensing: Sensing
    link: ManagerLink
    checks: Callable[[], Checks]
    snapshot: Callable[[], Mapping[str, object]]
    configuration: Callable[[], bytes]
    """That runs, JSON."""


class Workforce:
    """Makes workers."""

    def __init__(self, unit: Settings, around: Surroundings) -> None:
        self._unit = unit
        self._around = around
        self._workers: dict[Kind, Worker[Any]] = {}
        self._makers: Mapping[Kind, Callable[[], Worker[Any]]] = {
            Kind.REBOOT: self._reboot,
            Kind.RESTART_SERVICE: self._restart_service,
            Kind.SELF_TEST: self._self_test,
            Kind.DEBUG_BUNDLE: self._debug_bundle,
            Kind.PACKET_CAPTURE: self._packet_capture,
            Kind.DIAGNOSTIC: self._diagnostic,
            Kind.LOG_LEVEL: self._log_level,
            Kind.NETWORK_PROBE: self._network_probe,
            Kind.FILE_PULL: self._file_pull,
            Kind.FILE_PUSH: self._file_push,
            Kind.GNSS_SNAPSHOT: self._gnss_snapshot,
            Kind.CAN_SNAPSHOT: self._can_snapshot,
            Kind.SHELL: self._shell,
        }

    def worker(self, kind: Kind) -> Worker[Any]:
        """Who does such work; the same one each time."""
        if kind not in self._workers:
            self._workers[kind] = self._makers[kind]()
        return self._workers[kind]

    def _reboot(self) -> Worker[Any]:
        from wayside_agent.drivers.job_commands import RebootWorker

        return RebootWorker(self._unit.jobs.reboot_command)

    def _restart_service(self) -> Worker[Any]:
        from wayside_agent.drivers.job_commands import RestartServiceWorker

        return RestartServiceWorker(self._unit.jobs.services)

    def _diagnostic(self) -> Worker[Any]:
        from wayside_agent.drivers.job_commands import DiagnosticWorker

        return DiagnosticWorker(self._unit.jobs.diagnostics)

    def _self_test(self) -> Worker[Any]:
        from wayside_agent.drivers.job_self_test import SelfTestWorker

        return SelfTestWorker(lambda: tuple(_looks(self._around.sensing)), self._around.checks)

    def _debug_bundle(self) -> Worker[Any]:
        from wayside_agent.drivers.job_bundle import DebugBundleWorker

        around = self._around
        return DebugBundleWorker(
            {
                "status.json": around.snapshot,
                "settings.json": lambda: msgspec.to_builtins(self._unit),
                "configuration.json": lambda: msgspec.json.decode(around.configuration()),
            },
            state_dir=Path(self._unit.state_dir),
            secrets_dir=Path(self._unit.secrets_dir),
        )

    def _packet_capture(self) -> Worker[Any]:
        from wayside_agent.drivers.job_capture import PacketCaptureWorker

        return PacketCaptureWorker(self._unit.jobs.capture_interfaces)

    def _log_level(self) -> Worker[Any]:
        from wayside_agent.drivers.job_log_level import LogLevelWorker

        return LogLevelWorker(self._unit.log.level)

    def _network_probe(self) -> Worker[Any]:
        from wayside_agent.drivers.job_probe import NetworkProbeWorker

        return NetworkProbeWorker(lambda: self._around.link.address, self._unit.jobs.probe_hosts)

    def _file_pull(self) -> Worker[Any]:
        from wayside_agent.drivers.job_files import FilePullWorker

        refused = (Path(self._unit.state_dir) / "identity", Path(self._unit.secrets_dir))
        return FilePullWorker(self._unit.jobs.pull_paths, refused=refused)

    def _file_push(self) -> Worker[Any]:
        from wayside_agent.drivers.job_files import FilePushWorker

        refused = (Path(self._unit.state_dir), Path(self._unit.secrets_dir))
        return FilePushWorker(self._unit.jobs.push_paths, refused=refused)

    def _gnss_snapshot(self) -> Worker[Any]:
        from wayside_agent.drivers.job_snapshots import GnssSnapshotWorker

        return GnssSnapshotWorker(self._fix_tap if self._around.sensing.gnss is not None else None)

    def _can_snapshot(self) -> Worker[Any]:
        from wayside_agent.drivers.job_snapshots import CanSnapshotWorker

        return CanSnapshotWorker(self._frame_tap, self._around.sensing.buses)

    def _shell(self) -> Worker[Any]:
        from wayside_agent.drivers.job_shell import ShellWorker

        allowed, command = self._unit.jobs.allow_shell, self._unit.jobs.shell_command
        home = Path(self._unit.state_dir)
        return ShellWorker(self._around.link, is_allowed=allowed, command=command, home=home)

    @contextmanager
    def _fix_tap(self, tap: "FixTap") -> Iterator[None]:
        taps = self._around.sensing.fix_taps
        taps.append(tap)
        try:
            yield
        finally:
            taps.remove(tap)

    @contextmanager
    def _frame_tap(self, tap: "FrameTap") -> Iterator[None]:
        taps = self._around.sensing.frame_taps
        taps.append(tap)
        try:
            yield
        finally:
            taps.remove(tap)


def _looks(sensing: Sensing) -> "Iterator[Look]":
    """Every device now. A bus may be silent in a parked car, and feeds and radio where nobody speaks."""
    from wayside_agent.drivers.job_self_test import Look

    for name, bus in sensing.buses.items():
        is_open = bus.is_open or bus.has_ended
        yield Look(f"can.{name}", is_open, bus.counters.frame_count, bus.fault, must_count=False)
    if sensing.gnss is not None:
        gnss = sensing.gnss
        is_ended = gnss.has_ended
        yield Look("gnss", gnss.is_open or is_ended, gnss.fix_count + gnss.no_fix_count, gnss.fault, not is_ended)
    if sensing.radio is not None:
        radio = sensing.radio
        is_open = radio.is_open or radio.has_ended
        yield Look("radio", is_open, sum(radio.received.values()), radio.fault, must_count=False)
    for index, feed in enumerate(sensing.feeds):
        yield Look(f"sensors.{index}", feed.is_open, feed.counters.accepted_count, feed.fault, must_count=False)
