"""Every RPC a manager serves, as every role, on the own and another tenant's things; as a node; as nobody."""

from typing import Any

import pytest

from tests.link.manager_api.matrix_table import (
    ALL,
    CALLS_OF_ANYONE,
    NODE_CALLS,
    OPERATOR_CALLS,
    STANDARD_CALLS_OF_ANYONE,
    STANDARD_CALLS_OF_OPERATORS,
    Row,
)
from tests.link.manager_api.matrix_world import Answer, Land, World, descriptor, message_of
from wayside.v1 import node_service_pb2
from wayside_manager.core.policy import RULES

pytestmark = pytest.mark.asyncio(loop_scope="module")
NO_ROLE, WRONG_CALLER = "PERMISSION_DENIED ROLE_MISSING", "PERMISSION_DENIED NOT_ALLOWED"
OWN_NAMES = frozenset(f"/wayside.v1.{name}" for name in {*OPERATOR_CALLS, *NODE_CALLS, *CALLS_OF_ANYONE})


async def test_the_table_and_the_expectation_name_exactly_what_is_served(world: World) -> None:
    assert len(world.served) > 60
    assert set(RULES) >= world.served
    assert world.served == OWN_NAMES | STANDARD_CALLS_OF_ANYONE | STANDARD_CALLS_OF_OPERATORS


async def asked(world: World, method: str, caller: str, land: Land) -> Answer:
    row = OPERATOR_CALLS[method]
    token = world.tokens[caller]
    if method == "AccessService/SignOut":  # its token is of no use afterwards
        token = await world.admin.api_token("admin" if caller == "root admin" else f"{caller}-alpha")
    full_name = f"/wayside.v1.{method}"
    return await world.call(world.admin.channel, full_name, token, *await row.build(world, land, full_name))


def expected(row: Row, role: str, *, is_own: bool) -> str:
    """What somebody with a role in the first tenant is told."""
    if row.about == "caller":
        return row.done
    if row.about == "deployment" or role not in row.roles.split():
        return NO_ROLE
    return row.done if is_own or not row.hidden else row.hidden


@pytest.mark.parametrize("method", OPERATOR_CALLS)
async def test_in_the_own_tenant_a_role_opens_just_what_it_should(world: World, method: str) -> None:
    row = OPERATOR_CALLS[method]
    found = {word: (await asked(world, method, word, world.own)).result for word in ALL.split()}
    assert found == {word: expected(row, word, is_own=True) for word in ALL.split()}


@pytest.mark.parametrize("method", OPERATOR_CALLS)
async def test_another_tenants_things_are_not_there(world: World, method: str) -> None:
    row = OPERATOR_CALLS[method]
    answers = {word: await asked(world, method, word, world.other) for word in ALL.split()}
    found = {word: answer.result for word, answer in answers.items()}
    wanted = {word: expected(row, word, is_own=False) for word in ALL.split()}
    if method == "AccessService/CreateOperator":  # its handler judges the roles that are given
        wanted["admin"] = "INVALID_ARGUMENT TENANT_UNKNOWN"
    assert found == wanted
    for answer in answers.values():
        if row.about == "list" and answer.result == "OK" and method != "EnrollmentService/ImportNodes":
            assert not [secret for secret in world.other.secrets() if secret in answer.said], answer.said


@pytest.mark.parametrize("method", OPERATOR_CALLS)
async def test_without_a_role_an_operator_knows_only_itself(world: World, method: str) -> None:
    row = OPERATOR_CALLS[method]
    found = [(await asked(world, method, "nobody", land)).result for land in (world.own, world.other)]
    assert found == [row.done if row.about == "caller" else NO_ROLE] * 2


@pytest.mark.parametrize("method", OPERATOR_CALLS)
async def test_an_admin_of_the_root_opens_everything_everywhere(world: World, method: str) -> None:
    found = [(await asked(world, method, "root admin", land)).result for land in (world.own, world.other)]
    wanted = [OPERATOR_CALLS[method].done] * 2
    if method == "AuthorityService/CreateAuthority":
        wanted[1] = "FAILED_PRECONDITION AUTHORITY_WAITING"  # one at a time
    if method == "ApprovalService/DecideApproval":
        wanted = ["PERMISSION_DENIED SAME_PERSON"] * 2  # it asked for them
    assert found == wanted


