"""Reads and writes messages that are the same bits in every profile.

Made by `proto/asn1/uper_compiler` from `proto/asn1`; not edited by hand. `read_X(v, p)` reads a value of type X from
the number `v` of which `p` bits are left; `write_X(x, a)` appends one to the number `a`, which begins with a 1.
"""
# mypy: ignore-errors

from wayside.v2x.generated.messages import (
    AccelerationSet4Way,
    IntersectionState,
    MessageFrameExt,
    MotionConfidenceSet,
    NodeReferenceID,
    ParticipantData,
    Phase,
    PhaseState,
    Position3D,
    PositionConfidenceSet,
    PositionLL24B,
    PositionLL28B,
    PositionLL32B,
    PositionLL36B,
    PositionLL44B,
    PositionLL48B,
    PositionLLmD64b,
    PositionOffsetLLV,
    ReferenceLink,
    RoadPoint,
    RoadsideSafetyMessage,
    SPAT,
    TimeCountingDown,
    UTCTiming,
    UnknownAlternative,
    VehicleClassification,
    VehicleSize,
)
from wayside.v2x.uper import (
    DecodeError,
    EncodeError,
    out_of_range,
    read_open,
    read_small,
    read_text,
    skip_additions,
    write_open,
    write_small,
    write_text,
)


def read_RoadsideSafetyMessage(v: int, p: int) -> tuple[RoadsideSafetyMessage, int]:
    p -= 136
    c = (v >> p) & 0xffffffffffffffffffffffffffffffffff
    o1 = c >> 135
    x2 = (c >> 128) & 127
    x3 = (c >> 64) & 0xffffffffffffffff
    o4 = (c >> 63) & 1
    x5 = (c >> 32) & 0x7fffffff
    x6 = c & 0xffffffff
    if x5 > 1800000001 or x6 > 3600000000:
        raise DecodeError("Latitude, Longitude: a value is outside its range")
    y7 = None
    if o4 & 1:
        p -= 16
        x8 = (v >> p) & 65535
        y7 = x8 - 4096
    p -= 4
    x9 = (v >> p) & 15
    n10 = x9 + 1
    y11 = []
    for _ in range(n10):
        v &= (1 << p) - 1
        p -= 11
        c = (v >> p) & 2047
        o12 = c >> 4
        x13 = c & 15
        if x13 > 4:
            if x13 < 8:
                raise DecodeError("ParticipantType: a value is outside its range")
            x13, p = read_small(v, p + 3)
            x13 += 5
        p -= 20
        c = (v >> p) & 0xfffff
        x14 = c >> 4
        x15 = c & 15
        if x15 > 7:
            x15, p = read_small(v, p + 3)
            x15 += 8
        y16 = None
        if o12 & 32:
            p -= 64
            x17 = (v >> p) & 0xffffffffffffffff
            y16 = x17.to_bytes(8, "big")
        p -= 16
        x18 = (v >> p) & 65535
        y19, p = read_PositionOffsetLLV(v, p)
        p -= 5
        c = (v >> p) & 31
        o20 = c >> 4
        x21 = c & 15
        y22 = None
        if o20 & 1:
            p -= 4
            x23 = (v >> p) & 15
            y22 = x23
        y24 = None
        if o12 & 16:
            p -= 3
            x25 = (v >> p) & 7
            y24 = x25
        p -= 28
        c = (v >> p) & 0xfffffff
        x26 = c >> 15
        x27 = c & 32767
        if x27 > 28800:
            raise DecodeError("Heading: a value is outside its range")
        y28 = None
        if o12 & 8:
            p -= 8
            x29 = (v >> p) & 255
            if x29 > 253:
                raise DecodeError("SteeringWheelAngle: a value is outside its range")
            y28 = x29 - 126
        y30 = None
        if o12 & 4:
            p -= 3
            o31 = (v >> p) & 7
            y32 = None
            if o31 & 4:
                p -= 3
                x33 = (v >> p) & 7
                y32 = x33
            y34 = None
            if o31 & 2:
                p -= 3
                x35 = (v >> p) & 7
                y34 = x35
            y36 = None
            if o31 & 1:
                p -= 2
                x37 = (v >> p) & 3
                y36 = x37
            y30 = MotionConfidenceSet(speedCfd=y32, headingCfd=y34, steerCfd=y36)
        y38 = None
        if o12 & 2:
            p -= 48
            c = (v >> p) & 0xffffffffffff
            x39 = c >> 36
            x40 = (c >> 24) & 4095
            x41 = (c >> 16) & 255
            x42 = c & 65535
            if x39 > 4001 or x40 > 4001 or x41 > 254 or x42 > 65534:
                raise DecodeError("Acceleration, VerticalAcceleration, YawRate: a value is outside its range")
            y38 = AccelerationSet4Way(long=x39 - 2000, lat=x40 - 2000, vert=x41 - 127, yaw=x42 - 32767)
        p -= 23
        c = (v >> p) & 0x7fffff
        o43 = c >> 22
        x44 = (c >> 12) & 1023
        x45 = c & 4095
        y46 = None
        if o43 & 1:
            p -= 7
            x47 = (v >> p) & 127
            y46 = x47
        y48 = None
        if o12 & 1:
            p -= 10
            c = (v >> p) & 1023
            o49 = c >> 8
            x50 = c & 255
            y51 = None
            if o49 & 1:
                p -= 4
                x52 = (v >> p) & 15
                y51 = x52
            if o49 & 2:
                p = skip_additions(v, p)
            y48 = VehicleClassification(classification=x50, fuelType=y51)
        if o12 & 64:
            p = skip_additions(v, p)
        y11.append(ParticipantData(ptcType=x13, ptcId=x14, source=x15, id=y16, secMark=x18, pos=y19, posConfidence=PositionConfidenceSet(pos=x21, elevation=y22), transmission=y24, speed=x26, heading=x27, angle=y28, motionCfd=y30, accelSet=y38, size=VehicleSize(width=x44, length=x45, height=y46), vehicleClass=y48))
    if o1:
        p = skip_additions(v, p)
    return RoadsideSafetyMessage(msgCnt=x2, id=x3.to_bytes(8, "big"), refPos=Position3D(lat=x5 - 900000000, long=x6 - 1799999999, elevation=y7), participants=y11), p


