"""Reads and writes messages of phase 2 that are the same bits in every profile.

Made by `proto/asn1/uper_compiler` from `proto/asn1`; not edited by hand. `read_X(v, p)` reads a value of type X from
the number `v` of which `p` bits are left; `write_X(x, a)` appends one to the number `a`, which begins with a 1.
"""
# mypy: ignore-errors

from wayside.v2x.generated.shared import (
    read_PositionOffsetLLV,
    write_PositionOffsetLLV,
)
from wayside.v2x.generated.messages import (
    AccelerationSet4Way,
    NodeReferenceID,
    PositionConfidenceSet,
    PositionOffsetLLV,
    ReferenceLink,
)
from wayside.v2x.generated.phase2_messages import (
    AccSet4WayConfidence,
    CLPMM,
    MemberManagement,
    MemberNode,
    NonMotorData,
    PathPlanningPoint,
    PersonalRequest,
)
from wayside.v2x.uper import (
    DecodeError,
    EncodeError,
    out_of_range,
    read_small,
    skip_additions,
    write_small,
)


def read_CLPMM(v: int, p: int) -> tuple[CLPMM, int]:
    p -= 228
    c = (v >> p) & 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffff
    o1 = c >> 226
    x2 = (c >> 219) & 127
    x3 = (c >> 155) & 0xffffffffffffffff
    x4 = (c >> 139) & 65535
    x5 = (c >> 3) & 0xffffffffffffffffffffffffffffffffff
    x6 = c & 7
    if x6 > 3:
        x6, p = read_small(v, p + 2)
        x6 += 4
    p -= 4
    x7 = (v >> p) & 15
    if x7 > 6:
        if x7 < 8:
            raise DecodeError("StatusInPlatooning: a value is outside its range")
        x7, p = read_small(v, p + 3)
        x7 += 7
    y8 = None
    if o1 & 1:
        p -= 8
        c = (v >> p) & 255
        o9 = c >> 5
        x10 = c & 31
        n11 = x10 + 1
        y12 = []
        for _ in range(n11):
            p -= 65
            c = (v >> p) & 0x1ffffffffffffffff
            o13 = c >> 64
            x14 = c & 0xffffffffffffffff
            if o13:
                p = skip_additions(v, p)
            y12.append(MemberNode(vid=x14.to_bytes(8, "big")))
        y15 = None
        if o9 & 2:
            p -= 5
            x16 = (v >> p) & 31
            n17 = x16 + 1
            y18 = []
            for _ in range(n17):
                p -= 65
                c = (v >> p) & 0x1ffffffffffffffff
                o19 = c >> 64
                x20 = c & 0xffffffffffffffff
                if o19:
                    p = skip_additions(v, p)
                y18.append(MemberNode(vid=x20.to_bytes(8, "big")))
            y15 = y18
        y21 = None
        if o9 & 1:
            p -= 5
            x22 = (v >> p) & 31
            n23 = x22 + 1
            y24 = []
            for _ in range(n23):
                p -= 65
                c = (v >> p) & 0x1ffffffffffffffff
                o25 = c >> 64
                x26 = c & 0xffffffffffffffff
                if o25:
                    p = skip_additions(v, p)
                y24.append(MemberNode(vid=x26.to_bytes(8, "big")))
            y21 = y24
        p -= 6
        c = (v >> p) & 63
        x27 = c >> 1
        x28 = c & 1
        if o9 & 4:
            p = skip_additions(v, p)
        y8 = MemberManagement(memberList=y12, joiningList=y15, leavingList=y21, capacity=x27 + 1, openToJoin=x28 == 1)
    if o1 & 2:
        p = skip_additions(v, p)
    return CLPMM(msgCnt=x2, id=x3.to_bytes(8, "big"), secMark=x4, pid=x5.to_bytes(17, "big"), role=x6, status=x7, leadingExt=y8), p


