"""Reads and writes messages of phase 2 of the profile r19.

Made by `proto/asn1/uper_compiler` from `proto/asn1`; not edited by hand. `read_X(v, p)` reads a value of type X from
the number `v` of which `p` bits are left; `write_X(x, a)` appends one to the number `a`, which begins with a 1.
"""
# mypy: ignore-errors

from wayside.v2x.generated.shared import (
    read_PositionOffsetLLV,
    read_ReferenceLinkList,
    write_PositionOffsetLLV,
    write_ReferenceLinkList,
)
from wayside.v2x.generated.r19 import (
    read_ReferencePathList,
    write_ReferencePathList,
)
from wayside.v2x.generated.phase2_shared import (
    read_CLPMM,
    read_NonMotorData,
    read_PathPlanning,
    read_PathPlanningPoint,
    read_Polygon,
    read_ReferenceLink,
    write_CLPMM,
    write_NonMotorData,
    write_PathPlanning,
    write_PathPlanningPoint,
    write_Polygon,
    write_ReferenceLink,
)
from wayside.v2x.generated.messages import (
    AccelerationSet4Way,
    DDateTime,
    FullPositionVector,
    MotionConfidenceSet,
    NodeReferenceID,
    ParticipantData,
    PathHistory,
    PathHistoryPoint,
    Position3D,
    PositionConfidenceSet,
    PositionalAccuracy,
    RSITimeDetails,
    RTEData,
    ReferencePath,
    UnknownAlternative,
    VehicleClassification,
    VehicleSize,
)
from wayside.v2x.generated.phase2_messages import (
    AccSet4WayConfidence,
    AngularVelocity,
    AngularVelocityConfidence,
    AttitudeConfidence,
    DetectedObstacleData,
    DetectedPTCData,
    DriveRequest,
    DriveSuggestion,
    IARData,
    LaneCoordination,
    MotorDataExtension,
    MovementEx,
    NonMotorDataExtension,
    ObjectSize,
    ObjectSizeConfidence,
    PersonalSafetyMessage,
    Planning,
    ReqClearTheWay,
    ReqLaneChange,
    ReqSensorSharing,
    ReqSignalPriority,
    RoadsideCoordination,
    SensorSharingMsg,
    VehIntentionAndRequest,
    VehicleCoordination,
)
from wayside.v2x.uper import (
    DecodeError,
    EncodeError,
    out_of_range,
    read_longer_bits,
    read_open,
    read_small,
    read_text,
    skip_additions,
    write_open,
    write_small,
    write_text,
)


def read_RoadsideCoordination(v: int, p: int) -> tuple[RoadsideCoordination, int]:
    p -= 154
    c = (v >> p) & 0x3ffffffffffffffffffffffffffffffffffffff
    o1 = c >> 151
    x2 = (c >> 144) & 127
    x3 = (c >> 80) & 0xffffffffffffffff
    x4 = (c >> 64) & 65535
    o5 = (c >> 63) & 1
    x6 = (c >> 32) & 0x7fffffff
    x7 = c & 0xffffffff
    if x6 > 1800000001 or x7 > 3600000000:
        raise DecodeError("Latitude, Longitude: a value is outside its range")
    y8 = None
    if o5 & 1:
        p -= 16
        x9 = (v >> p) & 65535
        y8 = x9 - 4096
    y10 = None
    if o1 & 2:
        p -= 4
        x11 = (v >> p) & 15
        n12 = x11 + 1
        y13 = []
        for _ in range(n12):
            v &= (1 << p) - 1
            p -= 68
            c = (v >> p) & 0xfffffffffffffffff
            o14 = c >> 64
            x15 = c & 0xffffffffffffffff
            y16 = None
            if o14 & 4:
                p -= 5
                c = (v >> p) & 31
                o17 = c >> 1
                x18 = c & 1
                if x18:
                    x18, p = read_longer_bits(v, p, 14)
                else:
                    p -= 14
                    x18 = (v >> p) & 16383
                y19 = None
                if o17 & 4:
                    p -= 16
                    x20 = (v >> p) & 65535
                    if x20 > 65534:
                        raise DecodeError("TimeOffset: a value is outside its range")
                    y19 = x20 + 1
                y21 = None
                if o17 & 2:
                    y22, p = read_ReferenceLink(v, p)
                    y21 = y22
                y23 = None
                if o17 & 1:
                    y24, p = read_ReferencePath(v, p)
                    y23 = y24
                if o17 & 8:
                    p = skip_additions(v, p)
                y16 = DriveSuggestion(suggestion=x18, lifeTime=y19, relatedLink=y21, relatedPath=y23)
            y25 = None
            if o14 & 2:
                y26, p = read_PathPlanning(v, p)
                y25 = y26
            y27 = None
            if o14 & 1:
                p -= 1
                x28 = (v >> p) & 1
                if x28:
                    x28, p = read_longer_bits(v, p, 8)
                else:
                    p -= 8
                    x28 = (v >> p) & 255
                y27 = x28
            if o14 & 8:
                p = skip_additions(v, p)
            y13.append(VehicleCoordination(vehId=x15.to_bytes(8, "big"), driveSuggestion=y16, pathGuidance=y25, info=y27))
        y10 = y13
    y29 = None
    if o1 & 1:
        p -= 3
        x30 = (v >> p) & 7
        n31 = x30 + 1
        y32 = []
        for _ in range(n31):
            v &= (1 << p) - 1
            p -= 8
            o33 = (v >> p) & 255
            y34, p = read_ReferenceLink(v, p)
            y35 = None
            if o33 & 64:
                y36, p = read_ReferencePath(v, p)
                y35 = y36
            y37 = None
            if o33 & 32:
                y38, p = read_DDateTime(v, p)
                y37 = y38
            y39 = None
            if o33 & 16:
                y40, p = read_DDateTime(v, p)
                y39 = y40
            y41 = None
            if o33 & 8:
                p -= 13
                x42 = (v >> p) & 8191
                y41 = x42
            y43 = None
            if o33 & 4:
                p -= 1
                x44 = (v >> p) & 1
                if x44:
                    x44, p = read_longer_bits(v, p, 14)
                else:
                    p -= 14
                    x44 = (v >> p) & 16383
                y43 = x44
            y45 = None
            if o33 & 2:
                p -= 1
                x46 = (v >> p) & 1
                if x46:
                    x46, p = read_longer_bits(v, p, 8)
                else:
                    p -= 8
                    x46 = (v >> p) & 255
                y45 = x46
            y47 = None
            if o33 & 1:
                p -= 1
                i48 = (v >> p) & 1
                if i48 == 0:
                    p -= 9
                    x50 = (v >> p) & 511
                    n51 = x50 + 1
                    y52, p = read_text(v, p, n51)
                    y49 = ("textString", y52)
                elif i48 == 1:
                    p -= 9
                    x53 = (v >> p) & 511
                    if x53 > 510:
                        raise DecodeError("textGB2312: a value is outside its range")
                    n54 = x53 + 2
                    p -= 8 * n54
                    y55 = ((v >> p) & ((1 << 8 * n54) - 1)).to_bytes(n54, "big")
                    y49 = ("textGB2312", y55)
                y47 = y49
            if o33 & 128:
                p = skip_additions(v, p)
            y32.append(LaneCoordination(targetLane=y34, relatedPath=y35, tBegin=y37, tEnd=y39, recommendedSpeed=y41, recommendedBehavior=y43, info=y45, description=y47))
        y29 = y32
    if o1 & 4:
        p = skip_additions(v, p)
    return RoadsideCoordination(msgCnt=x2, id=x3.to_bytes(8, "big"), secMark=x4, refPos=Position3D(lat=x6 - 900000000, long=x7 - 1799999999, elevation=y8), coordinates=y10, laneCoordinates=y29), p


def write_RoadsideCoordination(x: RoadsideCoordination, a: int) -> int:
    v1 = x.coordinates
    v2 = x.laneCoordinates
    v3 = x.msgCnt
    if not 0 <= v3 <= 127:
        raise out_of_range("msgCnt", v3, 0, 127)
    v4 = x.id
    if not 8 <= len(v4) <= 8:
        raise out_of_range("id", len(v4), 8, 8)
    v5 = x.secMark
    if not 0 <= v5 <= 65535:
        raise out_of_range("secMark", v5, 0, 65535)
    v6 = x.refPos
    v7 = v6.elevation
    v8 = v6.lat
    if not -900000000 <= v8 <= 900000001:
        raise out_of_range("lat", v8, -900000000, 900000001)
    v9 = v6.long
    if not -1799999999 <= v9 <= 1800000001:
        raise out_of_range("long", v9, -1799999999, 1800000001)
    a = a << 154 | (1 << 152 if v1 is not None else 0) | (1 << 151 if v2 is not None else 0) | v3 << 144 | int.from_bytes(v4, "big") << 80 | v5 << 64 | (1 << 63 if v7 is not None else 0) | (v8 + 900000000) << 32 | (v9 + 1799999999)
    if v7 is not None:
        if not -4096 <= v7 <= 61439:
            raise out_of_range("elevation", v7, -4096, 61439)
        a = a << 16 | (v7 + 4096)
    if v1 is not None:
        if not 1 <= len(v1) <= 16:
            raise out_of_range("VehicleCoordinationList", len(v1), 1, 16)
        a = a << 4 | (len(v1) - 1)
        v11 = a
        for v10 in v1:
            a = 1
            v13 = v10.driveSuggestion
            v14 = v10.pathGuidance
            v15 = v10.info
            v16 = v10.vehId
            if not 8 <= len(v16) <= 8:
                raise out_of_range("vehId", len(v16), 8, 8)
            a = a << 68 | (1 << 66 if v13 is not None else 0) | (1 << 65 if v14 is not None else 0) | (1 << 64 if v15 is not None else 0) | int.from_bytes(v16, "big")
            if v13 is not None:
                v17 = v13.lifeTime
                v18 = v13.relatedLink
                v19 = v13.relatedPath
                v20 = v13.suggestion
                if not 0 <= v20 <= 16383:
                    raise out_of_range("suggestion", v20, 0, 16383)
                a = a << 19 | (1 << 17 if v17 is not None else 0) | (1 << 16 if v18 is not None else 0) | (32768 if v19 is not None else 0) | v20
                if v17 is not None:
                    if not 1 <= v17 <= 65535:
                        raise out_of_range("lifeTime", v17, 1, 65535)
                    a = a << 16 | (v17 - 1)
                if v18 is not None:
                    a = write_ReferenceLink(v18, a)
                if v19 is not None:
                    a = write_ReferencePath(v19, a)
            if v14 is not None:
                a = write_PathPlanning(v14, a)
            if v15 is not None:
                if not 0 <= v15 <= 255:
                    raise out_of_range("info", v15, 0, 255)
                a = a << 9 | v15
            v12 = a.bit_length() - 1
            v11 = v11 << v12 | a ^ 1 << v12
        a = v11
    if v2 is not None:
        if not 1 <= len(v2) <= 8:
            raise out_of_range("LaneCoordinationList", len(v2), 1, 8)
        a = a << 3 | (len(v2) - 1)
        v22 = a
        for v21 in v2:
            a = 1
            v24 = v21.relatedPath
            v25 = v21.tBegin
            v26 = v21.tEnd
            v27 = v21.recommendedSpeed
            v28 = v21.recommendedBehavior
            v29 = v21.info
            v30 = v21.description
            a = a << 8 | (64 if v24 is not None else 0) | (32 if v25 is not None else 0) | (16 if v26 is not None else 0) | (8 if v27 is not None else 0) | (4 if v28 is not None else 0) | (2 if v29 is not None else 0) | (1 if v30 is not None else 0)
            a = write_ReferenceLink(v21.targetLane, a)
            if v24 is not None:
                a = write_ReferencePath(v24, a)
            if v25 is not None:
                a = write_DDateTime(v25, a)
            if v26 is not None:
                a = write_DDateTime(v26, a)
            if v27 is not None:
                if not 0 <= v27 <= 8191:
                    raise out_of_range("recommendedSpeed", v27, 0, 8191)
                a = a << 13 | v27
            if v28 is not None:
                if not 0 <= v28 <= 16383:
                    raise out_of_range("recommendedBehavior", v28, 0, 16383)
                a = a << 15 | v28
            if v29 is not None:
                if not 0 <= v29 <= 255:
                    raise out_of_range("info", v29, 0, 255)
                a = a << 9 | v29
            if v30 is not None:
                v31, v32 = v30
                if v31 == "textString":
                    if not 1 <= len(v32) <= 512:
                        raise out_of_range("textString", len(v32), 1, 512)
                    a = a << 10 | (len(v32) - 1)
                    a = write_text(v32, a, "textString")
                elif v31 == "textGB2312":
                    if not 2 <= len(v32) <= 512:
                        raise out_of_range("textGB2312", len(v32), 2, 512)
                    a = a << 10 | 1 << 9 | (len(v32) - 2)
                    a = a << 8 * len(v32) | int.from_bytes(v32, "big")
                else:
                    raise EncodeError(f"Description: there is no alternative {v31!r}")
            v23 = a.bit_length() - 1
            v22 = v22 << v23 | a ^ 1 << v23
        a = v22
    return a


