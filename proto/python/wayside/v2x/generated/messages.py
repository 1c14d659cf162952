"""Messages as they are on the air: raw numbers of the standard, spelt as the standard spells them.

Made by `proto/asn1/uper_compiler` from `proto/asn1`; not edited by hand. What a profile does not have is `None`.
"""

from typing import Literal

from msgspec import Struct

__all__ = [
    "AccelerationSet4Way",
    "BasicSafetyMessage",
    "BrakeSystemStatus",
    "ConnectingLane",
    "Connection",
    "DDateTime",
    "Description",
    "FullPositionVector",
    "IntersectionState",
    "Lane",
    "LaneAttributes",
    "LaneTypeAttributes",
    "Link",
    "MapData",
    "MessageFrame",
    "MessageFrameExt",
    "MotionConfidenceSet",
    "Movement",
    "Node",
    "NodeReferenceID",
    "ParticipantData",
    "PathHistory",
    "PathHistoryPoint",
    "PathPrediction",
    "Phase",
    "PhaseState",
    "Position3D",
    "PositionConfidenceSet",
    "PositionLL24B",
    "PositionLL28B",
    "PositionLL32B",
    "PositionLL36B",
    "PositionLL44B",
    "PositionLL48B",
    "PositionLLmD64b",
    "PositionOffsetLL",
    "PositionOffsetLLV",
    "PositionalAccuracy",
    "RSITimeDetails",
    "RTEData",
    "RTSData",
    "ReferenceLink",
    "ReferencePath",
    "RegulatorySpeedLimit",
    "RoadPoint",
    "RoadSideInformation",
    "RoadsideSafetyMessage",
    "SPAT",
    "TimeChangeDetails",
    "TimeCountingDown",
    "UTCTiming",
    "VehicleClassification",
    "VehicleEmergencyExtensions",
    "VehicleSafetyExtensions",
    "VehicleSize",
    "VerticalOffset",
    "UnknownAlternative",
]


class UnknownAlternative(Struct, frozen=True):
    """An alternative that came after the standard we know: its number behind the extension mark, and its bytes."""

    index: int
    value: bytes

class BasicSafetyMessage(Struct, frozen=True, gc=False, kw_only=True):
    """BasicSafetyMessage."""

    msgCnt: int
    id: bytes
    secMark: int
    timeConfidence: int | None = None
    pos: "Position3D"
    posAccuracy: "PositionalAccuracy | None" = None
    posConfidence: "PositionConfidenceSet | None" = None
    transmission: int
    speed: int
    heading: int
    angle: int | None = None
    motionCfd: "MotionConfidenceSet | None" = None
    accelSet: "AccelerationSet4Way"
    brakes: "BrakeSystemStatus"
    size: "VehicleSize"
    vehicleClass: "VehicleClassification"
    safetyExt: "VehicleSafetyExtensions | None" = None
    emergencyExt: "VehicleEmergencyExtensions | None" = None


class AccelerationSet4Way(Struct, frozen=True, gc=False, kw_only=True):
    """AccelerationSet4Way."""

    long: int
    lat: int
    vert: int
    yaw: int


class MotionConfidenceSet(Struct, frozen=True, gc=False, kw_only=True):
    """MotionConfidenceSet."""

    speedCfd: int | None = None
    headingCfd: int | None = None
    steerCfd: int | None = None


class PositionConfidenceSet(Struct, frozen=True, gc=False, kw_only=True):
    """PositionConfidenceSet."""

    pos: int
    elevation: int | None = None


class Position3D(Struct, frozen=True, gc=False, kw_only=True):
    """Position3D."""

    lat: int
    long: int
    elevation: int | None = None


class PositionalAccuracy(Struct, frozen=True, gc=False, kw_only=True):
    """PositionalAccuracy."""

    semiMajor: int
    semiMinor: int
    orientation: int


class PositionOffsetLLV(Struct, frozen=True, gc=False, kw_only=True):
    """PositionOffsetLLV."""

    offsetLL: "PositionOffsetLL"
    offsetV: "VerticalOffset | None" = None


class PositionLL24B(Struct, frozen=True, gc=False, kw_only=True):
    """Position-LL-24B."""

    lon: int
    lat: int


