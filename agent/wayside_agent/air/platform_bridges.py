"""Makes the bridges to platforms from the settings; imported by units that have one."""

import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from random import SystemRandom

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside.v1 import job_pb2
from wayside.v1 import node_service_pb2 as wire
from wayside.v2x.peek import MessageKind
from wayside.v2x.profile import Profile
from wayside_agent.air.platform import Surroundings
from wayside_agent.core.heard.sampler import Area, Filter, Rule, SampleMode
from wayside_agent.core.platform.codec import MAX_DOWN_BYTES, BinaryCodec, Codec, JsonCodec
from wayside_agent.core.platform.policy import Right
from wayside_agent.core.platform.topics import Names, Topics
from wayside_agent.drivers.log_lines import LogLines
from wayside_agent.link.broker import Broker, MqttTls
from wayside_agent.link.platform import MqttWire
from wayside_agent.ports.platform import Broadcaster
from wayside_agent.services.platform import Bridge
from wayside_agent.services.platform_world import Origin, Plan, World
from wayside_agent.services.sensing import Sensing
from wayside_agent.settings import Settings
from wayside_agent.v2x_platform_settings import MAX_PLATFORMS, PlatformSettings, UpSettings

MAX_PACKET_BYTES = MAX_DOWN_BYTES + 4096
"""With topic and head."""
REBOOT_WITHIN_S = 300.0
"""A restart that could not begin by then is not wanted any more."""
_AT_REST = frozenset({"", "IDLE", "COMMITTED", "ROLLED_BACK", "FAILED"})
"""Phases of an update that a restart of the computer does not disturb."""


def made(
    unit: Settings,
    sensing: Sensing,
    around: Surroundings,
    *,
    utc_s: Callable[[], float | None],
    event: Callable[[], str],
    broadcaster: Broadcaster | None,
) -> dict[str, Bridge]:
    """See `air.platform.bridges`.

    Raises: InvalidArgumentError: the settings want what cannot be.
    """
    found: dict[str, Bridge] = {}
    for label, plan in plans(unit).items():
        world = World(
            connect=partial(_wire, plan, unit),
            host=around.host,
            place_deg=partial(_place_deg, sensing),
            is_radio_open=lambda: sensing.radio is not None and sensing.radio.is_open,
            update=around.update,
            broadcaster=broadcaster,
            log=_log_lines() if Right.LOG in plan.allowed else None,
            reboot=_rebooting(around, utc_s, event),
            tell=partial(_told, around),
            utc_s=utc_s,
            mono_s=time.monotonic,
            rng=SystemRandom(),
        )
        found[label] = Bridge(plan, world)
    sensing.message_taps += [each.heard for each in found.values()]
    sensing.value_sources += [each.figures for each in found.values()]
    return found


def plans(unit: Settings) -> dict[str, Plan]:
    """What the settings say of each platform.

    Raises: InvalidArgumentError: they want what cannot be.
    """
    asked = unit.v2x.platforms
    if asked and unit.node.kind != "rsu":
        raise InvalidArgumentError("field v2x.platforms: only an RSU speaks to a platform of T/ITS 0117")
    if len(asked) > MAX_PLATFORMS:
        raise InvalidArgumentError(f"field v2x.platforms: {len(asked)} platforms; at most {MAX_PLATFORMS}")
    found: dict[str, Plan] = {}
    for label, each in asked.items():
        try:
            found[label] = _plan(label, each, unit)
        except ValueError as error:
            raise InvalidArgumentError(f"field v2x.platforms.{label}: {error}") from error
    return found


def trial_wires(unit: Settings) -> dict[str, MqttWire]:
    """Connections to try every platform by, beside those of a running agent.

    Raises: InvalidArgumentError: as `plans`.
    """
    return {label: _wire(plan, unit, suffix="-check") for label, plan in plans(unit).items()}


