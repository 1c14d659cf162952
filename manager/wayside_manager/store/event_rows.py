"""How events are written: with what they tell of, in its transaction, cursors rising in the order of the commits.

The one row of `event_head` is written first, so that whoever appends waits for the one before: a reader that has seen
cursor n will never see one below n appear.

    append(connection, [NewEvent("job.ended", now, "jobs/x", "job x: done")], now=now)
"""

import json
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from wayside_manager.core.events import NewEvent
from wayside_manager.store.moments import as_us
from wayside_manager.store.tables import event_head, events

_HEAD = 1


def append(connection: Connection, new: Iterable[NewEvent], *, now: datetime) -> int:
    """Writes events in their order; the cursor of the last, 0 if there are none."""
    told = tuple(new)
    if not told:
        return 0
    connection.execute(
        update(event_head).where(event_head.c.head_id == _HEAD).values(cursor=event_head.c.cursor + len(told))
    )
    last = connection.scalars(select(event_head.c.cursor).where(event_head.c.head_id == _HEAD)).one()
    first = last - len(told) + 1
    connection.execute(
        insert(events),
        [
            {
                "cursor": first + place,
                "kind": each.kind,
                "time_us": as_us(each.time),
                "record_us": as_us(now),
                "severity": int(each.severity),
                "subject": each.subject,
                "node_id": each.node_id,
                "site_id": each.site_id,
                "tenant_id": each.tenant_id,
                "message": each.message,
                "details": json.dumps(dict(each.details), sort_keys=True),
            }
            for place, each in enumerate(told)
        ],
    )
    return int(last)