class PositionLL28B(Struct, frozen=True, gc=False, kw_only=True):
    """Position-LL-28B."""

    lon: int
    lat: int


class PositionLL32B(Struct, frozen=True, gc=False, kw_only=True):
    """Position-LL-32B."""

    lon: int
    lat: int


class PositionLL36B(Struct, frozen=True, gc=False, kw_only=True):
    """Position-LL-36B."""

    lon: int
    lat: int


class PositionLL44B(Struct, frozen=True, gc=False, kw_only=True):
    """Position-LL-44B."""

    lon: int
    lat: int


class PositionLL48B(Struct, frozen=True, gc=False, kw_only=True):
    """Position-LL-48B."""

    lon: int
    lat: int


class PositionLLmD64b(Struct, frozen=True, gc=False, kw_only=True):
    """Position-LLmD-64b."""

    lon: int
    lat: int


class MapData(Struct, frozen=True, gc=False, kw_only=True):
    """MapData."""

    msgCnt: int
    timeStamp: int | None = None
    nodes: "list[Node]"


class RoadPoint(Struct, frozen=True, gc=False, kw_only=True):
    """RoadPoint."""

    posOffset: "PositionOffsetLLV"


class RegulatorySpeedLimit(Struct, frozen=True, gc=False, kw_only=True):
    """RegulatorySpeedLimit."""

    type: int
    speed: int


class MessageFrameExt(Struct, frozen=True, gc=False, kw_only=True):
    """MessageFrameExt."""

    messageId: int
    value: bytes


class RoadsideSafetyMessage(Struct, frozen=True, gc=False, kw_only=True):
    """RoadsideSafetyMessage."""

    msgCnt: int
    id: bytes
    refPos: "Position3D"
    participants: "list[ParticipantData]"


class ParticipantData(Struct, frozen=True, gc=False, kw_only=True):
    """ParticipantData."""

    ptcType: int
    ptcId: int
    source: int
    id: bytes | None = None
    secMark: int
    pos: "PositionOffsetLLV"
    posConfidence: "PositionConfidenceSet"
    transmission: int | None = None
    speed: int
    heading: int
    angle: int | None = None
    motionCfd: "MotionConfidenceSet | None" = None
    accelSet: "AccelerationSet4Way | None" = None
    size: "VehicleSize"
    vehicleClass: "VehicleClassification | None" = None


class IntersectionState(Struct, frozen=True, gc=False, kw_only=True):
    """IntersectionState."""

    intersectionId: "NodeReferenceID"
    status: int
    moy: int | None = None
    timeStamp: int | None = None
    timeConfidence: int | None = None
    phases: "list[Phase]"


class Phase(Struct, frozen=True, gc=False, kw_only=True):
    """Phase."""

    id: int
    phaseStates: "list[PhaseState]"


class PhaseState(Struct, frozen=True, gc=False, kw_only=True):
    """PhaseState."""

    light: int
    timing: "TimeChangeDetails | None" = None


class UTCTiming(Struct, frozen=True, gc=False, kw_only=True):
    """UTCTiming."""

    startUTCTime: int
    minEndUTCTime: int | None = None
    maxEndUTCTime: int | None = None
    likelyEndUTCTime: int
    timeConfidence: int | None = None
    nextStartUTCTime: int | None = None
    nextEndUTCTime: int | None = None


class TimeCountingDown(Struct, frozen=True, gc=False, kw_only=True):
    """TimeCountingDown."""

    startTime: int
    minEndTime: int | None = None
    maxEndTime: int | None = None
    likelyEndTime: int
    timeConfidence: int | None = None
    nextStartTime: int | None = None
    nextDuration: int | None = None


class SPAT(Struct, frozen=True, gc=False, kw_only=True):
    """SPAT."""

    msgCnt: int
    moy: int | None = None
    timeStamp: int | None = None
    name: str | None = None
    intersections: "list[IntersectionState]"


class BrakeSystemStatus(Struct, frozen=True, gc=False, kw_only=True):
    """BrakeSystemStatus."""

    brakePadel: int | None = None
    wheelBrakes: int | None = None
    traction: int | None = None
    abs: int | None = None
    scs: int | None = None
    brakeBoost: int | None = None
    auxBrakes: int | None = None