def read_SensorSharingMsg(v: int, p: int) -> tuple[SensorSharingMsg, int]:
    p -= 79
    c = (v >> p) & 0x7fffffffffffffffffff
    o1 = c >> 74
    x2 = (c >> 67) & 127
    x3 = (c >> 3) & 0xffffffffffffffff
    x4 = c & 7
    if x4 > 3:
        x4, p = read_small(v, p + 2)
        x4 += 4
    p -= 80
    c = (v >> p) & 0xffffffffffffffffffff
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
    if o1 & 8:
        p -= 3
        x12 = (v >> p) & 7
        n13 = x12 + 1
        y14 = []
        for _ in range(n13):
            v &= (1 << p) - 1
            y15, p = read_Polygon(v, p)
            y14.append(y15)
        y11 = y14
    y16 = None
    if o1 & 4:
        p -= 9
        x17 = (v >> p) & 511
        n18 = x17 + 1
        y19 = []
        for _ in range(n18):
            v &= (1 << p) - 1
            p -= 22
            c = (v >> p) & 0x3fffff
            o20 = c >> 11
            o21 = (c >> 4) & 127
            x22 = c & 15
            if x22 > 4:
                if x22 < 8:
                    raise DecodeError("ParticipantType: a value is outside its range")
                x22, p = read_small(v, p + 3)
                x22 += 5
            p -= 20
            c = (v >> p) & 0xfffff
            x23 = c >> 4
            x24 = c & 15
            if x24 > 7:
                x24, p = read_small(v, p + 3)
                x24 += 8
            y25 = None
            if o21 & 32:
                p -= 64
                x26 = (v >> p) & 0xffffffffffffffff
                y25 = x26.to_bytes(8, "big")
            p -= 16
            x27 = (v >> p) & 65535
            y28, p = read_PositionOffsetLLV(v, p)
            p -= 5
            c = (v >> p) & 31
            o29 = c >> 4
            x30 = c & 15
            y31 = None
            if o29 & 1:
                p -= 4
                x32 = (v >> p) & 15
                y31 = x32
            y33 = None
            if o21 & 16:
                p -= 3
                x34 = (v >> p) & 7
                y33 = x34
            p -= 28
            c = (v >> p) & 0xfffffff
            x35 = c >> 15
            x36 = c & 32767
            if x36 > 28800:
                raise DecodeError("Heading: a value is outside its range")
            y37 = None
            if o21 & 8:
                p -= 8
                x38 = (v >> p) & 255
                if x38 > 253:
                    raise DecodeError("SteeringWheelAngle: a value is outside its range")
                y37 = x38 - 126
            y39 = None
            if o21 & 4:
                p -= 3
                o40 = (v >> p) & 7
                y41 = None
                if o40 & 4:
                    p -= 3
                    x42 = (v >> p) & 7
                    y41 = x42
                y43 = None
                if o40 & 2:
                    p -= 3
                    x44 = (v >> p) & 7
                    y43 = x44
                y45 = None
                if o40 & 1:
                    p -= 2
                    x46 = (v >> p) & 3
                    y45 = x46
                y39 = MotionConfidenceSet(speedCfd=y41, headingCfd=y43, steerCfd=y45)
            y47 = None
            if o21 & 2:
                p -= 48
                c = (v >> p) & 0xffffffffffff
                x48 = c >> 36
                x49 = (c >> 24) & 4095
                x50 = (c >> 16) & 255
                x51 = c & 65535
                if x48 > 4001 or x49 > 4001 or x50 > 254 or x51 > 65534:
                    raise DecodeError("Acceleration, VerticalAcceleration, YawRate: a value is outside its range")
                y47 = AccelerationSet4Way(long=x48 - 2000, lat=x49 - 2000, vert=x50 - 127, yaw=x51 - 32767)
            p -= 23
            c = (v >> p) & 0x7fffff
            o52 = c >> 22
            x53 = (c >> 12) & 1023
            x54 = c & 4095
            y55 = None
            if o52 & 1:
                p -= 7
                x56 = (v >> p) & 127
                y55 = x56
            y57 = None
            if o21 & 1:
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
                y57 = VehicleClassification(classification=x59, fuelType=y60)
            if o21 & 64:
                p = skip_additions(v, p)
            y62 = None
            if o20 & 512:
                p -= 9
                c = (v >> p) & 511
                o63 = c >> 8
                x64 = (c >> 4) & 15
                x65 = c & 15
                if x64 > 13 or x65 > 13:
                    raise DecodeError("SizeValueConfidence: a value is outside its range")
                y66 = None
                if o63 & 1:
                    p -= 4
                    x67 = (v >> p) & 15
                    if x67 > 13:
                        raise DecodeError("SizeValueConfidence: a value is outside its range")
                    y66 = x67
                y62 = ObjectSizeConfidence(widthConf=x64, lengthConf=x65, heightConf=y66)
            y68 = None
            if o20 & 256:
                p -= 5
                x69 = (v >> p) & 31
                if x69 > 10:
                    if x69 < 16:
                        raise DecodeError("DetectedPTCType: a value is outside its range")
                    x69, p = read_small(v, p + 4)
                    x69 += 11
                y68 = x69
            y70 = None
            if o20 & 128:
                p -= 8
                x71 = (v >> p) & 255
                if x71 > 200:
                    raise DecodeError("Confidence: a value is outside its range")
                y70 = x71
            y72 = None
            if o20 & 64:
                p -= 12
                c = (v >> p) & 4095
                x73 = c >> 9
                x74 = (c >> 6) & 7
                x75 = (c >> 3) & 7
                x76 = c & 7
                y72 = AccSet4WayConfidence(lonAccConfidence=x73, latAccConfidence=x74, vertAccConfidence=x75, yawRateCon=x76)
            y77 = None
            if o20 & 32:
                p -= 16
                x78 = (v >> p) & 65535
                if x78 > 65534:
                    raise DecodeError("TimeOffset: a value is outside its range")
                y77 = x78 + 1
            y79 = None
            if o20 & 16:
                y80, p = read_PathHistory(v, p)
                y79 = y80
            y81 = None
            if o20 & 8:
                p -= 3
                x82 = (v >> p) & 7
                n83 = x82 + 1
                y84 = []
                for _ in range(n83):
                    v &= (1 << p) - 1
                    p -= 5
                    o85 = (v >> p) & 31
                    y86 = None
                    if o85 & 8:
                        p -= 10
                        x87 = (v >> p) & 1023
                        if x87 > 601:
                            raise DecodeError("duration: a value is outside its range")
                        y86 = x87
                    y88 = None
                    if o85 & 4:
                        p -= 8
                        x89 = (v >> p) & 255
                        if x89 > 200:
                            raise DecodeError("Confidence: a value is outside its range")
                        y88 = x89
                    y90 = None
                    if o85 & 2:
                        p -= 1
                        x91 = (v >> p) & 1
                        if x91:
                            x91, p = read_longer_bits(v, p, 14)
                        else:
                            p -= 14
                            x91 = (v >> p) & 16383
                        y90 = x91
                    y92 = None
                    if o85 & 1:
                        y93, p = read_PathPlanning(v, p)
                        y92 = y93
                    if o85 & 16:
                        p = skip_additions(v, p)
                    y84.append(Planning(duration=y86, planConfidence=y88, drivingBehavior=y90, pathPlanning=y92))
                y81 = y84
            y94 = None
            if o20 & 4:
                p -= 16
                x95 = (v >> p) & 65535
                if x95 > 65534:
                    raise DecodeError("tracking: a value is outside its range")
                y94 = x95 + 1
            y96 = None
            if o20 & 2:
                y97, p = read_Polygon(v, p)
                y96 = y97
            y98 = None
            if o20 & 1:
                p -= 2
                i99 = (v >> p) & 3
                if i99 == 0:
                    p -= 6
                    o101 = (v >> p) & 63
                    y102 = None
                    if o101 & 16:
                        p -= 1
                        x103 = (v >> p) & 1
                        if x103:
                            x103, p = read_longer_bits(v, p, 9)
                        else:
                            p -= 9
                            x103 = (v >> p) & 511
                        y102 = x103
                    y104 = None
                    if o101 & 8:
                        raise DecodeError("vehAttitude: its bits are not known, nor where it ends")
                        y104 = None
                    y105 = None
                    if o101 & 4:
                        p -= 9
                        c = (v >> p) & 511
                        x106 = c >> 6
                        x107 = (c >> 3) & 7
                        x108 = c & 7
                        y105 = AttitudeConfidence(pitchConfidence=x106, rollRateConfidence=x107, yawRate=x108)
                    y109 = None
                    if o101 & 2:
                        p -= 48
                        c = (v >> p) & 0xffffffffffff
                        x110 = c >> 32
                        x111 = (c >> 16) & 65535
                        x112 = c & 65535
                        if x110 > 65534 or x111 > 65534 or x112 > 65534:
                            raise DecodeError("pitchRate, rollRate, yawRate: a value is outside its range")
                        y109 = AngularVelocity(pitchRate=x110 - 32767, rollRate=x111 - 32767, yawRate=x112 - 32767)
                    y113 = None
                    if o101 & 1:
                        p -= 9
                        c = (v >> p) & 511
                        x114 = c >> 6
                        x115 = (c >> 3) & 7
                        x116 = c & 7
                        y113 = AngularVelocityConfidence(pitchRate=x114, rollRate=x115, yawRate=x116)
                    if o101 & 32:
                        p = skip_additions(v, p)
                    y100 = ("motorExt", MotorDataExtension(lights=y102, vehAttitude=y104, vehAttitudeConfidence=y105, vehAngVel=y109, vehAngVelConfidence=y113))
                elif i99 == 1:
                    p -= 9
                    c = (v >> p) & 511
                    o117 = c >> 8
                    x118 = c & 255
                    if x118 > 200:
                        raise DecodeError("overallRadius: a value is outside its range")
                    y119, p = read_NonMotorData(v, p)
                    if o117:
                        p = skip_additions(v, p)
                    y100 = ("non-motorExt", NonMotorDataExtension(overallRadius=x118, non_motorData=y119))
                elif i99 >= 2:
                    i120, p = read_small(v, p + 1)
                    y121, p = read_open(v, p)
                    y100 = ("unknown", UnknownAlternative(index=i120, value=y121))
                else:
                    raise DecodeError("TypeRelatedExt: there is no such alternative")
                y98 = y100
            if o20 & 1024:
                p = skip_additions(v, p)
            y19.append(DetectedPTCData(ptc=ParticipantData(ptcType=x22, ptcId=x23, source=x24, id=y25, secMark=x27, pos=y28, posConfidence=PositionConfidenceSet(pos=x30, elevation=y31), transmission=y33, speed=x35, heading=x36, angle=y37, motionCfd=y39, accelSet=y47, size=VehicleSize(width=x53, length=x54, height=y55), vehicleClass=y57), objSizeConfidence=y62, detectedPTCType=y68, typeConfidence=y70, acc4WayConfidence=y72, statusDuration=y77, pathHistory=y79, planningList=y81, tracking=y94, polygon=y96, type_relatedExt=y98))
        y16 = y19
    y122 = None
    if o1 & 2:
        p -= 6
        x123 = (v >> p) & 63
        n124 = x123 + 1
        y125 = []
        for _ in range(n124):
            v &= (1 << p) - 1
            p -= 15
            c = (v >> p) & 32767
            o126 = c >> 5
            x127 = c & 31
            if x127 > 12:
                if x127 < 16:
                    raise DecodeError("ObstacleType: a value is outside its range")
                x127, p = read_small(v, p + 4)
                x127 += 13
            y128 = None
            if o126 & 256:
                p -= 8
                x129 = (v >> p) & 255
                if x129 > 200:
                    raise DecodeError("Confidence: a value is outside its range")
                y128 = x129
            p -= 20
            c = (v >> p) & 0xfffff
            x130 = c >> 4
            x131 = c & 15
            if x131 > 7:
                x131, p = read_small(v, p + 3)
                x131 += 8
            p -= 16
            x132 = (v >> p) & 65535
            y133, p = read_PositionOffsetLLV(v, p)
            p -= 5
            c = (v >> p) & 31
            o134 = c >> 4
            x135 = c & 15
            y136 = None
            if o134 & 1:
                p -= 4
                x137 = (v >> p) & 15
                y136 = x137
            p -= 13
            x138 = (v >> p) & 8191
            y139 = None
            if o126 & 128:
                p -= 3
                x140 = (v >> p) & 7
                y139 = x140
            p -= 15
            x141 = (v >> p) & 32767
            if x141 > 28800:
                raise DecodeError("Heading: a value is outside its range")
            y142 = None
            if o126 & 64:
                p -= 3
                x143 = (v >> p) & 7
                y142 = x143
            y144 = None
            if o126 & 32:
                p -= 13
                x145 = (v >> p) & 8191
                y144 = x145
            y146 = None
            if o126 & 16:
                p -= 3
                x147 = (v >> p) & 7
                y146 = x147
            y148 = None
            if o126 & 8:
                p -= 48
                c = (v >> p) & 0xffffffffffff
                x149 = c >> 36
                x150 = (c >> 24) & 4095
                x151 = (c >> 16) & 255
                x152 = c & 65535
                if x149 > 4001 or x150 > 4001 or x151 > 254 or x152 > 65534:
                    raise DecodeError("Acceleration, VerticalAcceleration, YawRate: a value is outside its range")
                y148 = AccelerationSet4Way(long=x149 - 2000, lat=x150 - 2000, vert=x151 - 127, yaw=x152 - 32767)
            p -= 21
            c = (v >> p) & 0x1fffff
            o153 = c >> 20
            x154 = (c >> 10) & 1023
            x155 = c & 1023
            y156 = None
            if o153 & 1:
                p -= 10
                x157 = (v >> p) & 1023
                y156 = x157
            y158 = None
            if o126 & 4:
                p -= 9
                c = (v >> p) & 511
                o159 = c >> 8
                x160 = (c >> 4) & 15
                x161 = c & 15
                if x160 > 13 or x161 > 13:
                    raise DecodeError("SizeValueConfidence: a value is outside its range")
                y162 = None
                if o159 & 1:
                    p -= 4
                    x163 = (v >> p) & 15
                    if x163 > 13:
                        raise DecodeError("SizeValueConfidence: a value is outside its range")
                    y162 = x163
                y158 = ObjectSizeConfidence(widthConf=x160, lengthConf=x161, heightConf=y162)
            y164 = None
            if o126 & 2:
                p -= 16
                x165 = (v >> p) & 65535
                if x165 > 65534:
                    raise DecodeError("tracking: a value is outside its range")
                y164 = x165 + 1
            y166 = None
            if o126 & 1:
                y167, p = read_Polygon(v, p)
                y166 = y167
            if o126 & 512:
                p = skip_additions(v, p)
            y125.append(DetectedObstacleData(obsType=x127, objTypeConfidence=y128, obsId=x130, source=x131, secMark=x132, pos=y133, posConfidence=PositionConfidenceSet(pos=x135, elevation=y136), speed=x138, speedCfd=y139, heading=x141, headingCfd=y142, verSpeed=y144, verSpeedConfidence=y146, accelSet=y148, size=ObjectSize(width=x154, length=x155, height=y156), objSizeConfidence=y158, tracking=y164, polygon=y166))
        y122 = y125
    y168 = None
    if o1 & 1:
        p -= 3
        x169 = (v >> p) & 7
        n170 = x169 + 1
        y171 = []
        for _ in range(n170):
            v &= (1 << p) - 1
            p -= 37
            c = (v >> p) & 0x1fffffffff
            o172 = c >> 28
            x173 = (c >> 20) & 255
            x174 = (c >> 4) & 65535
            x175 = c & 15
            if x175 > 5:
                if x175 < 8:
                    raise DecodeError("EventSource: a value is outside its range")
                x175, p = read_small(v, p + 3)
                x175 += 6
            y176 = None
            if o172 & 128:
                y177, p = read_PositionOffsetLLV(v, p)
                y176 = y177
            y178 = None
            if o172 & 64:
                p -= 16
                x179 = (v >> p) & 65535
                y178 = x179
            y180 = None
            if o172 & 32:
                p -= 1
                i181 = (v >> p) & 1
                if i181 == 0:
                    p -= 9
                    x183 = (v >> p) & 511
                    n184 = x183 + 1
                    y185, p = read_text(v, p, n184)
                    y182 = ("textString", y185)
                elif i181 == 1:
                    p -= 9
                    x186 = (v >> p) & 511
                    if x186 > 510:
                        raise DecodeError("textGB2312: a value is outside its range")
                    n187 = x186 + 2
                    p -= 8 * n187
                    y188 = ((v >> p) & ((1 << 8 * n187) - 1)).to_bytes(n187, "big")
                    y182 = ("textGB2312", y188)
                y180 = y182
            y189 = None
            if o172 & 16:
                p -= 3
                o190 = (v >> p) & 7
                y191 = None
                if o190 & 4:
                    p -= 20
                    x192 = (v >> p) & 0xfffff
                    if x192 > 527040:
                        raise DecodeError("MinuteOfTheYear: a value is outside its range")
                    y191 = x192
                y193 = None
                if o190 & 2:
                    p -= 20
                    x194 = (v >> p) & 0xfffff
                    if x194 > 527040:
                        raise DecodeError("MinuteOfTheYear: a value is outside its range")
                    y193 = x194
                y195 = None
                if o190 & 1:
                    p -= 6
                    x196 = (v >> p) & 63
                    if x196 > 39:
                        raise DecodeError("TimeConfidence: a value is outside its range")
                    y195 = x196
                y189 = RSITimeDetails(startTime=y191, endTime=y193, endTimeConfidence=y195)
            y197 = None
            if o172 & 8:
                p -= 8
                x198 = (v >> p) & 255
                y197 = x198.to_bytes(1, "big")
            y199 = None
            if o172 & 4:
                y200, p = read_ReferencePathList(v, p)
                y199 = y200
            y201 = None
            if o172 & 2:
                y202, p = read_ReferenceLinkList(v, p)
                y201 = y202
            y203 = None
            if o172 & 1:
                p -= 8
                x204 = (v >> p) & 255
                if x204 > 200:
                    raise DecodeError("Confidence: a value is outside its range")
                y203 = x204
            if o172 & 256:
                p = skip_additions(v, p)
            y171.append(RTEData(rteId=x173, eventType=x174, eventSource=x175, eventPos=y176, eventRadius=y178, description=y180, timeDetails=y189, priority=y197, referencePaths=y199, referenceLinks=y201, eventConfidence=y203))
        y168 = y171
    if o1 & 16:
        p = skip_additions(v, p)
    return SensorSharingMsg(msgCnt=x2, id=x3.to_bytes(8, "big"), equipmentType=x4, secMark=x5, sensorPos=Position3D(lat=x7 - 900000000, long=x8 - 1799999999, elevation=y9), detectedRegion=y11, participants=y16, obstacles=y122, rtes=y168), p


