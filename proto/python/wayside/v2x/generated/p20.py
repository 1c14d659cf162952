"""Reads and writes messages of the profile p20.

Made by `proto/asn1/uper_compiler` from `proto/asn1`; not edited by hand. `read_X(v, p)` reads a value of type X from
the number `v` of which `p` bits are left; `write_X(x, a)` appends one to the number `a`, which begins with a 1.
"""
# mypy: ignore-errors

from wayside.v2x.generated.shared import (
    read_MessageFrameExt,
    read_PointList,
    read_PositionOffsetLLV,
    read_ReferenceLinkList,
    read_RoadsideSafetyMessage,
    read_SPAT,
    write_MessageFrameExt,
    write_PointList,
    write_PositionOffsetLLV,
    write_ReferenceLinkList,
    write_RoadsideSafetyMessage,
    write_SPAT,
)
from wayside.v2x.generated.messages import (
    AccelerationSet4Way,
    BasicSafetyMessage,
    BrakeSystemStatus,
    ConnectingLane,
    Connection,
    DDateTime,
    FullPositionVector,
    Lane,
    LaneAttributes,
    Link,
    MapData,
    MessageFrame,
    MotionConfidenceSet,
    Movement,
    Node,
    NodeReferenceID,
    PathHistory,
    PathHistoryPoint,
    PathPrediction,
    Position3D,
    PositionConfidenceSet,
    PositionalAccuracy,
    RSITimeDetails,
    RTEData,
    RTSData,
    ReferencePath,
    RegulatorySpeedLimit,
    RoadSideInformation,
    UnknownAlternative,
    VehicleClassification,
    VehicleEmergencyExtensions,
    VehicleSafetyExtensions,
    VehicleSize,
)
from wayside.v2x.uper import (
    DecodeError,
    EncodeError,
    out_of_range,
    read_longer_bits,
    read_open,
    read_small,
    read_text,
    read_whole,
    skip_additions,
    whole,
    write_open,
    write_small,
    write_text,
)


def read_MessageFrame(v: int, p: int) -> tuple[MessageFrame, int]:
    p -= 4
    i1 = (v >> p) & 15
    if i1 == 0:
        y3, p = read_BasicSafetyMessage(v, p)
        y2 = ("bsmFrame", y3)
    elif i1 == 1:
        y4, p = read_MapData(v, p)
        y2 = ("mapFrame", y4)
    elif i1 == 2:
        y5, p = read_RoadsideSafetyMessage(v, p)
        y2 = ("rsmFrame", y5)
    elif i1 == 3:
        y6, p = read_SPAT(v, p)
        y2 = ("spatFrame", y6)
    elif i1 == 4:
        y7, p = read_RoadSideInformation(v, p)
        y2 = ("rsiFrame", y7)
    elif i1 >= 8:
        i8, p = read_small(v, p + 3)
        y9, p = read_open(v, p)
        if i8 == 0:
            y2 = ("msgFrameExt", read_whole(y9, read_MessageFrameExt))
        else:
            y2 = ("unknown", UnknownAlternative(index=i8, value=y9))
    else:
        raise DecodeError("MessageFrame: there is no such alternative")
    return y2, p


def write_MessageFrame(x: MessageFrame, a: int) -> int:
    v1, v2 = x
    if v1 == "bsmFrame":
        a = a << 4
        a = write_BasicSafetyMessage(v2, a)
    elif v1 == "mapFrame":
        a = a << 4 | 1
        a = write_MapData(v2, a)
    elif v1 == "rsmFrame":
        a = a << 4 | 2
        a = write_RoadsideSafetyMessage(v2, a)
    elif v1 == "spatFrame":
        a = a << 4 | 3
        a = write_SPAT(v2, a)
    elif v1 == "rsiFrame":
        a = a << 4 | 4
        a = write_RoadSideInformation(v2, a)
    elif v1 == "msgFrameExt":
        a = write_open(whole(write_MessageFrameExt(v2, 1)), write_small(0, a << 1 | 1, "MessageFrame"))
    elif v1 == "unknown":
        a = write_open(v2.value, write_small(v2.index, a << 1 | 1, "MessageFrame"))
    else:
        raise EncodeError(f"MessageFrame: there is no alternative {v1!r}")
    return a


