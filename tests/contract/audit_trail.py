"""What the tests of the audit trail share: calls, a filled trail, and what somebody with the file can do to it."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.contract.manager_store import after
from wayside_manager.core.audit import AuditEntry, CallRecord
from wayside_manager.ports.store import Store
from wayside_manager.services.audit_seals import AuditSeals
from wayside_manager.services.authority import Authority


def call(index: int = 1, **fields: Any) -> CallRecord:  # noqa: ANN401  # fields of the record
    """A call that sets the policy."""
    record = CallRecord(actor="operators/ann", action="/wayside.v1.AccessService/UpdateAccessPolicy", time=after(index))
    return replace(record, request_id=f"r{index}", **fields)


async def filled(store: Store, count: int) -> None:
    """Entries about no tenant, the root, Haikou and Sanya in turn."""
    tenants = ("", "root", "haikou", "sanya")
    await store.add_entries([call(index, tenant_id=tenants[index % 4]) for index in range(count)])


def sealer(store: Store, authority: Authority) -> AuditSeals:
    """Seals with an authority."""
    return AuditSeals(store, lambda: authority, lambda: authority.certificate_pem, now=lambda: after(100))


def harm(path: Path, *statements: str, values: tuple[object, ...] = ()) -> None:
    """What somebody with the file can do."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER IF EXISTS audit_entries_no_update")
        connection.execute("DROP TRIGGER IF EXISTS audit_entries_no_delete")
        for statement in statements:
            connection.execute(statement, values)


def one(path: Path, query: str) -> Any:  # noqa: ANN401  # SQLite's columns take anything
    """The first value a query finds."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchone()[0]


class Busy:
    """A trail to which somebody else adds an entry after each look at it, a few times."""

    def __init__(self, store: Store, count: int) -> None:
        self._store = store
        self._count = count
        self.list_seals = store.list_seals
        self.add_entries, self.add_seal, self.list_entries = store.add_entries, store.add_seal, store.list_entries

    async def read_chain(self, begin_sequence: int, *, max_count: int) -> tuple[AuditEntry, ...]:
        found = await self._store.read_chain(begin_sequence, max_count=max_count)
        await self._one_more()
        return found

    async def audit_head(self) -> tuple[int, str]:
        head = await self._store.audit_head()
        await self._one_more()
        return head

    async def _one_more(self) -> None:
        if self._count:
            self._count -= 1
            await filled(self._store, 1)
