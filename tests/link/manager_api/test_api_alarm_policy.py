"""The policy of alarms over real TLS: the product's, somebody's, and what it cannot be."""

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from tests.link.manager_api.peer import Peer
from wayside.errors import ConflictError, InvalidArgumentError
from wayside.v1 import alarm_pb2, alarm_service_pb2

POLICY: dict[str, Any] = {
    "storm_percent": 50.0,
    "storm_min_count": 3,
    "storm_window": Duration(seconds=300),
    "escalate_after": Duration(seconds=4 * 3600),
    "reconnects_per_second": 100.0,
}


async def policy(peer: Peer) -> alarm_pb2.AlarmPolicy:
    return (await peer.call(peer.alarm.GetAlarmPolicy, alarm_service_pb2.GetAlarmPolicyRequest())).policy


async def update(peer: Peer, **fields: Any) -> alarm_pb2.AlarmPolicy:  # noqa: ANN401  # fields of a message
    request = alarm_service_pb2.UpdateAlarmPolicyRequest(policy=alarm_pb2.AlarmPolicy(**fields))
    return (await peer.call(peer.alarm.UpdateAlarmPolicy, request)).policy


async def test_the_policy_is_the_products_until_somebody_changes_it(operator: Peer) -> None:
    assert await policy(operator) == alarm_pb2.AlarmPolicy(**POLICY, etag="0")
    rules = [
        alarm_pb2.AlarmRule(
            kind="can.*.load", failed_severity=alarm_pb2.SEVERITY_MAJOR, raise_after=Duration(seconds=5)
        ),
        alarm_pb2.AlarmRule(kind="gnss.fix", is_silenced=True),
    ]
    given: dict[str, Any] = {
        "rules": rules,
        "storm_percent": 12.5,
        "storm_min_count": 2,
        "storm_window": Duration(seconds=10),
        "escalate_after": Duration(),
        "reconnects_per_second": 1.0,
    }
    assert await update(operator, **given, etag="0") == alarm_pb2.AlarmPolicy(**given, etag="1")
    assert await policy(operator) == alarm_pb2.AlarmPolicy(**given, etag="1")
    with pytest.raises(ConflictError):
        await update(operator, etag="0")
    assert await update(operator) == alarm_pb2.AlarmPolicy(**POLICY, etag="2")


def _rule(kind: str = "gnss.fix", **fields: Any) -> dict[str, Any]:  # noqa: ANN401  # fields of a message
    return {"rules": [alarm_pb2.AlarmRule(kind=kind, **fields)]}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"storm_percent": -1.0}, "storm_percent"),
        ({"storm_percent": 100.1}, "storm_percent"),
        ({"storm_percent": float("nan")}, "storm_percent"),
        ({"storm_min_count": 1}, "storm_min_count"),
        ({"storm_min_count": 10_001}, "storm_min_count"),
        ({"storm_min_count": -3}, "storm_min_count"),
        ({"storm_window": Duration(seconds=9)}, "storm_window"),
        ({"storm_window": Duration(seconds=3601)}, "storm_window"),
        ({"storm_window": Duration(seconds=2**62)}, "storm_window"),
        ({"escalate_after": Duration(seconds=-1)}, "escalate_after"),
        ({"escalate_after": Duration(seconds=31 * 86_400)}, "escalate_after"),
        ({"reconnects_per_second": 0.5}, "reconnects_per_second"),
        ({"reconnects_per_second": 100_001.0}, "reconnects_per_second"),
        ({"reconnects_per_second": float("inf")}, "reconnects_per_second"),
        (_rule("gnss.fox"), r"rules\[0\].kind"),
        (_rule(""), r"rules\[0\].kind"),
        (_rule("*.*.*.*"), r"rules\[0\].kind"),
        (_rule("can." + "x" * 80), r"rules\[0\].kind"),
        (_rule(failed_severity=9), r"rules\[0\].failed_severity"),
        (_rule(degraded_severity=-1), r"rules\[0\].degraded_severity"),
        (_rule(raise_after=Duration(seconds=86_401)), r"rules\[0\].raise_after"),
        (_rule(clear_after=Duration(seconds=-1)), r"rules\[0\].clear_after"),
        ({"rules": [alarm_pb2.AlarmRule(kind="gnss.fix")] * 2}, r"rules\[1\].kind"),
        ({"rules": [alarm_pb2.AlarmRule(kind=f"can.b{n}.load") for n in range(201)]}, "policy.rules"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_policy_out_of_bounds_is_refused_by_the_name_of_its_field(
    operator: Peer, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=field):
        await update(operator, **fields)
    assert (await policy(operator)).etag == "0"