def read_BasicSafetyMessage(v: int, p: int) -> tuple[BasicSafetyMessage, int]:
    p -= 95
    c = (v >> p) & 0x7fffffffffffffffffffffff
    o1 = c >> 87
    x2 = (c >> 80) & 127
    x3 = (c >> 16) & 0xffffffffffffffff
    x4 = c & 65535
    y5 = None
    if o1 & 64:
        p -= 6
        x6 = (v >> p) & 63
        if x6 > 39:
            raise DecodeError("TimeConfidence: a value is outside its range")
        y5 = x6
    p -= 64
    c = (v >> p) & 0xffffffffffffffff
    o7 = c >> 63
    x8 = (c >> 32) & 0x7fffffff
    x9 = c & 0xffffffff
    if x8 > 1800000001 or x9 > 3600000000:
        raise DecodeError("Latitude, Longitude: a value is outside its range")
    y10 = None
    if o7 & 1:
        p -= 16
        x11 = (v >> p) & 65535
        y10 = x11 - 4096
    y12 = None
    if o1 & 32:
        p -= 32
        c = (v >> p) & 0xffffffff
        x13 = c >> 24
        x14 = (c >> 16) & 255
        x15 = c & 65535
        y12 = PositionalAccuracy(semiMajor=x13, semiMinor=x14, orientation=x15)
    y16 = None
    if o1 & 16:
        p -= 5
        c = (v >> p) & 31
        o17 = c >> 4
        x18 = c & 15
        y19 = None
        if o17 & 1:
            p -= 4
            x20 = (v >> p) & 15
            y19 = x20
        y16 = PositionConfidenceSet(pos=x18, elevation=y19)
    p -= 31
    c = (v >> p) & 0x7fffffff
    x21 = c >> 28
    x22 = (c >> 15) & 8191
    x23 = c & 32767
    if x23 > 28800:
        raise DecodeError("Heading: a value is outside its range")
    y24 = None
    if o1 & 8:
        p -= 8
        x25 = (v >> p) & 255
        if x25 > 253:
            raise DecodeError("SteeringWheelAngle: a value is outside its range")
        y24 = x25 - 126
    y26 = None
    if o1 & 4:
        p -= 3
        o27 = (v >> p) & 7
        y28 = None
        if o27 & 4:
            p -= 3
            x29 = (v >> p) & 7
            y28 = x29
        y30 = None
        if o27 & 2:
            p -= 3
            x31 = (v >> p) & 7
            y30 = x31
        y32 = None
        if o27 & 1:
            p -= 2
            x33 = (v >> p) & 3
            y32 = x33
        y26 = MotionConfidenceSet(speedCfd=y28, headingCfd=y30, steerCfd=y32)
    p -= 55
    c = (v >> p) & 0x7fffffffffffff
    x34 = c >> 43
    x35 = (c >> 31) & 4095
    x36 = (c >> 23) & 255
    x37 = (c >> 7) & 65535
    o38 = c & 127
    if x34 > 4001 or x35 > 4001 or x36 > 254 or x37 > 65534:
        raise DecodeError("Acceleration, VerticalAcceleration, YawRate: a value is outside its range")
    y39 = None
    if o38 & 64:
        p -= 2
        x40 = (v >> p) & 3
        if x40 > 2:
            raise DecodeError("BrakePedalStatus: a value is outside its range")
        y39 = x40
    y41 = None
    if o38 & 32:
        p -= 5
        x42 = (v >> p) & 31
        y41 = x42
    y43 = None
    if o38 & 16:
        p -= 2
        x44 = (v >> p) & 3
        y43 = x44
    y45 = None
    if o38 & 8:
        p -= 2
        x46 = (v >> p) & 3
        y45 = x46
    y47 = None
    if o38 & 4:
        p -= 2
        x48 = (v >> p) & 3
        y47 = x48
    y49 = None
    if o38 & 2:
        p -= 2
        x50 = (v >> p) & 3
        if x50 > 2:
            raise DecodeError("BrakeBoostApplied: a value is outside its range")
        y49 = x50
    y51 = None
    if o38 & 1:
        p -= 2
        x52 = (v >> p) & 3
        y51 = x52
    p -= 23
    c = (v >> p) & 0x7fffff
    o53 = c >> 22
    x54 = (c >> 12) & 1023
    x55 = c & 4095
    y56 = None
    if o53 & 1:
        p -= 7
        x57 = (v >> p) & 127
        y56 = x57
    p -= 10
    c = (v >> p) & 1023
    o58 = c >> 8
    x59 = c & 255
    y60 = None
    if o58 & 1:
        p -= 4
        x61 = (v >> p) & 15
        y60 = x61
    if o58 & 2:
        p = skip_additions(v, p)
    y62 = None
    if o1 & 2:
        p -= 5
        o63 = (v >> p) & 31
        y64 = None
        if o63 & 8:
            p -= 1
            x65 = (v >> p) & 1
            if x65:
                x65, p = read_longer_bits(v, p, 13)
            else:
                p -= 13
                x65 = (v >> p) & 8191
            y64 = x65
        y66 = None
        if o63 & 4:
            p -= 3
            o67 = (v >> p) & 7
            y68 = None
            if o67 & 2:
                p -= 8
                o69 = (v >> p) & 255
                y70 = None
                if o69 & 64:
                    p -= 7
                    o71 = (v >> p) & 127
                    y72 = None
                    if o71 & 64:
                        p -= 12
                        x73 = (v >> p) & 4095
                        y72 = x73
                    y74 = None
                    if o71 & 32:
                        p -= 4
                        x75 = (v >> p) & 15
                        if x75 > 12:
                            raise DecodeError("DMonth: a value is outside its range")
                        y74 = x75
                    y76 = None
                    if o71 & 16:
                        p -= 5
                        x77 = (v >> p) & 31
                        y76 = x77
                    y78 = None
                    if o71 & 8:
                        p -= 5
                        x79 = (v >> p) & 31
                        y78 = x79
                    y80 = None
                    if o71 & 4:
                        p -= 6
                        x81 = (v >> p) & 63
                        if x81 > 60:
                            raise DecodeError("DMinute: a value is outside its range")
                        y80 = x81
                    y82 = None
                    if o71 & 2:
                        p -= 16
                        x83 = (v >> p) & 65535
                        y82 = x83
                    y84 = None
                    if o71 & 1:
                        p -= 11
                        x85 = (v >> p) & 2047
                        if x85 > 1680:
                            raise DecodeError("DTimeOffset: a value is outside its range")
                        y84 = x85 - 840
                    y70 = DDateTime(year=y72, month=y74, day=y76, hour=y78, minute=y80, second=y82, offset=y84)
                p -= 64
                c = (v >> p) & 0xffffffffffffffff
                o86 = c >> 63
                x87 = (c >> 32) & 0x7fffffff
                x88 = c & 0xffffffff
                if x87 > 1800000001 or x88 > 3600000000:
                    raise DecodeError("Latitude, Longitude: a value is outside its range")
                y89 = None
                if o86 & 1:
                    p -= 16
                    x90 = (v >> p) & 65535
                    y89 = x90 - 4096
                y91 = None
                if o69 & 32:
                    p -= 15
                    x92 = (v >> p) & 32767
                    if x92 > 28800:
                        raise DecodeError("Heading: a value is outside its range")
                    y91 = x92
                y93 = None
                if o69 & 16:
                    p -= 3
                    x94 = (v >> p) & 7
                    y93 = x94
                y95 = None
                if o69 & 8:
                    p -= 13
                    x96 = (v >> p) & 8191
                    y95 = x96
                y97 = None
                if o69 & 4:
                    p -= 5
                    c = (v >> p) & 31
                    o98 = c >> 4
                    x99 = c & 15
                    y100 = None
                    if o98 & 1:
                        p -= 4
                        x101 = (v >> p) & 15
                        y100 = x101
                    y97 = PositionConfidenceSet(pos=x99, elevation=y100)
                y102 = None
                if o69 & 2:
                    p -= 6
                    x103 = (v >> p) & 63
                    if x103 > 39:
                        raise DecodeError("TimeConfidence: a value is outside its range")
                    y102 = x103
                y104 = None
                if o69 & 1:
                    p -= 3
                    o105 = (v >> p) & 7
                    y106 = None
                    if o105 & 4:
                        p -= 3
                        x107 = (v >> p) & 7
                        y106 = x107
                    y108 = None
                    if o105 & 2:
                        p -= 3
                        x109 = (v >> p) & 7
                        y108 = x109
                    y110 = None
                    if o105 & 1:
                        p -= 2
                        x111 = (v >> p) & 3
                        y110 = x111
                    y104 = MotionConfidenceSet(speedCfd=y106, headingCfd=y108, steerCfd=y110)
                if o69 & 128:
                    p = skip_additions(v, p)
                y68 = FullPositionVector(utcTime=y70, pos=Position3D(lat=x87 - 900000000, long=x88 - 1799999999, elevation=y89), heading=y91, transmission=y93, speed=y95, posAccuracy=y97, timeConfidence=y102, motionCfd=y104)
            y112 = None
            if o67 & 1:
                p -= 8
                x113 = (v >> p) & 255
                y112 = x113
            p -= 5
            x114 = (v >> p) & 31
            if x114 > 22:
                raise DecodeError("PathHistoryPointList: a value is outside its range")
            n115 = x114 + 1
            y116 = []
            for _ in range(n115):
                v &= (1 << p) - 1
                p -= 4
                o117 = (v >> p) & 15
                y118, p = read_PositionOffsetLLV(v, p)
                p -= 16
                x119 = (v >> p) & 65535
                if x119 > 65534:
                    raise DecodeError("TimeOffset: a value is outside its range")
                y120 = None
                if o117 & 4:
                    p -= 13
                    x121 = (v >> p) & 8191
                    y120 = x121
                y122 = None
                if o117 & 2:
                    p -= 5
                    c = (v >> p) & 31
                    o123 = c >> 4
                    x124 = c & 15
                    y125 = None
                    if o123 & 1:
                        p -= 4
                        x126 = (v >> p) & 15
                        y125 = x126
                    y122 = PositionConfidenceSet(pos=x124, elevation=y125)
                y127 = None
                if o117 & 1:
                    p -= 8
                    x128 = (v >> p) & 255
                    if x128 > 240:
                        raise DecodeError("CoarseHeading: a value is outside its range")
                    y127 = x128
                if o117 & 8:
                    p = skip_additions(v, p)
                y116.append(PathHistoryPoint(llvOffset=y118, timeOffset=x119 + 1, speed=y120, posAccuracy=y122, heading=y127))
            if o67 & 4:
                p = skip_additions(v, p)
            y66 = PathHistory(initialPosition=y68, currGNSSstatus=y112, crumbData=y116)
        y129 = None
        if o63 & 2:
            p -= 25
            c = (v >> p) & 0x1ffffff
            o130 = c >> 24
            x131 = (c >> 8) & 65535
            x132 = c & 255
            if x131 > 65534 or x132 > 200:
                raise DecodeError("RadiusOfCurvature, Confidence: a value is outside its range")
            if o130:
                p = skip_additions(v, p)
            y129 = PathPrediction(radiusOfCurve=x131 - 32767, confidence=x132)
        y133 = None
        if o63 & 1:
            p -= 1
            x134 = (v >> p) & 1
            if x134:
                x134, p = read_longer_bits(v, p, 9)
            else:
                p -= 9
                x134 = (v >> p) & 511
            y133 = x134
        if o63 & 16:
            p = skip_additions(v, p)
        y62 = VehicleSafetyExtensions(events=y64, pathHistory=y66, pathPrediction=y129, lights=y133)
    y135 = None
    if o1 & 1:
        p -= 4
        o136 = (v >> p) & 15
        y137 = None
        if o136 & 4:
            p -= 4
            x138 = (v >> p) & 15
            if x138 > 6:
                if x138 < 8:
                    raise DecodeError("ResponseType: a value is outside its range")
                x138, p = read_small(v, p + 3)
                x138 += 7
            y137 = x138
        y139 = None
        if o136 & 2:
            p -= 2
            x140 = (v >> p) & 3
            y139 = x140
        y141 = None
        if o136 & 1:
            p -= 3
            x142 = (v >> p) & 7
            y141 = x142
        if o136 & 8:
            p = skip_additions(v, p)
        y135 = VehicleEmergencyExtensions(responseType=y137, sirenUse=y139, lightsUse=y141)
    if o1 & 128:
        p = skip_additions(v, p)
    return BasicSafetyMessage(msgCnt=x2, id=x3.to_bytes(8, "big"), secMark=x4, timeConfidence=y5, pos=Position3D(lat=x8 - 900000000, long=x9 - 1799999999, elevation=y10), posAccuracy=y12, posConfidence=y16, transmission=x21, speed=x22, heading=x23, angle=y24, motionCfd=y26, accelSet=AccelerationSet4Way(long=x34 - 2000, lat=x35 - 2000, vert=x36 - 127, yaw=x37 - 32767), brakes=BrakeSystemStatus(brakePadel=y39, wheelBrakes=y41, traction=y43, abs=y45, scs=y47, brakeBoost=y49, auxBrakes=y51), size=VehicleSize(width=x54, length=x55, height=y56), vehicleClass=VehicleClassification(classification=x59, fuelType=y60), safetyExt=y62, emergencyExt=y135), p


