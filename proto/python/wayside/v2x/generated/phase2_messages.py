"""Messages of phase 2 as they are on the air: raw numbers, spelt as the standard spells them.

Made by `proto/asn1/uper_compiler` from `proto/asn1`; not edited by hand. Loaded with the first of them.
"""

from typing import Literal

from msgspec import Struct

from wayside.v2x.generated.messages import (
    AccelerationSet4Way,
    DDateTime,
    Description,
    NodeReferenceID,
    ParticipantData,
    PathHistory,
    Position3D,
    PositionConfidenceSet,
    PositionOffsetLLV,
    PositionalAccuracy,
    RTEData,
    ReferenceLink,
    ReferencePath,
    UnknownAlternative,
)

__all__ = [
    "AccSet4WayConfidence",
    "AngularVelocity",
    "AngularVelocityConfidence",
    "AttitudeConfidence",
    "CLPMM",
    "DetectedObstacleData",
    "DetectedPTCData",
    "DriveRequest",
    "DriveSuggestion",
    "IARData",
    "LaneCoordination",
    "MemberManagement",
    "MemberNode",
    "MotorDataExtension",
    "MovementEx",
    "NonMotorData",
    "NonMotorDataExtension",
    "ObjectSize",
    "ObjectSizeConfidence",
    "PathPlanningPoint",
    "PersonalRequest",
    "PersonalSafetyMessage",
    "Planning",
    "ReqClearTheWay",
    "ReqInfo",
    "ReqLaneChange",
    "ReqSensorSharing",
    "ReqSignalPriority",
    "RoadsideCoordination",
    "SensorSharingMsg",
    "TypeRelatedExt",
    "VehIntentionAndRequest",
    "VehicleCoordination",
]

class RoadsideCoordination(Struct, frozen=True, gc=False, kw_only=True):
    """RoadsideCoordination."""

    msgCnt: int
    id: bytes
    secMark: int
    refPos: "Position3D"
    coordinates: "list[VehicleCoordination] | None" = None
    laneCoordinates: "list[LaneCoordination] | None" = None


class VehicleCoordination(Struct, frozen=True, gc=False, kw_only=True):
    """VehicleCoordination."""

    vehId: bytes
    driveSuggestion: "DriveSuggestion | None" = None
    pathGuidance: "list[PathPlanningPoint] | None" = None
    info: int | None = None


class DriveSuggestion(Struct, frozen=True, gc=False, kw_only=True):
    """DriveSuggestion."""

    suggestion: int
    lifeTime: int | None = None
    relatedLink: "ReferenceLink | None" = None
    relatedPath: "ReferencePath | None" = None


class LaneCoordination(Struct, frozen=True, gc=False, kw_only=True):
    """LaneCoordination."""

    targetLane: "ReferenceLink"
    relatedPath: "ReferencePath | None" = None
    tBegin: "DDateTime | None" = None
    tEnd: "DDateTime | None" = None
    recommendedSpeed: int | None = None
    recommendedBehavior: int | None = None
    info: int | None = None
    description: "Description | None" = None


class VehIntentionAndRequest(Struct, frozen=True, gc=False, kw_only=True):
    """VehIntentionAndRequest."""

    msgCnt: int
    id: bytes
    secMark: int
    refPos: "Position3D"
    intAndReq: "IARData"


class IARData(Struct, frozen=True, gc=False, kw_only=True):
    """IARData."""

    currentPos: "PathPlanningPoint | None" = None
    path_Planning: "list[PathPlanningPoint] | None" = None
    currentBehavior: int | None = None
    reqs: "list[DriveRequest] | None" = None


class DriveRequest(Struct, frozen=True, gc=False, kw_only=True):
    """DriveRequest."""

    reqID: int
    status: int
    reqPriority: bytes | None = None
    targetVeh: bytes | None = None
    targetRSU: bytes | None = None
    info: "ReqInfo | None" = None
    lifeTime: int | None = None


class ReqLaneChange(Struct, frozen=True, gc=False, kw_only=True):
    """Req-LaneChange."""

    upstreamNode: "NodeReferenceID"
    downstreamNode: "NodeReferenceID"
    targetLane: int


