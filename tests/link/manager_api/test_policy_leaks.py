"""Roles for a few nodes only, tokens that may do less than their holder, and a search for what should not be seen."""

import asyncio
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.link.manager_api.matrix_table import OPERATOR_CALLS
from tests.link.manager_api.matrix_world import Answer, World, message_of
from tests.link.manager_api.peer import role
from wayside.v1 import access_service_pb2, fleet_service_pb2, node_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")
CASES = 400
READS = sorted(
    method
    for method in OPERATOR_CALLS
    if method.rpartition("/")[2].startswith(("Get", "List", "Watch")) and "Polic" not in method
)
CHANGES_WITH_SELECTORS = ["ConfigService/ApplyConfigLayer", "RolloutService/CreateRollout"]


async def result(world: World, token: str, method: str, **fields: Any) -> str:  # noqa: ANN401  # fields of a message
    return (await answered(world, token, method, message_of(f"/wayside.v1.{method}")(**fields))).result


async def answered(world: World, token: str, method: str, message: Message) -> Answer:
    return await world.call(world.admin.channel, f"/wayside.v1.{method}", token, message)


async def test_a_role_for_one_site_opens_its_nodes_and_nothing_else(world: World) -> None:
    own = world.own
    token = await world.admin.make_operator("on-site", role("admin", own.tenant_id, sites=("k12",)))
    here, there = f"nodes/busy-{own.mark}", own.name("nodes")
    site = await world.admin.make_site("k12", tenant=own.tenant)
    update = fleet_service_pb2.UpdateNodeRequest(node=node_pb2.Node(name=here, site=site))
    update.update_mask.paths.append("site")
    before = await result(world, token, "FleetService/GetNode", name=here)
    await world.admin.call(world.admin.fleet.UpdateNode, update)
    listed = await answered(world, token, "FleetService/ListNodes", fleet_service_pb2.ListNodesRequest())
    found = {
        "node before": before,
        "node here": await result(world, token, "FleetService/GetNode", name=here),
        "node there": await result(world, token, "FleetService/GetNode", name=there),
        "layer": await result(world, token, "ConfigService/GetConfigLayer", name=own.name("configLayers")),
        "token": await result(world, token, "EnrollmentService/CreateEnrollmentToken", tenant=own.tenant),
        "any tenant": await result(world, token, "EnrollmentService/CreateEnrollmentToken"),
    }
    assert found == {
        "node before": "NOT_FOUND NODE_NOT_FOUND",
        "node here": "OK",
        "node there": "NOT_FOUND NODE_NOT_FOUND",
        "layer": "NOT_FOUND LAYER_NOT_FOUND",
        "token": "NOT_FOUND TENANT_NOT_FOUND",
        "any tenant": "PERMISSION_DENIED ROLE_MISSING",
    }
    assert here in listed.said
    assert there not in listed.said


async def test_a_thing_one_sees_but_may_not_change_names_the_role(world: World) -> None:
    token = await world.admin.make_operator("mixed", role("viewer", "alpha"), role("operator", world.other.tenant_id))
    request = fleet_service_pb2.UpdateNodeRequest(node=node_pb2.Node(name=world.own.name("nodes"), site="sites/k1"))
    request.update_mask.paths.append("site")
    answer = await answered(world, token, "FleetService/UpdateNode", request)
    assert answer.result == "PERMISSION_DENIED ROLE_MISSING"
    assert "needs the role operator or admin for nodes/n-alpha" in answer.said


async def test_a_token_that_may_do_less_cannot_make_one_that_may_do_more(world: World) -> None:
    token = await world.admin.api_token("admin-alpha", role("viewer", "alpha"))
    found = {
        "reads": await result(world, token, "FleetService/GetNode", name=world.own.name("nodes")),
        "sees itself": await result(world, token, "AccessService/GetOperator", name="operators/admin-alpha"),
    }
    for method in ("CreateApiToken", "SetPassword", "IssueOperatorCertificate"):
        found[method] = await result(world, token, f"AccessService/{method}")
    found["tenant"] = await result(
        world,
        token,
        "AccessService/CreateTenant",
        tenant=access_service_pb2.Tenant(name="tenants/x", parent="tenants/alpha"),
    )
    assert found == {"reads": "OK", "sees itself": "OK"} | dict.fromkeys(
        ("CreateApiToken", "SetPassword", "IssueOperatorCertificate", "tenant"), "PERMISSION_DENIED ROLE_MISSING"
    )


