"""How many of the messages that were sent were heard (PDR), from the gaps in each sender's message count.

    delivery = PacketDelivery()
    delivery.heard(sender, message_count=17)      # of 0 to 127, rising by one per message
    delivery.total.ratio                          # 0.93

A gap of more than half the circle, or the same count again, says nothing: the sender began anew, or an echo was heard.
Source: 3GPP TR 36.885 (packet reception ratio); message counts of T/CSAE 53 and SAE J2735 go from 127 to 0.
"""

from collections import OrderedDict
from dataclasses import dataclass

COUNT_MODULUS = 128
MAX_GAP = 64
"""Longest gap that is believed to be loss."""
MAX_SENDERS = 4096
"""Senders remembered; the one silent for longest is forgotten. Temporary ids change, and attackers invent them."""


@dataclass(slots=True)
class Delivery:
    """Messages heard and missed."""

    received: int = 0
    lost: int = 0

    @property
    def ratio(self) -> float | None:
        """Heard of sent; `None`: nothing was."""
        sent = self.received + self.lost
        return self.received / sent if sent else None


class PacketDelivery:
    """Follows the counts of all senders."""

    def __init__(self) -> None:
        self.total = Delivery()
        self._last: OrderedDict[bytes, int] = OrderedDict()

    @property
    def sender_count(self) -> int:
        """Senders remembered."""
        return len(self._last)

    def heard(self, sender: bytes, message_count: int) -> int:
        """Takes one message; how many of the sender's were lost just before it."""
        last = self._last.get(sender)
        self._last[sender] = message_count
        self._last.move_to_end(sender)
        if len(self._last) > MAX_SENDERS:
            self._last.popitem(last=False)
        self.total.received += 1
        step = 1 if last is None else (message_count - last) % COUNT_MODULUS
        lost = step - 1 if 0 < step <= MAX_GAP else 0
        self.total.lost += lost
        return lost