def write_RoadsideSafetyMessage(x: RoadsideSafetyMessage, a: int) -> int:
    v1 = x.msgCnt
    if not 0 <= v1 <= 127:
        raise out_of_range("msgCnt", v1, 0, 127)
    v2 = x.id
    if not 8 <= len(v2) <= 8:
        raise out_of_range("id", len(v2), 8, 8)
    v3 = x.refPos
    v4 = v3.elevation
    v5 = v3.lat
    if not -900000000 <= v5 <= 900000001:
        raise out_of_range("lat", v5, -900000000, 900000001)
    v6 = v3.long
    if not -1799999999 <= v6 <= 1800000001:
        raise out_of_range("long", v6, -1799999999, 1800000001)
    a = a << 136 | v1 << 128 | int.from_bytes(v2, "big") << 64 | (1 << 63 if v4 is not None else 0) | (v5 + 900000000) << 32 | (v6 + 1799999999)
    if v4 is not None:
        if not -4096 <= v4 <= 61439:
            raise out_of_range("elevation", v4, -4096, 61439)
        a = a << 16 | (v4 + 4096)
    v7 = x.participants
    if not 1 <= len(v7) <= 16:
        raise out_of_range("ParticipantList", len(v7), 1, 16)
    a = a << 4 | (len(v7) - 1)
    v9 = a
    for v8 in v7:
        a = 1
        v11 = v8.id
        v12 = v8.transmission
        v13 = v8.angle
        v14 = v8.motionCfd
        v15 = v8.accelSet
        v16 = v8.vehicleClass
        v17 = v8.ptcType
        a = a << 7 | (32 if v11 is not None else 0) | (16 if v12 is not None else 0) | (8 if v13 is not None else 0) | (4 if v14 is not None else 0) | (2 if v15 is not None else 0) | (1 if v16 is not None else 0)
        if 0 <= v17 <= 4:
            a = a << 4 | v17
        else:
            a = write_small(v17 - 5, a << 1 | 1, "ptcType")
        v18 = v8.ptcId
        if not 0 <= v18 <= 65535:
            raise out_of_range("ptcId", v18, 0, 65535)
        v19 = v8.source
        a = a << 16 | v18
        if 0 <= v19 <= 7:
            a = a << 4 | v19
        else:
            a = write_small(v19 - 8, a << 1 | 1, "source")
        if v11 is not None:
            if not 8 <= len(v11) <= 8:
                raise out_of_range("id", len(v11), 8, 8)
            a = a << 64 | int.from_bytes(v11, "big")
        v20 = v8.secMark
        if not 0 <= v20 <= 65535:
            raise out_of_range("secMark", v20, 0, 65535)
        a = a << 16 | v20
        a = write_PositionOffsetLLV(v8.pos, a)
        v21 = v8.posConfidence
        v22 = v21.elevation
        v23 = v21.pos
        if not 0 <= v23 <= 15:
            raise out_of_range("pos", v23, 0, 15)
        a = a << 5 | (16 if v22 is not None else 0) | v23
        if v22 is not None:
            if not 0 <= v22 <= 15:
                raise out_of_range("elevation", v22, 0, 15)
            a = a << 4 | v22
        if v12 is not None:
            if not 0 <= v12 <= 7:
                raise out_of_range("transmission", v12, 0, 7)
            a = a << 3 | v12
        v24 = v8.speed
        if not 0 <= v24 <= 8191:
            raise out_of_range("speed", v24, 0, 8191)
        v25 = v8.heading
        if not 0 <= v25 <= 28800:
            raise out_of_range("heading", v25, 0, 28800)
        a = a << 28 | v24 << 15 | v25
        if v13 is not None:
            if not -126 <= v13 <= 127:
                raise out_of_range("angle", v13, -126, 127)
            a = a << 8 | (v13 + 126)
        if v14 is not None:
            v26 = v14.speedCfd
            v27 = v14.headingCfd
            v28 = v14.steerCfd
            a = a << 3 | (4 if v26 is not None else 0) | (2 if v27 is not None else 0) | (1 if v28 is not None else 0)
            if v26 is not None:
                if not 0 <= v26 <= 7:
                    raise out_of_range("speedCfd", v26, 0, 7)
                a = a << 3 | v26
            if v27 is not None:
                if not 0 <= v27 <= 7:
                    raise out_of_range("headingCfd", v27, 0, 7)
                a = a << 3 | v27
            if v28 is not None:
                if not 0 <= v28 <= 3:
                    raise out_of_range("steerCfd", v28, 0, 3)
                a = a << 2 | v28
        if v15 is not None:
            v29 = v15.long
            if not -2000 <= v29 <= 2001:
                raise out_of_range("long", v29, -2000, 2001)
            v30 = v15.lat
            if not -2000 <= v30 <= 2001:
                raise out_of_range("lat", v30, -2000, 2001)
            v31 = v15.vert
            if not -127 <= v31 <= 127:
                raise out_of_range("vert", v31, -127, 127)
            v32 = v15.yaw
            if not -32767 <= v32 <= 32767:
                raise out_of_range("yaw", v32, -32767, 32767)
            a = a << 48 | (v29 + 2000) << 36 | (v30 + 2000) << 24 | (v31 + 127) << 16 | (v32 + 32767)
        v33 = v8.size
        v34 = v33.height
        v35 = v33.width
        if not 0 <= v35 <= 1023:
            raise out_of_range("width", v35, 0, 1023)
        v36 = v33.length
        if not 0 <= v36 <= 4095:
            raise out_of_range("length", v36, 0, 4095)
        a = a << 23 | (1 << 22 if v34 is not None else 0) | v35 << 12 | v36
        if v34 is not None:
            if not 0 <= v34 <= 127:
                raise out_of_range("height", v34, 0, 127)
            a = a << 7 | v34
        if v16 is not None:
            v37 = v16.fuelType
            v38 = v16.classification
            if not 0 <= v38 <= 255:
                raise out_of_range("classification", v38, 0, 255)
            a = a << 10 | (256 if v37 is not None else 0) | v38
            if v37 is not None:
                if not 0 <= v37 <= 15:
                    raise out_of_range("fuelType", v37, 0, 15)
                a = a << 4 | v37
        v10 = a.bit_length() - 1
        v9 = v9 << v10 | a ^ 1 << v10
    a = v9
    return a


