"""Whether a roadside unit warns drivers of something right now: events on the road are no time for an update.

    watch.sentence(counts, now_s)      # of messages sent, by AID; "" : nothing

Source: AID profile of the C-V2X interoperability tests of 2020: 3621 and 3622 carry what changes on the road (RSI).
"""

from collections.abc import Mapping

EVENT_AIDS = (3621, 3622)
"""Road-side information, semi-static and dynamic."""
HOLD_S = 10.0
"""An event is over when none of its messages was sent for so long; they are repeated twice a second at least."""


class SafetyBroadcast:
    """Follows the counts of one radio."""

    def __init__(self) -> None:
        self._sent = 0
        self._sent_s: float | None = None

    def sentence(self, sent: Mapping[int, int], now_s: float) -> str:
        """What is on the air; empty: no event. A first look takes what was sent before for the present."""
        count = sum(sent.get(aid, 0) for aid in EVENT_AIDS)
        if count != self._sent:  # less: the driver was opened anew
            if count:
                self._sent_s = now_s
            self._sent = count
        is_on_air = self._sent_s is not None and now_s - self._sent_s < HOLD_S
        return "a road event is being broadcast" if is_on_air else ""