class ReqClearTheWay(Struct, frozen=True, gc=False, kw_only=True):
    """Req-ClearTheWay."""

    upstreamNode: "NodeReferenceID"
    downstreamNode: "NodeReferenceID"
    targetLane: int
    relatedPath: "ReferencePath | None" = None
    tBegin: "DDateTime | None" = None
    tEnd: "DDateTime | None" = None


class ReqSignalPriority(Struct, frozen=True, gc=False, kw_only=True):
    """Req-SignalPriority."""

    intersectionId: "NodeReferenceID"
    requiredMov: "MovementEx"
    estimatedArrivalTime: int | None = None
    distance2Intersection: int | None = None


class MovementEx(Struct, frozen=True, gc=False, kw_only=True):
    """MovementEx."""

    remoteIntersection: "NodeReferenceID"
    phaseId: int | None = None
    turn_direction: int | None = None


class ReqSensorSharing(Struct, frozen=True, gc=False, kw_only=True):
    """Req-SensorSharing."""

    detectArea: "list[ReferencePath]"


class Planning(Struct, frozen=True, gc=False, kw_only=True):
    """Planning."""

    duration: int | None = None
    planConfidence: int | None = None
    drivingBehavior: int | None = None
    pathPlanning: "list[PathPlanningPoint] | None" = None


class PathPlanningPoint(Struct, frozen=True, gc=False, kw_only=True):
    """PathPlanningPoint."""

    posInMap: "ReferenceLink | None" = None
    pos: "PositionOffsetLLV"
    posAccuracy: "PositionConfidenceSet | None" = None
    speed: int | None = None
    speedCfd: int | None = None
    heading: int | None = None
    headingCfd: int | None = None
    accelSet: "AccelerationSet4Way | None" = None
    acc4WayConfidence: "AccSet4WayConfidence | None" = None
    estimatedTime: int | None = None
    timeConfidence: int | None = None


class AccSet4WayConfidence(Struct, frozen=True, gc=False, kw_only=True):
    """AccSet4WayConfidence."""

    lonAccConfidence: int
    latAccConfidence: int
    vertAccConfidence: int
    yawRateCon: int


class CLPMM(Struct, frozen=True, gc=False, kw_only=True):
    """CLPMM."""

    msgCnt: int
    id: bytes
    secMark: int
    pid: bytes
    role: int
    status: int
    leadingExt: "MemberManagement | None" = None


class MemberManagement(Struct, frozen=True, gc=False, kw_only=True):
    """MemberManagement."""

    memberList: "list[MemberNode]"
    joiningList: "list[MemberNode] | None" = None
    leavingList: "list[MemberNode] | None" = None
    capacity: int
    openToJoin: bool


class MemberNode(Struct, frozen=True, gc=False, kw_only=True):
    """MemberNode."""

    vid: bytes


class SensorSharingMsg(Struct, frozen=True, gc=False, kw_only=True):
    """SensorSharingMsg."""

    msgCnt: int
    id: bytes
    equipmentType: int
    secMark: int
    sensorPos: "Position3D"
    detectedRegion: "list[list[PositionOffsetLLV]] | None" = None
    participants: "list[DetectedPTCData] | None" = None
    obstacles: "list[DetectedObstacleData] | None" = None
    rtes: "list[RTEData] | None" = None


class DetectedPTCData(Struct, frozen=True, gc=False, kw_only=True):
    """DetectedPTCData."""

    ptc: "ParticipantData"
    objSizeConfidence: "ObjectSizeConfidence | None" = None
    detectedPTCType: int | None = None
    typeConfidence: int | None = None
    acc4WayConfidence: "AccSet4WayConfidence | None" = None
    statusDuration: int | None = None
    pathHistory: "PathHistory | None" = None
    planningList: "list[Planning] | None" = None
    tracking: int | None = None
    polygon: "list[PositionOffsetLLV] | None" = None
    type_relatedExt: "TypeRelatedExt | None" = None