def write_CLPMM(x: CLPMM, a: int) -> int:
    v1 = x.leadingExt
    v2 = x.msgCnt
    if not 0 <= v2 <= 127:
        raise out_of_range("msgCnt", v2, 0, 127)
    v3 = x.id
    if not 8 <= len(v3) <= 8:
        raise out_of_range("id", len(v3), 8, 8)
    v4 = x.secMark
    if not 0 <= v4 <= 65535:
        raise out_of_range("secMark", v4, 0, 65535)
    v5 = x.pid
    if not 17 <= len(v5) <= 17:
        raise out_of_range("pid", len(v5), 17, 17)
    v6 = x.role
    a = a << 225 | (1 << 223 if v1 is not None else 0) | v2 << 216 | int.from_bytes(v3, "big") << 152 | v4 << 136 | int.from_bytes(v5, "big")
    if 0 <= v6 <= 3:
        a = a << 3 | v6
    else:
        a = write_small(v6 - 4, a << 1 | 1, "role")
    v7 = x.status
    if 0 <= v7 <= 6:
        a = a << 4 | v7
    else:
        a = write_small(v7 - 7, a << 1 | 1, "status")
    if v1 is not None:
        v8 = v1.joiningList
        v9 = v1.leavingList
        v10 = v1.memberList
        if not 1 <= len(v10) <= 32:
            raise out_of_range("MemberList", len(v10), 1, 32)
        a = a << 8 | (64 if v8 is not None else 0) | (32 if v9 is not None else 0) | (len(v10) - 1)
        for v11 in v10:
            v12 = v11.vid
            if not 8 <= len(v12) <= 8:
                raise out_of_range("vid", len(v12), 8, 8)
            a = a << 65 | int.from_bytes(v12, "big")
        if v8 is not None:
            if not 1 <= len(v8) <= 32:
                raise out_of_range("MemberList", len(v8), 1, 32)
            a = a << 5 | (len(v8) - 1)
            for v13 in v8:
                v14 = v13.vid
                if not 8 <= len(v14) <= 8:
                    raise out_of_range("vid", len(v14), 8, 8)
                a = a << 65 | int.from_bytes(v14, "big")
        if v9 is not None:
            if not 1 <= len(v9) <= 32:
                raise out_of_range("MemberList", len(v9), 1, 32)
            a = a << 5 | (len(v9) - 1)
            for v15 in v9:
                v16 = v15.vid
                if not 8 <= len(v16) <= 8:
                    raise out_of_range("vid", len(v16), 8, 8)
                a = a << 65 | int.from_bytes(v16, "big")
        v17 = v1.capacity
        if not 1 <= v17 <= 32:
            raise out_of_range("capacity", v17, 1, 32)
        a = a << 6 | (v17 - 1) << 1 | (v1.openToJoin is True)
    return a


def read_PathPlanning(v: int, p: int) -> tuple[list[PathPlanningPoint], int]:
    p -= 7
    x1 = (v >> p) & 127
    if x1 > 99:
        raise DecodeError("PathPlanning: a value is outside its range")
    n2 = x1 + 1
    y3 = []
    for _ in range(n2):
        v &= (1 << p) - 1
        y4, p = read_PathPlanningPoint(v, p)
        y3.append(y4)
    return y3, p


def write_PathPlanning(x: list[PathPlanningPoint], a: int) -> int:
    if not 1 <= len(x) <= 100:
        raise out_of_range("PathPlanning", len(x), 1, 100)
    a = a << 7 | (len(x) - 1)
    v2 = a
    for v1 in x:
        a = 1
        a = write_PathPlanningPoint(v1, a)
        v3 = a.bit_length() - 1
        v2 = v2 << v3 | a ^ 1 << v3
    a = v2
    return a