class VehicleClassification(Struct, frozen=True, gc=False, kw_only=True):
    """VehicleClassification."""

    classification: int
    fuelType: int | None = None


class VehicleEmergencyExtensions(Struct, frozen=True, gc=False, kw_only=True):
    """VehicleEmergencyExtensions."""

    responseType: int | None = None
    sirenUse: int | None = None
    lightsUse: int | None = None


class VehicleSize(Struct, frozen=True, gc=False, kw_only=True):
    """VehicleSize."""

    width: int
    length: int
    height: int | None = None


class DDateTime(Struct, frozen=True, gc=False, kw_only=True):
    """DDateTime."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    hour: int | None = None
    minute: int | None = None
    second: int | None = None
    offset: int | None = None


class Lane(Struct, frozen=True, gc=False, kw_only=True):
    """Lane."""

    laneID: int
    laneWidth: int | None = None
    laneAttributes: "LaneAttributes | None" = None
    maneuvers: int | None = None
    connectsTo: "list[Connection] | None" = None
    speedLimits: "list[RegulatorySpeedLimit] | None" = None
    points: "list[RoadPoint] | None" = None


class Connection(Struct, frozen=True, gc=False, kw_only=True):
    """Connection."""

    remoteIntersection: "NodeReferenceID"
    connectingLane: "ConnectingLane | None" = None
    phaseId: int | None = None


class ConnectingLane(Struct, frozen=True, gc=False, kw_only=True):
    """ConnectingLane."""

    lane: int
    maneuver: int | None = None


class LaneAttributes(Struct, frozen=True, gc=False, kw_only=True):
    """LaneAttributes."""

    shareWith: int | None = None
    laneType: "LaneTypeAttributes"


class Link(Struct, frozen=True, gc=False, kw_only=True):
    """Link."""

    name: str | None = None
    upstreamNodeId: "NodeReferenceID"
    speedLimits: "list[RegulatorySpeedLimit] | None" = None
    linkWidth: int | None = None
    points: "list[RoadPoint] | None" = None
    movements: "list[Movement] | None" = None
    lanes: "list[Lane]"


class Movement(Struct, frozen=True, gc=False, kw_only=True):
    """Movement."""

    remoteIntersection: "NodeReferenceID"
    phaseId: int | None = None


class Node(Struct, frozen=True, gc=False, kw_only=True):
    """Node."""

    name: str | None = None
    id: "NodeReferenceID"
    refPos: "Position3D"
    inLinks: "list[Link] | None" = None


class NodeReferenceID(Struct, frozen=True, gc=False, kw_only=True):
    """NodeReferenceID."""

    region: int | None = None
    id: int


class RoadSideInformation(Struct, frozen=True, gc=False, kw_only=True):
    """RoadSideInformation."""

    msgCnt: int
    moy: int | None = None
    id: bytes
    refPos: "Position3D"
    rtes: "list[RTEData] | None" = None
    rtss: "list[RTSData] | None" = None


class RTEData(Struct, frozen=True, gc=False, kw_only=True):
    """RTEData."""

    rteId: int
    eventType: int
    eventSource: int
    eventPos: "PositionOffsetLLV | None" = None
    eventRadius: int | None = None
    description: "Description | None" = None
    timeDetails: "RSITimeDetails | None" = None
    priority: bytes | None = None
    referencePaths: "list[ReferencePath] | None" = None
    referenceLinks: "list[ReferenceLink] | None" = None
    eventConfidence: int | None = None


class RSITimeDetails(Struct, frozen=True, gc=False, kw_only=True):
    """RSITimeDetails."""

    startTime: int | None = None
    endTime: int | None = None
    endTimeConfidence: int | None = None


class ReferencePath(Struct, frozen=True, gc=False, kw_only=True):
    """ReferencePath."""

    activePath: "list[PositionOffsetLLV]"
    pathRadius: int


class RTSData(Struct, frozen=True, gc=False, kw_only=True):
    """RTSData."""

    rtsId: int
    signType: int
    signPos: "PositionOffsetLLV | None" = None
    description: "Description | None" = None
    timeDetails: "RSITimeDetails | None" = None
    priority: bytes | None = None
    referencePaths: "list[ReferencePath] | None" = None
    referenceLinks: "list[ReferenceLink] | None" = None


class ReferenceLink(Struct, frozen=True, gc=False, kw_only=True):
    """ReferenceLink."""

    upstreamNodeId: "NodeReferenceID"
    downstreamNodeId: "NodeReferenceID"
    referenceLanes: int | None = None


class VehicleSafetyExtensions(Struct, frozen=True, gc=False, kw_only=True):
    """VehicleSafetyExtensions."""

    events: int | None = None
    pathHistory: "PathHistory | None" = None
    pathPrediction: "PathPrediction | None" = None
    lights: int | None = None


class PathHistory(Struct, frozen=True, gc=False, kw_only=True):
    """PathHistory."""

    initialPosition: "FullPositionVector | None" = None
    currGNSSstatus: int | None = None
    crumbData: "list[PathHistoryPoint]"


class FullPositionVector(Struct, frozen=True, gc=False, kw_only=True):
    """FullPositionVector."""

    utcTime: "DDateTime | None" = None
    pos: "Position3D"
    heading: int | None = None
    transmission: int | None = None
    speed: int | None = None
    posAccuracy: "PositionalAccuracy | PositionConfidenceSet | None" = None
    posConficence: "PositionConfidenceSet | None" = None
    timeConfidence: int | None = None
    motionCfd: "MotionConfidenceSet | None" = None


class PathHistoryPoint(Struct, frozen=True, gc=False, kw_only=True):
    """PathHistoryPoint."""

    llvOffset: "PositionOffsetLLV"
    timeOffset: int
    speed: int | None = None
    posAccuracy: "PositionConfidenceSet | None" = None
    heading: int | None = None


class PathPrediction(Struct, frozen=True, gc=False, kw_only=True):
    """PathPrediction."""

    radiusOfCurve: int
    confidence: int


PositionOffsetLL = (
    tuple[Literal["position-LL1"], PositionLL24B]
    | tuple[Literal["position-LL2"], PositionLL28B]
    | tuple[Literal["position-LL3"], PositionLL32B]
    | tuple[Literal["position-LL4"], PositionLL36B]
    | tuple[Literal["position-LL5"], PositionLL44B]
    | tuple[Literal["position-LL6"], PositionLL48B]
    | tuple[Literal["position-LatLon"], PositionLLmD64b]
)
"""PositionOffsetLL: the name of the alternative, and its value."""


VerticalOffset = (
    tuple[Literal["offset1"], int]
    | tuple[Literal["offset2"], int]
    | tuple[Literal["offset3"], int]
    | tuple[Literal["offset4"], int]
    | tuple[Literal["offset5"], int]
    | tuple[Literal["offset6"], int]
    | tuple[Literal["elevation"], int]
)
"""VerticalOffset: the name of the alternative, and its value."""


MessageFrame = (
    tuple[Literal["bsmFrame"], BasicSafetyMessage]
    | tuple[Literal["mapFrame"], MapData]
    | tuple[Literal["rsmFrame"], RoadsideSafetyMessage]
    | tuple[Literal["spatFrame"], SPAT]
    | tuple[Literal["rsiFrame"], RoadSideInformation]
    | tuple[Literal["msgFrameExt"], MessageFrameExt]
    | tuple[Literal["unknown"], UnknownAlternative]
)
"""MessageFrame: the name of the alternative, and its value."""


TimeChangeDetails = (
    tuple[Literal["counting"], TimeCountingDown]
    | tuple[Literal["utcTiming"], UTCTiming]
    | tuple[Literal["unknown"], UnknownAlternative]
)
"""TimeChangeDetails: the name of the alternative, and its value."""


LaneTypeAttributes = (
    tuple[Literal["vehicle"], int]
    | tuple[Literal["crosswalk"], int]
    | tuple[Literal["bikeLane"], int]
    | tuple[Literal["sidewalk"], int]
    | tuple[Literal["median"], int]
    | tuple[Literal["striping"], int]
    | tuple[Literal["trackedVehicle"], int]
    | tuple[Literal["parking"], int]
    | tuple[Literal["unknown"], UnknownAlternative]
)
"""LaneTypeAttributes: the name of the alternative, and its value."""


Description = (
    tuple[Literal["textString"], str]
    | tuple[Literal["textGB2312"], bytes]
)
"""Description: the name of the alternative, and its value."""