def read_SPAT(v: int, p: int) -> tuple[SPAT, int]:
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
    y5 = None
    if o1 & 2:
        p -= 16
        x6 = (v >> p) & 65535
        y5 = x6
    y7 = None
    if o1 & 1:
        p -= 6
        x8 = (v >> p) & 63
        if x8 > 62:
            raise DecodeError("DescriptiveName: a value is outside its range")
        n9 = x8 + 1
        y10, p = read_text(v, p, n9)
        y7 = y10
    p -= 5
    x11 = (v >> p) & 31
    n12 = x11 + 1
    y13 = []
    for _ in range(n12):
        v &= (1 << p) - 1
        p -= 5
        c = (v >> p) & 31
        o14 = c >> 1
        o15 = c & 1
        y16 = None
        if o15 & 1:
            p -= 16
            x17 = (v >> p) & 65535
            y16 = x17
        p -= 32
        c = (v >> p) & 0xffffffff
        x18 = c >> 16
        x19 = c & 65535
        y20 = None
        if o14 & 4:
            p -= 20
            x21 = (v >> p) & 0xfffff
            if x21 > 527040:
                raise DecodeError("MinuteOfTheYear: a value is outside its range")
            y20 = x21
        y22 = None
        if o14 & 2:
            p -= 16
            x23 = (v >> p) & 65535
            y22 = x23
        y24 = None
        if o14 & 1:
            p -= 6
            x25 = (v >> p) & 63
            if x25 > 39:
                raise DecodeError("TimeConfidence: a value is outside its range")
            y24 = x25
        p -= 4
        x26 = (v >> p) & 15
        n27 = x26 + 1
        y28 = []
        for _ in range(n27):
            v &= (1 << p) - 1
            p -= 12
            c = (v >> p) & 4095
            x29 = c >> 4
            x30 = c & 15
            n31 = x30 + 1
            y32 = []
            for _ in range(n31):
                v &= (1 << p) - 1
                p -= 7
                c = (v >> p) & 127
                o33 = c >> 5
                x34 = c & 31
                if x34 > 8:
                    if x34 < 16:
                        raise DecodeError("LightState: a value is outside its range")
                    x34, p = read_small(v, p + 4)
                    x34 += 9
                y35 = None
                if o33 & 1:
                    p -= 2
                    i36 = (v >> p) & 3
                    if i36 == 0:
                        p -= 21
                        c = (v >> p) & 0x1fffff
                        o38 = c >> 16
                        x39 = c & 65535
                        if x39 > 36001:
                            raise DecodeError("TimeMark: a value is outside its range")
                        y40 = None
                        if o38 & 16:
                            p -= 16
                            x41 = (v >> p) & 65535
                            if x41 > 36001:
                                raise DecodeError("TimeMark: a value is outside its range")
                            y40 = x41
                        y42 = None
                        if o38 & 8:
                            p -= 16
                            x43 = (v >> p) & 65535
                            if x43 > 36001:
                                raise DecodeError("TimeMark: a value is outside its range")
                            y42 = x43
                        p -= 16
                        x44 = (v >> p) & 65535
                        if x44 > 36001:
                            raise DecodeError("TimeMark: a value is outside its range")
                        y45 = None
                        if o38 & 4:
                            p -= 8
                            x46 = (v >> p) & 255
                            if x46 > 200:
                                raise DecodeError("Confidence: a value is outside its range")
                            y45 = x46
                        y47 = None
                        if o38 & 2:
                            p -= 16
                            x48 = (v >> p) & 65535
                            if x48 > 36001:
                                raise DecodeError("TimeMark: a value is outside its range")
                            y47 = x48
                        y49 = None
                        if o38 & 1:
                            p -= 16
                            x50 = (v >> p) & 65535
                            if x50 > 36001:
                                raise DecodeError("TimeMark: a value is outside its range")
                            y49 = x50
                        y37 = ("counting", TimeCountingDown(startTime=x39, minEndTime=y40, maxEndTime=y42, likelyEndTime=x44, timeConfidence=y45, nextStartTime=y47, nextDuration=y49))
                    elif i36 == 1:
                        p -= 21
                        c = (v >> p) & 0x1fffff
                        o51 = c >> 16
                        x52 = c & 65535
                        if x52 > 36001:
                            raise DecodeError("TimeMark: a value is outside its range")
                        y53 = None
                        if o51 & 16:
                            p -= 16
                            x54 = (v >> p) & 65535
                            if x54 > 36001:
                                raise DecodeError("TimeMark: a value is outside its range")
                            y53 = x54
                        y55 = None
                        if o51 & 8:
                            p -= 16
                            x56 = (v >> p) & 65535
                            if x56 > 36001:
                                raise DecodeError("TimeMark: a value is outside its range")
                            y55 = x56
                        p -= 16
                        x57 = (v >> p) & 65535
                        if x57 > 36001:
                            raise DecodeError("TimeMark: a value is outside its range")
                        y58 = None
                        if o51 & 4:
                            p -= 8
                            x59 = (v >> p) & 255
                            if x59 > 200:
                                raise DecodeError("Confidence: a value is outside its range")
                            y58 = x59
                        y60 = None
                        if o51 & 2:
                            p -= 16
                            x61 = (v >> p) & 65535
                            if x61 > 36001:
                                raise DecodeError("TimeMark: a value is outside its range")
                            y60 = x61
                        y62 = None
                        if o51 & 1:
                            p -= 16
                            x63 = (v >> p) & 65535
                            if x63 > 36001:
                                raise DecodeError("TimeMark: a value is outside its range")
                            y62 = x63
                        y37 = ("utcTiming", UTCTiming(startUTCTime=x52, minEndUTCTime=y53, maxEndUTCTime=y55, likelyEndUTCTime=x57, timeConfidence=y58, nextStartUTCTime=y60, nextEndUTCTime=y62))
                    elif i36 >= 2:
                        i64, p = read_small(v, p + 1)
                        y65, p = read_open(v, p)
                        y37 = ("unknown", UnknownAlternative(index=i64, value=y65))
                    else:
                        raise DecodeError("TimeChangeDetails: there is no such alternative")
                    y35 = y37
                if o33 & 2:
                    p = skip_additions(v, p)
                y32.append(PhaseState(light=x34, timing=y35))
            y28.append(Phase(id=x29, phaseStates=y32))
        if o14 & 8:
            p = skip_additions(v, p)
        y13.append(IntersectionState(intersectionId=NodeReferenceID(region=y16, id=x18), status=x19, moy=y20, timeStamp=y22, timeConfidence=y24, phases=y28))
    if o1 & 8:
        p = skip_additions(v, p)
    return SPAT(msgCnt=x2, moy=y3, timeStamp=y5, name=y7, intersections=y13), p


