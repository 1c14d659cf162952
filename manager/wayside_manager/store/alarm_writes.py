"""What a step of the alarm engine writes, what age drops, and what is known of the members of an area alarm."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, or_, select, update

from wayside_manager.core.alarms import SHELF_END_MAX, AlarmMember, AlarmRecord, AlarmState
from wayside_manager.core.node_health import SILENT
from wayside_manager.ports.alarms import Restored
from wayside_manager.store.alarm_rows import engine_columns, member_of, new_columns
from wayside_manager.store.moments import as_time_or_none, as_us, as_us_or_none
from wayside_manager.store.node_rows import parts
from wayside_manager.store.tables import alarm_members, alarms, node_states, node_status, reports


def write_alarms(connection: Connection, told: Collection[AlarmRecord], now: datetime) -> None:
    """Writes new alarms, and of known ones what the engine decides on."""
    known: set[str] = set()
    for part in parts(alarm.alarm_id for alarm in told):
        known.update(connection.scalars(select(alarms.c.alarm_id).where(alarms.c.alarm_id.in_(part))))
    new = [new_columns(alarm) for alarm in told if alarm.alarm_id not in known]
    if new:
        connection.execute(insert(alarms), new)
    moved = [engine_columns(alarm) | {"own_id": alarm.alarm_id} for alarm in told if alarm.alarm_id in known]
    if moved:
        statement = update(alarms).where(alarms.c.alarm_id == bindparam("own_id"))
        connection.execute(statement.values(revision=alarms.c.revision + 1), moved)
    # a shelf that somebody made while the step was made stays
    is_over = or_(alarms.c.shelve_end_us <= as_us(now), alarms.c.shelve_end_us > as_us(now + SHELF_END_MAX))
    connection.execute(update(alarms).where(alarms.c.state == AlarmState.RAISED, is_over).values(shelve_end_us=None))


def write_members(connection: Connection, alarm_id: str, members: Collection[AlarmMember]) -> None:
    """Writes members that joined, came back or went again."""
    query = select(alarm_members.c.node_id).where(alarm_members.c.alarm_id == alarm_id)
    known = set(connection.scalars(query))
    new = [
        {
            "alarm_id": alarm_id,
            "node_id": member.node_id,
            "site_id": member.site_id,
            "lost_us": as_us(member.lost_time),
            "return_us": as_us_or_none(member.return_time),
            "lost_report_count": member.lost_report_count,
        }
        for member in members
        if member.node_id not in known
    ]
    if new:
        connection.execute(insert(alarm_members), new)
    moved = [
        {"own_id": member.node_id, "back_us": as_us_or_none(member.return_time)}
        for member in members
        if member.node_id in known
    ]
    if moved:
        key = (alarm_members.c.alarm_id == alarm_id, alarm_members.c.node_id == bindparam("own_id"))
        connection.execute(update(alarm_members).where(*key).values(return_us=bindparam("back_us")), moved)


def drop_alarms(connection: Connection, before: datetime, max_count: int) -> int:
    """Drops alarms that were over before a time, with their members; how many."""
    is_old = (alarms.c.state == AlarmState.CLEARED, alarms.c.clear_us < as_us(before))
    alarm_ids = list(connection.scalars(select(alarms.c.alarm_id).where(*is_old).limit(max_count)))
    for part in parts(alarm_ids):
        connection.execute(delete(alarm_members).where(alarm_members.c.alarm_id.in_(part)))
        connection.execute(delete(alarms).where(alarms.c.alarm_id.in_(part)))
    return len(alarm_ids)


def restored(connection: Connection, alarm_id: str) -> tuple[Restored, ...]:
    """The members of an area alarm: the missing first, then in order of their return."""
    rows = connection.execute(
        select(alarm_members, node_status.c.lost_report_count.label("all_lost_count"))
        .join(node_status, node_status.c.node_id == alarm_members.c.node_id)
        .where(alarm_members.c.alarm_id == alarm_id)
    ).all()
    later = _returned_later(connection, alarm_id)
    backfilled = _backfilled(connection, alarm_id) | {
        row.node_id: _count_between(connection, row.node_id, row.lost_us, later[row.node_id])
        for row in rows
        if row.node_id in later
    }
    found = [
        Restored(
            replace(member_of(row), return_time=as_time_or_none(row.return_us or later.get(row.node_id))),
            backfilled.get(row.node_id, 0),
            max(0, row.all_lost_count - row.lost_report_count),
        )
        for row in rows
    ]
    found.sort(key=lambda each: _order(each.member))
    return tuple(found)


def _count_between(connection: Connection, node_id: str, lost_us: int, return_us: int) -> int:
    query = select(func.count()).where(
        reports.c.node_id == node_id, reports.c.record_us > lost_us, reports.c.record_us < return_us
    )
    return connection.scalar(query) or 0


def _returned_later(connection: Connection, alarm_id: str) -> dict[str, int]:
    """When members came back of which the engine did not see it: after the alarm was over [us since 1970]."""
    heard_again = and_(
        node_states.c.node_id == alarm_members.c.node_id,
        node_states.c.begin_us > alarm_members.c.lost_us,
        node_states.c.state != SILENT,
    )
    query = (
        select(alarm_members.c.node_id, func.min(node_states.c.begin_us))
        .join(node_states, heard_again)
        .join(alarms, alarms.c.alarm_id == alarm_members.c.alarm_id)
        .where(
            alarm_members.c.alarm_id == alarm_id,
            alarm_members.c.return_us.is_(None),
            alarms.c.state == AlarmState.CLEARED,
        )
        .group_by(alarm_members.c.node_id)
    )
    return {row.node_id: row[1] for row in connection.execute(query).all()}


def _order(member: AlarmMember) -> tuple[bool, datetime, str]:
    return member.return_time is not None, member.return_time or member.lost_time, member.node_id


def _backfilled(connection: Connection, alarm_id: str) -> dict[str, int]:
    """Reports of the time each member was away that have come since, as far as they are still kept."""
    of_the_time = and_(
        reports.c.node_id == alarm_members.c.node_id,
        reports.c.record_us > alarm_members.c.lost_us,
        reports.c.record_us < alarm_members.c.return_us,
    )
    query = (
        select(alarm_members.c.node_id, func.count())
        .join(reports, of_the_time)
        .where(alarm_members.c.alarm_id == alarm_id)
        .group_by(alarm_members.c.node_id)
    )
    return {row.node_id: row[1] for row in connection.execute(query).all()}
