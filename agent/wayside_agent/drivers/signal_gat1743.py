"""What a signal controller sends of its lamp groups over UDP, in frames of GA/T 1743-2020. It is not asked, only heard.

**Tested with:** loopback sockets, and a frame that the tests of AirOS-edge hold.
**Source:** `core.gat1743` (which says what was not read).
"""

from typing import Annotated

import msgspec

from wayside_agent.core import gat1743
from wayside_agent.core.signal_plan import SignalPlan
from wayside_agent.drivers.signal_udp import UdpSignal


class Gat1743Signal(UdpSignal):
    """One controller."""

    max_bytes = gat1743.MAX_DATAGRAM_BYTES

    class Options(UdpSignal.Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Where its frames come."""

        bind_port: Annotated[int, msgspec.Meta(ge=0, le=65_535, description="UDP port to receive on.")]

    def parsed(self, datagram: bytes) -> SignalPlan | None:  # as above
        """See `UdpSignal`."""
        return gat1743.parsed(datagram)