THINGS = sorted(name for name, row in OPERATOR_CALLS.items() if row.about == "thing")


@pytest.mark.parametrize("method", THINGS)
async def test_a_hidden_thing_and_a_missing_one_get_the_same_answer(world: World, method: str) -> None:
    row, full_name = OPERATOR_CALLS[method], f"/wayside.v1.{method}"
    caller = row.roles.split()[0]
    hidden = await row.build(world, world.other, full_name)
    missing = _renamed(hidden[0], world.other.mark)
    answers = [
        await world.call(world.admin.channel, full_name, world.tokens[caller], message)
        for message in (hidden[0], missing)
    ]
    assert answers[0].result == answers[1].result == row.hidden
    assert _words(answers[0].said) == _words(answers[1].said)


def _renamed(message: Any, mark: str) -> Any:  # noqa: ANN401  # any request
    """The request for a thing that is nowhere: ids are marks, versions or hexadecimal."""
    text = message.SerializeToString().replace(mark.encode(), mark[::-1].encode())
    changed = type(message).FromString(text)
    for name in ("name",):
        value = getattr(changed, name, "")
        if isinstance(value, str) and value:
            collection, _, thing_id = value.partition("/")
            setattr(changed, name, f"{collection}/{thing_id[:-1]}{'0' if thing_id[-1] != '0' else '1'}")
    return changed


def _words(said: str) -> list[str]:
    """The sentence without ids."""
    return [word for word in said.split("{", maxsplit=1)[0].split() if not any(sign.isdigit() for sign in word)]


@pytest.mark.parametrize("method", sorted(OWN_NAMES | STANDARD_CALLS_OF_OPERATORS))
async def test_nobody_gets_in_without_a_credential(world: World, method: str) -> None:
    async with world.manager.stranger() as stranger:
        answer = await world.call(stranger.channel, method, "", message_of(method)())
    if method.removeprefix("/wayside.v1.") in CALLS_OF_ANYONE:
        assert not answer.result.startswith("UNAUTHENTICATED NO_CREDENTIAL")
    else:
        assert answer.result == "UNAUTHENTICATED NO_CREDENTIAL"


@pytest.mark.parametrize("method", sorted(OWN_NAMES))
async def test_a_node_calls_its_own_service_and_no_other(world: World, method: str) -> None:
    name, credential = method.removeprefix("/wayside.v1."), world.own.credential
    assert credential is not None
    async with world.manager.node(credential) as peer:
        if name in OPERATOR_CALLS:
            messages = await OPERATOR_CALLS[name].build(world, world.own, method)
        else:
            messages = (message_of(method)(),)
        answer = await world.call(peer.channel, method, "", *messages)
    is_wrong = name not in NODE_CALLS | CALLS_OF_ANYONE
    assert (answer.result == WRONG_CALLER) == is_wrong, answer
    if name != "NodeService/FetchTrust":  # what exists is one file, as people signed it: ADR 0020
        assert world.other.mark not in answer.said


@pytest.mark.parametrize("method", sorted(NODE_CALLS))
async def test_an_operator_is_no_node(world: World, method: str) -> None:
    full_name = f"/wayside.v1.{method}"
    answer = await world.call(world.admin.channel, full_name, world.manager.token, message_of(full_name)())
    assert answer.result == WRONG_CALLER


async def test_no_field_of_a_nodes_requests_can_name_another_node(world: World) -> None:
    assert world.tokens
    fields = {
        field.name
        for method in node_service_pb2.DESCRIPTOR.services_by_name["NodeService"].methods
        for field in descriptor(f"/wayside.v1.NodeService/{method.name}").input_type.fields
    }
    session = {"hello", "report", "probe", "live"}
    fetches = {
        "release",
        "offset_bytes",
        "max_chunk_bytes",
        "delta_sha256",
        "sha256",
        "revision",
        "certificate_request_pem",
    }
    # another node's, but yes or no is all that is said of it, and no to other tenants: test_neighbours
    neighbours = {"certificate_sha256"}
    trust = {"image_root_version", "director_root_version"}
    of_jobs = {
        "job",
        "begin",
        "content",
        "output",
    }  # the job of another node is not there: test_job_files, test_job_shell
    assert fields == session | fetches | neighbours | trust | of_jobs
