"""What codes of RSI mean: events (EventType, GB/T 29100-2012), signs (SignType, GB 5768.2-2009), as far as known.

    named(85, is_sign=True)          # ("Speed limit", "限制速度"); `None`: nobody here knows it

The standards' tables are not public; these are the codes that an open implementation of RSU software names. The table
is far from whole, so a code it does not have is told of and not refused. The words are ours.
Source: codes of an open RSU implementation (its header of 2021 lists three events and sixteen signs); 2, 5 and 17 stand
at the same place in a second public list of the signs.
"""

from collections.abc import Mapping

Names = tuple[str, str]
"""English and Chinese."""

EVENTS: Mapping[int, Names] = {
    407: ("Water on the road", "道路积水"),
    408: ("Slippery road", "道路湿滑"),
    707: ("Congestion", "交通拥堵"),
}
SIGNS: Mapping[int, Names] = {
    2: ("Sharp bend", "急弯路"),
    5: ("Steep slope", "陡坡"),
    17: ("Slippery road", "易滑路段"),
    26: ("Dip in the road", "路面低洼"),
    27: ("Water runs over the road", "过水路面"),
    34: ("Many accidents here", "事故易发路段"),
    38: ("Road works", "道路施工"),
    53: ("No motor vehicles", "禁止机动车驶入"),
    76: ("No overtaking", "禁止超车"),
    78: ("No parking", "禁止停车"),
    81: ("Width limit", "限制宽度"),
    82: ("Height limit", "限制高度"),
    85: ("Speed limit", "限制速度"),
    114: ("Pedestrian crossing", "人行横道"),
    163: ("Lanes become fewer", "车道变窄"),
    242: ("School ahead", "前方学校"),
}


def named(code: int, *, is_sign: bool) -> Names | None:
    """What a code means; `None`: it is not known here."""
    return (SIGNS if is_sign else EVENTS).get(code)