class MotorDataExtension(Struct, frozen=True, gc=False, kw_only=True):
    """MotorDataExtension."""

    lights: int | None = None
    vehAttitude: object | None = None
    vehAttitudeConfidence: "AttitudeConfidence | None" = None
    vehAngVel: "AngularVelocity | None" = None
    vehAngVelConfidence: "AngularVelocityConfidence | None" = None


class AttitudeConfidence(Struct, frozen=True, gc=False, kw_only=True):
    """AttitudeConfidence."""

    pitchConfidence: int
    rollRateConfidence: int
    yawRate: int


class AngularVelocity(Struct, frozen=True, gc=False, kw_only=True):
    """AngularVelocity."""

    pitchRate: int
    rollRate: int
    yawRate: int


class AngularVelocityConfidence(Struct, frozen=True, gc=False, kw_only=True):
    """AngularVelocityConfidence."""

    pitchRate: int
    rollRate: int
    yawRate: int


class NonMotorDataExtension(Struct, frozen=True, gc=False, kw_only=True):
    """Non-motorDataExtension."""

    overallRadius: int
    non_motorData: "NonMotorData"


class DetectedObstacleData(Struct, frozen=True, gc=False, kw_only=True):
    """DetectedObstacleData."""

    obsType: int
    objTypeConfidence: int | None = None
    obsId: int
    source: int
    secMark: int
    pos: "PositionOffsetLLV"
    posConfidence: "PositionConfidenceSet"
    speed: int
    speedCfd: int | None = None
    heading: int
    headingCfd: int | None = None
    verSpeed: int | None = None
    verSpeedConfidence: int | None = None
    accelSet: "AccelerationSet4Way | None" = None
    size: "ObjectSize"
    objSizeConfidence: "ObjectSizeConfidence | None" = None
    tracking: int | None = None
    polygon: "list[PositionOffsetLLV] | None" = None


class ObjectSize(Struct, frozen=True, gc=False, kw_only=True):
    """ObjectSize."""

    width: int
    length: int
    height: int | None = None


class ObjectSizeConfidence(Struct, frozen=True, gc=False, kw_only=True):
    """ObjectSizeConfidence."""

    widthConf: int
    lengthConf: int
    heightConf: int | None = None


class PersonalSafetyMessage(Struct, frozen=True, gc=False, kw_only=True):
    """PersonalSafetyMessage."""

    msgCnt: int
    id: bytes
    secMark: int
    timeConfidence: int | None = None
    pos: "Position3D"
    posAccuracy: "PositionalAccuracy"
    speed: int
    heading: int
    accelSet: "AccelerationSet4Way | None" = None
    pathHistory: "PathHistory | None" = None
    path_Planning: "list[PathPlanningPoint] | None" = None
    overallRadius: int
    non_motorData: "NonMotorData"


class NonMotorData(Struct, frozen=True, gc=False, kw_only=True):
    """Non-motorData."""

    basicType: int
    propulsion: object | None = None
    clusterSize: int | None = None
    attachment: int | None = None
    personalExt: object | None = None
    roadWorkerExt: object | None = None
    personalReq: "PersonalRequest | None" = None


class PersonalRequest(Struct, frozen=True, gc=False, kw_only=True):
    """PersonalRequest."""

    crossing: int | None = None


ReqInfo = (
    tuple[Literal["laneChange"], ReqLaneChange]
    | tuple[Literal["clearTheWay"], ReqClearTheWay]
    | tuple[Literal["signalPriority"], ReqSignalPriority]
    | tuple[Literal["sensorSharing"], ReqSensorSharing]
    | tuple[Literal["parking"], object]
    | tuple[Literal["unknown"], UnknownAlternative]
)
"""ReqInfo: the name of the alternative, and its value."""


TypeRelatedExt = (
    tuple[Literal["motorExt"], MotorDataExtension]
    | tuple[Literal["non-motorExt"], NonMotorDataExtension]
    | tuple[Literal["unknown"], UnknownAlternative]
)
"""TypeRelatedExt: the name of the alternative, and its value."""
