"""What an epoch of a receiver says, as values of signals.

Usage: `for name, (value, unit) in fix_values(fix).items(): ...`
"""

from wayside_agent.core.fix import Fix


def fix_values(fix: Fix) -> dict[str, tuple[float, str]]:
    """Value and unit by name, as `gnss.speed`; what the receiver did not say is not there."""
    position = fix.position
    candidates: dict[str, tuple[float | None, str]] = {
        "gnss.latitude": (position.latitude_deg if position else None, "deg"),
        "gnss.longitude": (position.longitude_deg if position else None, "deg"),
        "gnss.altitude": (position.altitude_m if position else None, "m"),
        "gnss.speed": (fix.speed_mps, "m/s"),
        "gnss.course": (fix.course_deg, "deg"),
        "gnss.heading": (fix.heading_deg, "deg"),
        "gnss.hdop": (fix.hdop, ""),
        "gnss.satellite_count": (fix.satellite_count, ""),
    }
    return {name: (float(value), unit) for name, (value, unit) in candidates.items() if value is not None}