def write_SensorSharingMsg(x: SensorSharingMsg, a: int) -> int:
    v1 = x.detectedRegion
    v2 = x.participants
    v3 = x.obstacles
    v4 = x.rtes
    v5 = x.msgCnt
    if not 0 <= v5 <= 127:
        raise out_of_range("msgCnt", v5, 0, 127)
    v6 = x.id
    if not 8 <= len(v6) <= 8:
        raise out_of_range("id", len(v6), 8, 8)
    v7 = x.equipmentType
    a = a << 76 | (1 << 74 if v1 is not None else 0) | (1 << 73 if v2 is not None else 0) | (1 << 72 if v3 is not None else 0) | (1 << 71 if v4 is not None else 0) | v5 << 64 | int.from_bytes(v6, "big")
    if 0 <= v7 <= 3:
        a = a << 3 | v7
    else:
        a = write_small(v7 - 4, a << 1 | 1, "equipmentType")
    v8 = x.secMark
    if not 0 <= v8 <= 65535:
        raise out_of_range("secMark", v8, 0, 65535)
    v9 = x.sensorPos
    v10 = v9.elevation
    v11 = v9.lat
    if not -900000000 <= v11 <= 900000001:
        raise out_of_range("lat", v11, -900000000, 900000001)
    v12 = v9.long
    if not -1799999999 <= v12 <= 1800000001:
        raise out_of_range("long", v12, -1799999999, 1800000001)
    a = a << 80 | v8 << 64 | (1 << 63 if v10 is not None else 0) | (v11 + 900000000) << 32 | (v12 + 1799999999)
    if v10 is not None:
        if not -4096 <= v10 <= 61439:
            raise out_of_range("elevation", v10, -4096, 61439)
        a = a << 16 | (v10 + 4096)
    if v1 is not None:
        if not 1 <= len(v1) <= 8:
            raise out_of_range("DetectedRegion", len(v1), 1, 8)
        a = a << 3 | (len(v1) - 1)
        v14 = a
        for v13 in v1:
            a = 1
            a = write_Polygon(v13, a)
            v15 = a.bit_length() - 1
            v14 = v14 << v15 | a ^ 1 << v15
        a = v14
    if v2 is not None:
        if not 1 <= len(v2) <= 512:
            raise out_of_range("DetectedPTCList", len(v2), 1, 512)
        a = a << 9 | (len(v2) - 1)
        v17 = a
        for v16 in v2:
            a = 1
            v19 = v16.objSizeConfidence
            v20 = v16.detectedPTCType
            v21 = v16.typeConfidence
            v22 = v16.acc4WayConfidence
            v23 = v16.statusDuration
            v24 = v16.pathHistory
            v25 = v16.planningList
            v26 = v16.tracking
            v27 = v16.polygon
            v28 = v16.type_relatedExt
            v29 = v16.ptc
            v30 = v29.id
            v31 = v29.transmission
            v32 = v29.angle
            v33 = v29.motionCfd
            v34 = v29.accelSet
            v35 = v29.vehicleClass
            v36 = v29.ptcType
            a = a << 18 | (1 << 16 if v19 is not None else 0) | (32768 if v20 is not None else 0) | (16384 if v21 is not None else 0) | (8192 if v22 is not None else 0) | (4096 if v23 is not None else 0) | (2048 if v24 is not None else 0) | (1024 if v25 is not None else 0) | (512 if v26 is not None else 0) | (256 if v27 is not None else 0) | (128 if v28 is not None else 0) | (32 if v30 is not None else 0) | (16 if v31 is not None else 0) | (8 if v32 is not None else 0) | (4 if v33 is not None else 0) | (2 if v34 is not None else 0) | (1 if v35 is not None else 0)
            if 0 <= v36 <= 4:
                a = a << 4 | v36
            else:
                a = write_small(v36 - 5, a << 1 | 1, "ptcType")
            v37 = v29.ptcId
            if not 0 <= v37 <= 65535:
                raise out_of_range("ptcId", v37, 0, 65535)
            v38 = v29.source
            a = a << 16 | v37
            if 0 <= v38 <= 7:
                a = a << 4 | v38
            else:
                a = write_small(v38 - 8, a << 1 | 1, "source")
            if v30 is not None:
                if not 8 <= len(v30) <= 8:
                    raise out_of_range("id", len(v30), 8, 8)
                a = a << 64 | int.from_bytes(v30, "big")
            v39 = v29.secMark
            if not 0 <= v39 <= 65535:
                raise out_of_range("secMark", v39, 0, 65535)
            a = a << 16 | v39
            a = write_PositionOffsetLLV(v29.pos, a)
            v40 = v29.posConfidence
            v41 = v40.elevation
            v42 = v40.pos
            if not 0 <= v42 <= 15:
                raise out_of_range("pos", v42, 0, 15)
            a = a << 5 | (16 if v41 is not None else 0) | v42
            if v41 is not None:
                if not 0 <= v41 <= 15:
                    raise out_of_range("elevation", v41, 0, 15)
                a = a << 4 | v41
            if v31 is not None:
                if not 0 <= v31 <= 7:
                    raise out_of_range("transmission", v31, 0, 7)
                a = a << 3 | v31
            v43 = v29.speed
            if not 0 <= v43 <= 8191:
                raise out_of_range("speed", v43, 0, 8191)
            v44 = v29.heading
            if not 0 <= v44 <= 28800:
                raise out_of_range("heading", v44, 0, 28800)
            a = a << 28 | v43 << 15 | v44
            if v32 is not None:
                if not -126 <= v32 <= 127:
                    raise out_of_range("angle", v32, -126, 127)
                a = a << 8 | (v32 + 126)
            if v33 is not None:
                v45 = v33.speedCfd
                v46 = v33.headingCfd
                v47 = v33.steerCfd
                a = a << 3 | (4 if v45 is not None else 0) | (2 if v46 is not None else 0) | (1 if v47 is not None else 0)
                if v45 is not None:
                    if not 0 <= v45 <= 7:
                        raise out_of_range("speedCfd", v45, 0, 7)
                    a = a << 3 | v45
                if v46 is not None:
                    if not 0 <= v46 <= 7:
                        raise out_of_range("headingCfd", v46, 0, 7)
                    a = a << 3 | v46
                if v47 is not None:
                    if not 0 <= v47 <= 3:
                        raise out_of_range("steerCfd", v47, 0, 3)
                    a = a << 2 | v47
            if v34 is not None:
                v48 = v34.long
                if not -2000 <= v48 <= 2001:
                    raise out_of_range("long", v48, -2000, 2001)
                v49 = v34.lat
                if not -2000 <= v49 <= 2001:
                    raise out_of_range("lat", v49, -2000, 2001)
                v50 = v34.vert
                if not -127 <= v50 <= 127:
                    raise out_of_range("vert", v50, -127, 127)
                v51 = v34.yaw
                if not -32767 <= v51 <= 32767:
                    raise out_of_range("yaw", v51, -32767, 32767)
                a = a << 48 | (v48 + 2000) << 36 | (v49 + 2000) << 24 | (v50 + 127) << 16 | (v51 + 32767)
            v52 = v29.size
            v53 = v52.height
            v54 = v52.width
            if not 0 <= v54 <= 1023:
                raise out_of_range("width", v54, 0, 1023)
            v55 = v52.length
            if not 0 <= v55 <= 4095:
                raise out_of_range("length", v55, 0, 4095)
            a = a << 23 | (1 << 22 if v53 is not None else 0) | v54 << 12 | v55
            if v53 is not None:
                if not 0 <= v53 <= 127:
                    raise out_of_range("height", v53, 0, 127)
                a = a << 7 | v53
            if v35 is not None:
                v56 = v35.fuelType
                v57 = v35.classification
                if not 0 <= v57 <= 255:
                    raise out_of_range("classification", v57, 0, 255)
                a = a << 10 | (256 if v56 is not None else 0) | v57
                if v56 is not None:
                    if not 0 <= v56 <= 15:
                        raise out_of_range("fuelType", v56, 0, 15)
                    a = a << 4 | v56
            if v19 is not None:
                v58 = v19.heightConf
                v59 = v19.widthConf
                if not 0 <= v59 <= 13:
                    raise out_of_range("widthConf", v59, 0, 13)
                v60 = v19.lengthConf
                if not 0 <= v60 <= 13:
                    raise out_of_range("lengthConf", v60, 0, 13)
                a = a << 9 | (256 if v58 is not None else 0) | v59 << 4 | v60
                if v58 is not None:
                    if not 0 <= v58 <= 13:
                        raise out_of_range("heightConf", v58, 0, 13)
                    a = a << 4 | v58
            if v20 is not None:
                if 0 <= v20 <= 10:
                    a = a << 5 | v20
                else:
                    a = write_small(v20 - 11, a << 1 | 1, "detectedPTCType")
            if v21 is not None:
                if not 0 <= v21 <= 200:
                    raise out_of_range("typeConfidence", v21, 0, 200)
                a = a << 8 | v21
            if v22 is not None:
                v61 = v22.lonAccConfidence
                if not 0 <= v61 <= 7:
                    raise out_of_range("lonAccConfidence", v61, 0, 7)
                v62 = v22.latAccConfidence
                if not 0 <= v62 <= 7:
                    raise out_of_range("latAccConfidence", v62, 0, 7)
                v63 = v22.vertAccConfidence
                if not 0 <= v63 <= 7:
                    raise out_of_range("vertAccConfidence", v63, 0, 7)
                v64 = v22.yawRateCon
                if not 0 <= v64 <= 7:
                    raise out_of_range("yawRateCon", v64, 0, 7)
                a = a << 12 | v61 << 9 | v62 << 6 | v63 << 3 | v64
            if v23 is not None:
                if not 1 <= v23 <= 65535:
                    raise out_of_range("statusDuration", v23, 1, 65535)
                a = a << 16 | (v23 - 1)
            if v24 is not None:
                a = write_PathHistory(v24, a)
            if v25 is not None:
                if not 1 <= len(v25) <= 8:
                    raise out_of_range("PlanningList", len(v25), 1, 8)
                a = a << 3 | (len(v25) - 1)
                v66 = a
                for v65 in v25:
                    a = 1
                    v68 = v65.duration
                    v69 = v65.planConfidence
                    v70 = v65.drivingBehavior
                    v71 = v65.pathPlanning
                    a = a << 5 | (8 if v68 is not None else 0) | (4 if v69 is not None else 0) | (2 if v70 is not None else 0) | (1 if v71 is not None else 0)
                    if v68 is not None:
                        if not 0 <= v68 <= 601:
                            raise out_of_range("duration", v68, 0, 601)
                        a = a << 10 | v68
                    if v69 is not None:
                        if not 0 <= v69 <= 200:
                            raise out_of_range("planConfidence", v69, 0, 200)
                        a = a << 8 | v69
                    if v70 is not None:
                        if not 0 <= v70 <= 16383:
                            raise out_of_range("drivingBehavior", v70, 0, 16383)
                        a = a << 15 | v70
                    if v71 is not None:
                        a = write_PathPlanning(v71, a)
                    v67 = a.bit_length() - 1
                    v66 = v66 << v67 | a ^ 1 << v67
                a = v66
            if v26 is not None:
                if not 1 <= v26 <= 65535:
                    raise out_of_range("tracking", v26, 1, 65535)
                a = a << 16 | (v26 - 1)
            if v27 is not None:
                a = write_Polygon(v27, a)
            if v28 is not None:
                v72, v73 = v28
                if v72 == "motorExt":
                    v74 = v73.lights
                    v75 = v73.vehAttitude
                    v76 = v73.vehAttitudeConfidence
                    v77 = v73.vehAngVel
                    v78 = v73.vehAngVelConfidence
                    a = a << 8 | (16 if v74 is not None else 0) | (8 if v75 is not None else 0) | (4 if v76 is not None else 0) | (2 if v77 is not None else 0) | (1 if v78 is not None else 0)
                    if v74 is not None:
                        if not 0 <= v74 <= 511:
                            raise out_of_range("lights", v74, 0, 511)
                        a = a << 10 | v74
                    if v75 is not None:
                        raise EncodeError("vehAttitude: its bits are not known; leave it out")
                    if v76 is not None:
                        v79 = v76.pitchConfidence
                        if not 0 <= v79 <= 7:
                            raise out_of_range("pitchConfidence", v79, 0, 7)
                        v80 = v76.rollRateConfidence
                        if not 0 <= v80 <= 7:
                            raise out_of_range("rollRateConfidence", v80, 0, 7)
                        v81 = v76.yawRate
                        if not 0 <= v81 <= 7:
                            raise out_of_range("yawRate", v81, 0, 7)
                        a = a << 9 | v79 << 6 | v80 << 3 | v81
                    if v77 is not None:
                        v82 = v77.pitchRate
                        if not -32767 <= v82 <= 32767:
                            raise out_of_range("pitchRate", v82, -32767, 32767)
                        v83 = v77.rollRate
                        if not -32767 <= v83 <= 32767:
                            raise out_of_range("rollRate", v83, -32767, 32767)
                        v84 = v77.yawRate
                        if not -32767 <= v84 <= 32767:
                            raise out_of_range("yawRate", v84, -32767, 32767)
                        a = a << 48 | (v82 + 32767) << 32 | (v83 + 32767) << 16 | (v84 + 32767)
                    if v78 is not None:
                        v85 = v78.pitchRate
                        if not 0 <= v85 <= 7:
                            raise out_of_range("pitchRate", v85, 0, 7)
                        v86 = v78.rollRate
                        if not 0 <= v86 <= 7:
                            raise out_of_range("rollRate", v86, 0, 7)
                        v87 = v78.yawRate
                        if not 0 <= v87 <= 7:
                            raise out_of_range("yawRate", v87, 0, 7)
                        a = a << 9 | v85 << 6 | v86 << 3 | v87
                elif v72 == "non-motorExt":
                    v88 = v73.overallRadius
                    if not 0 <= v88 <= 200:
                        raise out_of_range("overallRadius", v88, 0, 200)
                    a = a << 11 | 1 << 9 | v88
                    a = write_NonMotorData(v73.non_motorData, a)
                elif v72 == "unknown":
                    a = write_open(v73.value, write_small(v73.index, a << 1 | 1, "TypeRelatedExt"))
                else:
                    raise EncodeError(f"TypeRelatedExt: there is no alternative {v72!r}")
            v18 = a.bit_length() - 1
            v17 = v17 << v18 | a ^ 1 << v18
        a = v17
    if v3 is not None:
        if not 1 <= len(v3) <= 64:
            raise out_of_range("DetectedObstacleList", len(v3), 1, 64)
        a = a << 6 | (len(v3) - 1)
        v90 = a
        for v89 in v3:
            a = 1
            v92 = v89.objTypeConfidence
            v93 = v89.speedCfd
            v94 = v89.headingCfd
            v95 = v89.verSpeed
            v96 = v89.verSpeedConfidence
            v97 = v89.accelSet
            v98 = v89.objSizeConfidence
            v99 = v89.tracking
            v100 = v89.polygon
            v101 = v89.obsType
            a = a << 10 | (256 if v92 is not None else 0) | (128 if v93 is not None else 0) | (64 if v94 is not None else 0) | (32 if v95 is not None else 0) | (16 if v96 is not None else 0) | (8 if v97 is not None else 0) | (4 if v98 is not None else 0) | (2 if v99 is not None else 0) | (1 if v100 is not None else 0)
            if 0 <= v101 <= 12:
                a = a << 5 | v101
            else:
                a = write_small(v101 - 13, a << 1 | 1, "obsType")
            if v92 is not None:
                if not 0 <= v92 <= 200:
                    raise out_of_range("objTypeConfidence", v92, 0, 200)
                a = a << 8 | v92
            v102 = v89.obsId
            if not 0 <= v102 <= 65535:
                raise out_of_range("obsId", v102, 0, 65535)
            v103 = v89.source
            a = a << 16 | v102
            if 0 <= v103 <= 7:
                a = a << 4 | v103
            else:
                a = write_small(v103 - 8, a << 1 | 1, "source")
            v104 = v89.secMark
            if not 0 <= v104 <= 65535:
                raise out_of_range("secMark", v104, 0, 65535)
            a = a << 16 | v104
            a = write_PositionOffsetLLV(v89.pos, a)
            v105 = v89.posConfidence
            v106 = v105.elevation
            v107 = v105.pos
            if not 0 <= v107 <= 15:
                raise out_of_range("pos", v107, 0, 15)
            a = a << 5 | (16 if v106 is not None else 0) | v107
            if v106 is not None:
                if not 0 <= v106 <= 15:
                    raise out_of_range("elevation", v106, 0, 15)
                a = a << 4 | v106
            v108 = v89.speed
            if not 0 <= v108 <= 8191:
                raise out_of_range("speed", v108, 0, 8191)
            a = a << 13 | v108
            if v93 is not None:
                if not 0 <= v93 <= 7:
                    raise out_of_range("speedCfd", v93, 0, 7)
                a = a << 3 | v93
            v109 = v89.heading
            if not 0 <= v109 <= 28800:
                raise out_of_range("heading", v109, 0, 28800)
            a = a << 15 | v109
            if v94 is not None:
                if not 0 <= v94 <= 7:
                    raise out_of_range("headingCfd", v94, 0, 7)
                a = a << 3 | v94
            if v95 is not None:
                if not 0 <= v95 <= 8191:
                    raise out_of_range("verSpeed", v95, 0, 8191)
                a = a << 13 | v95
            if v96 is not None:
                if not 0 <= v96 <= 7:
                    raise out_of_range("verSpeedConfidence", v96, 0, 7)
                a = a << 3 | v96
            if v97 is not None:
                v110 = v97.long
                if not -2000 <= v110 <= 2001:
                    raise out_of_range("long", v110, -2000, 2001)
                v111 = v97.lat
                if not -2000 <= v111 <= 2001:
                    raise out_of_range("lat", v111, -2000, 2001)
                v112 = v97.vert
                if not -127 <= v112 <= 127:
                    raise out_of_range("vert", v112, -127, 127)
                v113 = v97.yaw
                if not -32767 <= v113 <= 32767:
                    raise out_of_range("yaw", v113, -32767, 32767)
                a = a << 48 | (v110 + 2000) << 36 | (v111 + 2000) << 24 | (v112 + 127) << 16 | (v113 + 32767)
            v114 = v89.size
            v115 = v114.height
            v116 = v114.width
            if not 0 <= v116 <= 1023:
                raise out_of_range("width", v116, 0, 1023)
            v117 = v114.length
            if not 0 <= v117 <= 1023:
                raise out_of_range("length", v117, 0, 1023)
            a = a << 21 | (1 << 20 if v115 is not None else 0) | v116 << 10 | v117
            if v115 is not None:
                if not 0 <= v115 <= 1023:
                    raise out_of_range("height", v115, 0, 1023)
                a = a << 10 | v115
            if v98 is not None:
                v118 = v98.heightConf
                v119 = v98.widthConf
                if not 0 <= v119 <= 13:
                    raise out_of_range("widthConf", v119, 0, 13)
                v120 = v98.lengthConf
                if not 0 <= v120 <= 13:
                    raise out_of_range("lengthConf", v120, 0, 13)
                a = a << 9 | (256 if v118 is not None else 0) | v119 << 4 | v120
                if v118 is not None:
                    if not 0 <= v118 <= 13:
                        raise out_of_range("heightConf", v118, 0, 13)
                    a = a << 4 | v118
            if v99 is not None:
                if not 1 <= v99 <= 65535:
                    raise out_of_range("tracking", v99, 1, 65535)
                a = a << 16 | (v99 - 1)
            if v100 is not None:
                a = write_Polygon(v100, a)
            v91 = a.bit_length() - 1
            v90 = v90 << v91 | a ^ 1 << v91
        a = v90
    if v4 is not None:
        if not 1 <= len(v4) <= 8:
            raise out_of_range("RTEList", len(v4), 1, 8)
        a = a << 3 | (len(v4) - 1)
        v122 = a
        for v121 in v4:
            a = 1
            v124 = v121.eventPos
            v125 = v121.eventRadius
            v126 = v121.description
            v127 = v121.timeDetails
            v128 = v121.priority
            v129 = v121.referencePaths
            v130 = v121.referenceLinks
            v131 = v121.eventConfidence
            v132 = v121.rteId
            if not 0 <= v132 <= 255:
                raise out_of_range("rteId", v132, 0, 255)
            v133 = v121.eventType
            if not 0 <= v133 <= 65535:
                raise out_of_range("eventType", v133, 0, 65535)
            v134 = v121.eventSource
            a = a << 33 | (1 << 31 if v124 is not None else 0) | (1 << 30 if v125 is not None else 0) | (1 << 29 if v126 is not None else 0) | (1 << 28 if v127 is not None else 0) | (1 << 27 if v128 is not None else 0) | (1 << 26 if v129 is not None else 0) | (1 << 25 if v130 is not None else 0) | (1 << 24 if v131 is not None else 0) | v132 << 16 | v133
            if 0 <= v134 <= 5:
                a = a << 4 | v134
            else:
                a = write_small(v134 - 6, a << 1 | 1, "eventSource")
            if v124 is not None:
                a = write_PositionOffsetLLV(v124, a)
            if v125 is not None:
                if not 0 <= v125 <= 65535:
                    raise out_of_range("eventRadius", v125, 0, 65535)
                a = a << 16 | v125
            if v126 is not None:
                v135, v136 = v126
                if v135 == "textString":
                    if not 1 <= len(v136) <= 512:
                        raise out_of_range("textString", len(v136), 1, 512)
                    a = a << 10 | (len(v136) - 1)
                    a = write_text(v136, a, "textString")
                elif v135 == "textGB2312":
                    if not 2 <= len(v136) <= 512:
                        raise out_of_range("textGB2312", len(v136), 2, 512)
                    a = a << 10 | 1 << 9 | (len(v136) - 2)
                    a = a << 8 * len(v136) | int.from_bytes(v136, "big")
                else:
                    raise EncodeError(f"Description: there is no alternative {v135!r}")
            if v127 is not None:
                v137 = v127.startTime
                v138 = v127.endTime
                v139 = v127.endTimeConfidence
                a = a << 3 | (4 if v137 is not None else 0) | (2 if v138 is not None else 0) | (1 if v139 is not None else 0)
                if v137 is not None:
                    if not 0 <= v137 <= 527040:
                        raise out_of_range("startTime", v137, 0, 527040)
                    a = a << 20 | v137
                if v138 is not None:
                    if not 0 <= v138 <= 527040:
                        raise out_of_range("endTime", v138, 0, 527040)
                    a = a << 20 | v138
                if v139 is not None:
                    if not 0 <= v139 <= 39:
                        raise out_of_range("endTimeConfidence", v139, 0, 39)
                    a = a << 6 | v139
            if v128 is not None:
                if not 1 <= len(v128) <= 1:
                    raise out_of_range("priority", len(v128), 1, 1)
                a = a << 8 | int.from_bytes(v128, "big")
            if v129 is not None:
                a = write_ReferencePathList(v129, a)
            if v130 is not None:
                a = write_ReferenceLinkList(v130, a)
            if v131 is not None:
                if not 0 <= v131 <= 200:
                    raise out_of_range("eventConfidence", v131, 0, 200)
                a = a << 8 | v131
            v123 = a.bit_length() - 1
            v122 = v122 << v123 | a ^ 1 << v123
        a = v122
    return a