def read_NonMotorData(v: int, p: int) -> tuple[NonMotorData, int]:
    p -= 11
    c = (v >> p) & 2047
    o1 = c >> 4
    x2 = c & 15
    if x2 > 4:
        if x2 < 8:
            raise DecodeError("PersonalDeviceUserType: a value is outside its range")
        x2, p = read_small(v, p + 3)
        x2 += 5
    y3 = None
    if o1 & 32:
        raise DecodeError("propulsion: its bits are not known, nor where it ends")
        y3 = None
    y4 = None
    if o1 & 16:
        p -= 3
        x5 = (v >> p) & 7
        if x5 > 3:
            x5, p = read_small(v, p + 2)
            x5 += 4
        y4 = x5
    y6 = None
    if o1 & 8:
        p -= 4
        x7 = (v >> p) & 15
        if x7 > 6:
            if x7 < 8:
                raise DecodeError("Attachment: a value is outside its range")
            x7, p = read_small(v, p + 3)
            x7 += 7
        y6 = x7
    y8 = None
    if o1 & 4:
        raise DecodeError("personalExt: its bits are not known, nor where it ends")
        y8 = None
    y9 = None
    if o1 & 2:
        raise DecodeError("roadWorkerExt: its bits are not known, nor where it ends")
        y9 = None
    y10 = None
    if o1 & 1:
        p -= 1
        o11 = (v >> p) & 1
        y12 = None
        if o11 & 1:
            p -= 3
            x13 = (v >> p) & 7
            if x13 > 3:
                x13, p = read_small(v, p + 2)
                x13 += 4
            y12 = x13
        y10 = PersonalRequest(crossing=y12)
    if o1 & 64:
        p = skip_additions(v, p)
    return NonMotorData(basicType=x2, propulsion=y3, clusterSize=y4, attachment=y6, personalExt=y8, roadWorkerExt=y9, personalReq=y10), p


def write_NonMotorData(x: NonMotorData, a: int) -> int:
    v1 = x.propulsion
    v2 = x.clusterSize
    v3 = x.attachment
    v4 = x.personalExt
    v5 = x.roadWorkerExt
    v6 = x.personalReq
    v7 = x.basicType
    a = a << 7 | (32 if v1 is not None else 0) | (16 if v2 is not None else 0) | (8 if v3 is not None else 0) | (4 if v4 is not None else 0) | (2 if v5 is not None else 0) | (1 if v6 is not None else 0)
    if 0 <= v7 <= 4:
        a = a << 4 | v7
    else:
        a = write_small(v7 - 5, a << 1 | 1, "basicType")
    if v1 is not None:
        raise EncodeError("propulsion: its bits are not known; leave it out")
    if v2 is not None:
        if 0 <= v2 <= 3:
            a = a << 3 | v2
        else:
            a = write_small(v2 - 4, a << 1 | 1, "clusterSize")
    if v3 is not None:
        if 0 <= v3 <= 6:
            a = a << 4 | v3
        else:
            a = write_small(v3 - 7, a << 1 | 1, "attachment")
    if v4 is not None:
        raise EncodeError("personalExt: its bits are not known; leave it out")
    if v5 is not None:
        raise EncodeError("roadWorkerExt: its bits are not known; leave it out")
    if v6 is not None:
        v8 = v6.crossing
        a = a << 1 | (1 if v8 is not None else 0)
        if v8 is not None:
            if 0 <= v8 <= 3:
                a = a << 3 | v8
            else:
                a = write_small(v8 - 4, a << 1 | 1, "crossing")
    return a


def read_Polygon(v: int, p: int) -> tuple[list[PositionOffsetLLV], int]:
    p -= 5
    x1 = (v >> p) & 31
    if x1 > 28:
        raise DecodeError("Polygon: a value is outside its range")
    n2 = x1 + 4
    y3 = []
    for _ in range(n2):
        v &= (1 << p) - 1
        y4, p = read_PositionOffsetLLV(v, p)
        y3.append(y4)
    return y3, p


def write_Polygon(x: list[PositionOffsetLLV], a: int) -> int:
    if not 4 <= len(x) <= 32:
        raise out_of_range("Polygon", len(x), 4, 32)
    a = a << 5 | (len(x) - 4)
    v2 = a
    for v1 in x:
        a = 1
        a = write_PositionOffsetLLV(v1, a)
        v3 = a.bit_length() - 1
        v2 = v2 << v3 | a ^ 1 << v3
    a = v2
    return a


