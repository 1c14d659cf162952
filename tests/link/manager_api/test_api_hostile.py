"""Whatever is sent, by whomever: a documented status with one sentence, and never a failure of the manager."""

from typing import Any, TypeAlias

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.link.manager_api.peer import Peer, Session, csr
from tests.link.manager_api.stubs import CALL_S
from wayside.errors import InvalidArgumentError, ResourceExhaustedError, WaysideError
from wayside.v1 import (
    config_service_pb2,
    enrollment_service_pb2,
    fleet_service_pb2,
    node_service_pb2,
    release_service_pb2,
)
from wayside_manager.core.pages import page_token
from wayside_manager.services.authority import new_key

# messages of megabytes are the point; hypothesis means their printed form
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

EXAMPLE_COUNT = 400
FORBIDDEN = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED}
MODULES = (config_service_pb2, enrollment_service_pb2, fleet_service_pb2, node_service_pb2, release_service_pb2)
UNARY = tuple(
    (f"/{service.full_name}/{method.name}", method.input_type, method.output_type)
    for module in MODULES
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
    if not method.client_streaming and not method.server_streaming
)
INTEGERS = (
    0,
    1,
    -1,
    2,
    1000,
    1001,
    10_000,
    2**31 - 1,
    -(2**31),
    2**32 - 1,
    2**53,
    2**62,
    2**63 - 1,
    -(2**63),
    2**64 - 1,
)
RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
TEXTS = (
    "nodes/rsu-1", "nodes/rsu-2", "nodes/", "nodes", "configLayers/base", "releases/1.0.0", "rollouts/r1", "rsu-1", "0",
    "1", "body", "display_name", "labels", "site", "key", "\x00", "a\nb", "\x1b[31m", "é\U0001f6a6", "x" * 70,
    "x" * 100_000,
    "nodes/" + "x" * 10_000, page_token("config_layers", (2**70, "a")), page_token("config_layers", (1, "\ud800")),
    page_token("releases", (2**63, "\ud800")), page_token("rollouts", (-(2**63) - 1, "")), "W" + "1" * 4000,
    csr(new_key()),
)  # fmt: skip

NAMES = ("report_period_s", "can", "buses", "telemetry", "broker_host", "", "a.b", "\x00", "x" * 10_000)
"""Of what a Struct holds."""


def _number(field: FieldDescriptor) -> st.SearchStrategy[int]:
    low, high = RANGES[field.cpp_type]
    edges = [edge for edge in INTEGERS if low <= edge <= high]
    if field.enum_type is not None:
        edges += [value.number for value in field.enum_type.values]
    return st.sampled_from(edges) | st.integers(low, high)


def _value(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return _message(field.message_type, depth + 1)
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            if field.type == FieldDescriptor.TYPE_BYTES:
                return st.binary(max_size=40)
            return st.sampled_from(TEXTS) | st.text(max_size=20)
        case FieldDescriptor.CPPTYPE_BOOL:
            return st.booleans()
        case FieldDescriptor.CPPTYPE_FLOAT | FieldDescriptor.CPPTYPE_DOUBLE:
            return st.floats(width=32)
    return _number(field)


@st.composite
def _message(draw: st.DrawFn, descriptor: Descriptor, depth: int = 0) -> Message:
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if depth > 4 or not draw(st.booleans()):
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:  # of a Struct, as all are
            entry = _value(field.message_type.fields_by_name["value"], depth)
            names = st.sampled_from(NAMES) | st.text(max_size=20)
            for key, value in draw(st.dictionaries(names, entry, max_size=3)).items():
                getattr(message, field.name)[key].CopyFrom(value)
        elif field.is_repeated:
            values: list[Any] = draw(st.lists(_value(field, depth), max_size=3))
            getattr(message, field.name).extend(values * (3000 if draw(st.integers(0, 30)) == 0 else 1))
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(draw(_value(field, depth)))
        else:
            setattr(message, field.name, draw(_value(field, depth)))
    return message


Row: TypeAlias = tuple[str, Descriptor, Descriptor]
Called: TypeAlias = tuple[Row, Message]
CALLS = st.one_of(*(st.tuples(st.just(row), _message(row[1])) for row in UNARY))
REPORTS = _message(node_service_pb2.Report.DESCRIPTOR)
FUZZED = settings(
    max_examples=EXAMPLE_COUNT,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


async def _status(peer: Peer, row: Row, request: Message) -> tuple[grpc.StatusCode, str]:
    rpc = peer.channel.unary_unary(
        row[0],
        request_serializer=type(request).SerializeToString,
        response_deserializer=GetMessageClass(row[2]).FromString,
    )
    call = rpc(request, timeout=CALL_S, metadata=peer.metadata)
    return await call.code(), await call.details() or ""


@FUZZED
@given(called=CALLS)
@pytest.mark.usefixtures("rsu")
async def test_any_call_of_an_operator_has_a_documented_status(operator: Peer, called: Called) -> None:
    code, details = await _status(operator, *called)
    assert code not in FORBIDDEN, details
    assert len(details) < 600
    assert details.isprintable()


@settings(FUZZED, max_examples=EXAMPLE_COUNT // 4)
@given(called=CALLS)
async def test_any_call_of_a_node_has_a_documented_status(rsu_peer: Peer, called: Called) -> None:
    code, details = await _status(rsu_peer, *called)
    assert code not in FORBIDDEN, details


@FUZZED
@given(report=REPORTS)
async def test_any_report_is_acknowledged_or_refused(
    operator: Peer, rsu_peer: Peer, report: node_service_pb2.Report
) -> None:
    session = await Session(rsu_peer).opened()
    await session.call.write(node_service_pb2.SessionRequest(report=report))
    try:
        await session.until("ack")
    except WaysideError as error:
        # an acknowledgement is as right; a message beyond the server's bound is refused before anybody reads it
        assert isinstance(error, InvalidArgumentError | ResourceExhaustedError), error  # noqa: PT017  # see above
    session.call.cancel()
    await operator.get_node("rsu-1")