def write_SPAT(x: SPAT, a: int) -> int:
    v1 = x.moy
    v2 = x.timeStamp
    v3 = x.name
    v4 = x.msgCnt
    if not 0 <= v4 <= 127:
        raise out_of_range("msgCnt", v4, 0, 127)
    a = a << 11 | (512 if v1 is not None else 0) | (256 if v2 is not None else 0) | (128 if v3 is not None else 0) | v4
    if v1 is not None:
        if not 0 <= v1 <= 527040:
            raise out_of_range("moy", v1, 0, 527040)
        a = a << 20 | v1
    if v2 is not None:
        if not 0 <= v2 <= 65535:
            raise out_of_range("timeStamp", v2, 0, 65535)
        a = a << 16 | v2
    if v3 is not None:
        if not 1 <= len(v3) <= 63:
            raise out_of_range("name", len(v3), 1, 63)
        a = a << 6 | (len(v3) - 1)
        a = write_text(v3, a, "name")
    v5 = x.intersections
    if not 1 <= len(v5) <= 32:
        raise out_of_range("IntersectionStateList", len(v5), 1, 32)
    a = a << 5 | (len(v5) - 1)
    v7 = a
    for v6 in v5:
        a = 1
        v9 = v6.moy
        v10 = v6.timeStamp
        v11 = v6.timeConfidence
        v12 = v6.intersectionId
        v13 = v12.region
        a = a << 5 | (8 if v9 is not None else 0) | (4 if v10 is not None else 0) | (2 if v11 is not None else 0) | (1 if v13 is not None else 0)
        if v13 is not None:
            if not 0 <= v13 <= 65535:
                raise out_of_range("region", v13, 0, 65535)
            a = a << 16 | v13
        v14 = v12.id
        if not 0 <= v14 <= 65535:
            raise out_of_range("id", v14, 0, 65535)
        v15 = v6.status
        if not 0 <= v15 <= 65535:
            raise out_of_range("status", v15, 0, 65535)
        a = a << 32 | v14 << 16 | v15
        if v9 is not None:
            if not 0 <= v9 <= 527040:
                raise out_of_range("moy", v9, 0, 527040)
            a = a << 20 | v9
        if v10 is not None:
            if not 0 <= v10 <= 65535:
                raise out_of_range("timeStamp", v10, 0, 65535)
            a = a << 16 | v10
        if v11 is not None:
            if not 0 <= v11 <= 39:
                raise out_of_range("timeConfidence", v11, 0, 39)
            a = a << 6 | v11
        v16 = v6.phases
        if not 1 <= len(v16) <= 16:
            raise out_of_range("PhaseList", len(v16), 1, 16)
        a = a << 4 | (len(v16) - 1)
        v18 = a
        for v17 in v16:
            a = 1
            v20 = v17.id
            if not 0 <= v20 <= 255:
                raise out_of_range("id", v20, 0, 255)
            v21 = v17.phaseStates
            if not 1 <= len(v21) <= 16:
                raise out_of_range("PhaseStateList", len(v21), 1, 16)
            a = a << 12 | v20 << 4 | (len(v21) - 1)
            v23 = a
            for v22 in v21:
                a = 1
                v25 = v22.timing
                v26 = v22.light
                a = a << 2 | (1 if v25 is not None else 0)
                if 0 <= v26 <= 8:
                    a = a << 5 | v26
                else:
                    a = write_small(v26 - 9, a << 1 | 1, "light")
                if v25 is not None:
                    v27, v28 = v25
                    if v27 == "counting":
                        v29 = v28.minEndTime
                        v30 = v28.maxEndTime
                        v31 = v28.timeConfidence
                        v32 = v28.nextStartTime
                        v33 = v28.nextDuration
                        v34 = v28.startTime
                        if not 0 <= v34 <= 36001:
                            raise out_of_range("startTime", v34, 0, 36001)
                        a = a << 23 | (1 << 20 if v29 is not None else 0) | (1 << 19 if v30 is not None else 0) | (1 << 18 if v31 is not None else 0) | (1 << 17 if v32 is not None else 0) | (1 << 16 if v33 is not None else 0) | v34
                        if v29 is not None:
                            if not 0 <= v29 <= 36001:
                                raise out_of_range("minEndTime", v29, 0, 36001)
                            a = a << 16 | v29
                        if v30 is not None:
                            if not 0 <= v30 <= 36001:
                                raise out_of_range("maxEndTime", v30, 0, 36001)
                            a = a << 16 | v30
                        v35 = v28.likelyEndTime
                        if not 0 <= v35 <= 36001:
                            raise out_of_range("likelyEndTime", v35, 0, 36001)
                        a = a << 16 | v35
                        if v31 is not None:
                            if not 0 <= v31 <= 200:
                                raise out_of_range("timeConfidence", v31, 0, 200)
                            a = a << 8 | v31
                        if v32 is not None:
                            if not 0 <= v32 <= 36001:
                                raise out_of_range("nextStartTime", v32, 0, 36001)
                            a = a << 16 | v32
                        if v33 is not None:
                            if not 0 <= v33 <= 36001:
                                raise out_of_range("nextDuration", v33, 0, 36001)
                            a = a << 16 | v33
                    elif v27 == "utcTiming":
                        v36 = v28.minEndUTCTime
                        v37 = v28.maxEndUTCTime
                        v38 = v28.timeConfidence
                        v39 = v28.nextStartUTCTime
                        v40 = v28.nextEndUTCTime
                        v41 = v28.startUTCTime
                        if not 0 <= v41 <= 36001:
                            raise out_of_range("startUTCTime", v41, 0, 36001)
                        a = a << 23 | 1 << 21 | (1 << 20 if v36 is not None else 0) | (1 << 19 if v37 is not None else 0) | (1 << 18 if v38 is not None else 0) | (1 << 17 if v39 is not None else 0) | (1 << 16 if v40 is not None else 0) | v41
                        if v36 is not None:
                            if not 0 <= v36 <= 36001:
                                raise out_of_range("minEndUTCTime", v36, 0, 36001)
                            a = a << 16 | v36
                        if v37 is not None:
                            if not 0 <= v37 <= 36001:
                                raise out_of_range("maxEndUTCTime", v37, 0, 36001)
                            a = a << 16 | v37
                        v42 = v28.likelyEndUTCTime
                        if not 0 <= v42 <= 36001:
                            raise out_of_range("likelyEndUTCTime", v42, 0, 36001)
                        a = a << 16 | v42
                        if v38 is not None:
                            if not 0 <= v38 <= 200:
                                raise out_of_range("timeConfidence", v38, 0, 200)
                            a = a << 8 | v38
                        if v39 is not None:
                            if not 0 <= v39 <= 36001:
                                raise out_of_range("nextStartUTCTime", v39, 0, 36001)
                            a = a << 16 | v39
                        if v40 is not None:
                            if not 0 <= v40 <= 36001:
                                raise out_of_range("nextEndUTCTime", v40, 0, 36001)
                            a = a << 16 | v40
                    elif v27 == "unknown":
                        a = write_open(v28.value, write_small(v28.index, a << 1 | 1, "TimeChangeDetails"))
                    else:
                        raise EncodeError(f"TimeChangeDetails: there is no alternative {v27!r}")
                v24 = a.bit_length() - 1
                v23 = v23 << v24 | a ^ 1 << v24
            a = v23
            v19 = a.bit_length() - 1
            v18 = v18 << v19 | a ^ 1 << v19
        a = v18
        v8 = a.bit_length() - 1
        v7 = v7 << v8 | a ^ 1 << v8
    a = v7
    return a


