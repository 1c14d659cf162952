"""Parts of a corridor as people write them: stakes count from the beginning of the road.

Usage: `section("g98:K12..K15+500", field="--corridor")`; either end may be left out, metres do as well as kilometres:
`g98:12000..`. `G98 K12+300` is one stake.
"""

import re

from wayside.errors import InvalidArgumentError
from wayside.v1 import node_pb2
from wayside_manager.cli.running import resource_name

_SECTION = re.compile(r"(?P<corridor>[^\s:]+)(?:[\s:]\s*(?:(?P<begin>\S*?)\s*\.\.\s*(?P<end>\S*)|(?P<at>\S+)))?\Z")
_STAKE = re.compile(r"[Kk](?P<kilometres>[0-9]{1,4})(?:\+(?P<metres>[0-9]{1,3}(?:\.[0-9]+)?))?\Z")
_METRES = re.compile(r"[0-9]{1,8}(?:\.[0-9]+)?\Z")


def section(text: str, *, field: str) -> node_pb2.CorridorSection:
    """A corridor or a part of it: `g98`, `g98:K12..K15+500`, `g98:..15500`, or the one stake `G98 K12+300`.

    Raises: InvalidArgumentError: naming `field`.
    """
    found = _SECTION.match(text.strip())
    if found is None:
        raise InvalidArgumentError(
            f"{field}: {text[:80]!r} is neither a corridor such as g98 nor a part of one such as g98:K12..K15+500"
        )
    made = node_pb2.CorridorSection(corridor=corridor_name(found["corridor"]))
    begin, end = found["begin"] or found["at"], found["end"] or found["at"]
    if begin:
        made.begin_stake_meters = stake_m(begin, field=field)
    if end:
        made.end_stake_meters = stake_m(end, field=field)
    return made


def corridor_name(text: str) -> str:
    """The full name of a corridor; road numbers are written `G98` on signs and `g98` in names."""
    return text if "/" in text else resource_name(text.lower(), "corridors")


def stake_m(value: object, *, field: str) -> float:
    """Metres from the beginning of the road in `K12+300`, `K12`, `12300` or a number.

    Raises: InvalidArgumentError: naming `field`.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    text = value.strip() if isinstance(value, str) else ""
    if _METRES.match(text):
        return float(text)
    found = _STAKE.match(text)
    if found is None:
        raise InvalidArgumentError(f"{field}: {str(value)[:80]!r} is no stake; write K12+300, or metres as 12300")
    return int(found["kilometres"]) * 1000 + float(found["metres"] or 0)
