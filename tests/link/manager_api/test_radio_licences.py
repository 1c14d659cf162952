"""Radio licences: who may have one, and which units do not keep to theirs."""

from typing import Any

import pytest

from tests.link.manager_api.config_unit import following
from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer, role
from wayside.errors import AlreadyExistsError, ConflictError, InvalidArgumentError, NotFoundError
from wayside.v1 import node_pb2, radio_licence_service_pb2, site_pb2

HZ, DBM = 5.915e9, 29.0


def licence(licence_id: str = "l-1", node_id: str = "rsu-1", **fields: Any) -> site_pb2.RadioLicence:  # noqa: ANN401  # fields of a message
    values: dict[str, Any] = {
        "number": "HI-12",
        "node": f"nodes/{node_id}",
        "center_frequency_hertz": HZ,
        "bandwidth_hertz": 20e6,
        "max_transmit_power_dbm": DBM,
    }
    made = site_pb2.RadioLicence(name=f"radioLicences/{licence_id}", **(values | fields))
    made.expire_time.FromJsonString("2126-01-01T00:00:00Z")
    return made


async def applied(peer: Peer, made: site_pb2.RadioLicence) -> site_pb2.RadioLicence:
    request = radio_licence_service_pb2.ApplyRadioLicenceRequest(radio_licence=made)
    return (await peer.call(peer.radio_licence.ApplyRadioLicence, request)).radio_licence


async def mismatches(peer: Peer, **fields: Any) -> list[tuple[str, str]]:  # noqa: ANN401  # fields of a message
    request = radio_licence_service_pb2.ListRadioMismatchesRequest(**fields)
    answer = await peer.call(peer.radio_licence.ListRadioMismatches, request)
    return [(each.node, site_pb2.RadioMismatch.Cause.Name(each.cause)) for each in answer.mismatches]


def radio(center_hz: float = HZ, power_dbm: float = DBM) -> node_pb2.RadioHealth:
    return node_pb2.RadioHealth(is_open=True, center_frequency_hertz=center_hz, transmit_power_dbm=power_dbm)


@pytest.mark.usefixtures("rsu")
async def test_a_licence_is_made_changed_and_deleted(operator: Peer) -> None:
    made = await applied(operator, licence())
    again = await applied(operator, licence())
    changed = await applied(operator, licence(max_transmit_power_dbm=23))
    assert (made.etag, made.tenant, again.etag, changed.etag) == ("1", "tenants/root", "1", "2")
    stale = licence(max_transmit_power_dbm=20)
    stale.etag = "1"
    with pytest.raises(ConflictError):
        await applied(operator, stale)
    listed = await operator.call(
        operator.radio_licence.ListRadioLicences, radio_licence_service_pb2.ListRadioLicencesRequest()
    )
    assert list(listed.radio_licences) == [changed]
    delete = radio_licence_service_pb2.DeleteRadioLicenceRequest(name=changed.name)
    await operator.call(operator.radio_licence.DeleteRadioLicence, delete)
    with pytest.raises(NotFoundError):
        await operator.call(operator.radio_licence.DeleteRadioLicence, delete)


@pytest.mark.usefixtures("rsu")
@pytest.mark.parametrize(
    "fields",
    [
        {"number": ""},
        {"number": "x" * 201},
        {"node": "rsu-1"},
        {"center_frequency_hertz": 0},
        {"center_frequency_hertz": float("nan")},
        {"center_frequency_hertz": 5915},
        {"bandwidth_hertz": 0},
        {"max_transmit_power_dbm": 61},
        {"max_transmit_power_dbm": float("inf")},
        {"tenant": "root"},
    ],
    ids=lambda fields: next(iter(fields)),
)
async def test_a_licence_out_of_bounds_is_refused(operator: Peer, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError):
        await applied(operator, licence(**fields))


async def test_a_licence_is_for_a_roadside_unit_of_its_tenant_that_has_none(
    manager: LocalManager, operator: Peer
) -> None:
    await operator.make_tenant("haikou")
    await operator.make_tenant("sanya")
    token = await operator.enrollment_token(node="nodes/rsu-1", tenant="tenants/haikou")
    await manager.enroll("rsu-1", token=token)
    await manager.enroll("obu-1", kind="OBU")
    for fields, error in (
        ({"node_id": "rsu-9"}, NotFoundError),
        ({"tenant": "tenants/sanya"}, NotFoundError),
        ({"node_id": "obu-1"}, InvalidArgumentError),
    ):
        with pytest.raises(error):
            await applied(operator, licence(**({"tenant": "tenants/root"} | fields)))
    await applied(operator, licence(tenant="tenants/root"))  # of the tenant above
    with pytest.raises(AlreadyExistsError):
        await applied(operator, licence("l-2", tenant="tenants/haikou"))
    ann = await operator.make_operator("ann", role("operator", "haikou"))
    async with manager.stranger(token=ann) as peer:
        with pytest.raises(AlreadyExistsError, match="the name is taken"):
            await applied(peer, licence())
        listed = await peer.call(
            peer.radio_licence.ListRadioLicences, radio_licence_service_pb2.ListRadioLicencesRequest()
        )
    assert not listed.radio_licences


async def test_units_that_do_not_keep_to_their_licence_are_listed(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    async with following(manager, rsu) as unit:
        await unit.told()
        assert await mismatches(operator) == []
        await unit.say_health(radio=radio())
        await unit.told()
        assert await mismatches(operator) == [("nodes/rsu-1", "CAUSE_NO_LICENCE")]
        await applied(operator, licence())
        assert await mismatches(operator) == []
        await unit.say_health(radio=radio(5.905e9, 31))
        await unit.told()
        assert await mismatches(operator) == [("nodes/rsu-1", "CAUSE_FREQUENCY"), ("nodes/rsu-1", "CAUSE_POWER")]
        await unit.say_health(radio=node_pb2.RadioHealth(is_open=True))
        await unit.told()
        assert await mismatches(operator) == [("nodes/rsu-1", "CAUSE_UNKNOWN")]


async def test_mismatches_come_in_pages_of_units_and_only_of_units_one_sees(
    manager: LocalManager, operator: Peer
) -> None:
    await operator.make_tenant("haikou")
    for number in range(3):
        await manager.enroll(f"rsu-{number}")
        await applied(operator, licence(f"l-{number}", f"rsu-{number}"))
    request = radio_licence_service_pb2.ListRadioMismatchesRequest(page_size=2)
    first = await operator.call(operator.radio_licence.ListRadioMismatches, request)
    request.page_token = first.next_page_token
    second = await operator.call(operator.radio_licence.ListRadioMismatches, request)
    assert [[each.node for each in page.mismatches] for page in (first, second)] == [
        ["nodes/rsu-0", "nodes/rsu-1"],
        ["nodes/rsu-2"],
    ]
    assert not second.next_page_token
    with pytest.raises(InvalidArgumentError):
        await mismatches(operator, page_token="other")
    ann = await operator.make_operator("ann", role("viewer", "haikou"))
    async with manager.stranger(token=ann) as peer:
        assert await mismatches(peer) == []