def read_MessageFrameExt(v: int, p: int) -> tuple[MessageFrameExt, int]:
    p -= 16
    c = (v >> p) & 65535
    o1 = c >> 15
    x2 = c & 32767
    y3, p = read_open(v, p)
    if o1:
        p = skip_additions(v, p)
    return MessageFrameExt(messageId=x2, value=y3), p


def write_MessageFrameExt(x: MessageFrameExt, a: int) -> int:
    v1 = x.messageId
    if not 0 <= v1 <= 32767:
        raise out_of_range("messageId", v1, 0, 32767)
    v2 = x.value
    a = a << 16 | v1
    a = write_open(v2, a)
    return a


def read_PositionOffsetLLV(v: int, p: int) -> tuple[PositionOffsetLLV, int]:
    p -= 4
    c = (v >> p) & 15
    o1 = c >> 3
    i2 = c & 7
    if i2 == 0:
        p -= 24
        c = (v >> p) & 0xffffff
        x4 = c >> 12
        x5 = c & 4095
        y3 = ("position-LL1", PositionLL24B(lon=x4 - 2048, lat=x5 - 2048))
    elif i2 == 1:
        p -= 28
        c = (v >> p) & 0xfffffff
        x6 = c >> 14
        x7 = c & 16383
        y3 = ("position-LL2", PositionLL28B(lon=x6 - 8192, lat=x7 - 8192))
    elif i2 == 2:
        p -= 32
        c = (v >> p) & 0xffffffff
        x8 = c >> 16
        x9 = c & 65535
        y3 = ("position-LL3", PositionLL32B(lon=x8 - 32768, lat=x9 - 32768))
    elif i2 == 3:
        p -= 36
        c = (v >> p) & 0xfffffffff
        x10 = c >> 18
        x11 = c & 0x3ffff
        y3 = ("position-LL4", PositionLL36B(lon=x10 - 131072, lat=x11 - 131072))
    elif i2 == 4:
        p -= 44
        c = (v >> p) & 0xfffffffffff
        x12 = c >> 22
        x13 = c & 0x3fffff
        y3 = ("position-LL5", PositionLL44B(lon=x12 - 2097152, lat=x13 - 2097152))
    elif i2 == 5:
        p -= 48
        c = (v >> p) & 0xffffffffffff
        x14 = c >> 24
        x15 = c & 0xffffff
        y3 = ("position-LL6", PositionLL48B(lon=x14 - 8388608, lat=x15 - 8388608))
    elif i2 == 6:
        p -= 63
        c = (v >> p) & 0x7fffffffffffffff
        x16 = c >> 31
        x17 = c & 0x7fffffff
        if x16 > 3600000000 or x17 > 1800000001:
            raise DecodeError("Longitude, Latitude: a value is outside its range")
        y3 = ("position-LatLon", PositionLLmD64b(lon=x16 - 1799999999, lat=x17 - 900000000))
    else:
        raise DecodeError("PositionOffsetLL: there is no such alternative")
    y18 = None
    if o1 & 1:
        p -= 3
        i19 = (v >> p) & 7
        if i19 == 0:
            p -= 7
            x21 = (v >> p) & 127
            y20 = ("offset1", x21 - 64)
        elif i19 == 1:
            p -= 8
            x22 = (v >> p) & 255
            y20 = ("offset2", x22 - 128)
        elif i19 == 2:
            p -= 9
            x23 = (v >> p) & 511
            y20 = ("offset3", x23 - 256)
        elif i19 == 3:
            p -= 10
            x24 = (v >> p) & 1023
            y20 = ("offset4", x24 - 512)
        elif i19 == 4:
            p -= 11
            x25 = (v >> p) & 2047
            y20 = ("offset5", x25 - 1024)
        elif i19 == 5:
            p -= 12
            x26 = (v >> p) & 4095
            y20 = ("offset6", x26 - 2048)
        elif i19 == 6:
            p -= 16
            x27 = (v >> p) & 65535
            y20 = ("elevation", x27 - 4096)
        else:
            raise DecodeError("VerticalOffset: there is no such alternative")
        y18 = y20
    return PositionOffsetLLV(offsetLL=y3, offsetV=y18), p


