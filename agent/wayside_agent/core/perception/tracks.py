"""Numbers of participants for the tracking ids of sensors: RSM has room for 0 to 65535 only.

    tracks = Tracks(first=secrets.randbelow(65_536))
    tracks.number("north", "a81f", now_s)       # `None`: too many of late

A number stays with its object as long as the sensor sees it, and for a minute after: an object that comes back from
behind a lorry is the same, and no other gets its number meanwhile.
"""

from collections import OrderedDict

REST_S = 60.0
"""How long a number rests after its object was last seen."""
MAX_TRACKS = 8192
"""Objects of the last minute; a sensor that invents ids gets no more."""
_NUMBERS = 65_536


class Tracks:
    """Of one unit, over all its sensors."""

    def __init__(self, first: int = 0) -> None:
        """Begins to count at `first`, best a random one: what was said before a restart is on the air still."""
        self._next = first % _NUMBERS
        self._held: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()
        """Number and time it was last seen, the longest unseen first."""
        self._taken: set[int] = set()
        self._released_s: float | None = None

    def __len__(self) -> int:
        """Numbers that are held or rest."""
        return len(self._held)

    def number(self, sensor_id: str, tracking_id: str, now_s: float) -> int | None:
        """The object's number, seen now; `None`: `MAX_TRACKS` others were seen within the minute."""
        if now_s != self._released_s:  # a document's objects are all seen at once
            self._release(now_s)
        key = sensor_id, tracking_id
        held = self._held.get(key)
        if held is None and len(self._held) >= MAX_TRACKS:
            return None
        number = self._fresh() if held is None else held[0]
        self._held[key] = number, now_s
        self._held.move_to_end(key)
        return number

    def _fresh(self) -> int:
        while self._next in self._taken:
            self._next = (self._next + 1) % _NUMBERS
        number = self._next
        self._taken.add(number)
        self._next = (number + 1) % _NUMBERS
        return number

    def _release(self, now_s: float) -> None:
        self._released_s = now_s
        while self._held:
            key, (number, seen_s) = next(iter(self._held.items()))
            if now_s - seen_s < REST_S:
                return
            del self._held[key]
            self._taken.discard(number)
