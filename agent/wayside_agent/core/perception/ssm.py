"""Sensor sharing messages (SSM) of phase 2 with the same objects as RSM; for who asks for what is not confirmed.

    kind = ssm(application_id)          # a `core.perception.rsm.Kind`

Two public sources agree on the members; the standard's text was not read, nor a frame of another maker, and nothing
public names its AID. So it goes out only if the settings say so and name an AID, and nobody calls it conforming.
Source: T/CSAE 157-2020 as in `wayside.v2x.phase2`.
"""

from collections.abc import Sequence

from wayside.v2x import phase2
from wayside.v2x.codec import encode
from wayside.v2x.generated.messages import Position3D
from wayside.v2x.generated.phase2_messages import DetectedPTCData, SensorSharingMsg
from wayside.v2x.profile import Profile
from wayside_agent.core.broadcasts import MAX_BYTES
from wayside_agent.core.perception.document import ObjectClass
from wayside_agent.core.perception.rsm import Head, Kind, Messages, participant, shared_out
from wayside_agent.core.perception.scene import Track

MAX_PARTICIPANTS = 32
"""In one message. The list may have 512, but 1394 bytes may not; most of this many fit."""
_RSU = 1
_MINUTE_MS = 60_000
_TYPES = {
    ObjectClass.UNKNOWN: 0,
    ObjectClass.MOTOR: 1,
    ObjectClass.NON_MOTOR: 1,
    ObjectClass.CAR: 3,
    ObjectClass.VAN: 4,
    ObjectClass.TRUCK: 5,
    ObjectClass.BUS: 6,
    ObjectClass.CYCLIST: 7,
    ObjectClass.MOTORCYCLIST: 8,
    ObjectClass.TRICYCLIST: 9,
    ObjectClass.PEDESTRIAN: 10,
}
"""detectedPTCType; what moves and is nothing finer is 1."""


def ssm(application_id: int) -> Kind:
    """The kind of message, under an AID of the settings."""
    return Kind("SSM", application_id, MAX_PARTICIPANTS, ssms)


def ssms(tracks: Sequence[Track], head: Head, count: int, profile: Profile, *, max_bytes: int = MAX_BYTES) -> Messages:
    """SSM of objects; their counts go on from `count`.

    Raises: EncodeError: an object is outside what the message set can say. Not one that a document could bring.
    """

    def encoded(group: Sequence[Track], number: int) -> bytes:
        return _encoded(group, head, number, profile)

    return shared_out(tracks, encoded, count, most=MAX_PARTICIPANTS, max_bytes=max_bytes)


def _encoded(tracks: Sequence[Track], head: Head, count: int, profile: Profile) -> bytes:
    here = head.reference
    message = SensorSharingMsg(
        msgCnt=count,
        id=head.unit_id,
        equipmentType=_RSU,
        secMark=head.time_ms % _MINUTE_MS,
        sensorPos=Position3D(lat=here.latitude, long=here.longitude, elevation=here.elevation),
        participants=[
            DetectedPTCData(ptc=participant(each, here), detectedPTCType=_TYPES[each.seen.kind]) for each in tracks
        ],
    )
    return encode(phase2.frame(message, profile, unconfirmed=True), profile)