def read_PathPlanningPoint(v: int, p: int) -> tuple[PathPlanningPoint, int]:
    p -= 11
    o1 = (v >> p) & 2047
    y2 = None
    if o1 & 512:
        y3, p = read_ReferenceLink(v, p)
        y2 = y3
    y4, p = read_PositionOffsetLLV(v, p)
    y5 = None
    if o1 & 256:
        p -= 5
        c = (v >> p) & 31
        o6 = c >> 4
        x7 = c & 15
        y8 = None
        if o6 & 1:
            p -= 4
            x9 = (v >> p) & 15
            y8 = x9
        y5 = PositionConfidenceSet(pos=x7, elevation=y8)
    y10 = None
    if o1 & 128:
        p -= 13
        x11 = (v >> p) & 8191
        y10 = x11
    y12 = None
    if o1 & 64:
        p -= 3
        x13 = (v >> p) & 7
        y12 = x13
    y14 = None
    if o1 & 32:
        p -= 15
        x15 = (v >> p) & 32767
        if x15 > 28800:
            raise DecodeError("Heading: a value is outside its range")
        y14 = x15
    y16 = None
    if o1 & 16:
        p -= 3
        x17 = (v >> p) & 7
        y16 = x17
    y18 = None
    if o1 & 8:
        p -= 48
        c = (v >> p) & 0xffffffffffff
        x19 = c >> 36
        x20 = (c >> 24) & 4095
        x21 = (c >> 16) & 255
        x22 = c & 65535
        if x19 > 4001 or x20 > 4001 or x21 > 254 or x22 > 65534:
            raise DecodeError("Acceleration, VerticalAcceleration, YawRate: a value is outside its range")
        y18 = AccelerationSet4Way(long=x19 - 2000, lat=x20 - 2000, vert=x21 - 127, yaw=x22 - 32767)
    y23 = None
    if o1 & 4:
        p -= 12
        c = (v >> p) & 4095
        x24 = c >> 9
        x25 = (c >> 6) & 7
        x26 = (c >> 3) & 7
        x27 = c & 7
        y23 = AccSet4WayConfidence(lonAccConfidence=x24, latAccConfidence=x25, vertAccConfidence=x26, yawRateCon=x27)
    y28 = None
    if o1 & 2:
        p -= 16
        x29 = (v >> p) & 65535
        if x29 > 65534:
            raise DecodeError("TimeOffset: a value is outside its range")
        y28 = x29 + 1
    y30 = None
    if o1 & 1:
        p -= 8
        x31 = (v >> p) & 255
        if x31 > 200:
            raise DecodeError("Confidence: a value is outside its range")
        y30 = x31
    if o1 & 1024:
        p = skip_additions(v, p)
    return PathPlanningPoint(posInMap=y2, pos=y4, posAccuracy=y5, speed=y10, speedCfd=y12, heading=y14, headingCfd=y16, accelSet=y18, acc4WayConfidence=y23, estimatedTime=y28, timeConfidence=y30), p


