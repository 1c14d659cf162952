"""The agent: opens what the settings name, joins services to drivers, and runs them in one TaskGroup until SIGTERM.

This file, and those beside it that join one thing each (updating, work, trust), are the only ones that know which
driver and which link a service gets. Crash-only: a bug in any service ends the process with status 1 and systemd
starts it again; everything that matters is on disk.
"""

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, get_args

from wayside.names import node_name
from wayside.node_config import Load
from wayside.sd_notify import notify
from wayside.v1.node_service_pb2 import DesiredState
from wayside_agent import boot, registry
from wayside_agent.air import Air
from wayside_agent.air.platform import Surroundings as PlatformSurroundings
from wayside_agent.air.radio import radio_of
from wayside_agent.configuration import Configuration
from wayside_agent.core.job import Run
from wayside_agent.core.starts import Start
from wayside_agent.core.v2x import Station
from wayside_agent.drivers.config_file import BootClock, ConfigFile
from wayside_agent.drivers.files import make_private_directory
from wayside_agent.drivers.host import LinuxHost
from wayside_agent.drivers.identity import IdentityFiles, check_broker_key
from wayside_agent.drivers.job_store import JobDir
from wayside_agent.drivers.key_child import request_pem
from wayside_agent.drivers.start_log import StartLog
from wayside_agent.lifetime import until_stopped
from wayside_agent.link.broker import Broker
from wayside_agent.link.manager import ManagerLink
from wayside_agent.link.mqtt import MqttPublisher
from wayside_agent.link.spool import FileSpool
from wayside_agent.link.spool_opening import opened_spool
from wayside_agent.ports.devices import Radio
from wayside_agent.ports.identity import Identity
from wayside_agent.services.config_world import World as ConfigWorld
from wayside_agent.services.derating import Derating
from wayside_agent.services.desired import Desired
from wayside_agent.services.endless import endless
from wayside_agent.services.exchange import Ears
from wayside_agent.services.health import Health, Versions, wire_time_quality
from wayside_agent.services.health_checks import HealthChecks
from wayside_agent.services.job_world import World as JobWorld
from wayside_agent.services.jobs import Jobs
from wayside_agent.services.oldest_report import OldestReport
from wayside_agent.services.pulse import Pulse
from wayside_agent.services.renewal import Renewal, Surroundings
from wayside_agent.services.reporting import Reporting
from wayside_agent.services.sampling import Sampling
from wayside_agent.services.sensing import Sensing
from wayside_agent.services.snapshot import Snapshot
from wayside_agent.services.status import StatusServer
from wayside_agent.services.telemetry import Telemetry
from wayside_agent.services.uplink import Hello, Uplink
from wayside_agent.settings import IdentitySettings, Settings
from wayside_agent.trust import boottime_s, broker, returning, timekeeping
from wayside_agent.updating import Surroundings as UpdateSurroundings
from wayside_agent.updating import Updating
from wayside_agent.wellbeing import Wellbeing, ends_of
from wayside_agent.work import Surroundings as WorkSurroundings
from wayside_agent.work import Workforce

if TYPE_CHECKING:
    from wayside_agent.services.road_info import RoadInfo

logger = logging.getLogger(__name__)


def run(unit: Settings) -> bool:
    """Runs the agent until SIGTERM; True: it wants to be started again, because a release was switched.

    Raises: WaysideError: what stands in the way, in one sentence.
    """
    wants_restart = asyncio.run(until_stopped(partial(_served, unit)))
    StartLog(Path(unit.state_dir)).end()  # not reached by a fault or a bug: nobody asked for those
    return wants_restart


async def _served(unit: Settings) -> None:
    async with AsyncExitStack() as stack:
        agent = await Agent.opened(unit, stack)
        await agent.serve()