def read_VehIntentionAndRequest(v: int, p: int) -> tuple[VehIntentionAndRequest, int]:
    p -= 152
    c = (v >> p) & 0xffffffffffffffffffffffffffffffffffffff
    o1 = c >> 151
    x2 = (c >> 144) & 127
    x3 = (c >> 80) & 0xffffffffffffffff
    x4 = (c >> 64) & 65535
    o5 = (c >> 63) & 1
    x6 = (c >> 32) & 0x7fffffff
    x7 = c & 0xffffffff
    if x6 > 1800000001 or x7 > 3600000000:
        raise DecodeError("Latitude, Longitude: a value is outside its range")
    y8 = None
    if o5 & 1:
        p -= 16
        x9 = (v >> p) & 65535
        y8 = x9 - 4096
    p -= 5
    o10 = (v >> p) & 31
    y11 = None
    if o10 & 8:
        y12, p = read_PathPlanningPoint(v, p)
        y11 = y12
    y13 = None
    if o10 & 4:
        y14, p = read_PathPlanning(v, p)
        y13 = y14
    y15 = None
    if o10 & 2:
        p -= 1
        x16 = (v >> p) & 1
        if x16:
            x16, p = read_longer_bits(v, p, 14)
        else:
            p -= 14
            x16 = (v >> p) & 16383
        y15 = x16
    y17 = None
    if o10 & 1:
        p -= 3
        x18 = (v >> p) & 7
        n19 = x18 + 1
        y20 = []
        for _ in range(n19):
            v &= (1 << p) - 1
            p -= 18
            c = (v >> p) & 0x3ffff
            o21 = c >> 12
            x22 = (c >> 4) & 255
            x23 = c & 15
            if x23 > 4:
                if x23 < 8:
                    raise DecodeError("ReqStatus: a value is outside its range")
                x23, p = read_small(v, p + 3)
                x23 += 5
            y24 = None
            if o21 & 16:
                p -= 8
                x25 = (v >> p) & 255
                y24 = x25.to_bytes(1, "big")
            y26 = None
            if o21 & 8:
                p -= 64
                x27 = (v >> p) & 0xffffffffffffffff
                y26 = x27.to_bytes(8, "big")
            y28 = None
            if o21 & 4:
                p -= 64
                x29 = (v >> p) & 0xffffffffffffffff
                y28 = x29.to_bytes(8, "big")
            y30 = None
            if o21 & 2:
                p -= 4
                i31 = (v >> p) & 15
                if i31 == 0:
                    p -= 1
                    o33 = (v >> p) & 1
                    y34 = None
                    if o33 & 1:
                        p -= 16
                        x35 = (v >> p) & 65535
                        y34 = x35
                    p -= 17
                    c = (v >> p) & 0x1ffff
                    x36 = c >> 1
                    o37 = c & 1
                    y38 = None
                    if o37 & 1:
                        p -= 16
                        x39 = (v >> p) & 65535
                        y38 = x39
                    p -= 24
                    c = (v >> p) & 0xffffff
                    x40 = c >> 8
                    x41 = c & 255
                    y32 = ("laneChange", ReqLaneChange(upstreamNode=NodeReferenceID(region=y34, id=x36), downstreamNode=NodeReferenceID(region=y38, id=x40), targetLane=x41))
                elif i31 == 1:
                    p -= 4
                    c = (v >> p) & 15
                    o42 = c >> 1
                    o43 = c & 1
                    y44 = None
                    if o43 & 1:
                        p -= 16
                        x45 = (v >> p) & 65535
                        y44 = x45
                    p -= 17
                    c = (v >> p) & 0x1ffff
                    x46 = c >> 1
                    o47 = c & 1
                    y48 = None
                    if o47 & 1:
                        p -= 16
                        x49 = (v >> p) & 65535
                        y48 = x49
                    p -= 24
                    c = (v >> p) & 0xffffff
                    x50 = c >> 8
                    x51 = c & 255
                    y52 = None
                    if o42 & 4:
                        y53, p = read_ReferencePath(v, p)
                        y52 = y53
                    y54 = None
                    if o42 & 2:
                        y55, p = read_DDateTime(v, p)
                        y54 = y55
                    y56 = None
                    if o42 & 1:
                        y57, p = read_DDateTime(v, p)
                        y56 = y57
                    y32 = ("clearTheWay", ReqClearTheWay(upstreamNode=NodeReferenceID(region=y44, id=x46), downstreamNode=NodeReferenceID(region=y48, id=x50), targetLane=x51, relatedPath=y52, tBegin=y54, tEnd=y56))
                elif i31 == 2:
                    p -= 3
                    c = (v >> p) & 7
                    o58 = c >> 1
                    o59 = c & 1
                    y60 = None
                    if o59 & 1:
                        p -= 16
                        x61 = (v >> p) & 65535
                        y60 = x61
                    p -= 20
                    c = (v >> p) & 0xfffff
                    x62 = c >> 4
                    o63 = (c >> 1) & 7
                    o64 = c & 1
                    y65 = None
                    if o64 & 1:
                        p -= 16
                        x66 = (v >> p) & 65535
                        y65 = x66
                    p -= 16
                    x67 = (v >> p) & 65535
                    y68 = None
                    if o63 & 2:
                        p -= 8
                        x69 = (v >> p) & 255
                        y68 = x69
                    y70 = None
                    if o63 & 1:
                        p -= 3
                        x71 = (v >> p) & 7
                        if x71 > 3:
                            x71, p = read_small(v, p + 2)
                            x71 += 4
                        y70 = x71
                    if o63 & 4:
                        p = skip_additions(v, p)
                    y72 = None
                    if o58 & 2:
                        p -= 16
                        x73 = (v >> p) & 65535
                        if x73 > 65534:
                            raise DecodeError("TimeOffset: a value is outside its range")
                        y72 = x73 + 1
                    y74 = None
                    if o58 & 1:
                        p -= 14
                        x75 = (v >> p) & 16383
                        if x75 > 10000:
                            raise DecodeError("distance2Intersection: a value is outside its range")
                        y74 = x75
                    y32 = ("signalPriority", ReqSignalPriority(intersectionId=NodeReferenceID(region=y60, id=x62), requiredMov=MovementEx(remoteIntersection=NodeReferenceID(region=y65, id=x67), phaseId=y68, turn_direction=y70), estimatedArrivalTime=y72, distance2Intersection=y74))
                elif i31 == 3:
                    y76, p = read_ReferencePathList(v, p)
                    y32 = ("sensorSharing", ReqSensorSharing(detectArea=y76))
                elif i31 == 4:
                    raise DecodeError("parking: its bits are not known, nor where it ends")
                    y32 = ("parking", None)
                elif i31 >= 8:
                    i77, p = read_small(v, p + 3)
                    y78, p = read_open(v, p)
                    y32 = ("unknown", UnknownAlternative(index=i77, value=y78))
                else:
                    raise DecodeError("ReqInfo: there is no such alternative")
                y30 = y32
            y79 = None
            if o21 & 1:
                p -= 16
                x80 = (v >> p) & 65535
                if x80 > 65534:
                    raise DecodeError("TimeOffset: a value is outside its range")
                y79 = x80 + 1
            if o21 & 32:
                p = skip_additions(v, p)
            y20.append(DriveRequest(reqID=x22, status=x23, reqPriority=y24, targetVeh=y26, targetRSU=y28, info=y30, lifeTime=y79))
        y17 = y20
    if o10 & 16:
        p = skip_additions(v, p)
    if o1:
        p = skip_additions(v, p)
    return VehIntentionAndRequest(msgCnt=x2, id=x3.to_bytes(8, "big"), secMark=x4, refPos=Position3D(lat=x6 - 900000000, long=x7 - 1799999999, elevation=y8), intAndReq=IARData(currentPos=y11, path_Planning=y13, currentBehavior=y15, reqs=y17)), p