def write_PositionOffsetLLV(x: PositionOffsetLLV, a: int) -> int:
    v1 = x.offsetV
    a = a << 1 | (1 if v1 is not None else 0)
    v2, v3 = x.offsetLL
    if v2 == "position-LL1":
        v4 = v3.lon
        if not -2048 <= v4 <= 2047:
            raise out_of_range("lon", v4, -2048, 2047)
        v5 = v3.lat
        if not -2048 <= v5 <= 2047:
            raise out_of_range("lat", v5, -2048, 2047)
        a = a << 27 | (v4 + 2048) << 12 | (v5 + 2048)
    elif v2 == "position-LL2":
        v6 = v3.lon
        if not -8192 <= v6 <= 8191:
            raise out_of_range("lon", v6, -8192, 8191)
        v7 = v3.lat
        if not -8192 <= v7 <= 8191:
            raise out_of_range("lat", v7, -8192, 8191)
        a = a << 31 | 1 << 28 | (v6 + 8192) << 14 | (v7 + 8192)
    elif v2 == "position-LL3":
        v8 = v3.lon
        if not -32768 <= v8 <= 32767:
            raise out_of_range("lon", v8, -32768, 32767)
        v9 = v3.lat
        if not -32768 <= v9 <= 32767:
            raise out_of_range("lat", v9, -32768, 32767)
        a = a << 35 | 2 << 32 | (v8 + 32768) << 16 | (v9 + 32768)
    elif v2 == "position-LL4":
        v10 = v3.lon
        if not -131072 <= v10 <= 131071:
            raise out_of_range("lon", v10, -131072, 131071)
        v11 = v3.lat
        if not -131072 <= v11 <= 131071:
            raise out_of_range("lat", v11, -131072, 131071)
        a = a << 39 | 3 << 36 | (v10 + 131072) << 18 | (v11 + 131072)
    elif v2 == "position-LL5":
        v12 = v3.lon
        if not -2097152 <= v12 <= 2097151:
            raise out_of_range("lon", v12, -2097152, 2097151)
        v13 = v3.lat
        if not -2097152 <= v13 <= 2097151:
            raise out_of_range("lat", v13, -2097152, 2097151)
        a = a << 47 | 4 << 44 | (v12 + 2097152) << 22 | (v13 + 2097152)
    elif v2 == "position-LL6":
        v14 = v3.lon
        if not -8388608 <= v14 <= 8388607:
            raise out_of_range("lon", v14, -8388608, 8388607)
        v15 = v3.lat
        if not -8388608 <= v15 <= 8388607:
            raise out_of_range("lat", v15, -8388608, 8388607)
        a = a << 51 | 5 << 48 | (v14 + 8388608) << 24 | (v15 + 8388608)
    elif v2 == "position-LatLon":
        v16 = v3.lon
        if not -1799999999 <= v16 <= 1800000001:
            raise out_of_range("lon", v16, -1799999999, 1800000001)
        v17 = v3.lat
        if not -900000000 <= v17 <= 900000001:
            raise out_of_range("lat", v17, -900000000, 900000001)
        a = a << 66 | 6 << 63 | (v16 + 1799999999) << 31 | (v17 + 900000000)
    else:
        raise EncodeError(f"PositionOffsetLL: there is no alternative {v2!r}")
    if v1 is not None:
        v18, v19 = v1
        if v18 == "offset1":
            if not -64 <= v19 <= 63:
                raise out_of_range("offset1", v19, -64, 63)
            a = a << 10 | (v19 + 64)
        elif v18 == "offset2":
            if not -128 <= v19 <= 127:
                raise out_of_range("offset2", v19, -128, 127)
            a = a << 11 | 1 << 8 | (v19 + 128)
        elif v18 == "offset3":
            if not -256 <= v19 <= 255:
                raise out_of_range("offset3", v19, -256, 255)
            a = a << 12 | 2 << 9 | (v19 + 256)
        elif v18 == "offset4":
            if not -512 <= v19 <= 511:
                raise out_of_range("offset4", v19, -512, 511)
            a = a << 13 | 3 << 10 | (v19 + 512)
        elif v18 == "offset5":
            if not -1024 <= v19 <= 1023:
                raise out_of_range("offset5", v19, -1024, 1023)
            a = a << 14 | 4 << 11 | (v19 + 1024)
        elif v18 == "offset6":
            if not -2048 <= v19 <= 2047:
                raise out_of_range("offset6", v19, -2048, 2047)
            a = a << 15 | 5 << 12 | (v19 + 2048)
        elif v18 == "elevation":
            if not -4096 <= v19 <= 61439:
                raise out_of_range("elevation", v19, -4096, 61439)
            a = a << 19 | 6 << 16 | (v19 + 4096)
        else:
            raise EncodeError(f"VerticalOffset: there is no alternative {v18!r}")
    return a


