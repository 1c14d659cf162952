"""What the sentences of one epoch have said together, and the rule that makes a `Fix` of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from wayside_agent.core.fix import AntennaState, Fix, FixMode, FixQuality, Position, System
from wayside_agent.core.satellites import Satellite

_THREE_D = 3


@dataclass(slots=True)
class Epoch:
    """What the sentences of one receiver time have said so far."""

    time: timedelta | None = None
    """Since midnight UTC."""
    day: date | None = None
    has_solution: bool = False
    """A sentence of the position spoke, be it to deny it."""
    denied: bool = False
    place: tuple[float, float] | None = None
    altitude_m: float | None = None
    quality: FixQuality | None = None
    """From GGA or KSXT."""
    letter_quality: FixQuality | None = None
    """From a mode letter; GGA knows better."""
    modes: set[int] = field(default_factory=set)
    """Of GSA; one system may have none while another has a fix."""
    satellites: set[Satellite] = field(default_factory=set)
    satellite_count: int | None = None
    speed_mps: float | None = None
    course_deg: float | None = None
    heading_deg: float | None = None
    hdop: float | None = None
    correction_age_s: float | None = None

    def mode(self) -> FixMode:
        """NONE unless there is a place and nobody denies it."""
        if self.place is None or self.denied or self.modes == {1}:
            return FixMode.NONE
        guess = 2 if self.altitude_m is None else _THREE_D
        return FixMode.THREE_D if max(self.modes, default=guess) >= _THREE_D else FixMode.TWO_D

    def fix(
        self, *, utc_time: datetime | None, in_view: Mapping[System, int], antenna: AntennaState | None = None
    ) -> Fix:
        """The epoch as one value. Without a position there is no speed, course or quality either."""
        mode = self.mode()
        position = None
        if self.place is not None and mode is not FixMode.NONE:
            position = Position(self.place[0], self.place[1], self.altitude_m)
        # Every source is a lower bound: GGA stops at 12, a GSA sentence too.
        counts = [len(self.satellites) or None, self.satellite_count]
        return Fix(
            mode=mode,
            quality=self.quality or self.letter_quality or FixQuality.AUTONOMOUS if position else FixQuality.INVALID,
            position=position,
            utc_time=utc_time,
            speed_mps=self.speed_mps if position else None,
            course_deg=self.course_deg if position else None,
            heading_deg=self.heading_deg,
            hdop=self.hdop,
            satellite_count=max((count for count in counts if count is not None), default=None),
            correction_age_s=self.correction_age_s if position else None,
            in_view=in_view,
            antenna=antenna,
        )

    def solution(self, place: tuple[float, float] | None, *, denied: bool, is_main: bool) -> None:
        """Notes a position or its denial; GGA and GNS (`is_main`) have more digits than RMC and GLL."""
        self.has_solution = True
        self.denied = self.denied or denied
        if place is not None and (is_main or self.place is None):
            self.place = place