def write_VehIntentionAndRequest(x: VehIntentionAndRequest, a: int) -> int:
    v1 = x.msgCnt
    if not 0 <= v1 <= 127:
        raise out_of_range("msgCnt", v1, 0, 127)
    v2 = x.id
    if not 8 <= len(v2) <= 8:
        raise out_of_range("id", len(v2), 8, 8)
    v3 = x.secMark
    if not 0 <= v3 <= 65535:
        raise out_of_range("secMark", v3, 0, 65535)
    v4 = x.refPos
    v5 = v4.elevation
    v6 = v4.lat
    if not -900000000 <= v6 <= 900000001:
        raise out_of_range("lat", v6, -900000000, 900000001)
    v7 = v4.long
    if not -1799999999 <= v7 <= 1800000001:
        raise out_of_range("long", v7, -1799999999, 1800000001)
    a = a << 152 | v1 << 144 | int.from_bytes(v2, "big") << 80 | v3 << 64 | (1 << 63 if v5 is not None else 0) | (v6 + 900000000) << 32 | (v7 + 1799999999)
    if v5 is not None:
        if not -4096 <= v5 <= 61439:
            raise out_of_range("elevation", v5, -4096, 61439)
        a = a << 16 | (v5 + 4096)
    v8 = x.intAndReq
    v9 = v8.currentPos
    v10 = v8.path_Planning
    v11 = v8.currentBehavior
    v12 = v8.reqs
    a = a << 5 | (8 if v9 is not None else 0) | (4 if v10 is not None else 0) | (2 if v11 is not None else 0) | (1 if v12 is not None else 0)
    if v9 is not None:
        a = write_PathPlanningPoint(v9, a)
    if v10 is not None:
        a = write_PathPlanning(v10, a)
    if v11 is not None:
        if not 0 <= v11 <= 16383:
            raise out_of_range("currentBehavior", v11, 0, 16383)
        a = a << 15 | v11
    if v12 is not None:
        if not 1 <= len(v12) <= 8:
            raise out_of_range("DriveRequestList", len(v12), 1, 8)
        a = a << 3 | (len(v12) - 1)
        v14 = a
        for v13 in v12:
            a = 1
            v16 = v13.reqPriority
            v17 = v13.targetVeh
            v18 = v13.targetRSU
            v19 = v13.info
            v20 = v13.lifeTime
            v21 = v13.reqID
            if not 0 <= v21 <= 255:
                raise out_of_range("reqID", v21, 0, 255)
            v22 = v13.status
            a = a << 14 | (4096 if v16 is not None else 0) | (2048 if v17 is not None else 0) | (1024 if v18 is not None else 0) | (512 if v19 is not None else 0) | (256 if v20 is not None else 0) | v21
            if 0 <= v22 <= 4:
                a = a << 4 | v22
            else:
                a = write_small(v22 - 5, a << 1 | 1, "status")
            if v16 is not None:
                if not 1 <= len(v16) <= 1:
                    raise out_of_range("reqPriority", len(v16), 1, 1)
                a = a << 8 | int.from_bytes(v16, "big")
            if v17 is not None:
                if not 8 <= len(v17) <= 8:
                    raise out_of_range("targetVeh", len(v17), 8, 8)
                a = a << 64 | int.from_bytes(v17, "big")
            if v18 is not None:
                if not 8 <= len(v18) <= 8:
                    raise out_of_range("targetRSU", len(v18), 8, 8)
                a = a << 64 | int.from_bytes(v18, "big")
            if v19 is not None:
                v23, v24 = v19
                if v23 == "laneChange":
                    v25 = v24.upstreamNode
                    v26 = v25.region
                    a = a << 5 | (1 if v26 is not None else 0)
                    if v26 is not None:
                        if not 0 <= v26 <= 65535:
                            raise out_of_range("region", v26, 0, 65535)
                        a = a << 16 | v26
                    v27 = v25.id
                    if not 0 <= v27 <= 65535:
                        raise out_of_range("id", v27, 0, 65535)
                    v28 = v24.downstreamNode
                    v29 = v28.region
                    a = a << 17 | v27 << 1 | (1 if v29 is not None else 0)
                    if v29 is not None:
                        if not 0 <= v29 <= 65535:
                            raise out_of_range("region", v29, 0, 65535)
                        a = a << 16 | v29
                    v30 = v28.id
                    if not 0 <= v30 <= 65535:
                        raise out_of_range("id", v30, 0, 65535)
                    v31 = v24.targetLane
                    if not 0 <= v31 <= 255:
                        raise out_of_range("targetLane", v31, 0, 255)
                    a = a << 24 | v30 << 8 | v31
                elif v23 == "clearTheWay":
                    v32 = v24.relatedPath
                    v33 = v24.tBegin
                    v34 = v24.tEnd
                    v35 = v24.upstreamNode
                    v36 = v35.region
                    a = a << 8 | 1 << 4 | (8 if v32 is not None else 0) | (4 if v33 is not None else 0) | (2 if v34 is not None else 0) | (1 if v36 is not None else 0)
                    if v36 is not None:
                        if not 0 <= v36 <= 65535:
                            raise out_of_range("region", v36, 0, 65535)
                        a = a << 16 | v36
                    v37 = v35.id
                    if not 0 <= v37 <= 65535:
                        raise out_of_range("id", v37, 0, 65535)
                    v38 = v24.downstreamNode
                    v39 = v38.region
                    a = a << 17 | v37 << 1 | (1 if v39 is not None else 0)
                    if v39 is not None:
                        if not 0 <= v39 <= 65535:
                            raise out_of_range("region", v39, 0, 65535)
                        a = a << 16 | v39
                    v40 = v38.id
                    if not 0 <= v40 <= 65535:
                        raise out_of_range("id", v40, 0, 65535)
                    v41 = v24.targetLane
                    if not 0 <= v41 <= 255:
                        raise out_of_range("targetLane", v41, 0, 255)
                    a = a << 24 | v40 << 8 | v41
                    if v32 is not None:
                        a = write_ReferencePath(v32, a)
                    if v33 is not None:
                        a = write_DDateTime(v33, a)
                    if v34 is not None:
                        a = write_DDateTime(v34, a)
                elif v23 == "signalPriority":
                    v42 = v24.estimatedArrivalTime
                    v43 = v24.distance2Intersection
                    v44 = v24.intersectionId
                    v45 = v44.region
                    a = a << 7 | 2 << 3 | (4 if v42 is not None else 0) | (2 if v43 is not None else 0) | (1 if v45 is not None else 0)
                    if v45 is not None:
                        if not 0 <= v45 <= 65535:
                            raise out_of_range("region", v45, 0, 65535)
                        a = a << 16 | v45
                    v46 = v44.id
                    if not 0 <= v46 <= 65535:
                        raise out_of_range("id", v46, 0, 65535)
                    v47 = v24.requiredMov
                    v48 = v47.phaseId
                    v49 = v47.turn_direction
                    v50 = v47.remoteIntersection
                    v51 = v50.region
                    a = a << 20 | v46 << 4 | (4 if v48 is not None else 0) | (2 if v49 is not None else 0) | (1 if v51 is not None else 0)
                    if v51 is not None:
                        if not 0 <= v51 <= 65535:
                            raise out_of_range("region", v51, 0, 65535)
                        a = a << 16 | v51
                    v52 = v50.id
                    if not 0 <= v52 <= 65535:
                        raise out_of_range("id", v52, 0, 65535)
                    a = a << 16 | v52
                    if v48 is not None:
                        if not 0 <= v48 <= 255:
                            raise out_of_range("phaseId", v48, 0, 255)
                        a = a << 8 | v48
                    if v49 is not None:
                        if 0 <= v49 <= 3:
                            a = a << 3 | v49
                        else:
                            a = write_small(v49 - 4, a << 1 | 1, "turn-direction")
                    if v42 is not None:
                        if not 1 <= v42 <= 65535:
                            raise out_of_range("estimatedArrivalTime", v42, 1, 65535)
                        a = a << 16 | (v42 - 1)
                    if v43 is not None:
                        if not 0 <= v43 <= 10000:
                            raise out_of_range("distance2Intersection", v43, 0, 10000)
                        a = a << 14 | v43
                elif v23 == "sensorSharing":
                    a = a << 4 | 3
                    a = write_ReferencePathList(v24.detectArea, a)
                elif v23 == "parking":
                    a = a << 4 | 4
                    raise EncodeError("parking: its bits are not known; leave it out")
                elif v23 == "unknown":
                    a = write_open(v24.value, write_small(v24.index, a << 1 | 1, "ReqInfo"))
                else:
                    raise EncodeError(f"ReqInfo: there is no alternative {v23!r}")
            if v20 is not None:
                if not 1 <= v20 <= 65535:
                    raise out_of_range("lifeTime", v20, 1, 65535)
                a = a << 16 | (v20 - 1)
            v15 = a.bit_length() - 1
            v14 = v14 << v15 | a ^ 1 << v15
        a = v14
    return a


