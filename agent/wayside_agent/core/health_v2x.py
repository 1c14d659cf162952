"""Judges what the V2X services of a roadside unit hang on, as `core.health_rules`: who tells the lights, platforms."""

from wayside_agent.core.health import Finding, State, flagged
from wayside_agent.core.health_samples import PlatformSample, SignalSample


def signal_finding(signal: SignalSample) -> Finding:
    """Whether the lights of the crossing can be told."""
    if not signal.is_known:
        return Finding("signal.feed", State.UNKNOWN, "the signal controller has said nothing yet")
    if signal.fault:
        return Finding("signal.feed", State.FAILED, signal.fault)
    return flagged("signal.feed", bool(signal.doubt), signal.doubt, state=State.DEGRADED)


def platform_finding(platform: PlatformSample) -> Finding:
    """Whether a centre of T/ITS 0117 is reached; for a while nobody can tell."""
    name = f"platform.{platform.name}"
    if platform.away_s is None:
        return Finding(name, State.OK)
    if platform.away_s <= platform.ttl_s:
        return Finding(name, State.UNKNOWN, f"platform {platform.name} is not reached now", platform.away_s, "s")
    words = f"platform {platform.name} is not reached for more than {platform.ttl_s:g} s"
    return Finding(name, State.DEGRADED, f"{words}: {platform.fault or 'no answer'}", platform.away_s, "s")
