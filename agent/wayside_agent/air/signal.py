"""An RSU broadcasts what the signal controller of its crossing says, or a platform that speaks for it: SPAT."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from wayside.errors import InvalidArgumentError
from wayside.v2x.generated.messages import MapData, Node
from wayside.v2x.profile import Profile
from wayside_agent.core.signal_phases import Intersection
from wayside_agent.ports.devices import Radio
from wayside_agent.ports.signal import SignalFeed
from wayside_agent.services.v2x_rsu import SignalVoice, World
from wayside_agent.settings import Settings
from wayside_agent.v2x_settings import SignalSettings

if TYPE_CHECKING:
    from wayside_agent.ports.platform import Broadcaster
    from wayside_agent.services.v2x_broadcast import Repeater


def voice(
    unit: Settings,
    radio: Radio | None,
    *,
    controller: SignalFeed | None,
    repeater: "Repeater | None",
    utc_s: Callable[[], float | None],
) -> SignalVoice | None:
    """The voice of the crossing the settings name.

    Args:
        unit: Its settings.
        radio: What it speaks by.
        controller: The signal controller; `None`: a platform speaks for it.
        repeater: Knows the MAP on the air.
        utc_s: The time; `None`: not known.

    Raises: InvalidArgumentError: the settings want what the unit has not.
    """
    asked = unit.v2x.signal
    if asked is None:
        return None
    if unit.node.kind != "rsu" or radio is None:
        raise InvalidArgumentError("field v2x.signal: only an RSU with a radio can broadcast SPAT")

    def crossing() -> Node | None:
        return None if repeater is None else _on_air(repeater, asked.region, asked.node)

    intersection = Intersection(
        region=asked.region,
        node=asked.node,
        phase_ids=asked.phase_ids,
        conflicts=frozenset(map(frozenset, asked.conflicts)),
        permissive=frozenset(asked.permissive),
        no_conflicts=frozenset(map(frozenset, asked.no_conflicts)),
    )
    profile = Profile(unit.v2x.profile)
    feed = controller or _platform_feed(unit, asked, utc_s=utc_s, crossing=crossing)
    return SignalVoice(
        World(feed, intersection, profile, radio.send, utc_s, crossing=crossing, silence_s=asked.silence_s)
    )


def mouth(signal: SignalVoice | None, repeater: "Repeater | None") -> "Broadcaster | None":
    """What platforms speak to; `None`: nothing of theirs is broadcast."""
    if signal is None:
        return repeater
    from wayside_agent.services.v2x_platform_signal import Mouth, PlatformSignal  # few units have one

    return Mouth(repeater, signal.feed) if isinstance(signal.feed, PlatformSignal) else repeater


def check_platform(unit: Settings) -> None:
    """Raises: InvalidArgumentError: the lights come from a platform that is not there, or may not tell them."""
    asked = unit.v2x.signal
    if asked is None or not asked.platform:
        return
    name = f"v2x.platforms.{asked.platform}"
    platform = unit.v2x.platforms.get(asked.platform)
    if platform is None:
        known = ", ".join(sorted(unit.v2x.platforms)) or "none"
        raise InvalidArgumentError(f"field v2x.signal.platform: no platform {asked.platform!r}; there are: {known}")
    if "spat" not in platform.allow:
        raise InvalidArgumentError(
            f'field v2x.signal.platform: {name} may not tell the lights; add "spat" to its allow'
        )


def _platform_feed(
    unit: Settings,
    asked: SignalSettings,
    *,
    utc_s: Callable[[], float | None],
    crossing: Callable[[], Node | None],
) -> SignalFeed:
    check_platform(unit)
    from wayside_agent.services import v2x_platform_signal  # as above

    return v2x_platform_signal.PlatformSignal(
        v2x_platform_signal.World(
            asked.region,
            asked.node,
            source=f"platform:{asked.platform}",
            profile=Profile(unit.v2x.profile),
            utc_s=utc_s,
            crossing=crossing,
            has_ids=bool(asked.phase_ids),
        )
    )


def _on_air(repeater: "Repeater", region: int, node: int) -> Node | None:
    for each in repeater.on_air:
        content = each.frame[1]
        if each.crossing == (region, node) and isinstance(content, MapData):
            return content.nodes[0]
    return None