def read_PersonalSafetyMessage(v: int, p: int) -> tuple[PersonalSafetyMessage, int]:
    p -= 92
    c = (v >> p) & 0xfffffffffffffffffffffff
    o1 = c >> 87
    x2 = (c >> 80) & 127
    x3 = (c >> 16) & 0xffffffffffffffff
    x4 = c & 65535
    y5 = None
    if o1 & 8:
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
    p -= 60
    c = (v >> p) & 0xfffffffffffffff
    x12 = c >> 52
    x13 = (c >> 44) & 255
    x14 = (c >> 28) & 65535
    x15 = (c >> 15) & 8191
    x16 = c & 32767
    if x16 > 28800:
        raise DecodeError("Heading: a value is outside its range")
    y17 = None
    if o1 & 4:
        p -= 48
        c = (v >> p) & 0xffffffffffff
        x18 = c >> 36
        x19 = (c >> 24) & 4095
        x20 = (c >> 16) & 255
        x21 = c & 65535
        if x18 > 4001 or x19 > 4001 or x20 > 254 or x21 > 65534:
            raise DecodeError("Acceleration, VerticalAcceleration, YawRate: a value is outside its range")
        y17 = AccelerationSet4Way(long=x18 - 2000, lat=x19 - 2000, vert=x20 - 127, yaw=x21 - 32767)
    y22 = None
    if o1 & 2:
        y23, p = read_PathHistory(v, p)
        y22 = y23
    y24 = None
    if o1 & 1:
        y25, p = read_PathPlanning(v, p)
        y24 = y25
    p -= 8
    x26 = (v >> p) & 255
    if x26 > 200:
        raise DecodeError("overallRadius: a value is outside its range")
    y27, p = read_NonMotorData(v, p)
    if o1 & 16:
        p = skip_additions(v, p)
    return PersonalSafetyMessage(msgCnt=x2, id=x3.to_bytes(8, "big"), secMark=x4, timeConfidence=y5, pos=Position3D(lat=x8 - 900000000, long=x9 - 1799999999, elevation=y10), posAccuracy=PositionalAccuracy(semiMajor=x12, semiMinor=x13, orientation=x14), speed=x15, heading=x16, accelSet=y17, pathHistory=y22, path_Planning=y24, overallRadius=x26, non_motorData=y27), p


