"""What a radio is set to, for drivers that cannot ask it: two options that say it.

class Options(StationOptions, frozen=True, kw_only=True, forbid_unknown_fields=True): ...
def station(self): return self._options.station()
"""

from typing import Annotated

import msgspec

from wayside_agent.core.v2x import Station


class StationOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the modem is set to; it is reported, and the manager compares it with the licence."""

    center_frequency_hz: (
        Annotated[
            float,
            msgspec.Meta(ge=1e6, le=1e12, description="Centre frequency the modem is set to [Hz]; absent: unknown."),
        ]
        | None
    ) = None
    transmit_power_dbm: (
        Annotated[
            float,
            msgspec.Meta(
                ge=-100,
                le=100,
                description="Power the modem is set to, at the antenna port [dBm]; absent: unknown.",
            ),
        ]
        | None
    ) = None

    def station(self) -> Station:
        """The same, as the radio's description."""
        return Station(self.center_frequency_hz, self.transmit_power_dbm)
