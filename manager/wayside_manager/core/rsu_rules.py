"""Rules by which a value of a roadside unit's management object becomes a state.

Each takes a value that is there and is not the object's unknown value, and gives a state and why it is not ok; `None`:
the value is of no kind the object can have, so nobody knows.
Usage: `within(ge=1, le=4)(value)`.
"""

from collections.abc import Callable, Mapping
from math import isfinite

from wayside_manager.core.node_health import HealthState

Found = tuple[HealthState, str] | None
"""State, and why it is not ok."""
Rule = Callable[[object], Found]
ALERT_OK_MAX = 1  # information, notice
ALERT_DEGRADED_MAX = 2  # warning
ALERT_MAX = 4
_STARTING = 11
_SHOWN_MAX_CHARS = 80
_WELL: Found = (HealthState.OK, "")


def said(value: object) -> Found:
    """Of something that only informs: ok when it is said at all."""
    if isinstance(value, str | bytes):
        return _WELL if value else None
    return None if value is None else _WELL


def counted(value: object) -> Found:
    """A count or a time: ok when it is a number from 0 on."""
    found = number(value)
    return None if found is None or found < 0 else _WELL


def within(*, ge: float | None = None, le: float | None = None, fails: bool = False) -> Rule:
    """Inside its limits, both included, it is ok; outside degraded, or failed if it `fails`."""
    bad = HealthState.FAILED if fails else HealthState.DEGRADED

    def found(value: object) -> Found:
        amount = number(value)
        if amount is None:
            return None
        if ge is not None and amount < ge:
            return bad, f"{amount:g} is below {ge:g}"
        if le is not None and amount > le:
            return bad, f"{amount:g} is above {le:g}"
        return _WELL

    return found


def word(states: Mapping[int, HealthState] | Mapping[str, HealthState]) -> Rule:
    """One of some values; another is of no kind it can have."""
    known: dict[object, HealthState] = dict(states.items())

    def found(value: object) -> Found:
        if isinstance(value, bool) or not isinstance(value, int | str):
            return None
        state = known.get(value)
        if state is None or state is HealthState.UNKNOWN:
            return None
        return _WELL if state is HealthState.OK else (state, f"it says {_shown(value)}")

    return found


def alert_level(value: object) -> Found:
    """Level of an alert, 0 information, 1 notice, 2 warning, 3 error, 4 critical."""
    level = number(value)
    if level is None or level != int(level) or not 0 <= level <= ALERT_MAX:
        return None
    if level <= ALERT_OK_MAX:
        return _WELL
    return (HealthState.DEGRADED if level <= ALERT_DEGRADED_MAX else HealthState.FAILED), f"its level is {level:g}"


def alert_text(value: object) -> Found:
    """Text of an alert: empty when there is none."""
    if not isinstance(value, str):
        return None
    return (HealthState.DEGRADED, _shown(value)) if value.strip() else _WELL


def error_list(value: object) -> Found:
    """Codes of faults: 11 is still starting, every other one a fault (52 does not send, 53 does not hear, 54 both)."""
    if not isinstance(value, list | tuple) or not all(type(code) is int for code in value):
        return None
    if not value:
        return _WELL
    state = HealthState.DEGRADED if set(value) == {_STARTING} else HealthState.FAILED
    return state, f"faults {_shown(', '.join(map(str, value)))}"


def number(value: object) -> float | None:
    """A finite number, not a truth value; `None`: it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        amount = float(value)
    except OverflowError:
        return None
    return amount if isfinite(amount) else None


def _shown(value: object) -> str:
    text = str(value)[:_SHOWN_MAX_CHARS]
    return "".join(each if each.isprintable() else " " for each in text)