def write_BasicSafetyMessage(x: BasicSafetyMessage, a: int) -> int:
    v1 = x.timeConfidence
    v2 = x.posAccuracy
    v3 = x.posConfidence
    v4 = x.angle
    v5 = x.motionCfd
    v6 = x.safetyExt
    v7 = x.emergencyExt
    v8 = x.msgCnt
    if not 0 <= v8 <= 127:
        raise out_of_range("msgCnt", v8, 0, 127)
    v9 = x.id
    if not 8 <= len(v9) <= 8:
        raise out_of_range("id", len(v9), 8, 8)
    v10 = x.secMark
    if not 0 <= v10 <= 65535:
        raise out_of_range("secMark", v10, 0, 65535)
    a = a << 95 | (1 << 93 if v1 is not None else 0) | (1 << 92 if v2 is not None else 0) | (1 << 91 if v3 is not None else 0) | (1 << 90 if v4 is not None else 0) | (1 << 89 if v5 is not None else 0) | (1 << 88 if v6 is not None else 0) | (1 << 87 if v7 is not None else 0) | v8 << 80 | int.from_bytes(v9, "big") << 16 | v10
    if v1 is not None:
        if not 0 <= v1 <= 39:
            raise out_of_range("timeConfidence", v1, 0, 39)
        a = a << 6 | v1
    v11 = x.pos
    v12 = v11.elevation
    v13 = v11.lat
    if not -900000000 <= v13 <= 900000001:
        raise out_of_range("lat", v13, -900000000, 900000001)
    v14 = v11.long
    if not -1799999999 <= v14 <= 1800000001:
        raise out_of_range("long", v14, -1799999999, 1800000001)
    a = a << 64 | (1 << 63 if v12 is not None else 0) | (v13 + 900000000) << 32 | (v14 + 1799999999)
    if v12 is not None:
        if not -4096 <= v12 <= 61439:
            raise out_of_range("elevation", v12, -4096, 61439)
        a = a << 16 | (v12 + 4096)
    if v2 is not None:
        v15 = v2.semiMajor
        if not 0 <= v15 <= 255:
            raise out_of_range("semiMajor", v15, 0, 255)
        v16 = v2.semiMinor
        if not 0 <= v16 <= 255:
            raise out_of_range("semiMinor", v16, 0, 255)
        v17 = v2.orientation
        if not 0 <= v17 <= 65535:
            raise out_of_range("orientation", v17, 0, 65535)
        a = a << 32 | v15 << 24 | v16 << 16 | v17
    if v3 is not None:
        v18 = v3.elevation
        v19 = v3.pos
        if not 0 <= v19 <= 15:
            raise out_of_range("pos", v19, 0, 15)
        a = a << 5 | (16 if v18 is not None else 0) | v19
        if v18 is not None:
            if not 0 <= v18 <= 15:
                raise out_of_range("elevation", v18, 0, 15)
            a = a << 4 | v18
    v20 = x.transmission
    if not 0 <= v20 <= 7:
        raise out_of_range("transmission", v20, 0, 7)
    v21 = x.speed
    if not 0 <= v21 <= 8191:
        raise out_of_range("speed", v21, 0, 8191)
    v22 = x.heading
    if not 0 <= v22 <= 28800:
        raise out_of_range("heading", v22, 0, 28800)
    a = a << 31 | v20 << 28 | v21 << 15 | v22
    if v4 is not None:
        if not -126 <= v4 <= 127:
            raise out_of_range("angle", v4, -126, 127)
        a = a << 8 | (v4 + 126)
    if v5 is not None:
        v23 = v5.speedCfd
        v24 = v5.headingCfd
        v25 = v5.steerCfd
        a = a << 3 | (4 if v23 is not None else 0) | (2 if v24 is not None else 0) | (1 if v25 is not None else 0)
        if v23 is not None:
            if not 0 <= v23 <= 7:
                raise out_of_range("speedCfd", v23, 0, 7)
            a = a << 3 | v23
        if v24 is not None:
            if not 0 <= v24 <= 7:
                raise out_of_range("headingCfd", v24, 0, 7)
            a = a << 3 | v24
        if v25 is not None:
            if not 0 <= v25 <= 3:
                raise out_of_range("steerCfd", v25, 0, 3)
            a = a << 2 | v25
    v26 = x.accelSet
    v27 = v26.long
    if not -2000 <= v27 <= 2001:
        raise out_of_range("long", v27, -2000, 2001)
    v28 = v26.lat
    if not -2000 <= v28 <= 2001:
        raise out_of_range("lat", v28, -2000, 2001)
    v29 = v26.vert
    if not -127 <= v29 <= 127:
        raise out_of_range("vert", v29, -127, 127)
    v30 = v26.yaw
    if not -32767 <= v30 <= 32767:
        raise out_of_range("yaw", v30, -32767, 32767)
    v31 = x.brakes
    v32 = v31.brakePadel
    v33 = v31.wheelBrakes
    v34 = v31.traction
    v35 = v31.abs
    v36 = v31.scs
    v37 = v31.brakeBoost
    v38 = v31.auxBrakes
    a = a << 55 | (v27 + 2000) << 43 | (v28 + 2000) << 31 | (v29 + 127) << 23 | (v30 + 32767) << 7 | (64 if v32 is not None else 0) | (32 if v33 is not None else 0) | (16 if v34 is not None else 0) | (8 if v35 is not None else 0) | (4 if v36 is not None else 0) | (2 if v37 is not None else 0) | (1 if v38 is not None else 0)
    if v32 is not None:
        if not 0 <= v32 <= 2:
            raise out_of_range("brakePadel", v32, 0, 2)
        a = a << 2 | v32
    if v33 is not None:
        if not 0 <= v33 <= 31:
            raise out_of_range("wheelBrakes", v33, 0, 31)
        a = a << 5 | v33
    if v34 is not None:
        if not 0 <= v34 <= 3:
            raise out_of_range("traction", v34, 0, 3)
        a = a << 2 | v34
    if v35 is not None:
        if not 0 <= v35 <= 3:
            raise out_of_range("abs", v35, 0, 3)
        a = a << 2 | v35
    if v36 is not None:
        if not 0 <= v36 <= 3:
            raise out_of_range("scs", v36, 0, 3)
        a = a << 2 | v36
    if v37 is not None:
        if not 0 <= v37 <= 2:
            raise out_of_range("brakeBoost", v37, 0, 2)
        a = a << 2 | v37
    if v38 is not None:
        if not 0 <= v38 <= 3:
            raise out_of_range("auxBrakes", v38, 0, 3)
        a = a << 2 | v38
    v39 = x.size
    v40 = v39.height
    v41 = v39.width
    if not 0 <= v41 <= 1023:
        raise out_of_range("width", v41, 0, 1023)
    v42 = v39.length
    if not 0 <= v42 <= 4095:
        raise out_of_range("length", v42, 0, 4095)
    a = a << 23 | (1 << 22 if v40 is not None else 0) | v41 << 12 | v42
    if v40 is not None:
        if not 0 <= v40 <= 127:
            raise out_of_range("height", v40, 0, 127)
        a = a << 7 | v40
    v43 = x.vehicleClass
    v44 = v43.fuelType
    v45 = v43.classification
    if not 0 <= v45 <= 255:
        raise out_of_range("classification", v45, 0, 255)
    a = a << 10 | (256 if v44 is not None else 0) | v45
    if v44 is not None:
        if not 0 <= v44 <= 15:
            raise out_of_range("fuelType", v44, 0, 15)
        a = a << 4 | v44
    if v6 is not None:
        v46 = v6.events
        v47 = v6.pathHistory
        v48 = v6.pathPrediction
        v49 = v6.lights
        a = a << 5 | (8 if v46 is not None else 0) | (4 if v47 is not None else 0) | (2 if v48 is not None else 0) | (1 if v49 is not None else 0)
        if v46 is not None:
            if not 0 <= v46 <= 8191:
                raise out_of_range("events", v46, 0, 8191)
            a = a << 14 | v46
        if v47 is not None:
            v50 = v47.initialPosition
            v51 = v47.currGNSSstatus
            a = a << 3 | (2 if v50 is not None else 0) | (1 if v51 is not None else 0)
            if v50 is not None:
                v52 = v50.utcTime
                v53 = v50.heading
                v54 = v50.transmission
                v55 = v50.speed
                v56 = v50.posAccuracy
                v57 = v50.timeConfidence
                v58 = v50.motionCfd
                a = a << 8 | (64 if v52 is not None else 0) | (32 if v53 is not None else 0) | (16 if v54 is not None else 0) | (8 if v55 is not None else 0) | (4 if v56 is not None else 0) | (2 if v57 is not None else 0) | (1 if v58 is not None else 0)
                if v52 is not None:
                    v59 = v52.year
                    v60 = v52.month
                    v61 = v52.day
                    v62 = v52.hour
                    v63 = v52.minute
                    v64 = v52.second
                    v65 = v52.offset
                    a = a << 7 | (64 if v59 is not None else 0) | (32 if v60 is not None else 0) | (16 if v61 is not None else 0) | (8 if v62 is not None else 0) | (4 if v63 is not None else 0) | (2 if v64 is not None else 0) | (1 if v65 is not None else 0)
                    if v59 is not None:
                        if not 0 <= v59 <= 4095:
                            raise out_of_range("year", v59, 0, 4095)
                        a = a << 12 | v59
                    if v60 is not None:
                        if not 0 <= v60 <= 12:
                            raise out_of_range("month", v60, 0, 12)
                        a = a << 4 | v60
                    if v61 is not None:
                        if not 0 <= v61 <= 31:
                            raise out_of_range("day", v61, 0, 31)
                        a = a << 5 | v61
                    if v62 is not None:
                        if not 0 <= v62 <= 31:
                            raise out_of_range("hour", v62, 0, 31)
                        a = a << 5 | v62
                    if v63 is not None:
                        if not 0 <= v63 <= 60:
                            raise out_of_range("minute", v63, 0, 60)
                        a = a << 6 | v63
                    if v64 is not None:
                        if not 0 <= v64 <= 65535:
                            raise out_of_range("second", v64, 0, 65535)
                        a = a << 16 | v64
                    if v65 is not None:
                        if not -840 <= v65 <= 840:
                            raise out_of_range("offset", v65, -840, 840)
                        a = a << 11 | (v65 + 840)
                v66 = v50.pos
                v67 = v66.elevation
                v68 = v66.lat
                if not -900000000 <= v68 <= 900000001:
                    raise out_of_range("lat", v68, -900000000, 900000001)
                v69 = v66.long
                if not -1799999999 <= v69 <= 1800000001:
                    raise out_of_range("long", v69, -1799999999, 1800000001)
                a = a << 64 | (1 << 63 if v67 is not None else 0) | (v68 + 900000000) << 32 | (v69 + 1799999999)
                if v67 is not None:
                    if not -4096 <= v67 <= 61439:
                        raise out_of_range("elevation", v67, -4096, 61439)
                    a = a << 16 | (v67 + 4096)
                if v53 is not None:
                    if not 0 <= v53 <= 28800:
                        raise out_of_range("heading", v53, 0, 28800)
                    a = a << 15 | v53
                if v54 is not None:
                    if not 0 <= v54 <= 7:
                        raise out_of_range("transmission", v54, 0, 7)
                    a = a << 3 | v54
                if v55 is not None:
                    if not 0 <= v55 <= 8191:
                        raise out_of_range("speed", v55, 0, 8191)
                    a = a << 13 | v55
                if v56 is not None:
                    v70 = v56.elevation
                    v71 = v56.pos
                    if not 0 <= v71 <= 15:
                        raise out_of_range("pos", v71, 0, 15)
                    a = a << 5 | (16 if v70 is not None else 0) | v71
                    if v70 is not None:
                        if not 0 <= v70 <= 15:
                            raise out_of_range("elevation", v70, 0, 15)
                        a = a << 4 | v70
                if v57 is not None:
                    if not 0 <= v57 <= 39:
                        raise out_of_range("timeConfidence", v57, 0, 39)
                    a = a << 6 | v57
                if v58 is not None:
                    v72 = v58.speedCfd
                    v73 = v58.headingCfd
                    v74 = v58.steerCfd
                    a = a << 3 | (4 if v72 is not None else 0) | (2 if v73 is not None else 0) | (1 if v74 is not None else 0)
                    if v72 is not None:
                        if not 0 <= v72 <= 7:
                            raise out_of_range("speedCfd", v72, 0, 7)
                        a = a << 3 | v72
                    if v73 is not None:
                        if not 0 <= v73 <= 7:
                            raise out_of_range("headingCfd", v73, 0, 7)
                        a = a << 3 | v73
                    if v74 is not None:
                        if not 0 <= v74 <= 3:
                            raise out_of_range("steerCfd", v74, 0, 3)
                        a = a << 2 | v74
            if v51 is not None:
                if not 0 <= v51 <= 255:
                    raise out_of_range("currGNSSstatus", v51, 0, 255)
                a = a << 8 | v51
            v75 = v47.crumbData
            if not 1 <= len(v75) <= 23:
                raise out_of_range("PathHistoryPointList", len(v75), 1, 23)
            a = a << 5 | (len(v75) - 1)
            v77 = a
            for v76 in v75:
                a = 1
                v79 = v76.speed
                v80 = v76.posAccuracy
                v81 = v76.heading
                a = a << 4 | (4 if v79 is not None else 0) | (2 if v80 is not None else 0) | (1 if v81 is not None else 0)
                a = write_PositionOffsetLLV(v76.llvOffset, a)
                v82 = v76.timeOffset
                if not 1 <= v82 <= 65535:
                    raise out_of_range("timeOffset", v82, 1, 65535)
                a = a << 16 | (v82 - 1)
                if v79 is not None:
                    if not 0 <= v79 <= 8191:
                        raise out_of_range("speed", v79, 0, 8191)
                    a = a << 13 | v79
                if v80 is not None:
                    v83 = v80.elevation
                    v84 = v80.pos
                    if not 0 <= v84 <= 15:
                        raise out_of_range("pos", v84, 0, 15)
                    a = a << 5 | (16 if v83 is not None else 0) | v84
                    if v83 is not None:
                        if not 0 <= v83 <= 15:
                            raise out_of_range("elevation", v83, 0, 15)
                        a = a << 4 | v83
                if v81 is not None:
                    if not 0 <= v81 <= 240:
                        raise out_of_range("heading", v81, 0, 240)
                    a = a << 8 | v81
                v78 = a.bit_length() - 1
                v77 = v77 << v78 | a ^ 1 << v78
            a = v77
        if v48 is not None:
            v85 = v48.radiusOfCurve
            if not -32767 <= v85 <= 32767:
                raise out_of_range("radiusOfCurve", v85, -32767, 32767)
            v86 = v48.confidence
            if not 0 <= v86 <= 200:
                raise out_of_range("confidence", v86, 0, 200)
            a = a << 25 | (v85 + 32767) << 8 | v86
        if v49 is not None:
            if not 0 <= v49 <= 511:
                raise out_of_range("lights", v49, 0, 511)
            a = a << 10 | v49
    if v7 is not None:
        v87 = v7.responseType
        v88 = v7.sirenUse
        v89 = v7.lightsUse
        a = a << 4 | (4 if v87 is not None else 0) | (2 if v88 is not None else 0) | (1 if v89 is not None else 0)
        if v87 is not None:
            if 0 <= v87 <= 6:
                a = a << 4 | v87
            else:
                a = write_small(v87 - 7, a << 1 | 1, "responseType")
        if v88 is not None:
            if not 0 <= v88 <= 3:
                raise out_of_range("sirenUse", v88, 0, 3)
            a = a << 2 | v88
        if v89 is not None:
            if not 0 <= v89 <= 7:
                raise out_of_range("lightsUse", v89, 0, 7)
            a = a << 3 | v89
    return a