async def test_an_operator_without_roles_looks_after_its_own_credentials(world: World) -> None:
    token = world.tokens["nobody"]
    own = await answered(world, token, "AccessService/ListCredentials", access_service_pb2.ListCredentialsRequest())
    fresh = await answered(world, token, "AccessService/CreateApiToken", access_service_pb2.CreateApiTokenRequest())
    made = access_service_pb2.CreateApiTokenResponse.FromString(fresh.content).credential.name
    found = [
        await result(world, token, "AccessService/RevokeCredential", name=name)
        for name in (made, world.own.name("credentials"))
    ]
    assert own.result == "OK"
    assert found == ["OK", "PERMISSION_DENIED ROLE_MISSING"]


def messages(message_class: Any, words: st.SearchStrategy[str], depth: int = 0) -> st.SearchStrategy[Any]:  # noqa: ANN401  # any message
    """Requests of a class, with the words in every field that takes text."""
    if depth > 2:
        return st.builds(message_class)
    if message_class.DESCRIPTOR.full_name == Struct.DESCRIPTOR.full_name:
        return st.dictionaries(words, words | st.floats(-1e6, 1e6), max_size=2).map(_struct)
    fields = {field.name: _values(field, words, depth) for field in message_class.DESCRIPTOR.fields}
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: message_class(**values))


def _struct(values: dict[str, Any]) -> Struct:
    made = Struct()
    made.update(values)
    return made


def _values(field: FieldDescriptor, words: st.SearchStrategy[str], depth: int) -> st.SearchStrategy[Any]:
    one: st.SearchStrategy[Any]
    if field.message_type is not None:
        one = messages(GetMessageClass(field.message_type), words, depth + 1)
    elif field.enum_type is not None:
        one = st.sampled_from([value.number for value in field.enum_type.values])
    else:
        one = {
            FieldDescriptor.TYPE_STRING: words,
            FieldDescriptor.TYPE_BOOL: st.booleans(),
            FieldDescriptor.TYPE_BYTES: st.binary(max_size=20),
            FieldDescriptor.TYPE_DOUBLE: st.floats(-1e6, 1e6),
            FieldDescriptor.TYPE_FLOAT: st.floats(-1e3, 1e3, width=32),
        }.get(field.type, st.integers(0, 1_000))
    return st.lists(one, max_size=2) if field.is_repeated else one


async def page_tokens(world: World) -> list[str]:
    """Of the first admin's lists, which go through the other tenant."""
    found = []
    for method in READS:
        message_class = message_of(f"/wayside.v1.{method}")
        if "page_token" in message_class.DESCRIPTOR.fields_by_name:
            content = (await answered(world, world.manager.token, method, message_class(page_size=1))).said
            found += [line.split('"')[1] for line in content.splitlines() if line.startswith("next_page_token")]
    return found


async def test_whatever_is_asked_for_nothing_of_another_tenant_comes_back(world: World) -> None:
    world.first_message_s = 0.02
    names = [world.other.name(collection) for collection in world.other.ids]
    parts = [name.partition("/")[2] for name in names] + [f"site-{world.other.mark}", f"group-{world.other.mark}"]
    own = [world.own.name(collection) for collection in world.own.ids]
    words = st.one_of(
        st.sampled_from(names + parts + own + await page_tokens(world)), st.text(max_size=12), st.just("group")
    )
    tokens = [world.tokens[word] for word in ("admin", "auditor", "operator", "release-manager", "integrator")]
    loop, seen = asyncio.get_running_loop(), dict.fromkeys(("OK", "other"), 0)

    @settings(max_examples=CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data(), method=st.sampled_from(READS + CHANGES_WITH_SELECTORS), token=st.sampled_from(tokens))
    def search(data: st.DataObject, method: str, token: str) -> None:
        message = data.draw(messages(message_of(f"/wayside.v1.{method}"), words))
        asked = answered(world, token, method, message)
        answer = asyncio.run_coroutine_threadsafe(asked, loop).result(10)
        seen["OK" if answer.result == "OK" else "other"] += 1
        is_read = method in READS and answer.result == "OK"
        for secret in world.other.secrets():
            # a refusal, or a layer, may repeat what the caller wrote itself
            assert secret not in answer.said or (not is_read and secret in str(message)), (method, message, answer)

    await asyncio.to_thread(search)
    assert min(seen.values()) > CASES / 10, seen
