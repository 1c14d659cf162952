"""Who is on the air around: stations whose messages were heard lately.

    neighbours.heard(sender, now_s)
    neighbours.count(now_s)

Ids are temporary, so this counts voices, not vehicles.
"""

from collections import OrderedDict

WINDOW_S = 10.0
MAX_STATIONS = 4096
"""Who invents ids on the air must not fill the memory."""


class Neighbours:
    """Stations heard in the last seconds. Times are of a clock that only goes forward."""

    def __init__(self) -> None:
        self._heard_s: OrderedDict[bytes, float] = OrderedDict()

    def heard(self, sender: bytes, now_s: float) -> None:
        """Takes one message."""
        self._heard_s[sender] = now_s
        self._heard_s.move_to_end(sender)
        if len(self._heard_s) > MAX_STATIONS:
            self._heard_s.popitem(last=False)

    def count(self, now_s: float) -> int:
        """How many there are now."""
        while self._heard_s and next(iter(self._heard_s.values())) < now_s - WINDOW_S:
            self._heard_s.popitem(last=False)
        return len(self._heard_s)
