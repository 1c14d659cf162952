"""Random messages of every kind, and nonsense at the ends of every range, never break the picture of the road."""

from random import Random

import pytest
from msgspec.structs import replace

from tests.unit.warning_world import CROSSING, Road
from tests.v2x_values import Values, types_of
from uper_compiler.model import Reference
from wayside.v2x.codec import EncodeError, Profile, encode
from wayside.v2x.generated import messages

COUNT = 250


@pytest.mark.parametrize("profile", Profile, ids=lambda each: each.value)
def test_no_message_breaks_the_picture(profile: Profile) -> None:
    random = Random(1603)  # noqa: S311  # repeatable
    values = Values(types_of(profile), random)
    road = Road(profile)
    taken = 0
    for _ in range(COUNT):
        frame = near(values.make(Reference("MessageFrame")), random)
        try:
            payload = encode(frame, profile)
        except EncodeError:
            continue
        road.hear(payload)
        road.look()
        road.now_s += 0.1
        taken += 1
    assert taken > COUNT / 2


def near(frame: messages.MessageFrame, random: Random) -> messages.MessageFrame:
    """The same message, said near the crossing."""

    def moved(place: messages.Position3D) -> messages.Position3D:
        latitude, longitude = (each + random.randrange(-20_000, 20_000) for each in CROSSING)
        return replace(place, lat=latitude, long=longitude)

    if frame[0] == "bsmFrame":
        return frame[0], replace(frame[1], pos=moved(frame[1].pos))
    if frame[0] == "rsmFrame":
        return frame[0], replace(frame[1], refPos=moved(frame[1].refPos))
    if frame[0] == "rsiFrame":
        return frame[0], replace(frame[1], refPos=moved(frame[1].refPos))
    if frame[0] == "mapFrame":
        nodes = [replace(each, refPos=moved(each.refPos)) for each in frame[1].nodes]
        return frame[0], replace(frame[1], nodes=nodes)
    return frame