def write_PersonalSafetyMessage(x: PersonalSafetyMessage, a: int) -> int:
    v1 = x.timeConfidence
    v2 = x.accelSet
    v3 = x.pathHistory
    v4 = x.path_Planning
    v5 = x.msgCnt
    if not 0 <= v5 <= 127:
        raise out_of_range("msgCnt", v5, 0, 127)
    v6 = x.id
    if not 8 <= len(v6) <= 8:
        raise out_of_range("id", len(v6), 8, 8)
    v7 = x.secMark
    if not 0 <= v7 <= 65535:
        raise out_of_range("secMark", v7, 0, 65535)
    a = a << 92 | (1 << 90 if v1 is not None else 0) | (1 << 89 if v2 is not None else 0) | (1 << 88 if v3 is not None else 0) | (1 << 87 if v4 is not None else 0) | v5 << 80 | int.from_bytes(v6, "big") << 16 | v7
    if v1 is not None:
        if not 0 <= v1 <= 39:
            raise out_of_range("timeConfidence", v1, 0, 39)
        a = a << 6 | v1
    v8 = x.pos
    v9 = v8.elevation
    v10 = v8.lat
    if not -900000000 <= v10 <= 900000001:
        raise out_of_range("lat", v10, -900000000, 900000001)
    v11 = v8.long
    if not -1799999999 <= v11 <= 1800000001:
        raise out_of_range("long", v11, -1799999999, 1800000001)
    a = a << 64 | (1 << 63 if v9 is not None else 0) | (v10 + 900000000) << 32 | (v11 + 1799999999)
    if v9 is not None:
        if not -4096 <= v9 <= 61439:
            raise out_of_range("elevation", v9, -4096, 61439)
        a = a << 16 | (v9 + 4096)
    v12 = x.posAccuracy
    v13 = v12.semiMajor
    if not 0 <= v13 <= 255:
        raise out_of_range("semiMajor", v13, 0, 255)
    v14 = v12.semiMinor
    if not 0 <= v14 <= 255:
        raise out_of_range("semiMinor", v14, 0, 255)
    v15 = v12.orientation
    if not 0 <= v15 <= 65535:
        raise out_of_range("orientation", v15, 0, 65535)
    v16 = x.speed
    if not 0 <= v16 <= 8191:
        raise out_of_range("speed", v16, 0, 8191)
    v17 = x.heading
    if not 0 <= v17 <= 28800:
        raise out_of_range("heading", v17, 0, 28800)
    a = a << 60 | v13 << 52 | v14 << 44 | v15 << 28 | v16 << 15 | v17
    if v2 is not None:
        v18 = v2.long
        if not -2000 <= v18 <= 2001:
            raise out_of_range("long", v18, -2000, 2001)
        v19 = v2.lat
        if not -2000 <= v19 <= 2001:
            raise out_of_range("lat", v19, -2000, 2001)
        v20 = v2.vert
        if not -127 <= v20 <= 127:
            raise out_of_range("vert", v20, -127, 127)
        v21 = v2.yaw
        if not -32767 <= v21 <= 32767:
            raise out_of_range("yaw", v21, -32767, 32767)
        a = a << 48 | (v18 + 2000) << 36 | (v19 + 2000) << 24 | (v20 + 127) << 16 | (v21 + 32767)
    if v3 is not None:
        a = write_PathHistory(v3, a)
    if v4 is not None:
        a = write_PathPlanning(v4, a)
    v22 = x.overallRadius
    if not 0 <= v22 <= 200:
        raise out_of_range("overallRadius", v22, 0, 200)
    a = a << 8 | v22
    a = write_NonMotorData(x.non_motorData, a)
    return a


def read_PathHistory(v: int, p: int) -> tuple[PathHistory, int]:
    p -= 3
    o1 = (v >> p) & 7
    y2 = None
    if o1 & 2:
        p -= 9
        o3 = (v >> p) & 511
        y4 = None
        if o3 & 128:
            y5, p = read_DDateTime(v, p)
            y4 = y5
        p -= 64
        c = (v >> p) & 0xffffffffffffffff
        o6 = c >> 63
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
        if o3 & 64:
            p -= 15
            x12 = (v >> p) & 32767
            if x12 > 28800:
                raise DecodeError("Heading: a value is outside its range")
            y11 = x12
        y13 = None
        if o3 & 32:
            p -= 3
            x14 = (v >> p) & 7
            y13 = x14
        y15 = None
        if o3 & 16:
            p -= 13
            x16 = (v >> p) & 8191
            y15 = x16
        y17 = None
        if o3 & 8:
            p -= 32
            c = (v >> p) & 0xffffffff
            x18 = c >> 24
            x19 = (c >> 16) & 255
            x20 = c & 65535
            y17 = PositionalAccuracy(semiMajor=x18, semiMinor=x19, orientation=x20)
        y21 = None
        if o3 & 4:
            p -= 5
            c = (v >> p) & 31
            o22 = c >> 4
            x23 = c & 15
            y24 = None
            if o22 & 1:
                p -= 4
                x25 = (v >> p) & 15
                y24 = x25
            y21 = PositionConfidenceSet(pos=x23, elevation=y24)
        y26 = None
        if o3 & 2:
            p -= 6
            x27 = (v >> p) & 63
            if x27 > 39:
                raise DecodeError("TimeConfidence: a value is outside its range")
            y26 = x27
        y28 = None
        if o3 & 1:
            p -= 3
            o29 = (v >> p) & 7
            y30 = None
            if o29 & 4:
                p -= 3
                x31 = (v >> p) & 7
                y30 = x31
            y32 = None
            if o29 & 2:
                p -= 3
                x33 = (v >> p) & 7
                y32 = x33
            y34 = None
            if o29 & 1:
                p -= 2
                x35 = (v >> p) & 3
                y34 = x35
            y28 = MotionConfidenceSet(speedCfd=y30, headingCfd=y32, steerCfd=y34)
        if o3 & 256:
            p = skip_additions(v, p)
        y2 = FullPositionVector(utcTime=y4, pos=Position3D(lat=x7 - 900000000, long=x8 - 1799999999, elevation=y9), heading=y11, transmission=y13, speed=y15, posAccuracy=y17, posConficence=y21, timeConfidence=y26, motionCfd=y28)
    y36 = None
    if o1 & 1:
        p -= 8
        x37 = (v >> p) & 255
        y36 = x37
    p -= 5
    x38 = (v >> p) & 31
    if x38 > 22:
        raise DecodeError("PathHistoryPointList: a value is outside its range")
    n39 = x38 + 1
    y40 = []
    for _ in range(n39):
        v &= (1 << p) - 1
        p -= 4
        o41 = (v >> p) & 15
        y42, p = read_PositionOffsetLLV(v, p)
        p -= 16
        x43 = (v >> p) & 65535
        if x43 > 65534:
            raise DecodeError("TimeOffset: a value is outside its range")
        y44 = None
        if o41 & 4:
            p -= 13
            x45 = (v >> p) & 8191
            y44 = x45
        y46 = None
        if o41 & 2:
            p -= 5
            c = (v >> p) & 31
            o47 = c >> 4
            x48 = c & 15
            y49 = None
            if o47 & 1:
                p -= 4
                x50 = (v >> p) & 15
                y49 = x50
            y46 = PositionConfidenceSet(pos=x48, elevation=y49)
        y51 = None
        if o41 & 1:
            p -= 8
            x52 = (v >> p) & 255
            if x52 > 240:
                raise DecodeError("CoarseHeading: a value is outside its range")
            y51 = x52
        if o41 & 8:
            p = skip_additions(v, p)
        y40.append(PathHistoryPoint(llvOffset=y42, timeOffset=x43 + 1, speed=y44, posAccuracy=y46, heading=y51))
    if o1 & 4:
        p = skip_additions(v, p)
    return PathHistory(initialPosition=y2, currGNSSstatus=y36, crumbData=y40), p


