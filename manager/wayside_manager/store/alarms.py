"""Alarms in SQL: for the engine that makes them, and for operators."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, insert, or_, select, tuple_, update
from sqlalchemy.sql.elements import ColumnElement

from wayside.errors import FailedPreconditionError
from wayside_manager.core.access import Reach
from wayside_manager.core.alarms import AlarmPolicy, AlarmRecord, AlarmState, AlarmStep, Situation
from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.missing import not_there
from wayside_manager.core.pages import Page, checked_page_size, position
from wayside_manager.core.pages import page_token as next_token
from wayside_manager.ports.alarms import AlarmQuestion, Restored
from wayside_manager.ports.rollouts import Lease
from wayside_manager.store import event_rows, leases
from wayside_manager.store.alarm_rows import POLICY, find_alarm, policy_fields, policy_of, records
from wayside_manager.store.alarm_situation import read_situation
from wayside_manager.store.alarm_storms import rest
from wayside_manager.store.alarm_writes import drop_alarms, restored, write_alarms, write_members
from wayside_manager.store.moments import as_us, as_us_or_none
from wayside_manager.store.part import SqlPart, changed, check_etag, reading, writing
from wayside_manager.store.reaches import covers_node, covers_whole
from wayside_manager.store.tables import alarm_policy, alarms, nodes

_KEY = (alarms.c.severity, alarms.c.raise_us, alarms.c.alarm_id)


class SqlAlarms(SqlPart):
    """Satisfies `ports.AlarmStore` and `ports.AlarmEngineStore`."""

    @reading
    def alarm_situation(
        self, connection: Connection, *, now: datetime, begin_time: datetime
    ) -> tuple[Situation, AlarmPolicy]:
        """See AlarmEngineStore."""
        return read_situation(connection, now=now, begin_time=begin_time), policy_of(connection)

    @writing
    def save_alarm_step(
        self,
        connection: Connection,
        step: AlarmStep,
        *,
        storms: Mapping[str, Collection[str]],
        now: datetime,
        lease: Lease,
    ) -> frozenset[str]:
        """See AlarmEngineStore."""
        leases.check(connection, lease)
        write_alarms(connection, step.alarms, now)
        for alarm_id, members in step.members.items():
            write_members(connection, alarm_id, members)
        event_rows.append(connection, step.events, now=now)
        return rest(connection, storms, now=now)

    @reading
    def get_alarm(self, connection: Connection, alarm_id: str) -> AlarmRecord:
        """See AlarmStore."""
        return _the_alarm(connection, alarm_id)

    @reading
    def list_alarms(
        self,
        connection: Connection,
        question: AlarmQuestion,
        *,
        reach: Reach,
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[AlarmRecord]:
        """See AlarmStore."""
        size, text = checked_page_size(page_size), f"alarms|{question}"
        query = _asked(question, reach).where(_visible(reach))
        after = position(page_token, text, types=(int, int, str))
        if after is not None:
            query = query.where(tuple_(*_KEY) < tuple_(*after))
        query = query.order_by(*(column.desc() for column in _KEY)).limit(size + 1)
        rows = list(connection.execute(query).all())
        shown = rows[:size]
        token = ""
        if len(rows) > size:
            last = shown[-1]
            token = next_token(text, (last.severity, last.raise_us, last.alarm_id))
        return Page(tuple(records(connection, shown)), token)

    @writing
    def acknowledge_alarm(
        self, connection: Connection, alarm_id: str, *, actor: str, note: str, now: datetime
    ) -> AlarmRecord:
        """See AlarmStore."""
        values = {"acknowledger": actor, "acknowledge_us": as_us(now), "note": note}
        said = f"taken on by {actor}{f': {note}' if note else ''}"
        return _said(connection, alarm_id, values, kind="alarm.acknowledged", message=said, now=now)

    @writing
    def shelve_alarm(  # what somebody says of it
        self,
        connection: Connection,
        alarm_id: str,
        *,
        actor: str,
        duration: timedelta,
        note: str,
        now: datetime,
    ) -> AlarmRecord:
        """See AlarmStore."""
        end = now + duration if duration else None
        values = {"shelve_end_us": as_us_or_none(end)} | ({"note": note} if note else {})
        until = f"until {end:%Y-%m-%d %H:%M} UTC" if end else "no longer"
        return _said(connection, alarm_id, values, kind="alarm.shelved", message=f"shelved {until} by {actor}", now=now)

    @reading
    def restore_report(self, connection: Connection, alarm_id: str) -> tuple[AlarmRecord, tuple[Restored, ...]]:
        """See AlarmStore."""
        alarm = _the_alarm(connection, alarm_id)
        if not alarm.is_area:
            what = "what people signed" if alarm.is_of_trust else "one node"
            raise FailedPreconditionError(
                f"alarm {alarm_id} is about {what}; ask for the alarm of an area", reason="ALARM_NOT_OF_AREA"
            )
        return alarm, restored(connection, alarm_id)

    @writing
    def drop_alarms(self, connection: Connection, before: datetime, *, max_count: int) -> int:
        """See AlarmStore."""
        return drop_alarms(connection, before, max_count)

    @reading
    def get_alarm_policy(self, connection: Connection) -> AlarmPolicy:
        """See AlarmStore."""
        return policy_of(connection)

    @writing
    def update_alarm_policy(
        self, connection: Connection, policy: AlarmPolicy, *, now: datetime, etag: str = ""
    ) -> AlarmPolicy:
        """See AlarmStore."""
        before = policy_of(connection)
        check_etag(etag, int(before.etag), "the alarm policy")
        values = {
            "policy": json.dumps(policy_fields(policy), sort_keys=True),
            "update_us": as_us(now),
            "revision": int(before.etag) + 1,
        }
        if before.etag == "0":
            connection.execute(insert(alarm_policy), values | {"policy_id": POLICY})
        else:
            connection.execute(update(alarm_policy).where(alarm_policy.c.policy_id == POLICY).values(values))
        changed(connection, "alarmPolicy", before=policy_fields(before), after=policy_fields(policy), tenant_id="root")
        return policy_of(connection)


def _the_alarm(connection: Connection, alarm_id: str) -> AlarmRecord:
    alarm = find_alarm(connection, alarm_id)
    if alarm is None:
        raise not_there("alarms", alarm_id)
    return alarm


def _asked(question: AlarmQuestion, reach: Reach) -> Select[Any]:
    query = select(alarms).where(alarms.c.severity >= int(question.min_severity))
    if not question.shows_cleared:
        query = query.where(alarms.c.state == AlarmState.RAISED)
    if not question.shows_shelved:
        query = query.where(alarms.c.shelve_end_us.is_(None))
    if question.parent_id:
        query = query.where(alarms.c.parent_id == question.parent_id)
    elif not question.shows_members:
        cause = alarms.alias()  # who cannot see it must be told of what it explains
        seen = select(cause.c.alarm_id).where(
            cause.c.alarm_id == alarms.c.parent_id, covers_whole(cause.c.tenant_id, reach)
        )
        query = query.where(or_(alarms.c.parent_id == "", ~seen.exists()))
    return query.where(alarms.c.subject == question.subject) if question.subject else query


def _visible(reach: Reach) -> ColumnElement[bool]:
    """Alarms of nodes that are within reach, and of areas of tenants that wholly are."""
    own = select(nodes.c.node_id).where(nodes.c.node_id == alarms.c.node_id, covers_node(reach)).exists()
    return or_(and_(alarms.c.node_id != "", own), and_(alarms.c.node_id == "", covers_whole(alarms.c.tenant_id, reach)))


def _said(
    connection: Connection, alarm_id: str, values: Mapping[str, Any], *, kind: str, message: str, now: datetime
) -> AlarmRecord:
    """Notes what a person says of an alarm that holds.

    Raises: NotFoundError; FailedPreconditionError: it is over.
    """
    before = _the_alarm(connection, alarm_id)
    if before.state is not AlarmState.RAISED:
        raise FailedPreconditionError(f"alarm {alarm_id} is over; nobody needs to care any more", reason="ALARM_OVER")
    statement = update(alarms).where(alarms.c.alarm_id == alarm_id)
    connection.execute(statement.values(revision=alarms.c.revision + 1, **values))
    after = _the_alarm(connection, alarm_id)
    event = NewEvent(
        kind=kind,
        time=now,
        subject=f"alarms/{alarm_id}",
        message=f"{after.kind} of {after.subject}: {message}",
        severity=Severity.INFO,
        node_id=after.node_id,
        site_id=after.site_id,
        tenant_id=after.tenant_id,
        details={"alarm_kind": after.kind, "alarm_subject": after.subject},
    )
    event_rows.append(connection, [event], now=now)
    changed(connection, f"alarms/{alarm_id}", before=_words(before), after=_words(after), tenant_id=after.tenant_id)
    return after


def _words(alarm: AlarmRecord) -> dict[str, object]:
    """What people say of an alarm."""
    return {
        "acknowledger": alarm.acknowledger,
        "note": alarm.note,
        "shelve_end_us": as_us_or_none(alarm.shelve_end),
    }