def read_ReferenceLinkList(v: int, p: int) -> tuple[list[ReferenceLink], int]:
    p -= 4
    x1 = (v >> p) & 15
    n2 = x1 + 1
    y3 = []
    for _ in range(n2):
        v &= (1 << p) - 1
        p -= 2
        c = (v >> p) & 3
        o4 = c >> 1
        o5 = c & 1
        y6 = None
        if o5 & 1:
            p -= 16
            x7 = (v >> p) & 65535
            y6 = x7
        p -= 17
        c = (v >> p) & 0x1ffff
        x8 = c >> 1
        o9 = c & 1
        y10 = None
        if o9 & 1:
            p -= 16
            x11 = (v >> p) & 65535
            y10 = x11
        p -= 16
        x12 = (v >> p) & 65535
        y13 = None
        if o4 & 1:
            p -= 16
            x14 = (v >> p) & 65535
            y13 = x14
        y3.append(ReferenceLink(upstreamNodeId=NodeReferenceID(region=y6, id=x8), downstreamNodeId=NodeReferenceID(region=y10, id=x12), referenceLanes=y13))
    return y3, p


def write_ReferenceLinkList(x: list[ReferenceLink], a: int) -> int:
    if not 1 <= len(x) <= 16:
        raise out_of_range("ReferenceLinkList", len(x), 1, 16)
    a = a << 4 | (len(x) - 1)
    v2 = a
    for v1 in x:
        a = 1
        v4 = v1.referenceLanes
        v5 = v1.upstreamNodeId
        v6 = v5.region
        a = a << 2 | (2 if v4 is not None else 0) | (1 if v6 is not None else 0)
        if v6 is not None:
            if not 0 <= v6 <= 65535:
                raise out_of_range("region", v6, 0, 65535)
            a = a << 16 | v6
        v7 = v5.id
        if not 0 <= v7 <= 65535:
            raise out_of_range("id", v7, 0, 65535)
        v8 = v1.downstreamNodeId
        v9 = v8.region
        a = a << 17 | v7 << 1 | (1 if v9 is not None else 0)
        if v9 is not None:
            if not 0 <= v9 <= 65535:
                raise out_of_range("region", v9, 0, 65535)
            a = a << 16 | v9
        v10 = v8.id
        if not 0 <= v10 <= 65535:
            raise out_of_range("id", v10, 0, 65535)
        a = a << 16 | v10
        if v4 is not None:
            if not 0 <= v4 <= 65535:
                raise out_of_range("referenceLanes", v4, 0, 65535)
            a = a << 16 | v4
        v3 = a.bit_length() - 1
        v2 = v2 << v3 | a ^ 1 << v3
    a = v2
    return a


def read_PointList(v: int, p: int) -> tuple[list[RoadPoint], int]:
    p -= 5
    x1 = (v >> p) & 31
    if x1 > 29:
        raise DecodeError("PointList: a value is outside its range")
    n2 = x1 + 2
    y3 = []
    for _ in range(n2):
        v &= (1 << p) - 1
        p -= 1
        o4 = (v >> p) & 1
        y5, p = read_PositionOffsetLLV(v, p)
        if o4:
            p = skip_additions(v, p)
        y3.append(RoadPoint(posOffset=y5))
    return y3, p


def write_PointList(x: list[RoadPoint], a: int) -> int:
    if not 2 <= len(x) <= 31:
        raise out_of_range("PointList", len(x), 2, 31)
    a = a << 5 | (len(x) - 2)
    v2 = a
    for v1 in x:
        a = 1
        a = a << 1
        a = write_PositionOffsetLLV(v1.posOffset, a)
        v3 = a.bit_length() - 1
        v2 = v2 << v3 | a ^ 1 << v3
    a = v2
    return a
