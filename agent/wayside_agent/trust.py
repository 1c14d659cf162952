"""What the unit trusts and shows, joined: its time, from clock, receiver and disk, and its face towards a broker."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

from wayside.node_config import TelemetryConfig
from wayside_agent.core.certificate import certificate
from wayside_agent.core.der import DerError, pem_content
from wayside_agent.core.fix import Fix
from wayside_agent.core.trusted_time import Floor
from wayside_agent.drivers.files import StateFile
from wayside_agent.drivers.identity import IdentityFiles
from wayside_agent.drivers.key_child import request_pem
from wayside_agent.link.broker import Broker, MqttTls
from wayside_agent.link.enrollment import enroll_again
from wayside_agent.ports.identity import Identity
from wayside_agent.services.pulse import Pulse
from wayside_agent.services.returning import Returning
from wayside_agent.services.sensing import Sensing
from wayside_agent.services.timekeeping import Timekeeping
from wayside_agent.settings import Settings

EARLIEST_S = 1_767_225_600.0
"""2026-01-01: no unit ran this software before; a certificate's beginning may be 1970."""


def boottime_s() -> float:
    """A clock that nobody can set and that runs on while the computer sleeps [s]."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def timekeeping(identity: Identity, state_dir: Path, pulse: Pulse, sensing: Sensing) -> Timekeeping:
    """The trusted time. It is certainly later than the making of the unit's certificate."""

    def fix() -> Fix | None:
        return sensing.gnss.newest if sensing.gnss else None

    try:
        begin_s = certificate(pem_content(identity.certificate_pem)).not_before_s
    except DerError:
        begin_s = 0.0
    return Timekeeping(
        StateFile(state_dir / "time.state", Floor),
        earliest_s=max(begin_s, EARLIEST_S),
        mono_s=boottime_s,
        clock_s=time.time,
        clock_quality=lambda: pulse.host.time_quality,
        fix=fix,
    )


def returning(unit: Settings, files: IdentityFiles, *, utc_s: Callable[[], float], rng: Random) -> Returning:
    """The way back of a unit whose certificate has ended: over the enrolment address, with the key it has."""
    key, address = unit.identity, unit.manager.enrollment_address

    async def ask(identity: Identity, is_next: bool) -> str:
        folder = files.next.directory if is_next else files.directory
        request = await request_pem(key.driver, key.options, folder, identity.node_id)
        return await enroll_again(address, identity, request, esn=unit.node.esn, kind=unit.node.kind)

    return Returning(files, ask, address=address, utc_s=utc_s, mono_s=boottime_s, rng=rng)


def broker(telemetry: TelemetryConfig, unit: Settings, files: IdentityFiles) -> Broker:
    """The broker a configuration names, with this unit's credentials as they are on the disk now."""
    secret, mqtt = telemetry.password_secret, unit.mqtt
    plain = Broker(
        telemetry.broker_host,
        telemetry.port,
        interface=telemetry.interface,
        username=telemetry.username,
        password_file=Path(unit.secrets_dir) / secret if secret else None,
    )
    if telemetry.broker_plaintext:
        return plain
    tls = MqttTls(
        ca_file=Path(mqtt.ca_file) if mqtt.ca_file else files.authorities_file,
        certificate_file=files.certificate_file if mqtt.use_node_certificate else None,
        key_file=files.key_file if mqtt.use_node_certificate else None,
    )
    return replace(plain, tls=tls)
