"""Judges what the V2X services of a roadside unit hang on, as `core.health_rules`: who tells the lights, platforms."""

from collections.abc import Iterator

from wayside_agent.core.health import Finding, State, flagged
from wayside_agent.core.health_samples import PlatformSample, Sample, SecuritySample, SignalSample

MAX_REFUSED_RATIO = 0.1
"""Of signed messages that were looked at."""


def v2x_findings(sample: Sample) -> Iterator[Finding]:
    """What hangs on others: lights, platforms, signers, sensors at the road."""
    if sample.signal is not None:
        yield signal_finding(sample.signal)
    yield from map(platform_finding, sample.platforms)
    if sample.security is not None:
        yield security_finding(sample.security)
    for name, fault in sample.sensors.items():
        yield flagged(f"perception.{name}", bool(fault), fault)


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


def security_finding(security: SecuritySample) -> Finding:
    """Whether what is heard is by who it says, as far as samples tell."""
    ratio = security.refused_ratio
    if ratio is None:
        return Finding("radio.security", State.UNKNOWN, "too few signed messages have been looked at")
    if ratio <= MAX_REFUSED_RATIO:
        return Finding("radio.security", State.OK)
    words = f"{ratio:.0%} of the newest signed messages are wrong: signature, certificate, time or AID"
    return Finding("radio.security", State.DEGRADED, words, ratio)
