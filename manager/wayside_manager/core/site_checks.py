"""Checks of what operators write on sites and corridors. No clock, no file: time zones are looked up by the api.

Usage: `checked_variables({"broker": "10.0.0.1"}, field="site.variables")`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

from wayside.errors import InvalidArgumentError
from wayside_manager.core.earth import is_on_earth
from wayside_manager.core.selectors import STAKE_MAX_M
from wayside_manager.core.sites import CorridorSite, Position

TEXT_MAX_CHARS = 200
VARIABLE_MAX_COUNT = 64
VARIABLE_MAX_CHARS = 1_000
CORRIDOR_MAX_SITES = 5_000
MAX_PERCENT = 100.0
HOURS_MAX_COUNT = 50
HYSTERESIS_MAX_M = 1_000.0
DEFAULT_HYSTERESIS_M = 10.0
DEFAULT_PERCENT = 20.0
WEEKDAYS = frozenset(range(1, 8))

_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}\Z")  # no dot: those with one are built in
_WHOLE_MAX = 2**53  # above it a JSON number is not exact


def checked_text(value: str, *, field: str) -> str:
    """The value itself: one printable line of at most 200 characters.

    Raises: InvalidArgumentError.
    """
    if len(value) > TEXT_MAX_CHARS or not value.isprintable():
        raise InvalidArgumentError(f"{field}: give at most {TEXT_MAX_CHARS} printable characters on one line")
    return value


def checked_variables(values: Mapping[str, object], *, field: str) -> dict[str, str | int | float | bool]:
    """The values, in order of their names.

    Raises: InvalidArgumentError: a malformed name, a value that is no text, number or truth value, or too many.
    """
    if len(values) > VARIABLE_MAX_COUNT:
        raise _variable(f"{field}: {len(values)} variables are too many; give at most {VARIABLE_MAX_COUNT}")
    checked: dict[str, str | int | float | bool] = {}
    for name, value in sorted(values.items()):
        if not _VARIABLE.match(name):
            raise _variable(
                f"{field}: {name[:80]!r} is not a letter and up to 62 letters, digits, '_' and '-'; rename the variable"
            )
        if not isinstance(value, str | int | float):
            raise _variable(f"{field}.{name}: give a text, a number, true or false")
        if isinstance(value, str) and len(value) > VARIABLE_MAX_CHARS:
            raise _variable(f"{field}.{name}: give at most {VARIABLE_MAX_CHARS} characters")
        if not isinstance(value, str) and not (isfinite(value) and abs(value) <= _WHOLE_MAX):
            raise _variable(f"{field}.{name}: give a number within -2^53 to 2^53")
        checked[name] = value
    return checked


def checked_corridor_sites(sites: Sequence[CorridorSite], *, field: str) -> tuple[CorridorSite, ...]:
    """The sites of a corridor in their order.

    Raises: InvalidArgumentError: too many, a site twice, a stake out of range, or stakes that do not rise.
    """
    if len(sites) > CORRIDOR_MAX_SITES:
        raise _corridor(f"{field}: {len(sites)} sites are too many; give at most {CORRIDOR_MAX_SITES}")
    seen: set[str] = set()
    before: CorridorSite | None = None
    for site in sites:
        if site.site_id in seen:
            raise _corridor(f"{field}: {site.site_id} is there twice; give each site once")
        if not 0 <= site.stake_m <= STAKE_MAX_M:
            raise _corridor(
                f"{field}: the stake of {site.site_id}, {site.stake_m:g} m, is not within 0 to {STAKE_MAX_M:g}"
            )
        if before is not None and site.stake_m <= before.stake_m:
            raise _corridor(
                f"{field}: the stake of {site.site_id}, {site.stake_m:g} m, is not behind that of {before.site_id}, "
                f"{before.stake_m:g} m; give the sites in order of their stakes"
            )
        seen.add(site.site_id)
        before = site
    return tuple(sites)


def checked_percent(percent: float, *, field: str) -> float:
    """Share of a corridor that may be in flight; 0: 20 %.

    Raises: InvalidArgumentError: below 0, above 100 or no number.
    """
    if not 0 <= percent <= MAX_PERCENT:
        raise InvalidArgumentError(f"{field}: {percent:g} is not within 0 to 100 percent", reason="PERCENT_INVALID")
    return percent or DEFAULT_PERCENT


def checked_position(position: Position, *, field: str) -> Position:
    """The position itself.

    Raises: InvalidArgumentError: it is not on the earth.
    """
    if not is_on_earth(position.latitude_deg, position.longitude_deg):
        raise InvalidArgumentError(
            f"{field}: latitude {position.latitude_deg:g}, longitude {position.longitude_deg:g} is outside WGS 84",
            reason="POSITION_INVALID",
        )
    return position


def checked_weekdays(days: Iterable[int], *, field: str) -> frozenset[int]:
    """The days.

    Raises: InvalidArgumentError: a number that is no day.
    """
    found = frozenset(days)
    if not found <= WEEKDAYS:
        raise InvalidArgumentError(f"{field}: give numbers from 1 (Monday) to 7 (Sunday)", reason="WEEKDAY_INVALID")
    return found


def checked_hysteresis(hysteresis_m: float, *, field: str) -> float:
    """How far beyond the border a position must be; 0: 10 m.

    Raises: InvalidArgumentError: below 0, above 1,000 or no number.
    """
    if not 0 <= hysteresis_m <= HYSTERESIS_MAX_M:
        raise InvalidArgumentError(
            f"{field}: {hysteresis_m:g} is not within 0 to {HYSTERESIS_MAX_M:g} m", reason="HYSTERESIS_INVALID"
        )
    return hysteresis_m or DEFAULT_HYSTERESIS_M


def _variable(sentence: str) -> InvalidArgumentError:
    return InvalidArgumentError(sentence, reason="VARIABLE_INVALID")


def _corridor(sentence: str) -> InvalidArgumentError:
    return InvalidArgumentError(sentence, reason="CORRIDOR_INVALID")