def read_MapData(v: int, p: int) -> tuple[MapData, int]:
    p -= 9
    c = (v >> p) & 511
    o1 = c >> 7
    x2 = c & 127
    y3 = None
    if o1 & 1:
        p -= 20
        x4 = (v >> p) & 0xfffff
        if x4 > 527040:
            raise DecodeError("MinuteOfTheYear: a value is outside its range")
        y3 = x4
    p -= 5
    x5 = (v >> p) & 31
    n6 = x5 + 1
    y7 = []
    for _ in range(n6):
        v &= (1 << p) - 1
        p -= 3
        o8 = (v >> p) & 7
        y9 = None
        if o8 & 2:
            p -= 6
            x10 = (v >> p) & 63
            if x10 > 62:
                raise DecodeError("DescriptiveName: a value is outside its range")
            n11 = x10 + 1
            y12, p = read_text(v, p, n11)
            y9 = y12
        p -= 1
        o13 = (v >> p) & 1
        y14 = None
        if o13 & 1:
            p -= 16
            x15 = (v >> p) & 65535
            y14 = x15
        p -= 80
        c = (v >> p) & 0xffffffffffffffffffff
        x16 = c >> 64
        o17 = (c >> 63) & 1
        x18 = (c >> 32) & 0x7fffffff
        x19 = c & 0xffffffff
        if x18 > 1800000001 or x19 > 3600000000:
            raise DecodeError("Latitude, Longitude: a value is outside its range")
        y20 = None
        if o17 & 1:
            p -= 16
            x21 = (v >> p) & 65535
            y20 = x21 - 4096
        y22 = None
        if o8 & 1:
            p -= 5
            x23 = (v >> p) & 31
            n24 = x23 + 1
            y25 = []
            for _ in range(n24):
                v &= (1 << p) - 1
                p -= 5
                o26 = (v >> p) & 31
                y27 = None
                if o26 & 8:
                    p -= 6
                    x28 = (v >> p) & 63
                    if x28 > 62:
                        raise DecodeError("DescriptiveName: a value is outside its range")
                    n29 = x28 + 1
                    y30, p = read_text(v, p, n29)
                    y27 = y30
                p -= 1
                o31 = (v >> p) & 1
                y32 = None
                if o31 & 1:
                    p -= 16
                    x33 = (v >> p) & 65535
                    y32 = x33
                p -= 16
                x34 = (v >> p) & 65535
                y35 = None
                if o26 & 4:
                    p -= 4
                    x36 = (v >> p) & 15
                    if x36 > 8:
                        raise DecodeError("SpeedLimitList: a value is outside its range")
                    n37 = x36 + 1
                    y38 = []
                    for _ in range(n37):
                        p -= 5
                        x39 = (v >> p) & 31
                        if x39 > 12:
                            if x39 < 16:
                                raise DecodeError("SpeedLimitType: a value is outside its range")
                            x39, p = read_small(v, p + 4)
                            x39 += 13
                        p -= 13
                        x40 = (v >> p) & 8191
                        y38.append(RegulatorySpeedLimit(type=x39, speed=x40))
                    y35 = y38
                p -= 15
                x41 = (v >> p) & 32767
                y42 = None
                if o26 & 2:
                    y43, p = read_PointList(v, p)
                    y42 = y43
                y44 = None
                if o26 & 1:
                    p -= 5
                    x45 = (v >> p) & 31
                    n46 = x45 + 1
                    y47 = []
                    for _ in range(n46):
                        p -= 2
                        c = (v >> p) & 3
                        o48 = c >> 1
                        o49 = c & 1
                        y50 = None
                        if o49 & 1:
                            p -= 16
                            x51 = (v >> p) & 65535
                            y50 = x51
                        p -= 16
                        x52 = (v >> p) & 65535
                        y53 = None
                        if o48 & 1:
                            p -= 8
                            x54 = (v >> p) & 255
                            y53 = x54
                        y47.append(Movement(remoteIntersection=NodeReferenceID(region=y50, id=x52), phaseId=y53))
                    y44 = y47
                p -= 5
                x55 = (v >> p) & 31
                n56 = x55 + 1
                y57 = []
                for _ in range(n56):
                    v &= (1 << p) - 1
                    p -= 15
                    c = (v >> p) & 32767
                    o58 = c >> 8
                    x59 = c & 255
                    y60 = None
                    if o58 & 32:
                        p -= 15
                        x61 = (v >> p) & 32767
                        y60 = x61
                    y62 = None
                    if o58 & 16:
                        p -= 1
                        o63 = (v >> p) & 1
                        y64 = None
                        if o63 & 1:
                            p -= 10
                            x65 = (v >> p) & 1023
                            y64 = x65
                        p -= 4
                        i66 = (v >> p) & 15
                        if i66 == 0:
                            p -= 1
                            x68 = (v >> p) & 1
                            if x68:
                                x68, p = read_longer_bits(v, p, 8)
                            else:
                                p -= 8
                                x68 = (v >> p) & 255
                            y67 = ("vehicle", x68)
                        elif i66 == 1:
                            p -= 16
                            x69 = (v >> p) & 65535
                            y67 = ("crosswalk", x69)
                        elif i66 == 2:
                            p -= 16
                            x70 = (v >> p) & 65535
                            y67 = ("bikeLane", x70)
                        elif i66 == 3:
                            p -= 16
                            x71 = (v >> p) & 65535
                            y67 = ("sidewalk", x71)
                        elif i66 == 4:
                            p -= 16
                            x72 = (v >> p) & 65535
                            y67 = ("median", x72)
                        elif i66 == 5:
                            p -= 16
                            x73 = (v >> p) & 65535
                            y67 = ("striping", x73)
                        elif i66 == 6:
                            p -= 16
                            x74 = (v >> p) & 65535
                            y67 = ("trackedVehicle", x74)
                        elif i66 == 7:
                            p -= 16
                            x75 = (v >> p) & 65535
                            y67 = ("parking", x75)
                        elif i66 >= 8:
                            i76, p = read_small(v, p + 3)
                            y77, p = read_open(v, p)
                            y67 = ("unknown", UnknownAlternative(index=i76, value=y77))
                        else:
                            raise DecodeError("LaneTypeAttributes: there is no such alternative")
                        y62 = LaneAttributes(shareWith=y64, laneType=y67)
                    y78 = None
                    if o58 & 8:
                        p -= 12
                        x79 = (v >> p) & 4095
                        y78 = x79
                    y80 = None
                    if o58 & 4:
                        p -= 3
                        x81 = (v >> p) & 7
                        n82 = x81 + 1
                        y83 = []
                        for _ in range(n82):
                            v &= (1 << p) - 1
                            p -= 3
                            c = (v >> p) & 7
                            o84 = c >> 1
                            o85 = c & 1
                            y86 = None
                            if o85 & 1:
                                p -= 16
                                x87 = (v >> p) & 65535
                                y86 = x87
                            p -= 16
                            x88 = (v >> p) & 65535
                            y89 = None
                            if o84 & 2:
                                p -= 9
                                c = (v >> p) & 511
                                o90 = c >> 8
                                x91 = c & 255
                                y92 = None
                                if o90 & 1:
                                    p -= 12
                                    x93 = (v >> p) & 4095
                                    y92 = x93
                                y89 = ConnectingLane(lane=x91, maneuver=y92)
                            y94 = None
                            if o84 & 1:
                                p -= 8
                                x95 = (v >> p) & 255
                                y94 = x95
                            y83.append(Connection(remoteIntersection=NodeReferenceID(region=y86, id=x88), connectingLane=y89, phaseId=y94))
                        y80 = y83
                    y96 = None
                    if o58 & 2:
                        p -= 4
                        x97 = (v >> p) & 15
                        if x97 > 8:
                            raise DecodeError("SpeedLimitList: a value is outside its range")
                        n98 = x97 + 1
                        y99 = []
                        for _ in range(n98):
                            p -= 5
                            x100 = (v >> p) & 31
                            if x100 > 12:
                                if x100 < 16:
                                    raise DecodeError("SpeedLimitType: a value is outside its range")
                                x100, p = read_small(v, p + 4)
                                x100 += 13
                            p -= 13
                            x101 = (v >> p) & 8191
                            y99.append(RegulatorySpeedLimit(type=x100, speed=x101))
                        y96 = y99
                    y102 = None
                    if o58 & 1:
                        y103, p = read_PointList(v, p)
                        y102 = y103
                    if o58 & 64:
                        p = skip_additions(v, p)
                    y57.append(Lane(laneID=x59, laneWidth=y60, laneAttributes=y62, maneuvers=y78, connectsTo=y80, speedLimits=y96, points=y102))
                if o26 & 16:
                    p = skip_additions(v, p)
                y25.append(Link(name=y27, upstreamNodeId=NodeReferenceID(region=y32, id=x34), speedLimits=y35, linkWidth=x41, points=y42, movements=y44, lanes=y57))
            y22 = y25
        if o8 & 4:
            p = skip_additions(v, p)
        y7.append(Node(name=y9, id=NodeReferenceID(region=y14, id=x16), refPos=Position3D(lat=x18 - 900000000, long=x19 - 1799999999, elevation=y20), inLinks=y22))
    if o1 & 2:
        p = skip_additions(v, p)
    return MapData(msgCnt=x2, timeStamp=y3, nodes=y7), p


