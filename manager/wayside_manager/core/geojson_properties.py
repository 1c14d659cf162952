"""Properties of a GeoJSON feature, one by one: each is asked for once, and one that nobody asked for is a mistake.

Usage: `said = Properties(feature["properties"])`; `said.text("display_name")`; `said.check_all_known()`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite

from wayside.names import checked_label
from wayside_manager.core.geometry_text import invalid
from wayside_manager.core.site_checks import CORRIDOR_MAX_SITES, checked_text, checked_variables, checked_weekdays

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\Z")
_NUMBER_MAX = 1e15  # beyond whatever is meant


class Properties:
    """What a feature says, by name; what it does not say is empty."""

    def __init__(self, said: Mapping[str, object], place: str = "properties") -> None:
        self._said = said
        self._place = place
        self._asked = {"type"}

    def text(self, name: str) -> str:
        """One printable line.

        Raises: InvalidArgumentError: naming the property; so do the others.
        """
        value = self._value(name, "")
        if not isinstance(value, str):
            raise invalid(f"{self._place}.{name}: give a text")
        return checked_text(value, field=f"{self._place}.{name}")

    def word(self, name: str, known: Sequence[str]) -> str:
        """One of the known words; `-` does for `_`, as the other files have it."""
        said = self.text(name)
        value = said.replace("-", "_")
        if value not in known:
            raise invalid(f"{self._place}.{name}: {said!r} is not one of {', '.join(filter(None, known))}")
        return value

    def label(self, name: str) -> str:
        """A lower-case RFC 1034 label; empty: it does not say."""
        value = self.text(name)
        return checked_label(value, field=f"{self._place}.{name}") if value else ""

    def tenant_id(self) -> str:
        """Who owns it; empty: it does not say."""
        value = self.text("tenant")
        return checked_label(value.removeprefix("tenants/"), field=f"{self._place}.tenant") if value else ""

    def number(self, name: str) -> float:
        """A finite number; 0: it does not say."""
        value = self._value(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -_NUMBER_MAX <= value <= _NUMBER_MAX:
            raise invalid(f"{self._place}.{name}: give a finite number")
        return float(value) if isfinite(value) else 0.0

    def truth(self, name: str) -> bool:
        """True or false; false: it does not say."""
        value = self._value(name, default=False)
        if not isinstance(value, bool):
            raise invalid(f"{self._place}.{name}: give true or false")
        return value

    def time(self, name: str) -> datetime | None:
        """A time with its offset from UTC."""
        text = self.text(name)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise invalid(f"{self._place}.{name}: {text[:80]!r} is no time such as 2026-01-31T08:00:00+08:00")

    def minute(self, name: str) -> int:
        """Minutes since midnight of `HH:MM`."""
        return minute_of(self.text(name), field=f"{self._place}.{name}")

    def weekdays(self, name: str) -> frozenset[int]:
        """Days of the week, 1 to 7."""
        value = self._value(name, [])
        if not isinstance(value, list) or not all(type(day) is int for day in value):
            raise invalid(f"{self._place}.{name}: give a list of numbers from 1 (Monday) to 7 (Sunday)")
        return checked_weekdays(value, field=f"{self._place}.{name}")

    def variables(self, name: str) -> dict[str, str | int | float | bool]:
        """Variables."""
        value = self._value(name, {})
        if not isinstance(value, Mapping):
            raise invalid(f"{self._place}.{name}: give an object of names and values")
        return checked_variables(value, field=f"{self._place}.{name}")

    def objects(self, name: str) -> "list[Properties]":
        """A list of objects."""
        value = self._value(name, [])
        if not isinstance(value, list) or len(value) > CORRIDOR_MAX_SITES:
            raise invalid(f"{self._place}.{name}: give a list of at most {CORRIDOR_MAX_SITES} objects")
        found = []
        for index, one in enumerate(value):
            if not isinstance(one, Mapping):
                raise invalid(f"{self._place}.{name}[{index}]: give an object")
            found.append(Properties(one, f"{self._place}.{name}[{index}]"))
        return found

    def check_all_known(self) -> None:
        """Returns if everything it says was asked for.

        Raises: InvalidArgumentError: naming the first property that is unknown.
        """
        for name in self._said:
            if name not in self._asked:
                known = ", ".join(sorted(self._asked))
                raise invalid(f"{self._place}: {str(name)[:80]!r} is unknown; there are {known}")

    def _value(self, name: str, default: object) -> object:
        self._asked.add(name)
        value = self._said.get(name)
        return default if value is None else value


def minute_of(text: str, *, field: str) -> int:
    """Minutes since midnight of `HH:MM`.

    Raises: InvalidArgumentError.
    """
    found = _CLOCK.match(text)
    if found is None:
        raise invalid(f"{field}: {text[:80]!r} is no time of the day such as 08:30")
    return int(found[1]) * 60 + int(found[2])


def clock_text(minute: int) -> str:
    """`HH:MM` of minutes since midnight."""
    return f"{minute // 60:02}:{minute % 60:02}"
