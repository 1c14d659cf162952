"""Latest values of everything the unit senses, each with its time and the time's quality."""

from dataclasses import dataclass

from wayside_agent.core.stamps import TimeQuality


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one signal.

    Names: `can.<bus>.<message>.<signal>`, `gnss.<quantity>`, `radio.<kind>_count` (heard), `feed.<sensor>.<field>`.
    A code that means "not available" or "error" is no value: it makes no reading.
    """

    name: str
    value: float
    unit: str
    """As the source states it; empty: none."""
    time_ns: int
    """UTC nanoseconds since 1970."""
    quality: TimeQuality
