"""Time zones by their IANA names.

Usage: `checked_zone("Asia/Shanghai", field="plan.time_zone")` is the name itself.
"""

from zoneinfo import ZoneInfo

from wayside.errors import InvalidArgumentError


def checked_zone(name: str, *, field: str) -> str:
    """The name itself, of a zone this manager knows.

    Raises: InvalidArgumentError: naming `field`.
    """
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError) as exc:  # unknown; a path or too long; a folder of zones such as `Asia`
        raise InvalidArgumentError(
            f"{field}: {name[:80]!r} is no time zone; give an IANA name such as Asia/Shanghai",
            reason="TIME_ZONE_INVALID",
        ) from exc
    return name