def write_PathPlanningPoint(x: PathPlanningPoint, a: int) -> int:
    v1 = x.posInMap
    v2 = x.posAccuracy
    v3 = x.speed
    v4 = x.speedCfd
    v5 = x.heading
    v6 = x.headingCfd
    v7 = x.accelSet
    v8 = x.acc4WayConfidence
    v9 = x.estimatedTime
    v10 = x.timeConfidence
    a = a << 11 | (512 if v1 is not None else 0) | (256 if v2 is not None else 0) | (128 if v3 is not None else 0) | (64 if v4 is not None else 0) | (32 if v5 is not None else 0) | (16 if v6 is not None else 0) | (8 if v7 is not None else 0) | (4 if v8 is not None else 0) | (2 if v9 is not None else 0) | (1 if v10 is not None else 0)
    if v1 is not None:
        a = write_ReferenceLink(v1, a)
    a = write_PositionOffsetLLV(x.pos, a)
    if v2 is not None:
        v11 = v2.elevation
        v12 = v2.pos
        if not 0 <= v12 <= 15:
            raise out_of_range("pos", v12, 0, 15)
        a = a << 5 | (16 if v11 is not None else 0) | v12
        if v11 is not None:
            if not 0 <= v11 <= 15:
                raise out_of_range("elevation", v11, 0, 15)
            a = a << 4 | v11
    if v3 is not None:
        if not 0 <= v3 <= 8191:
            raise out_of_range("speed", v3, 0, 8191)
        a = a << 13 | v3
    if v4 is not None:
        if not 0 <= v4 <= 7:
            raise out_of_range("speedCfd", v4, 0, 7)
        a = a << 3 | v4
    if v5 is not None:
        if not 0 <= v5 <= 28800:
            raise out_of_range("heading", v5, 0, 28800)
        a = a << 15 | v5
    if v6 is not None:
        if not 0 <= v6 <= 7:
            raise out_of_range("headingCfd", v6, 0, 7)
        a = a << 3 | v6
    if v7 is not None:
        v13 = v7.long
        if not -2000 <= v13 <= 2001:
            raise out_of_range("long", v13, -2000, 2001)
        v14 = v7.lat
        if not -2000 <= v14 <= 2001:
            raise out_of_range("lat", v14, -2000, 2001)
        v15 = v7.vert
        if not -127 <= v15 <= 127:
            raise out_of_range("vert", v15, -127, 127)
        v16 = v7.yaw
        if not -32767 <= v16 <= 32767:
            raise out_of_range("yaw", v16, -32767, 32767)
        a = a << 48 | (v13 + 2000) << 36 | (v14 + 2000) << 24 | (v15 + 127) << 16 | (v16 + 32767)
    if v8 is not None:
        v17 = v8.lonAccConfidence
        if not 0 <= v17 <= 7:
            raise out_of_range("lonAccConfidence", v17, 0, 7)
        v18 = v8.latAccConfidence
        if not 0 <= v18 <= 7:
            raise out_of_range("latAccConfidence", v18, 0, 7)
        v19 = v8.vertAccConfidence
        if not 0 <= v19 <= 7:
            raise out_of_range("vertAccConfidence", v19, 0, 7)
        v20 = v8.yawRateCon
        if not 0 <= v20 <= 7:
            raise out_of_range("yawRateCon", v20, 0, 7)
        a = a << 12 | v17 << 9 | v18 << 6 | v19 << 3 | v20
    if v9 is not None:
        if not 1 <= v9 <= 65535:
            raise out_of_range("estimatedTime", v9, 1, 65535)
        a = a << 16 | (v9 - 1)
    if v10 is not None:
        if not 0 <= v10 <= 200:
            raise out_of_range("timeConfidence", v10, 0, 200)
        a = a << 8 | v10
    return a


def read_ReferenceLink(v: int, p: int) -> tuple[ReferenceLink, int]:
    p -= 2
    c = (v >> p) & 3
    o1 = c >> 1
    o2 = c & 1
    y3 = None
    if o2 & 1:
        p -= 16
        x4 = (v >> p) & 65535
        y3 = x4
    p -= 17
    c = (v >> p) & 0x1ffff
    x5 = c >> 1
    o6 = c & 1
    y7 = None
    if o6 & 1:
        p -= 16
        x8 = (v >> p) & 65535
        y7 = x8
    p -= 16
    x9 = (v >> p) & 65535
    y10 = None
    if o1 & 1:
        p -= 16
        x11 = (v >> p) & 65535
        y10 = x11
    return ReferenceLink(upstreamNodeId=NodeReferenceID(region=y3, id=x5), downstreamNodeId=NodeReferenceID(region=y7, id=x9), referenceLanes=y10), p


def write_ReferenceLink(x: ReferenceLink, a: int) -> int:
    v1 = x.referenceLanes
    v2 = x.upstreamNodeId
    v3 = v2.region
    a = a << 2 | (2 if v1 is not None else 0) | (1 if v3 is not None else 0)
    if v3 is not None:
        if not 0 <= v3 <= 65535:
            raise out_of_range("region", v3, 0, 65535)
        a = a << 16 | v3
    v4 = v2.id
    if not 0 <= v4 <= 65535:
        raise out_of_range("id", v4, 0, 65535)
    v5 = x.downstreamNodeId
    v6 = v5.region
    a = a << 17 | v4 << 1 | (1 if v6 is not None else 0)
    if v6 is not None:
        if not 0 <= v6 <= 65535:
            raise out_of_range("region", v6, 0, 65535)
        a = a << 16 | v6
    v7 = v5.id
    if not 0 <= v7 <= 65535:
        raise out_of_range("id", v7, 0, 65535)
    a = a << 16 | v7
    if v1 is not None:
        if not 0 <= v1 <= 65535:
            raise out_of_range("referenceLanes", v1, 0, 65535)
        a = a << 16 | v1
    return a
