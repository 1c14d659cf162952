"""The policy of dangerous actions in SQL: one row, or none as long as nobody has set it."""

import json
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from wayside_manager.core.approvals import AccessPolicy, CloneResponse, Danger
from wayside_manager.store.moments import as_us
from wayside_manager.store.part import SqlPart, changed, check_etag, reading, writing
from wayside_manager.store.tables import access_policy

_POLICY = 1
_NEVER_SET = AccessPolicy(etag="0")


class SqlPolicy(SqlPart):
    """Satisfies `ports.PolicyStore`."""

    @reading
    def get_policy(self, connection: Connection) -> AccessPolicy:
        """See PolicyStore."""
        return the_policy(connection)

    @writing
    def update_policy(
        self, connection: Connection, policy: AccessPolicy, *, now: datetime, etag: str = ""
    ) -> AccessPolicy:
        """See PolicyStore."""
        before = the_policy(connection)
        revision = int(before.etag)
        check_etag(etag, revision, "the policy")
        row = {
            "policy_id": _POLICY,
            "policy": json.dumps(_fields(policy), sort_keys=True),
            "update_us": as_us(now),
            "revision": revision + 1,
        }
        connection.execute(delete(access_policy).where(access_policy.c.policy_id == _POLICY))
        connection.execute(insert(access_policy), row)
        changed(connection, "accessPolicy", before=_fields(before), after=_fields(policy), tenant_id="root")
        return the_policy(connection)


def the_policy(connection: Connection) -> AccessPolicy:
    """The policy; the default one as long as nobody has set it."""
    row = connection.execute(select(access_policy).where(access_policy.c.policy_id == _POLICY)).one_or_none()
    if row is None:
        return _NEVER_SET
    fields = json.loads(row.policy)
    return AccessPolicy(
        four_eyes=frozenset(map(Danger, fields["four_eyes"])),
        max_unapproved_node_count=fields["max_unapproved_node_count"],
        approval_ttl=timedelta(seconds=fields["approval_ttl_s"]),
        clone_response=CloneResponse(fields["clone_response"]),
        accepts_unknown_units=fields["accepts_unknown_units"],
        allows_shells=fields.get("allows_shells", False),  # those written before there were shells do not say
        etag=str(row.revision),
    )


def _fields(policy: AccessPolicy) -> dict[str, object]:
    return {
        "four_eyes": sorted(policy.four_eyes),
        "max_unapproved_node_count": policy.max_unapproved_node_count,
        "approval_ttl_s": policy.approval_ttl.total_seconds(),
        "clone_response": policy.clone_response,
        "accepts_unknown_units": policy.accepts_unknown_units,
        "allows_shells": policy.allows_shells,
    }
