"""What the devices of a unit say, as it stands in a health report. What could not be read is absent, never zero."""

from wayside.v1 import node_pb2
from wayside_agent.core.frames import Controller
from wayside_agent.core.v2x import MAX_APPLICATIONS
from wayside_agent.ports.devices import HostReading
from wayside_agent.ports.spools import Spool
from wayside_agent.services.pulse import BusRates
from wayside_agent.services.source_state import BusState, GnssState, RadioState

SILENT_IDS_MAX = 50


def host_health(host: HostReading) -> node_pb2.HostHealth:
    """The computer."""
    health = node_pb2.HostHealth(
        cpu_ratio=host.cpu_ratio,
        memory_used_bytes=host.memory_used_bytes,
        memory_total_bytes=host.memory_total_bytes,
        disk_free_bytes=host.disk_free_bytes,
        disk_total_bytes=host.disk_total_bytes,
        disk_wear_ratio=host.disk_wear_ratio,
        temperature_celsius=host.temperature_celsius,
        clock_offset_seconds=host.clock_offset_s,
        clock_source=host.clock_source,
        agent_memory_bytes=host.agent_memory_bytes,
    )
    if host.uptime_s is not None:
        health.uptime.FromMilliseconds(round(host.uptime_s * 1000))
    return health


def bus_health(name: str, bus: BusState, rates: BusRates, silent_ids: tuple[int, ...]) -> node_pb2.CanBusHealth:
    """One bus; `silent_ids` are those that are overdue."""
    counters = bus.counters
    controller = counters.controller if bus.is_open else Controller()
    condition = "UNSPECIFIED" if controller.condition is None else controller.condition.name
    return node_pb2.CanBusHealth(
        name=name,
        frame_count=counters.frame_count,
        frame_rate_hertz=rates.frames_hz,
        kernel_drop_count=counters.kernel_drop_count,
        error_frame_count=counters.error_frame_count,
        decoded_frame_count=bus.decoded_frame_count,
        is_open=bus.is_open,
        bus_state=node_pb2.CanBusState.Value(f"CAN_BUS_STATE_{condition}"),
        transmit_error_count=controller.transmit_error_count,
        receive_error_count=controller.receive_error_count,
        load_ratio=rates.load_ratio,
        silent_ids=silent_ids[:SILENT_IDS_MAX] if bus.is_open else (),
    )


def gnss_health(gnss: GnssState | None) -> node_pb2.GnssHealth | None:
    """The receiver; `None`: the unit has none."""
    if gnss is None:
        return None
    counters = gnss.counters
    health = node_pb2.GnssHealth(
        fix_count=gnss.fix_count,
        no_fix_count=gnss.no_fix_count,
        sentence_count=counters.sentence_count,
        bad_sentence_count=counters.bad_sentence_count,
        implausible_count=gnss.verdict.count,
    )
    fix = gnss.newest
    if fix is not None:
        antenna = "UNSPECIFIED" if fix.antenna is None else fix.antenna.name
        in_view = [node_pb2.SatelliteCount(system=system, count=count) for system, count in sorted(fix.in_view.items())]
        health.MergeFrom(
            node_pb2.GnssHealth(
                mode=node_pb2.FixMode.Value(f"FIX_MODE_{fix.mode.value.upper()}"),
                quality=node_pb2.FixQuality.Value(f"FIX_QUALITY_{fix.quality.name}"),
                satellite_count=fix.satellite_count,
                hdop=fix.hdop,
                satellites_in_view=in_view,
                correction_age_seconds=fix.correction_age_s,
                antenna=node_pb2.AntennaState.Value(f"ANTENNA_STATE_{antenna}"),
            )
        )
    return health


def radio_health(radio: RadioState | None, neighbour_count: int) -> node_pb2.RadioHealth | None:
    """The radio; `None`: the unit has none."""
    if radio is None:
        return None
    received = [
        node_pb2.V2xMessageCount(kind=node_pb2.V2xMessageKind.Value(f"V2X_MESSAGE_KIND_{kind.name}"), count=count)
        for kind, count in sorted(radio.received.items())
    ]
    station, counters = radio.station(), radio.counters
    heard, sent = radio.received_by_application, counters.sent
    applications = [
        node_pb2.ApplicationCount(application_id=each, received_count=heard.get(each, 0), sent_count=sent.get(each, 0))
        for each in sorted(heard.keys() | sent.keys())[:MAX_APPLICATIONS]
    ]
    return node_pb2.RadioHealth(
        received=received,
        malformed_count=counters.malformed_count,
        is_open=radio.is_open,
        center_frequency_hertz=station.center_frequency_hz,
        transmit_power_dbm=station.transmit_power_dbm,
        applications=applications,
        channel_busy_ratio=station.channel_busy_ratio,
        followed_bsm_count=radio.delivery.total.received,
        lost_bsm_count=radio.delivery.total.lost,
        neighbour_count=neighbour_count,
        unverified_count=radio.unverified_count if radio.is_judged else None,
    )


def spool_health(name: str, spool: Spool) -> node_pb2.SpoolHealth:
    """One spool."""
    state = spool.state()
    return node_pb2.SpoolHealth(
        name=name,
        record_count=state.record_count,
        size_bytes=state.size_bytes,
        evicted_count=state.evicted_count,
        torn_bytes=state.torn_bytes,
    )
