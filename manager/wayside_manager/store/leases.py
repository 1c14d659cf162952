"""Leases: what must happen once is done by whoever holds the lease of it.

A holder that stops, or whose clock or link does, loses it when its life is over; the fence then rises, and what the old
holder still tries to write under the old fence is refused in the transaction that writes it.

    lease = take(connection, "rollouts", "manager-a", now=now, life_s=15.0)    # None: somebody else has it
    check(connection, lease)                                                   # in every transaction that needs it
"""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from wayside.errors import ConflictError
from wayside_manager.ports.rollouts import Lease
from wayside_manager.store.moments import as_us
from wayside_manager.store.tables import leases

_MICROSECONDS_PER_SECOND = 1_000_000


def take(connection: Connection, name: str, holder: str, *, now: datetime, life_s: float) -> Lease | None:
    """Takes or renews a lease; `None`: somebody else has it."""
    now_us, life_us = as_us(now), round(life_s * _MICROSECONDS_PER_SECOND)
    row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
    values = {"holder": holder, "fence": 1, "expire_us": now_us + life_us}
    if row is None:
        connection.execute(insert(leases), values | {"name": name})
        return Lease(name, holder, 1)
    # an end farther away than a life is of a clock that was wrong: nobody shall wait a year for it
    is_free = not now_us < row.expire_us <= now_us + life_us
    if row.holder != holder and not is_free:
        return None
    values["fence"] = row.fence if row.holder == holder else row.fence + 1
    connection.execute(update(leases).where(leases.c.name == name).values(values))
    return Lease(name, holder, row.fence if row.holder == holder else row.fence + 1)


def release(connection: Connection, lease: Lease) -> None:
    """Lets others have it at once, if it is still its holder's."""
    is_own = (leases.c.name == lease.name, leases.c.holder == lease.holder, leases.c.fence == lease.fence)
    connection.execute(update(leases).where(*is_own).values(expire_us=0))


def check(connection: Connection, lease: Lease) -> None:
    """Returns if the lease is still its holder's.

    Raises: ConflictError: somebody else has it now.
    """
    query = select(leases.c.holder, leases.c.fence).where(leases.c.name == lease.name)
    row = connection.execute(query).one_or_none()
    if row is None or (row.holder, row.fence) != (lease.holder, lease.fence):
        raise ConflictError(
            f"lease {lease.name} is somebody else's now; take it again before going on", reason="LEASE_LOST"
        )
