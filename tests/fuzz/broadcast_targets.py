"""Parsers of broadcasts: what operators publish, what units are told and keep, what they say of it."""

from datetime import UTC, datetime

from google.protobuf.message import DecodeError

from tests.fuzz.engine import Target
from wayside.v1 import broadcast_pb2, node_pb2, node_service_pb2
from wayside_agent.core.road_info import next_s, standing
from wayside_agent.services import road_info_words
from wayside_manager.api.broadcast_messages import broadcast_message, broadcast_set, published
from wayside_manager.api.report_messages import stored_form
from wayside_manager.core.broadcasts import BroadcastCounts, BroadcastFacts, BroadcastTold

_NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


_WORKS = bytes.fromhex(
    "42008e72705a96626440832b02915a1a0cfe1880203ea2d5a1a0cff06553258019001ab43419fe0ca8bf235686833fc1957d110032"
)
"""An RSI with road works, profile p20."""
_CROSSING = bytes.fromhex(
    "10000c47e4002506560522b43419fc0488fc8004014682057801404311f9000a2909ab43419fe0ca8bf21ab43419fe0c"
    "aab901ab43419fe0cabe8880"
)
"""A MAP, profile p20."""


def _publications() -> tuple[bytes, ...]:
    found = []
    for message in (_WORKS, _CROSSING):
        made = broadcast_pb2.Broadcast(
            name="broadcasts/works", selector=node_pb2.NodeSelector(all_nodes=True), message=message, profile="p20"
        )
        made.end_time.seconds = round(_NOW.timestamp()) + 3600
        found.append(made.SerializeToString())
    return tuple(found)


def _published(data: bytes) -> None:
    asked = broadcast_pb2.Broadcast.FromString(data)
    record = published(asked, tenant_id="root", author="operators/a", now=_NOW)
    broadcast_message(record, BroadcastCounts(), now=_NOW).SerializeToString()
    broadcast_set([BroadcastTold(record, is_withdrawn=False)]).SerializeToString()


def _states() -> tuple[bytes, ...]:
    target = node_service_pb2.BroadcastTarget(broadcast="broadcasts/works", revision=2, message=_WORKS, profile="p20")
    target.begin_time.seconds, target.end_time.seconds = 1, 2
    gone = node_service_pb2.BroadcastTarget(broadcast="broadcasts/old", revision=3, is_withdrawn=True)
    drill = node_service_pb2.BroadcastTarget(broadcast="broadcasts/drill", message=_CROSSING, is_drill=True)
    told = node_service_pb2.BroadcastSet(broadcasts=[target, gone, drill])
    return (node_service_pb2.DesiredState(broadcasts=told).SerializeToString(), b"")


def _told(data: bytes) -> None:
    found = road_info_words.targets(node_service_pb2.DesiredState.FromString(data))
    for held in () if found is None else found.wanted.values():
        stands = standing(held, _NOW.timestamp(), is_exact=False)
        next_s(held, _NOW.timestamp())
        road_info_words.report(held.name, held.revision, stands, _NOW.timestamp()).SerializeToString()


def _reports() -> tuple[bytes, ...]:
    word = broadcast_pb2.BroadcastReport(
        broadcast="broadcasts/works", revision=2, state=broadcast_pb2.BroadcastReport.STATE_REFUSED, reason="no radio"
    )
    word.time.seconds = 1_700_000_000
    return (node_service_pb2.Report(sequence=1, broadcast=word).SerializeToString(),)


def _said(data: bytes) -> None:
    report = stored_form(node_service_pb2.Report.FromString(data))
    if isinstance(report.facts, BroadcastFacts) and not report.facts.reason.isprintable():
        raise AssertionError("a reason that lists cannot show was let in")


TARGETS = (
    Target("Broadcast and its checks", _published, _publications, (DecodeError,), words=(b"r19", b"p20", b"\xff" * 8)),
    Target("broadcasts of a desired state", _told, _states, (DecodeError,), words=(b"broadcasts/", b"\xff" * 10)),
    Target("BroadcastReport", _said, _reports, (DecodeError,), words=(b"broadcasts/", b"\xff" * 10, b"\x1b[")),
)