def write_MapData(x: MapData, a: int) -> int:
    v1 = x.timeStamp
    v2 = x.msgCnt
    if not 0 <= v2 <= 127:
        raise out_of_range("msgCnt", v2, 0, 127)
    a = a << 9 | (128 if v1 is not None else 0) | v2
    if v1 is not None:
        if not 0 <= v1 <= 527040:
            raise out_of_range("timeStamp", v1, 0, 527040)
        a = a << 20 | v1
    v3 = x.nodes
    if not 1 <= len(v3) <= 32:
        raise out_of_range("NodeList", len(v3), 1, 32)
    a = a << 5 | (len(v3) - 1)
    v5 = a
    for v4 in v3:
        a = 1
        v7 = v4.name
        v8 = v4.inLinks
        a = a << 3 | (2 if v7 is not None else 0) | (1 if v8 is not None else 0)
        if v7 is not None:
            if not 1 <= len(v7) <= 63:
                raise out_of_range("name", len(v7), 1, 63)
            a = a << 6 | (len(v7) - 1)
            a = write_text(v7, a, "name")
        v9 = v4.id
        v10 = v9.region
        a = a << 1 | (1 if v10 is not None else 0)
        if v10 is not None:
            if not 0 <= v10 <= 65535:
                raise out_of_range("region", v10, 0, 65535)
            a = a << 16 | v10
        v11 = v9.id
        if not 0 <= v11 <= 65535:
            raise out_of_range("id", v11, 0, 65535)
        v12 = v4.refPos
        v13 = v12.elevation
        v14 = v12.lat
        if not -900000000 <= v14 <= 900000001:
            raise out_of_range("lat", v14, -900000000, 900000001)
        v15 = v12.long
        if not -1799999999 <= v15 <= 1800000001:
            raise out_of_range("long", v15, -1799999999, 1800000001)
        a = a << 80 | v11 << 64 | (1 << 63 if v13 is not None else 0) | (v14 + 900000000) << 32 | (v15 + 1799999999)
        if v13 is not None:
            if not -4096 <= v13 <= 61439:
                raise out_of_range("elevation", v13, -4096, 61439)
            a = a << 16 | (v13 + 4096)
        if v8 is not None:
            if not 1 <= len(v8) <= 32:
                raise out_of_range("LinkList", len(v8), 1, 32)
            a = a << 5 | (len(v8) - 1)
            v17 = a
            for v16 in v8:
                a = 1
                v19 = v16.name
                v20 = v16.speedLimits
                v21 = v16.points
                v22 = v16.movements
                a = a << 5 | (8 if v19 is not None else 0) | (4 if v20 is not None else 0) | (2 if v21 is not None else 0) | (1 if v22 is not None else 0)
                if v19 is not None:
                    if not 1 <= len(v19) <= 63:
                        raise out_of_range("name", len(v19), 1, 63)
                    a = a << 6 | (len(v19) - 1)
                    a = write_text(v19, a, "name")
                v23 = v16.upstreamNodeId
                v24 = v23.region
                a = a << 1 | (1 if v24 is not None else 0)
                if v24 is not None:
                    if not 0 <= v24 <= 65535:
                        raise out_of_range("region", v24, 0, 65535)
                    a = a << 16 | v24
                v25 = v23.id
                if not 0 <= v25 <= 65535:
                    raise out_of_range("id", v25, 0, 65535)
                a = a << 16 | v25
                if v20 is not None:
                    if not 1 <= len(v20) <= 9:
                        raise out_of_range("SpeedLimitList", len(v20), 1, 9)
                    a = a << 4 | (len(v20) - 1)
                    for v26 in v20:
                        v27 = v26.type
                        if 0 <= v27 <= 12:
                            a = a << 5 | v27
                        else:
                            a = write_small(v27 - 13, a << 1 | 1, "type")
                        v28 = v26.speed
                        if not 0 <= v28 <= 8191:
                            raise out_of_range("speed", v28, 0, 8191)
                        a = a << 13 | v28
                v29 = v16.linkWidth
                if not 0 <= v29 <= 32767:
                    raise out_of_range("linkWidth", v29, 0, 32767)
                a = a << 15 | v29
                if v21 is not None:
                    a = write_PointList(v21, a)
                if v22 is not None:
                    if not 1 <= len(v22) <= 32:
                        raise out_of_range("MovementList", len(v22), 1, 32)
                    a = a << 5 | (len(v22) - 1)
                    for v30 in v22:
                        v31 = v30.phaseId
                        v32 = v30.remoteIntersection
                        v33 = v32.region
                        a = a << 2 | (2 if v31 is not None else 0) | (1 if v33 is not None else 0)
                        if v33 is not None:
                            if not 0 <= v33 <= 65535:
                                raise out_of_range("region", v33, 0, 65535)
                            a = a << 16 | v33
                        v34 = v32.id
                        if not 0 <= v34 <= 65535:
                            raise out_of_range("id", v34, 0, 65535)
                        a = a << 16 | v34
                        if v31 is not None:
                            if not 0 <= v31 <= 255:
                                raise out_of_range("phaseId", v31, 0, 255)
                            a = a << 8 | v31
                v35 = v16.lanes
                if not 1 <= len(v35) <= 32:
                    raise out_of_range("LaneList", len(v35), 1, 32)
                a = a << 5 | (len(v35) - 1)
                v37 = a
                for v36 in v35:
                    a = 1
                    v39 = v36.laneWidth
                    v40 = v36.laneAttributes
                    v41 = v36.maneuvers
                    v42 = v36.connectsTo
                    v43 = v36.speedLimits
                    v44 = v36.points
                    v45 = v36.laneID
                    if not 0 <= v45 <= 255:
                        raise out_of_range("laneID", v45, 0, 255)
                    a = a << 15 | (8192 if v39 is not None else 0) | (4096 if v40 is not None else 0) | (2048 if v41 is not None else 0) | (1024 if v42 is not None else 0) | (512 if v43 is not None else 0) | (256 if v44 is not None else 0) | v45
                    if v39 is not None:
                        if not 0 <= v39 <= 32767:
                            raise out_of_range("laneWidth", v39, 0, 32767)
                        a = a << 15 | v39
                    if v40 is not None:
                        v46 = v40.shareWith
                        a = a << 1 | (1 if v46 is not None else 0)
                        if v46 is not None:
                            if not 0 <= v46 <= 1023:
                                raise out_of_range("shareWith", v46, 0, 1023)
                            a = a << 10 | v46
                        v47, v48 = v40.laneType
                        if v47 == "vehicle":
                            if not 0 <= v48 <= 255:
                                raise out_of_range("vehicle", v48, 0, 255)
                            a = a << 13 | v48
                        elif v47 == "crosswalk":
                            if not 0 <= v48 <= 65535:
                                raise out_of_range("crosswalk", v48, 0, 65535)
                            a = a << 20 | 1 << 16 | v48
                        elif v47 == "bikeLane":
                            if not 0 <= v48 <= 65535:
                                raise out_of_range("bikeLane", v48, 0, 65535)
                            a = a << 20 | 2 << 16 | v48
                        elif v47 == "sidewalk":
                            if not 0 <= v48 <= 65535:
                                raise out_of_range("sidewalk", v48, 0, 65535)
                            a = a << 20 | 3 << 16 | v48
                        elif v47 == "median":
                            if not 0 <= v48 <= 65535:
                                raise out_of_range("median", v48, 0, 65535)
                            a = a << 20 | 4 << 16 | v48
                        elif v47 == "striping":
                            if not 0 <= v48 <= 65535:
                                raise out_of_range("striping", v48, 0, 65535)
                            a = a << 20 | 5 << 16 | v48
                        elif v47 == "trackedVehicle":
                            if not 0 <= v48 <= 65535:
                                raise out_of_range("trackedVehicle", v48, 0, 65535)
                            a = a << 20 | 6 << 16 | v48
                        elif v47 == "parking":
                            if not 0 <= v48 <= 65535:
                                raise out_of_range("parking", v48, 0, 65535)
                            a = a << 20 | 7 << 16 | v48
                        elif v47 == "unknown":
                            a = write_open(v48.value, write_small(v48.index, a << 1 | 1, "LaneTypeAttributes"))
                        else:
                            raise EncodeError(f"LaneTypeAttributes: there is no alternative {v47!r}")
                    if v41 is not None:
                        if not 0 <= v41 <= 4095:
                            raise out_of_range("maneuvers", v41, 0, 4095)
                        a = a << 12 | v41
                    if v42 is not None:
                        if not 1 <= len(v42) <= 8:
                            raise out_of_range("ConnectsToList", len(v42), 1, 8)
                        a = a << 3 | (len(v42) - 1)
                        v50 = a
                        for v49 in v42:
                            a = 1
                            v52 = v49.connectingLane
                            v53 = v49.phaseId
                            v54 = v49.remoteIntersection
                            v55 = v54.region
                            a = a << 3 | (4 if v52 is not None else 0) | (2 if v53 is not None else 0) | (1 if v55 is not None else 0)
                            if v55 is not None:
                                if not 0 <= v55 <= 65535:
                                    raise out_of_range("region", v55, 0, 65535)
                                a = a << 16 | v55
                            v56 = v54.id
                            if not 0 <= v56 <= 65535:
                                raise out_of_range("id", v56, 0, 65535)
                            a = a << 16 | v56
                            if v52 is not None:
                                v57 = v52.maneuver
                                v58 = v52.lane
                                if not 0 <= v58 <= 255:
                                    raise out_of_range("lane", v58, 0, 255)
                                a = a << 9 | (256 if v57 is not None else 0) | v58
                                if v57 is not None:
                                    if not 0 <= v57 <= 4095:
                                        raise out_of_range("maneuver", v57, 0, 4095)
                                    a = a << 12 | v57
                            if v53 is not None:
                                if not 0 <= v53 <= 255:
                                    raise out_of_range("phaseId", v53, 0, 255)
                                a = a << 8 | v53
                            v51 = a.bit_length() - 1
                            v50 = v50 << v51 | a ^ 1 << v51
                        a = v50
                    if v43 is not None:
                        if not 1 <= len(v43) <= 9:
                            raise out_of_range("SpeedLimitList", len(v43), 1, 9)
                        a = a << 4 | (len(v43) - 1)
                        for v59 in v43:
                            v60 = v59.type
                            if 0 <= v60 <= 12:
                                a = a << 5 | v60
                            else:
                                a = write_small(v60 - 13, a << 1 | 1, "type")
                            v61 = v59.speed
                            if not 0 <= v61 <= 8191:
                                raise out_of_range("speed", v61, 0, 8191)
                            a = a << 13 | v61
                    if v44 is not None:
                        a = write_PointList(v44, a)
                    v38 = a.bit_length() - 1
                    v37 = v37 << v38 | a ^ 1 << v38
                a = v37
                v18 = a.bit_length() - 1
                v17 = v17 << v18 | a ^ 1 << v18
            a = v17
        v6 = a.bit_length() - 1
        v5 = v5 << v6 | a ^ 1 << v6
    a = v5
    return a


