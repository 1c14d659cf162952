"""What a receiver says of its antenna, in the sentences of its maker.

    antenna_state(sentence("GNTXT,01,01,02,ANTSTATUS=OPEN")) is AntennaState.OPEN

A receiver that supplies a passive antenna, or none, calls it open: nothing draws current.

Source: u-blox M8 protocol specification and Quectel L80 GPS protocol specification (TXT, `ANTSTATUS=`); receivers with
Zhongke chips and Telit SL869 (TXT, `ANTENNA OK`, on public logs); Quectel LC02H (PQTMANTENNASTATUS, version 2).
"""

import re
from collections.abc import Mapping

from wayside_agent.core.fix import AntennaState
from wayside_agent.core.nmea_sentence import Sentence

_TEXT_FIELD = 3
_TEXT = re.compile(r"(?:ANTSTATUS=|ANTENNA )([A-Z]{2,8})\Z")
_WORDS: Mapping[str, AntennaState] = {
    "OK": AntennaState.OK,
    "OPEN": AntennaState.OPEN,
    "SHORT": AntennaState.SHORT,
}
_QUECTEL_KIND = "QTMANTENNASTATUS"
_QUECTEL_VERSION = "2"
_CODES: Mapping[str, AntennaState] = {"1": AntennaState.OK, "2": AntennaState.OPEN, "3": AntennaState.SHORT}


def speaks_of_antenna(sentence: Sentence) -> bool:
    """Whether the sentence is about the antenna, whatever it says."""
    if sentence.kind == "TXT":
        return bool(_TEXT.match(sentence.field(_TEXT_FIELD)))
    return sentence.kind == _QUECTEL_KIND and sentence.talker == "P"


def antenna_state(sentence: Sentence) -> AntennaState | None:
    """What such a sentence says; `None`: that nobody knows (`INIT`, `DONTKNOW`), or in words we do not know."""
    if sentence.kind == "TXT":
        found = _TEXT.match(sentence.field(_TEXT_FIELD))
        return _WORDS.get(found[1]) if found else None
    return _CODES.get(sentence.field(1)) if sentence.field(0) == _QUECTEL_VERSION else None
