"""An RSU broadcasts what the signal controller of its crossing says: SPAT."""

from collections.abc import Callable

from wayside.errors import InvalidArgumentError
from wayside.v2x.profile import Profile
from wayside_agent.core.signal_phases import Intersection
from wayside_agent.drivers.signal_udp import UdpSignal
from wayside_agent.ports.devices import Radio
from wayside_agent.services.v2x_rsu import SignalVoice, World
from wayside_agent.settings import Settings


def voice(unit: Settings, radio: Radio | None, *, utc_s: Callable[[], float | None]) -> SignalVoice | None:
    """The voice of the crossing the settings name.

    Raises: InvalidArgumentError: the settings want what the unit has not.
    """
    asked = unit.v2x.signal
    if asked is None:
        return None
    if unit.node.kind != "rsu" or radio is None:
        raise InvalidArgumentError("field v2x.signal: only an RSU with a radio can broadcast SPAT")
    options = UdpSignal.Options(bind_host=asked.bind_host, bind_port=asked.bind_port, controller=asked.controller)
    try:
        feed = UdpSignal(options)
    except ValueError as error:
        raise InvalidArgumentError(f"field v2x.signal.controller: {error}; give an IP address") from error
    intersection = Intersection(
        region=asked.region,
        node=asked.node,
        phase_ids=asked.phase_ids,
        conflicts=frozenset(frozenset(pair) for pair in asked.conflicts),
        permissive=frozenset(asked.permissive),
    )
    return SignalVoice(World(feed, intersection, Profile(unit.v2x.profile), radio.send, utc_s))