def read_RoadSideInformation(v: int, p: int) -> tuple[RoadSideInformation, int]:
    p -= 11
    c = (v >> p) & 2047
    o1 = c >> 7
    x2 = c & 127
    y3 = None
    if o1 & 4:
        p -= 20
        x4 = (v >> p) & 0xfffff
        if x4 > 527040:
            raise DecodeError("MinuteOfTheYear: a value is outside its range")
        y3 = x4
    p -= 128
    c = (v >> p) & 0xffffffffffffffffffffffffffffffff
    x5 = c >> 64
    o6 = (c >> 63) & 1
    x7 = (c >> 32) & 0x7fffffff
    x8 = c & 0xffffffff
    if x7 > 1800000001 or x8 > 3600000000:
        raise DecodeError("Latitude, Longitude: a value is outside its range")
    y9 = None
    if o6 & 1:
        p -= 16
        x10 = (v >> p) & 65535
        y9 = x10 - 4096
    y11 = None
    if o1 & 2:
        p -= 3
        x12 = (v >> p) & 7
        n13 = x12 + 1
        y14 = []
        for _ in range(n13):
            v &= (1 << p) - 1
            p -= 37
            c = (v >> p) & 0x1fffffffff
            o15 = c >> 28
            x16 = (c >> 20) & 255
            x17 = (c >> 4) & 65535
            x18 = c & 15
            if x18 > 5:
                if x18 < 8:
                    raise DecodeError("EventSource: a value is outside its range")
                x18, p = read_small(v, p + 3)
                x18 += 6
            y19 = None
            if o15 & 128:
                y20, p = read_PositionOffsetLLV(v, p)
                y19 = y20
            y21 = None
            if o15 & 64:
                p -= 16
                x22 = (v >> p) & 65535
                y21 = x22
            y23 = None
            if o15 & 32:
                p -= 1
                i24 = (v >> p) & 1
                if i24 == 0:
                    p -= 9
                    x26 = (v >> p) & 511
                    n27 = x26 + 1
                    y28, p = read_text(v, p, n27)
                    y25 = ("textString", y28)
                elif i24 == 1:
                    p -= 9
                    x29 = (v >> p) & 511
                    if x29 > 510:
                        raise DecodeError("textGB2312: a value is outside its range")
                    n30 = x29 + 2
                    p -= 8 * n30
                    y31 = ((v >> p) & ((1 << 8 * n30) - 1)).to_bytes(n30, "big")
                    y25 = ("textGB2312", y31)
                y23 = y25
            y32 = None
            if o15 & 16:
                p -= 3
                o33 = (v >> p) & 7
                y34 = None
                if o33 & 4:
                    p -= 20
                    x35 = (v >> p) & 0xfffff
                    if x35 > 527040:
                        raise DecodeError("MinuteOfTheYear: a value is outside its range")
                    y34 = x35
                y36 = None
                if o33 & 2:
                    p -= 20
                    x37 = (v >> p) & 0xfffff
                    if x37 > 527040:
                        raise DecodeError("MinuteOfTheYear: a value is outside its range")
                    y36 = x37
                y38 = None
                if o33 & 1:
                    p -= 6
                    x39 = (v >> p) & 63
                    if x39 > 39:
                        raise DecodeError("TimeConfidence: a value is outside its range")
                    y38 = x39
                y32 = RSITimeDetails(startTime=y34, endTime=y36, endTimeConfidence=y38)
            y40 = None
            if o15 & 8:
                p -= 8
                x41 = (v >> p) & 255
                y40 = x41.to_bytes(1, "big")
            y42 = None
            if o15 & 4:
                y43, p = read_ReferencePathList(v, p)
                y42 = y43
            y44 = None
            if o15 & 2:
                y45, p = read_ReferenceLinkList(v, p)
                y44 = y45
            y46 = None
            if o15 & 1:
                p -= 8
                x47 = (v >> p) & 255
                if x47 > 200:
                    raise DecodeError("Confidence: a value is outside its range")
                y46 = x47
            if o15 & 256:
                p = skip_additions(v, p)
            y14.append(RTEData(rteId=x16, eventType=x17, eventSource=x18, eventPos=y19, eventRadius=y21, description=y23, timeDetails=y32, priority=y40, referencePaths=y42, referenceLinks=y44, eventConfidence=y46))
        y11 = y14
    y48 = None
    if o1 & 1:
        p -= 4
        x49 = (v >> p) & 15
        n50 = x49 + 1
        y51 = []
        for _ in range(n50):
            v &= (1 << p) - 1
            p -= 31
            c = (v >> p) & 0x7fffffff
            o52 = c >> 24
            x53 = (c >> 16) & 255
            x54 = c & 65535
            y55 = None
            if o52 & 32:
                y56, p = read_PositionOffsetLLV(v, p)
                y55 = y56
            y57 = None
            if o52 & 16:
                p -= 1
                i58 = (v >> p) & 1
                if i58 == 0:
                    p -= 9
                    x60 = (v >> p) & 511
                    n61 = x60 + 1
                    y62, p = read_text(v, p, n61)
                    y59 = ("textString", y62)
                elif i58 == 1:
                    p -= 9
                    x63 = (v >> p) & 511
                    if x63 > 510:
                        raise DecodeError("textGB2312: a value is outside its range")
                    n64 = x63 + 2
                    p -= 8 * n64
                    y65 = ((v >> p) & ((1 << 8 * n64) - 1)).to_bytes(n64, "big")
                    y59 = ("textGB2312", y65)
                y57 = y59
            y66 = None
            if o52 & 8:
                p -= 3
                o67 = (v >> p) & 7
                y68 = None
                if o67 & 4:
                    p -= 20
                    x69 = (v >> p) & 0xfffff
                    if x69 > 527040:
                        raise DecodeError("MinuteOfTheYear: a value is outside its range")
                    y68 = x69
                y70 = None
                if o67 & 2:
                    p -= 20
                    x71 = (v >> p) & 0xfffff
                    if x71 > 527040:
                        raise DecodeError("MinuteOfTheYear: a value is outside its range")
                    y70 = x71
                y72 = None
                if o67 & 1:
                    p -= 6
                    x73 = (v >> p) & 63
                    if x73 > 39:
                        raise DecodeError("TimeConfidence: a value is outside its range")
                    y72 = x73
                y66 = RSITimeDetails(startTime=y68, endTime=y70, endTimeConfidence=y72)
            y74 = None
            if o52 & 4:
                p -= 8
                x75 = (v >> p) & 255
                y74 = x75.to_bytes(1, "big")
            y76 = None
            if o52 & 2:
                y77, p = read_ReferencePathList(v, p)
                y76 = y77
            y78 = None
            if o52 & 1:
                y79, p = read_ReferenceLinkList(v, p)
                y78 = y79
            if o52 & 64:
                p = skip_additions(v, p)
            y51.append(RTSData(rtsId=x53, signType=x54, signPos=y55, description=y57, timeDetails=y66, priority=y74, referencePaths=y76, referenceLinks=y78))
        y48 = y51
    if o1 & 8:
        p = skip_additions(v, p)
    return RoadSideInformation(msgCnt=x2, moy=y3, id=x5.to_bytes(8, "big"), refPos=Position3D(lat=x7 - 900000000, long=x8 - 1799999999, elevation=y9), rtes=y11, rtss=y48), p


