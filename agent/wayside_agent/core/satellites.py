"""Which satellite an NMEA number means, and which satellites are in view.

Numbers differ by maker and version: BeiDou 5 is `GBGSV … 05`, `BDGSV … 205` or `GPGSV … 205`. `satellite` gives system
and number inside the system. `SkyView` puts GSV sentences together, across signals (NMEA 4.11) and systems.

Source: NMEA 0183 version 4.11, GSA, GSV and the table of GNSS system ids; extended numbers as in gpsd and u-blox
receiver descriptions.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wayside_agent.core.fix import System
from wayside_agent.core.nmea_sentence import Sentence, whole

Satellite = tuple[System, int]

SYSTEM_IDS: Mapping[int, System] = {
    1: System.GPS,
    2: System.GLONASS,
    3: System.GALILEO,
    4: System.BEIDOU,
    5: System.QZSS,
    6: System.NAVIC,
}
TALKERS: Mapping[str, System] = {
    "GP": System.GPS,
    "GL": System.GLONASS,
    "GA": System.GALILEO,
    "GB": System.BEIDOU,
    "BD": System.BEIDOU,
    "GQ": System.QZSS,
    "QZ": System.QZSS,
    "GI": System.NAVIC,
    "IR": System.NAVIC,
}
"""`GN` (several) and Quectel's `PQ` (BeiDou or QZSS) say nothing; the number decides."""
_MIXED_TALKERS = ("GN", "PQ")
_SIGNAL_IDS = frozenset("0123456789ABCDEF")

_EXTENDED: tuple[tuple[int, int, System, int], ...] = (
    # from, to, system, what to take off
    (33, 64, System.SBAS, -87),  # NMEA 33 is PRN 120
    (65, 99, System.GLONASS, 64),
    (120, 158, System.SBAS, 0),
    (193, 200, System.QZSS, 192),
    (201, 263, System.BEIDOU, 200),
    (301, 336, System.GALILEO, 300),
    (401, 463, System.BEIDOU, 400),
)
_BEIDOU_EXTENDED = ((201, 263, 200), (301, 363, 300), (401, 463, 400))

_GROUP_LENGTH = 4
_HEADER_LENGTH = 3
_SATELLITES_MAX = 64  # per talker and signal; NMEA allows 9 sentences of 4
_STALE_EPOCHS = 100


def satellite(number: int, system: System | None) -> Satellite:
    """System and number inside it (SBAS: PRN), of an NMEA number under a talker or a system id.

    `system` is `None` where the sentence does not say (GN without a system id).
    """
    if system is System.BEIDOU:
        for low, high, offset in _BEIDOU_EXTENDED:
            if low <= number <= high:
                return system, number - offset
        return system, number
    if system in {None, System.GPS} or number > 64:  # noqa: PLR2004  # below: numbers inside the system
        for low, high, extended, offset in _EXTENDED:
            if low <= number <= high:
                return extended, number - offset
    return system or System.GPS, number


def _pq_system(number: int) -> System:
    return System.QZSS if 193 <= number <= 200 else System.BEIDOU  # noqa: PLR2004  # QZSS numbers


def used(sentence: Sentence) -> Iterator[Satellite]:
    """Satellites a GSA sentence names as used.

    Field 17 is the system id since NMEA 4.11; other makers put decimals there, which are ignored.
    """
    system = SYSTEM_IDS.get(whole(sentence.field(17)) or 0) or TALKERS.get(sentence.talker)
    for index in range(2, 14):
        number = whole(sentence.field(index))
        if number:
            yield satellite(number, _pq_system(number) if sentence.talker == "PQ" else system)


@dataclass(slots=True)
class _Group:
    """One round of GSV sentences of a talker and a signal."""

    count: int
    received: int
    satellites: set[Satellite]


@dataclass(frozen=True, slots=True)
class _Complete:
    order: int
    epoch: int
    satellites: frozenset[Satellite]


class SkyView:
    """Satellites in view from the newest complete GSV rounds."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], _Group] = {}
        self._complete: dict[tuple[str, str], _Complete] = {}
        self._order = 0
        self._counts: Mapping[System, int] = {}

    def add(self, sentence: Sentence, *, epoch: int) -> bool:
        """Takes a GSV sentence of the given epoch (a rising number); false if it makes no sense."""
        count, index = whole(sentence.field(0)), whole(sentence.field(1))
        if not count or not index or index > count:
            return False
        if sentence.talker not in TALKERS and sentence.talker not in _MIXED_TALKERS:
            return False
        rest = len(sentence.fields) - _HEADER_LENGTH
        signal = sentence.fields[-1].strip() if rest % _GROUP_LENGTH == 1 else ""
        key = (sentence.talker, signal if signal in _SIGNAL_IDS else "")
        if index == 1:
            self._open[key] = _Group(count=count, received=0, satellites=set())
        group = self._open.get(key)
        if group is None or index != group.received + 1 or count != group.count:
            self._open.pop(key, None)
            return True  # a round we did not hear from its start
        group.received = index
        group.satellites.update(_listed(sentence))
        if index == count or len(group.satellites) > _SATELLITES_MAX:
            self._close(key, self._open.pop(key), epoch)
        return True

    def _close(self, key: tuple[str, str], group: _Group, epoch: int) -> None:
        """A round is complete. Signals of the talker that did not come again since this one's last round are gone."""
        before = self._complete.get(key)
        self._order += 1
        self._complete[key] = _Complete(self._order, epoch, frozenset(group.satellites))
        for other, old in list(self._complete.items()):
            same_talker = other[0] == key[0] and before is not None and old.order < before.order
            if same_talker or epoch - old.epoch > _STALE_EPOCHS:
                del self._complete[other]
        seen = frozenset[Satellite]().union(*(complete.satellites for complete in self._complete.values()))
        self._counts = Counter(system for system, _ in seen)

    def in_view(self) -> Mapping[System, int]:
        """Distinct satellites per system, over all signals."""
        return self._counts


def _listed(sentence: Sentence) -> Iterator[Satellite]:
    """Satellites of a GSV sentence; a lone last field is the signal id of NMEA 4.11, no satellite."""
    system = TALKERS.get(sentence.talker)
    for start in range(_HEADER_LENGTH, len(sentence.fields) - _GROUP_LENGTH + 1, _GROUP_LENGTH):
        number = whole(sentence.field(start))
        if number:
            yield satellite(number, _pq_system(number) if sentence.talker == "PQ" else system)
