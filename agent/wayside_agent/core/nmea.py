"""NMEA 0183 in, one `Fix` per epoch out.

Usage: `for fix in decoder.feed(data): ...`; at the end of a recording `decoder.flush()`.

An epoch is every sentence of one receiver time. It is handed over at the sentence that closed the epoch before
(the learnt end of the cycle, as gpsd does it), so that a fix is not one period old; when that sentence does not come,
at the first sentence of the next epoch. What comes after the hand-over counts for nothing but the learning. A sentence
without a time belongs to the epoch before it: a receiver that sends VTG first hands over one period late.

No position leaves the decoder when any sentence of the epoch denies it: GGA quality 0, RMC or GLL status V, GNS mode N,
every GSA mode 1; or when coordinates are empty, malformed or off the globe.

Source: NMEA 0183 version 4.11.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from wayside_agent.core.fix import AntennaState, Fix, GnssCounters
from wayside_agent.core.nmea_antenna import antenna_state, speaks_of_antenna
from wayside_agent.core.nmea_epoch import Epoch
from wayside_agent.core.nmea_readers import READERS, is_timed, sentence_time
from wayside_agent.core.nmea_sentence import FieldError, Sentence, Sentences, instant
from wayside_agent.core.satellites import SkyView

EARLIEST_DATE = date(2012, 1, 1)
"""A receiver past a week roll-over reports dates 1024 weeks back; with this floor they are right until August 2031."""
GPS_ROLLOVER = timedelta(weeks=1024)
_HALF_A_DAY = timedelta(hours=12)
_ONE_DAY = timedelta(days=1)
_TAGS_MAX = 64


@dataclass(slots=True)
class _Progress:
    """Which sentences of the epoch have come, as address and how many of that address."""

    tags: list[tuple[str, int]]
    is_handed_over: bool = False

    def add(self, address: str) -> tuple[str, int]:
        tag = (address, 1 + sum(address == other for other, _ in self.tags))
        if len(self.tags) < _TAGS_MAX:
            self.tags.append(tag)
        return tag


class NmeaDecoder:
    """Bytes of one receiver in, epochs out. Never raises, whatever the bytes."""

    def __init__(self, *, earliest_date: date = EARLIEST_DATE) -> None:
        self._earliest_date = earliest_date
        self._sentences = Sentences()
        self._sky = SkyView()
        self._epoch = Epoch()
        self._progress = _Progress([])
        self._ender: tuple[str, int] | None = None
        self._epoch_count = 0
        self._antenna: AntennaState | None = None
        self._last_utc_time: datetime | None = None
        self._known_count = self._unknown_count = self._refused_count = self._corrected_count = 0

    def counters(self) -> GnssCounters:
        """Counts since the start."""
        return GnssCounters(
            sentence_count=self._known_count,
            bad_sentence_count=self._refused_count + self._sentences.bad_count,
            unknown_sentence_count=self._unknown_count,
            corrected_date_count=self._corrected_count,
        )

    def feed(self, data: bytes) -> list[Fix]:
        """The epochs that `data` completes, in order."""
        fixes: list[Fix] = []
        for sentence in self._sentences.feed(data):
            self._take(sentence, fixes)
        return fixes

    def flush(self) -> list[Fix]:
        """The epoch still open, if there is one: for the end of a recording. What comes next is another epoch."""
        fixes: list[Fix] = []
        self._begin(fixes)
        return fixes

    def _take(self, sentence: Sentence, fixes: list[Fix]) -> None:
        try:
            is_known = self._is_read(sentence, fixes)
        except FieldError:
            self._refused_count += 1
            return
        self._known_count += is_known
        self._unknown_count += not is_known

    def _is_read(self, sentence: Sentence, fixes: list[Fix]) -> bool:
        """Reads a sentence into its epoch; false for a kind we do not use.

        Raises: FieldError: a field is not what it should be.
        """
        if sentence.kind == "GSV":
            return self._sky.add(sentence, epoch=self._epoch_count)
        if speaks_of_antenna(sentence):
            self._antenna = antenna_state(sentence)
            return True
        read = READERS.get(sentence.kind)
        if read is None or sentence.talker == "P":
            return False
        time = sentence_time(sentence)
        address = sentence.talker + sentence.kind
        if is_timed(sentence) and self._is_next(time, address):
            self._begin(fixes)
        if not self._progress.is_handed_over:
            self._epoch.time = self._epoch.time if time is None else time
            read(self._epoch, sentence)
        if self._progress.add(address) == self._ender:
            self._hand_over(fixes)
        return True

    def _is_next(self, time: timedelta | None, address: str) -> bool:
        """Whether a timed sentence begins an epoch: another time, or without times the same sentence again."""
        if time is not None and self._epoch.time is not None:
            return time != self._epoch.time
        return (address, 1) in self._progress.tags

    def _begin(self, fixes: list[Fix]) -> None:
        self._hand_over(fixes)
        if self._progress.tags:
            self._ender = self._progress.tags[-1]
        self._epoch = Epoch()
        self._progress = _Progress([])

    def _hand_over(self, fixes: list[Fix]) -> None:
        if self._progress.is_handed_over or not self._epoch.has_solution:
            return
        self._progress.is_handed_over = True
        self._epoch_count += 1
        fixes.append(self._epoch.fix(utc_time=self._utc_time(), in_view=self._sky.in_view(), antenna=self._antenna))

    def _utc_time(self) -> datetime | None:
        """The epoch's instant: its own date, or that of the epoch before, carried over midnight."""
        if self._epoch.time is None:
            return None
        day = self._epoch.day
        if day is not None:
            self._corrected_count += day < self._earliest_date
            day = rolled_forward(day, self._earliest_date)
        elif self._last_utc_time is not None:
            day = self._last_utc_time.date()
            if instant(day, self._epoch.time) < self._last_utc_time - _HALF_A_DAY:
                day += _ONE_DAY
        if day is None:
            return None
        self._last_utc_time = instant(day, self._epoch.time)
        return self._last_utc_time


def rolled_forward(day: date, earliest_date: date) -> date:
    """The date moved forward by as many times 1024 weeks as it takes not to be before `earliest_date`."""
    while day < earliest_date:
        day += GPS_ROLLOVER
    return day
