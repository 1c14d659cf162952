"""Whether heartbeats come often enough for who listens. Apart, for settings ask it on units without a platform too.

Usage: `if fault := heartbeat_fault(60, 180): …`
"""

MIN_HEARTBEAT_S = 1.0


def heartbeat_fault(period_s: float, ttl_s: float) -> str:
    """Why a unit with this period would seem dead at its platform; empty: it would not."""
    if MIN_HEARTBEAT_S <= period_s < ttl_s:
        return ""
    return f"a heartbeat every {period_s:g} s must come between {MIN_HEARTBEAT_S:g} s and the platform's {ttl_s:g} s"