class Agent:
    """Every service of one unit, joined."""

    def __init__(
        self,
        unit: Settings,
        files: IdentityFiles,
        identity: Identity,
        link: ManagerLink,
        spools: Mapping[str, FileSpool],
        *,
        start: Start,
    ) -> None:
        self._unit = unit
        self._start = start
        self._files = files
        self._node_id = identity.node_id
        self._instance_id = secrets.token_hex(16)
        self._link = link
        self._spools = spools
        self._state = Path(unit.state_dir)
        self._rng = SystemRandom()
        self._version = version("wayside-agent")
        self._release = self._tree_sha256 = ""
        self._may_run = dict.fromkeys(get_args(Load), True)
        radio_source = radio_of(
            registry.radio(unit),
            unit.v2x,
            utc_s=lambda: self.time.known_s(),  # noqa: PLW0108  # it is made below
        )
        self.sensing = self._make_sensing(radio_source)
        radio = self.sensing.radio
        self.ends = ends_of(
            lambda: self.renewal,
            Station if radio is None else radio.station,
            lambda: self.updating.metadata_end_s(),  # noqa: PLW0108  # it is made below
        )
        self.oldest_report = OldestReport(spools["reports"], clock_s=time.time)
        self.pulse = Pulse(
            self.sensing,
            LinuxHost(LinuxHost.Options(state_dir=unit.state_dir)),
            mono_s=time.monotonic,
            is_manager_reached=lambda: self.uplink.is_connected,
            broker=lambda: self.telemetry.broker(),  # noqa: PLW0108  # it is made below
            planned_hz=lambda: self.air.planned_hz(),  # noqa: PLW0108  # as above
        )
        self.telemetry = Telemetry(
            node=node_name(identity.node_id),
            spool=spools["telemetry"],
            readings=self.sensing.latest,
            connect=lambda telemetry: MqttPublisher(broker(telemetry, unit, files), client_id=self._node_id),
            rng=self._rng,
        )
        self.health = self._make_health()
        self.reporting = self._make_reporting()
        self.updating = self._make_updating()
        self.configuration = Configuration(
            self.sensing,
            self.telemetry,
            self.reporting,
            use_manager=self._use_manager,
            judge_by=lambda config: self.wellbeing.use(config),  # noqa: PLW0108  # it is made below
            database_dir=Path(unit.database_dir),
            cache_dir=self._state / "plans",
            secrets_dir=Path(unit.secrets_dir),
        )
        self.jobs = self._make_jobs()
        self.desired = self._make_desired()
        self.time = timekeeping(identity, self._state, self.pulse, self.sensing)
        self.air = Air(
            unit,
            self.sensing,
            radio_source,
            controller=registry.signal_controller(unit),
            utc_s=self.time.known_s,
            site_broker=self._site_broker,
            around=PlatformSurroundings(lambda: self.pulse.host, self._software, self.jobs.ask, self.reporting.submit),
            surveyed=self._surveyed,
        )
        self.road_info = self._make_road_info()
        self.wellbeing = self._make_wellbeing()
        self.returning = returning(unit, files, utc_s=self.time.utc_s, rng=self._rng)
        around = self._make_surroundings(unit.identity)
        self.renewal = Renewal(identity, files, link, around, returning=self.returning)
        self.uplink = self._make_uplink()
        self.snapshot = Snapshot(
            node_id=identity.node_id,
            health=self.health,
            update=self.updating.ota.status,
            is_manager_reached=lambda: self.uplink.is_connected,
            refusal=lambda: self.uplink.refusal,
            way_back=lambda: self.returning.sentence,
            certificate_end_s=lambda: self.renewal.pace.not_after_s,
            time=self.time,
            manager_address=lambda: self._link.address,
            config=lambda: (self.desired.state, self.desired.running),
            heard=self.air.picture,
        )
        self.status = StatusServer(Path(unit.runtime_dir), self.snapshot.taken)

    def _make_sensing(self, radio: Radio | None) -> Sensing:
        return Sensing(
            buses=registry.can_buses(self._unit),
            gnss=registry.gnss(self._unit),
            radio=radio,
            feeds=registry.feeds(self._unit),
            now_ns=time.time_ns,
            mono_s=time.monotonic,
            time_quality=lambda: self.pulse.host.time_quality,
            rng=self._rng,
        )

    def _make_health(self) -> Health:
        return Health(
            sensing=self.sensing,
            pulse=self.pulse,
            spools=self._spools,
            telemetry_batch_count=lambda: self.telemetry.published_count,
            versions=self._versions,
            now_ns=time.time_ns,
            checks=lambda: self.wellbeing.checks.present,
            time=lambda: self.wellbeing.time_health(),  # noqa: PLW0108  # it is made below
            ends=self.ends,
            unit=lambda: self.wellbeing.unit_health(),  # noqa: PLW0108  # as above
        )

    def _make_wellbeing(self) -> Wellbeing:
        caps_bytes = {"reports": self._unit.spool.reports_max_bytes, "telemetry": self._unit.spool.telemetry_max_bytes}
        sampling = Sampling(
            self.sensing,
            self.pulse,
            self.time,
            {name: (spool, caps_bytes[name]) for name, spool in self._spools.items()},
            is_manager_reached=lambda: self.uplink.is_connected,
            reach=lambda: self.uplink.reach,
            oldest_report_s=self.oldest_report.age_s,
            start=self._start,
            ends=self.ends,
            clock_s=time.time,
            mono_s=time.monotonic,
            signal=self.air.signal_sample,
            platforms=self.air.platform_samples,
            security=self.air.security_sample,
            sensors=self.air.sensor_faults,
        )
        checks = HealthChecks(
            sampling.sample, utc_s=self.time.utc_s, mono_s=time.monotonic, changed=self.reporting.hurry
        )
        derating = Derating(
            lambda: sampling.newest,
            {load: partial(self._allow, load) for load in self._may_run},
            mono_s=time.monotonic,
            changed=self.reporting.hurry,
        )
        stands = self._unit.node.kind == "rsu"
        return Wellbeing(checks, sampling, derating, self.sensing, self.time, stands=stands)

    def _allow(self, load: str, is_allowed: bool) -> None:
        """Lets a load run, or not; see `services.derating`."""
        self._may_run[load] = is_allowed
        self.telemetry.samples = self._may_run["telemetry"]
        self.sensing.decodes = self._may_run["decode"]

    def _make_reporting(self) -> Reporting:
        return Reporting(
            self._spools["reports"],
            health=self.health.report,
            now_ns=time.time_ns,
            time_quality=lambda: wire_time_quality(self.pulse.host.time_quality),
            agent_version=self._version,
            rng=self._rng,
        )

    def _make_updating(self) -> Updating:
        around = UpdateSurroundings(
            node_id=self._node_id,
            running_slot=os.environ.get(boot.SLOT_VARIABLE, ""),
            components=registry.components(self._unit),
            sensing=self.sensing,
            link=self._link,
            identity=lambda: self.renewal.identity,
            report=self.reporting.report_update,
            vitals=self.pulse.vitals,
            sample=lambda: self.wellbeing.sampling.newest,
            config=lambda: self.configuration.running.update,
            is_config_on_trial=lambda: self.desired.is_on_trial,
            may_download=lambda: self._may_run["downloads"],
            may_upload=lambda: self._may_run["uploads"],
            time=lambda: self.time,
            broadcast=lambda: self.air.broadcast(),  # noqa: PLW0108  # it is made below
        )
        return Updating(self._unit, around)

    def _make_desired(self) -> Desired:
        return Desired(
            self._link,
            ConfigWorld(
                store=ConfigFile(self._state / "configuration.state"),
                prepare=self.configuration.prepared,
                report=self.reporting.report_config,
                is_acknowledged=lambda sequence: self.uplink.acknowledged_sequence >= sequence,
                vitals=self.pulse.vitals,
                now=BootClock().now,
                is_release_on_trial=lambda: self.updating.ota.is_on_trial,
                is_renewing=lambda: self.renewal.is_busy,
            ),
            follow_release=self.updating.ota.follow,
            follow_jobs=self.jobs.follow,
            follow_broadcasts=self._follow_broadcasts,
            rng=self._rng,
        )

    def _make_jobs(self) -> Jobs:
        around = WorkSurroundings(
            sensing=self.sensing,
            link=self._link,
            checks=lambda: self.wellbeing.checks.present,
            snapshot=lambda: self.snapshot.taken(),  # noqa: PLW0108  # it is made below
            configuration=lambda: self.desired.running.content,
        )
        return Jobs(
            JobWorld(
                store=JobDir(self._state / "jobs", max_bytes=self._unit.jobs.max_artifact_bytes),
                worker=Workforce(self._unit, around).worker,
                uploads=self._link,
                submit=self.reporting.submit,
                is_acknowledged=lambda sequence: self.uplink.acknowledged_sequence >= sequence,
                is_connected=lambda: self.uplink.is_connected,
                time=lambda: self.time.estimate(),  # noqa: PLW0108  # it is made below
                run=Run(BootClock().now().boot_id, self._instance_id),
                upload_max_bytes_per_s=lambda: self.configuration.running.jobs.upload_max_bytes_per_s,
                may_upload=lambda: self._may_run["uploads"],
            )
        )

    def _make_road_info(self) -> "RoadInfo | None":
        if self._unit.node.kind != "rsu":
            return None
        from wayside_agent.air.road_info import road_info  # vehicles do without

        return road_info(self._unit, self.air.repeater, time=self.time.estimate, submit=self.reporting.submit)

    def _follow_broadcasts(self, state: DesiredState) -> None:
        if self.road_info is not None:
            self.road_info.follow(state)

    def _make_uplink(self) -> Uplink:
        return Uplink(
            self._link.session,
            self._spools["reports"],
            hello=self._hello,
            ears=Ears(
                follow=self.desired.follow,
                trust=self.renewal.notice,
                time=self.time.heard,
                shut=self.renewal.shut_out,
            ),
            rng=self._rng,
            reconnect_cap_s=self._unit.manager.reconnect_cap_s,
            newest=self.reporting.newest,
        )

    def _make_surroundings(self, key: IdentitySettings) -> Surroundings:
        return Surroundings(
            request_pem=partial(request_pem, key.driver, key.options, self._files.next.directory, self._node_id),
            is_connected=lambda: self.uplink.is_connected,
            reopen=self._reopen,
            changed=self.telemetry.reconnect,
            utc_s=self.time.utc_s,
            mono_s=boottime_s,
            rng=self._rng,
            is_held=lambda: self.desired.is_on_trial,
        )

    def _site_broker(self) -> Broker | None:
        telemetry = self.configuration.running.telemetry
        return broker(telemetry, self._unit, self._files) if telemetry.broker_host else None

    def _surveyed(self) -> tuple[float, float] | None:
        """Where the configuration says the unit stands [°]."""
        place = self.configuration.running.health.place
        return (place.latitude_degrees, place.longitude_degrees) if place.radius_m else None

    def _software(self) -> tuple[str, str]:
        """What runs, and the phase of the update."""
        status = self.updating.ota.status()
        return status.running_version or self._version, status.phase.name

    def _use_manager(self, address: str) -> None:
        """Goes to the manager that the configuration names, else to that of the settings; at once, if it is another."""
        if self._link.use_address(address or self._unit.manager.device_address):
            self.uplink.move()

    async def _reopen(self, timeout_s: float) -> bool:
        return await self.uplink.reopen(timeout_s)

    def _hello(self) -> Hello:
        return Hello(
            agent_version=self._version,
            desired_revision=self.desired.desired_revision,
            instance_id=self._instance_id,
            authorities_sha256=self.renewal.identity.authorities_sha256,
            hardware_id=self._unit.node.hardware_id,
            running_tree_sha256=self._tree_sha256,
            peer_address=self.updating.peer_address(),
        )

    @classmethod
    async def opened(cls, unit: Settings, stack: AsyncExitStack) -> "Agent":
        """The agent of an enrolled unit with its disk and its manager's address opened; `stack` closes them.

        Raises: FailedPreconditionError: not enrolled. InvalidArgumentError, NotFoundError: settings. DeviceError.
        """
        state = Path(unit.state_dir)
        await asyncio.to_thread(make_private_directory, state)
        start = await asyncio.to_thread(StartLog(state).begin)
        await asyncio.to_thread(make_private_directory, state / "spool")
        files = IdentityFiles(state / "identity", registry.key_store(unit.identity))
        identity = await asyncio.to_thread(files.load)
        check_broker_key(identity, is_shown_to_broker=unit.mqtt.use_node_certificate)
        link = await stack.enter_async_context(ManagerLink(unit.manager.device_address, identity))
        caps = {"reports": unit.spool.reports_max_bytes, "telemetry": unit.spool.telemetry_max_bytes}
        spools = {
            name: await opened_spool(state / "spool" / name, max_bytes, stack) for name, max_bytes in caps.items()
        }
        agent = cls(unit, files, identity, link, spools, start=start)
        await stack.enter_async_context(agent.updating)
        return agent

    async def serve(self) -> None:
        """Runs every service.

        Raises (in a group): RestartRequestedError, ServiceEndedError, DeviceFaultError, any bug of a service.
        """
        own = await self.updating.slots.own()
        self._release, self._tree_sha256 = (own.release, own.tree_sha256) if own else ("", "")
        await self.desired.start()
        services: Mapping[str, Callable[[], Awaitable[None]]] = {
            "sensing": self.sensing.run,
            "pulse": self.pulse.run,
            "reporting": self.reporting.run,
            "telemetry": self.telemetry.run,
            "desired": self.desired.run,
            "jobs": self.jobs.run,
            "uplink": self.uplink.run,
            "renewal": self.renewal.run,
            "health": self.wellbeing.checks.run,
            "derating": self.wellbeing.derating.run,
            "oldest-report": self.oldest_report.run,
            "time": self.time.run,
            "status": self.status.run,
            **self.air.services(),
            **({} if self.road_info is None else {"road-info": self.road_info.run}),
            **self.updating.services(),
            "long-life": self._live_long,
        }
        async with asyncio.TaskGroup() as group:
            for name, service in services.items():
                group.create_task(endless(name, service), name=name)
            notify("READY=1")
            logger.info("running", extra={"version": self._version, "release": self._release or "factory"})

    async def _live_long(self) -> None:
        await asyncio.sleep(boot.UP_S)
        await asyncio.to_thread(boot.excuse, Path(self._unit.state_dir))
        await asyncio.Event().wait()

    def _versions(self) -> Versions:
        return Versions(
            agent_version=self._version,
            release=self._release,
            config_revision=self.desired.running.revision,
            report_period_s=self.configuration.running.report_period_s,
            model=self._unit.node.model,
            config_sha256=self.desired.running.sha256,
            config_trial=self.desired.trial,
        )