def write_RoadSideInformation(x: RoadSideInformation, a: int) -> int:
    v1 = x.moy
    v2 = x.rtes
    v3 = x.rtss
    v4 = x.msgCnt
    if not 0 <= v4 <= 127:
        raise out_of_range("msgCnt", v4, 0, 127)
    a = a << 11 | (512 if v1 is not None else 0) | (256 if v2 is not None else 0) | (128 if v3 is not None else 0) | v4
    if v1 is not None:
        if not 0 <= v1 <= 527040:
            raise out_of_range("moy", v1, 0, 527040)
        a = a << 20 | v1
    v5 = x.id
    if not 8 <= len(v5) <= 8:
        raise out_of_range("id", len(v5), 8, 8)
    v6 = x.refPos
    v7 = v6.elevation
    v8 = v6.lat
    if not -900000000 <= v8 <= 900000001:
        raise out_of_range("lat", v8, -900000000, 900000001)
    v9 = v6.long
    if not -1799999999 <= v9 <= 1800000001:
        raise out_of_range("long", v9, -1799999999, 1800000001)
    a = a << 128 | int.from_bytes(v5, "big") << 64 | (1 << 63 if v7 is not None else 0) | (v8 + 900000000) << 32 | (v9 + 1799999999)
    if v7 is not None:
        if not -4096 <= v7 <= 61439:
            raise out_of_range("elevation", v7, -4096, 61439)
        a = a << 16 | (v7 + 4096)
    if v2 is not None:
        if not 1 <= len(v2) <= 8:
            raise out_of_range("RTEList", len(v2), 1, 8)
        a = a << 3 | (len(v2) - 1)
        v11 = a
        for v10 in v2:
            a = 1
            v13 = v10.eventPos
            v14 = v10.eventRadius
            v15 = v10.description
            v16 = v10.timeDetails
            v17 = v10.priority
            v18 = v10.referencePaths
            v19 = v10.referenceLinks
            v20 = v10.eventConfidence
            v21 = v10.rteId
            if not 0 <= v21 <= 255:
                raise out_of_range("rteId", v21, 0, 255)
            v22 = v10.eventType
            if not 0 <= v22 <= 65535:
                raise out_of_range("eventType", v22, 0, 65535)
            v23 = v10.eventSource
            a = a << 33 | (1 << 31 if v13 is not None else 0) | (1 << 30 if v14 is not None else 0) | (1 << 29 if v15 is not None else 0) | (1 << 28 if v16 is not None else 0) | (1 << 27 if v17 is not None else 0) | (1 << 26 if v18 is not None else 0) | (1 << 25 if v19 is not None else 0) | (1 << 24 if v20 is not None else 0) | v21 << 16 | v22
            if 0 <= v23 <= 5:
                a = a << 4 | v23
            else:
                a = write_small(v23 - 6, a << 1 | 1, "eventSource")
            if v13 is not None:
                a = write_PositionOffsetLLV(v13, a)
            if v14 is not None:
                if not 0 <= v14 <= 65535:
                    raise out_of_range("eventRadius", v14, 0, 65535)
                a = a << 16 | v14
            if v15 is not None:
                v24, v25 = v15
                if v24 == "textString":
                    if not 1 <= len(v25) <= 512:
                        raise out_of_range("textString", len(v25), 1, 512)
                    a = a << 10 | (len(v25) - 1)
                    a = write_text(v25, a, "textString")
                elif v24 == "textGB2312":
                    if not 2 <= len(v25) <= 512:
                        raise out_of_range("textGB2312", len(v25), 2, 512)
                    a = a << 10 | 1 << 9 | (len(v25) - 2)
                    a = a << 8 * len(v25) | int.from_bytes(v25, "big")
                else:
                    raise EncodeError(f"Description: there is no alternative {v24!r}")
            if v16 is not None:
                v26 = v16.startTime
                v27 = v16.endTime
                v28 = v16.endTimeConfidence
                a = a << 3 | (4 if v26 is not None else 0) | (2 if v27 is not None else 0) | (1 if v28 is not None else 0)
                if v26 is not None:
                    if not 0 <= v26 <= 527040:
                        raise out_of_range("startTime", v26, 0, 527040)
                    a = a << 20 | v26
                if v27 is not None:
                    if not 0 <= v27 <= 527040:
                        raise out_of_range("endTime", v27, 0, 527040)
                    a = a << 20 | v27
                if v28 is not None:
                    if not 0 <= v28 <= 39:
                        raise out_of_range("endTimeConfidence", v28, 0, 39)
                    a = a << 6 | v28
            if v17 is not None:
                if not 1 <= len(v17) <= 1:
                    raise out_of_range("priority", len(v17), 1, 1)
                a = a << 8 | int.from_bytes(v17, "big")
            if v18 is not None:
                a = write_ReferencePathList(v18, a)
            if v19 is not None:
                a = write_ReferenceLinkList(v19, a)
            if v20 is not None:
                if not 0 <= v20 <= 200:
                    raise out_of_range("eventConfidence", v20, 0, 200)
                a = a << 8 | v20
            v12 = a.bit_length() - 1
            v11 = v11 << v12 | a ^ 1 << v12
        a = v11
    if v3 is not None:
        if not 1 <= len(v3) <= 16:
            raise out_of_range("RTSList", len(v3), 1, 16)
        a = a << 4 | (len(v3) - 1)
        v30 = a
        for v29 in v3:
            a = 1
            v32 = v29.signPos
            v33 = v29.description
            v34 = v29.timeDetails
            v35 = v29.priority
            v36 = v29.referencePaths
            v37 = v29.referenceLinks
            v38 = v29.rtsId
            if not 0 <= v38 <= 255:
                raise out_of_range("rtsId", v38, 0, 255)
            v39 = v29.signType
            if not 0 <= v39 <= 65535:
                raise out_of_range("signType", v39, 0, 65535)
            a = a << 31 | (1 << 29 if v32 is not None else 0) | (1 << 28 if v33 is not None else 0) | (1 << 27 if v34 is not None else 0) | (1 << 26 if v35 is not None else 0) | (1 << 25 if v36 is not None else 0) | (1 << 24 if v37 is not None else 0) | v38 << 16 | v39
            if v32 is not None:
                a = write_PositionOffsetLLV(v32, a)
            if v33 is not None:
                v40, v41 = v33
                if v40 == "textString":
                    if not 1 <= len(v41) <= 512:
                        raise out_of_range("textString", len(v41), 1, 512)
                    a = a << 10 | (len(v41) - 1)
                    a = write_text(v41, a, "textString")
                elif v40 == "textGB2312":
                    if not 2 <= len(v41) <= 512:
                        raise out_of_range("textGB2312", len(v41), 2, 512)
                    a = a << 10 | 1 << 9 | (len(v41) - 2)
                    a = a << 8 * len(v41) | int.from_bytes(v41, "big")
                else:
                    raise EncodeError(f"Description: there is no alternative {v40!r}")
            if v34 is not None:
                v42 = v34.startTime
                v43 = v34.endTime
                v44 = v34.endTimeConfidence
                a = a << 3 | (4 if v42 is not None else 0) | (2 if v43 is not None else 0) | (1 if v44 is not None else 0)
                if v42 is not None:
                    if not 0 <= v42 <= 527040:
                        raise out_of_range("startTime", v42, 0, 527040)
                    a = a << 20 | v42
                if v43 is not None:
                    if not 0 <= v43 <= 527040:
                        raise out_of_range("endTime", v43, 0, 527040)
                    a = a << 20 | v43
                if v44 is not None:
                    if not 0 <= v44 <= 39:
                        raise out_of_range("endTimeConfidence", v44, 0, 39)
                    a = a << 6 | v44
            if v35 is not None:
                if not 1 <= len(v35) <= 1:
                    raise out_of_range("priority", len(v35), 1, 1)
                a = a << 8 | int.from_bytes(v35, "big")
            if v36 is not None:
                a = write_ReferencePathList(v36, a)
            if v37 is not None:
                a = write_ReferenceLinkList(v37, a)
            v31 = a.bit_length() - 1
            v30 = v30 << v31 | a ^ 1 << v31
        a = v30
    return a