def _plan(label: str, asked: PlatformSettings, unit: Settings) -> Plan:
    """Raises: ValueError: ids or areas are not as they must be."""
    names = Names(asked.rsu_id or unit.node.id, unit.node.esn)
    profile = Profile(unit.v2x.profile)
    return Plan(
        label=label,
        names=names,
        rsu_name=asked.rsu_name or unit.node.id,
        hardware=unit.node.model,
        topics=Topics(asked.templates(), names),
        codec=_codec(asked, names, profile),
        profile=profile,
        allowed=frozenset(map(Right, asked.allow)),
        rules={MessageKind(each.kind): _rule(each) for each in asked.up},
        origins={MessageKind(each.kind): Origin(each.origin) for each in asked.up},
        heartbeat_s=asked.heartbeat_period_s,
        ttl_s=asked.ttl_s,
        running_s=asked.running_info_period_s,
        ack_timeout_s=asked.ack_timeout_s,
    )


def _codec(asked: PlatformSettings, names: Names, profile: Profile) -> Codec:
    if asked.codec == "protobuf":
        from wayside_agent.link.platform_protobuf import ProtobufCodec  # only who speaks it pays for it

        return ProtobufCodec(profile)
    return BinaryCodec(profile, names.rsu_id) if asked.codec == "binary" else JsonCodec(profile)


def _rule(asked: UpSettings) -> Rule:
    filters = (
        Filter(
            None if each.area is None else Area(*each.area),
            each.min_speed_mps,
            each.max_speed_mps,
            frozenset(each.application_ids),
        )
        for each in asked.filters
    )
    return Rule(MessageKind(asked.kind), SampleMode(asked.mode), asked.one_in, asked.limit_per_s, tuple(filters))


def _wire(plan: Plan, unit: Settings, *, suffix: str = "") -> MqttWire:
    asked = unit.v2x.platforms[plan.label]
    client_id = asked.client_id or f"{unit.node.id}-{plan.label}"
    bound = MAX_PACKET_BYTES if asked.mqtt_version == "5" else 0
    topics = plan.topics.subscriptions
    return MqttWire(_broker(asked, unit), client_id=client_id + suffix, topics=topics, max_packet_bytes=bound)


def _broker(asked: PlatformSettings, unit: Settings) -> Broker:
    files = (asked.ca_file, asked.certificate_file, asked.key_file)
    tls = MqttTls(*(Path(name) if name else None for name in files)) if asked.tls else None
    secret = Path(unit.secrets_dir) / asked.password_secret if asked.password_secret else None
    port = asked.port or (8883 if asked.tls else 1883)
    return Broker(asked.host, port, tls=tls, username=asked.username, password_file=secret)


def _place_deg(sensing: Sensing) -> tuple[float, float] | None:
    fix = None if sensing.gnss is None else sensing.gnss.newest_with_position
    return None if fix is None or fix.position is None else (fix.position.latitude_deg, fix.position.longitude_deg)


def _log_lines() -> LogLines:
    lines = LogLines()
    logging.getLogger().addHandler(lines)
    return lines


def _rebooting(
    around: Surroundings, utc_s: Callable[[], float | None], event: Callable[[], str]
) -> Callable[[str], Awaitable[None]]:
    async def reboot(job: str) -> None:
        now_s = utc_s()
        if now_s is None:
            raise FailedPreconditionError("the unit does not know the time, and so not whether this is still wanted")
        if on_air := event():
            raise FailedPreconditionError(f"a road event is on air: {on_air}")
        if (phase := around.update()[1].upper()) not in _AT_REST:
            raise FailedPreconditionError(f"an update is under way ({phase})")
        target = wire.JobTarget(job=job, spec=job_pb2.JobSpec(reboot=job_pb2.RebootJob()))
        target.expire_time.FromMilliseconds(round((now_s + REBOOT_WITHIN_S) * 1000))
        around.ask_job(target)

    return reboot


async def _told(around: Surroundings, job: str, sentence: str) -> bool:
    word = job_pb2.JobReport(job=job, state=job_pb2.Job.STATE_REFUSED, message=sentence)
    return bool(await around.submit(wire.Report(job=word)))