def write_PathHistory(x: PathHistory, a: int) -> int:
    v1 = x.initialPosition
    v2 = x.currGNSSstatus
    a = a << 3 | (2 if v1 is not None else 0) | (1 if v2 is not None else 0)
    if v1 is not None:
        v3 = v1.utcTime
        v4 = v1.heading
        v5 = v1.transmission
        v6 = v1.speed
        v7 = v1.posAccuracy
        v8 = v1.posConficence
        v9 = v1.timeConfidence
        v10 = v1.motionCfd
        a = a << 9 | (128 if v3 is not None else 0) | (64 if v4 is not None else 0) | (32 if v5 is not None else 0) | (16 if v6 is not None else 0) | (8 if v7 is not None else 0) | (4 if v8 is not None else 0) | (2 if v9 is not None else 0) | (1 if v10 is not None else 0)
        if v3 is not None:
            a = write_DDateTime(v3, a)
        v11 = v1.pos
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
        if v4 is not None:
            if not 0 <= v4 <= 28800:
                raise out_of_range("heading", v4, 0, 28800)
            a = a << 15 | v4
        if v5 is not None:
            if not 0 <= v5 <= 7:
                raise out_of_range("transmission", v5, 0, 7)
            a = a << 3 | v5
        if v6 is not None:
            if not 0 <= v6 <= 8191:
                raise out_of_range("speed", v6, 0, 8191)
            a = a << 13 | v6
        if v7 is not None:
            v15 = v7.semiMajor
            if not 0 <= v15 <= 255:
                raise out_of_range("semiMajor", v15, 0, 255)
            v16 = v7.semiMinor
            if not 0 <= v16 <= 255:
                raise out_of_range("semiMinor", v16, 0, 255)
            v17 = v7.orientation
            if not 0 <= v17 <= 65535:
                raise out_of_range("orientation", v17, 0, 65535)
            a = a << 32 | v15 << 24 | v16 << 16 | v17
        if v8 is not None:
            v18 = v8.elevation
            v19 = v8.pos
            if not 0 <= v19 <= 15:
                raise out_of_range("pos", v19, 0, 15)
            a = a << 5 | (16 if v18 is not None else 0) | v19
            if v18 is not None:
                if not 0 <= v18 <= 15:
                    raise out_of_range("elevation", v18, 0, 15)
                a = a << 4 | v18
        if v9 is not None:
            if not 0 <= v9 <= 39:
                raise out_of_range("timeConfidence", v9, 0, 39)
            a = a << 6 | v9
        if v10 is not None:
            v20 = v10.speedCfd
            v21 = v10.headingCfd
            v22 = v10.steerCfd
            a = a << 3 | (4 if v20 is not None else 0) | (2 if v21 is not None else 0) | (1 if v22 is not None else 0)
            if v20 is not None:
                if not 0 <= v20 <= 7:
                    raise out_of_range("speedCfd", v20, 0, 7)
                a = a << 3 | v20
            if v21 is not None:
                if not 0 <= v21 <= 7:
                    raise out_of_range("headingCfd", v21, 0, 7)
                a = a << 3 | v21
            if v22 is not None:
                if not 0 <= v22 <= 3:
                    raise out_of_range("steerCfd", v22, 0, 3)
                a = a << 2 | v22
    if v2 is not None:
        if not 0 <= v2 <= 255:
            raise out_of_range("currGNSSstatus", v2, 0, 255)
        a = a << 8 | v2
    v23 = x.crumbData
    if not 1 <= len(v23) <= 23:
        raise out_of_range("PathHistoryPointList", len(v23), 1, 23)
    a = a << 5 | (len(v23) - 1)
    v25 = a
    for v24 in v23:
        a = 1
        v27 = v24.speed
        v28 = v24.posAccuracy
        v29 = v24.heading
        a = a << 4 | (4 if v27 is not None else 0) | (2 if v28 is not None else 0) | (1 if v29 is not None else 0)
        a = write_PositionOffsetLLV(v24.llvOffset, a)
        v30 = v24.timeOffset
        if not 1 <= v30 <= 65535:
            raise out_of_range("timeOffset", v30, 1, 65535)
        a = a << 16 | (v30 - 1)
        if v27 is not None:
            if not 0 <= v27 <= 8191:
                raise out_of_range("speed", v27, 0, 8191)
            a = a << 13 | v27
        if v28 is not None:
            v31 = v28.elevation
            v32 = v28.pos
            if not 0 <= v32 <= 15:
                raise out_of_range("pos", v32, 0, 15)
            a = a << 5 | (16 if v31 is not None else 0) | v32
            if v31 is not None:
                if not 0 <= v31 <= 15:
                    raise out_of_range("elevation", v31, 0, 15)
                a = a << 4 | v31
        if v29 is not None:
            if not 0 <= v29 <= 240:
                raise out_of_range("heading", v29, 0, 240)
            a = a << 8 | v29
        v26 = a.bit_length() - 1
        v25 = v25 << v26 | a ^ 1 << v26
    a = v25
    return a


def read_ReferencePath(v: int, p: int) -> tuple[ReferencePath, int]:
    p -= 5
    x1 = (v >> p) & 31
    n2 = x1 + 1
    y3 = []
    for _ in range(n2):
        v &= (1 << p) - 1
        y4, p = read_PositionOffsetLLV(v, p)
        y3.append(y4)
    p -= 16
    x5 = (v >> p) & 65535
    return ReferencePath(activePath=y3, pathRadius=x5), p


def write_ReferencePath(x: ReferencePath, a: int) -> int:
    v1 = x.activePath
    if not 1 <= len(v1) <= 32:
        raise out_of_range("PathPointList", len(v1), 1, 32)
    a = a << 5 | (len(v1) - 1)
    v3 = a
    for v2 in v1:
        a = 1
        a = write_PositionOffsetLLV(v2, a)
        v4 = a.bit_length() - 1
        v3 = v3 << v4 | a ^ 1 << v4
    a = v3
    v5 = x.pathRadius
    if not 0 <= v5 <= 65535:
        raise out_of_range("pathRadius", v5, 0, 65535)
    a = a << 16 | v5
    return a


def read_DDateTime(v: int, p: int) -> tuple[DDateTime, int]:
    p -= 7
    o1 = (v >> p) & 127
    y2 = None
    if o1 & 64:
        p -= 12
        x3 = (v >> p) & 4095
        y2 = x3
    y4 = None
    if o1 & 32:
        p -= 4
        x5 = (v >> p) & 15
        if x5 > 12:
            raise DecodeError("DMonth: a value is outside its range")
        y4 = x5
    y6 = None
    if o1 & 16:
        p -= 5
        x7 = (v >> p) & 31
        y6 = x7
    y8 = None
    if o1 & 8:
        p -= 5
        x9 = (v >> p) & 31
        if x9 > 24:
            raise DecodeError("DHour: a value is outside its range")
        y8 = x9
    y10 = None
    if o1 & 4:
        p -= 6
        x11 = (v >> p) & 63
        if x11 > 60:
            raise DecodeError("DMinute: a value is outside its range")
        y10 = x11
    y12 = None
    if o1 & 2:
        p -= 16
        x13 = (v >> p) & 65535
        y12 = x13
    y14 = None
    if o1 & 1:
        p -= 11
        x15 = (v >> p) & 2047
        if x15 > 1441:
            raise DecodeError("DTimeOffset: a value is outside its range")
        y14 = x15 - 720
    return DDateTime(year=y2, month=y4, day=y6, hour=y8, minute=y10, second=y12, offset=y14), p


def write_DDateTime(x: DDateTime, a: int) -> int:
    v1 = x.year
    v2 = x.month
    v3 = x.day
    v4 = x.hour
    v5 = x.minute
    v6 = x.second
    v7 = x.offset
    a = a << 7 | (64 if v1 is not None else 0) | (32 if v2 is not None else 0) | (16 if v3 is not None else 0) | (8 if v4 is not None else 0) | (4 if v5 is not None else 0) | (2 if v6 is not None else 0) | (1 if v7 is not None else 0)
    if v1 is not None:
        if not 0 <= v1 <= 4095:
            raise out_of_range("year", v1, 0, 4095)
        a = a << 12 | v1
    if v2 is not None:
        if not 0 <= v2 <= 12:
            raise out_of_range("month", v2, 0, 12)
        a = a << 4 | v2
    if v3 is not None:
        if not 0 <= v3 <= 31:
            raise out_of_range("day", v3, 0, 31)
        a = a << 5 | v3
    if v4 is not None:
        if not 0 <= v4 <= 24:
            raise out_of_range("hour", v4, 0, 24)
        a = a << 5 | v4
    if v5 is not None:
        if not 0 <= v5 <= 60:
            raise out_of_range("minute", v5, 0, 60)
        a = a << 6 | v5
    if v6 is not None:
        if not 0 <= v6 <= 65535:
            raise out_of_range("second", v6, 0, 65535)
        a = a << 16 | v6
    if v7 is not None:
        if not -720 <= v7 <= 721:
            raise out_of_range("offset", v7, -720, 721)
        a = a << 11 | (v7 + 720)
    return a


READ = {
    11: read_RoadsideCoordination,
    12: read_SensorSharingMsg,
    13: read_VehIntentionAndRequest,
    15: read_PersonalSafetyMessage,
    16: read_CLPMM,
}

WRITE = {
    11: write_RoadsideCoordination,
    12: write_SensorSharingMsg,
    13: write_VehIntentionAndRequest,
    15: write_PersonalSafetyMessage,
    16: write_CLPMM,
}