def read_ReferencePathList(v: int, p: int) -> tuple[list[ReferencePath], int]:
    p -= 3
    x1 = (v >> p) & 7
    n2 = x1 + 1
    y3 = []
    for _ in range(n2):
        v &= (1 << p) - 1
        p -= 5
        x4 = (v >> p) & 31
        if x4 > 30:
            raise DecodeError("PathPointList: a value is outside its range")
        n5 = x4 + 2
        y6 = []
        for _ in range(n5):
            v &= (1 << p) - 1
            y7, p = read_PositionOffsetLLV(v, p)
            y6.append(y7)
        p -= 16
        x8 = (v >> p) & 65535
        y3.append(ReferencePath(activePath=y6, pathRadius=x8))
    return y3, p


def write_ReferencePathList(x: list[ReferencePath], a: int) -> int:
    if not 1 <= len(x) <= 8:
        raise out_of_range("ReferencePathList", len(x), 1, 8)
    a = a << 3 | (len(x) - 1)
    v2 = a
    for v1 in x:
        a = 1
        v4 = v1.activePath
        if not 2 <= len(v4) <= 32:
            raise out_of_range("PathPointList", len(v4), 2, 32)
        a = a << 5 | (len(v4) - 2)
        v6 = a
        for v5 in v4:
            a = 1
            a = write_PositionOffsetLLV(v5, a)
            v7 = a.bit_length() - 1
            v6 = v6 << v7 | a ^ 1 << v7
        a = v6
        v8 = v1.pathRadius
        if not 0 <= v8 <= 65535:
            raise out_of_range("pathRadius", v8, 0, 65535)
        a = a << 16 | v8
        v3 = a.bit_length() - 1
        v2 = v2 << v3 | a ^ 1 << v3
    a = v2
    return a
