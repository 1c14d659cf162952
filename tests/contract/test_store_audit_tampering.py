"""Whoever can write the database cannot change the audit trail unseen: what they did is found, and where."""

import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.audit_trail import Busy, call, filled, harm, one, sealer
from tests.contract.manager_store import START
from wayside.errors import FailedPreconditionError
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.audit import Verdict, digest
from wayside_manager.ports.audit import AuditFilter
from wayside_manager.ports.store import Store
from wayside_manager.services.audit_seals import AuditSeals, checked_trail
from wayside_manager.services.authority import Authority

SAMPLE_COUNT = 30
"""Random bits turned per column."""


@dataclass
class Sealed:
    """A store with 20 entries and seals at 10 and 20, and who checks it."""

    store: Store
    seals: AuditSeals

    async def verdict(self) -> Verdict:
        return await self.seals.verify()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.made(now=START)


@pytest.fixture
async def sealed(store: Store, authority: Authority) -> Sealed:
    seals = sealer(store, authority)
    for _ in range(2):
        await filled(store, 10)
        assert await seals.seal() % 10 == 0
    return Sealed(store, seals)


async def test_what_was_written_and_sealed_is_intact(sealed: Sealed) -> None:
    found = await sealed.verdict()
    assert found == Verdict(True, 20, sealed_sequence=20, head_sha256=(await sealed.store.audit_head())[1])
    await sealed.store.add_entries([call(1)])
    assert (await sealed.verdict()).sealed_sequence == 20


async def test_sealing_again_without_news_makes_no_seal(sealed: Sealed, authority: Authority) -> None:
    await sealed.seals.seal()
    await sealer(sealed.store, authority).seal()
    assert [seal.sequence for seal in await sealed.store.list_seals()] == [10, 20]


async def test_the_database_itself_refuses_to_change_or_drop_an_entry(sealed: Sealed, database_path: Path) -> None:
    with closing(sqlite3.connect(database_path)) as connection:
        for statement in ("UPDATE audit_entries SET actor = 'x'", "DELETE FROM audit_entries WHERE sequence = 20"):
            with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
                connection.execute(statement)
    assert (await sealed.verdict()).is_intact


@pytest.mark.parametrize("column", ["line", "sha256", "time_us", "tenant_id", "actor", "action", "outcome", "sequence"])
async def test_a_changed_bit_of_any_column_is_located(sealed: Sealed, database_path: Path, column: str) -> None:
    chance = random.Random(column)  # noqa: S311  # a repeatable sample
    for _ in range(SAMPLE_COUNT):
        sequence = chance.randint(1, 20)
        row_id = one(database_path, f"SELECT rowid FROM audit_entries WHERE sequence = {sequence}")  # noqa: S608  # ours
        before = one(database_path, f"SELECT {column} FROM audit_entries WHERE rowid = {row_id}")  # noqa: S608  # ours
        changed = harmed(before, chance)
        put(database_path, column, changed, before, row_id)
        assert (await sealed.verdict()).first_broken_sequence == sequence, (before, changed)
        put(database_path, column, before, before, changed if column == "sequence" else row_id)
        assert (await sealed.verdict()).is_intact


def put(path: Path, column: str, value: object, before: object, row_id: object) -> None:
    """Writes a value of the type that was there; bytes as text that need not be UTF-8."""
    is_text = isinstance(before, str)
    raw = value.encode() if isinstance(value, str) else value
    statement = f"UPDATE audit_entries SET {column} = {'CAST(? AS TEXT)' if is_text else '?'} WHERE rowid = ?"  # noqa: S608  # ours
    harm(path, statement, values=(raw, row_id))


def harmed(value: object, chance: random.Random) -> object:
    """The value with one bit turned; of an empty text, one byte more."""
    if isinstance(value, int):
        return value ^ 1 << chance.randrange(5, 40)
    raw = bytearray(str(value).encode()) or bytearray(b"\0")
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return bytes(raw)


async def test_a_column_of_another_type_is_located(sealed: Sealed, database_path: Path) -> None:
    for column, value in (
        ("line", b"\xff\x00"),
        ("sha256", 7),
        ("time_us", "noon"),
        ("actor", 1.5),
        ("time_us", 2**62),
    ):
        before = one(database_path, f"SELECT {column} FROM audit_entries WHERE sequence = 7")  # noqa: S608  # ours
        harm(database_path, f"UPDATE audit_entries SET {column} = ? WHERE sequence = 7", values=(value,))  # noqa: S608  # ours
        assert (await sealed.verdict()).first_broken_sequence == 7
        assert len((await sealed.store.list_entries(AuditFilter(), reach=EVERYWHERE)).items) == 20
        harm(database_path, f"UPDATE audit_entries SET {column} = ? WHERE sequence = 7", values=(before,))  # noqa: S608  # ours


async def test_a_deleted_entry_is_located(sealed: Sealed, database_path: Path) -> None:
    harm(database_path, "DELETE FROM audit_entries WHERE sequence = 13")
    found = await sealed.verdict()
    assert (found.first_broken_sequence, found.message) == (13, "entry 13 is missing")


async def test_swapped_entries_are_located(sealed: Sealed, database_path: Path) -> None:
    harm(
        database_path,
        "UPDATE audit_entries SET sequence = 99 WHERE sequence = 5",
        "UPDATE audit_entries SET sequence = 5 WHERE sequence = 6",
        "UPDATE audit_entries SET sequence = 6 WHERE sequence = 99",
    )
    assert (await sealed.verdict()).first_broken_sequence == 5


async def test_a_cut_end_is_located_with_and_without_the_noted_end(sealed: Sealed, database_path: Path) -> None:
    harm(database_path, "DELETE FROM audit_entries WHERE sequence > 17")
    assert (await sealed.verdict()).first_broken_sequence == 18
    harm(
        database_path,
        "UPDATE audit_head SET (sequence, sha256) = (SELECT sequence, sha256 FROM audit_entries WHERE sequence = 17)",
    )
    found = await sealed.verdict()
    assert found.first_broken_sequence == 18
    assert "a seal knows" in found.message


async def test_a_noted_end_that_was_changed_or_lost_is_located(sealed: Sealed, database_path: Path) -> None:
    for statement, sequence in (
        ("UPDATE audit_head SET sequence = 19", 20),
        ("UPDATE audit_head SET sequence = 'x'", 1),
        ("UPDATE audit_head SET sequence = 20, sha256 = 'x'", 20),
        ("DELETE FROM audit_head", 1),
    ):
        harm(database_path, statement)
        assert (await sealed.verdict()).first_broken_sequence == sequence


def rewrite(database_path: Path, begin: int) -> None:
    """Makes the chain anew from an entry on, as somebody does who knows how."""
    with closing(sqlite3.connect(database_path)) as connection, connection:
        connection.execute("DROP TRIGGER audit_entries_no_update")
        previous = connection.execute("SELECT sha256 FROM audit_entries WHERE sequence = ?", (begin - 1,)).fetchone()[0]
        query = "SELECT sequence, line, sha256 FROM audit_entries WHERE sequence >= ? ORDER BY sequence"
        for sequence, line, sha256 in connection.execute(query, (begin,)).fetchall():
            said = line.replace("r2", "r1") if sequence == begin else line
            renewed = said.replace(before, previous) if (before := previous_of(line)) else said
            connection.execute(
                "UPDATE audit_entries SET line = ?, sha256 = ? WHERE sequence = ?", (renewed, digest(renewed), sequence)
            )
            previous = digest(renewed)
            assert sha256 != previous
        connection.execute("UPDATE audit_head SET sha256 = ?", (previous,))


def previous_of(line: str) -> str:
    return line.partition('"previous":"')[2][:64]


async def test_a_chain_made_anew_contradicts_the_next_seal(sealed: Sealed, database_path: Path) -> None:
    rewrite(database_path, 13)
    found = await sealed.verdict()
    assert found.first_broken_sequence == 11
    assert found.message.startswith("one of the entries 11 to 20 was changed")
    assert found.sealed_sequence == 10


async def test_a_chain_made_anew_is_not_sealed(sealed: Sealed, database_path: Path, authority: Authority) -> None:
    await filled(sealed.store, 5)
    rewrite(database_path, 13)
    for seals in (sealed.seals, sealer(sealed.store, authority)):
        with pytest.raises(FailedPreconditionError, match="entry 20 is not what was sealed"):
            await seals.seal()
    assert len(await sealed.store.list_seals()) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_seals SET time_us = time_us + 1 WHERE sequence = 10",
        "UPDATE audit_seals SET sha256 = 'x' || substr(sha256, 2) WHERE sequence = 10",
        "UPDATE audit_seals SET authority_sha256 = 'x' WHERE sequence = 10",
        "UPDATE audit_seals SET signature = 'text' WHERE sequence = 10",
        "UPDATE audit_seals SET signature = x'30' WHERE sequence = 10",
        "UPDATE audit_seals SET sha256 = CAST(x'ff' AS TEXT) WHERE sequence = 10",
    ],
)
async def test_a_changed_seal_is_located(sealed: Sealed, database_path: Path, statement: str) -> None:
    harm(database_path, statement)
    found = await sealed.verdict()
    assert (found.first_broken_sequence, found.sealed_sequence) == (10, 20)
    assert "signed by none" in found.message


async def test_a_seal_of_another_authority_is_none(store: Store, authority: Authority) -> None:
    await filled(store, 3)
    await sealer(store, Authority.made(now=START)).seal()
    assert (await sealer(store, authority).verify()).first_broken_sequence == 3


async def test_seals_of_an_authority_that_left_still_hold(sealed: Sealed, authority: Authority) -> None:
    successor = Authority.made(now=START)
    every = authority.certificate_pem + successor.certificate_pem
    seals = AuditSeals(sealed.store, lambda: successor, lambda: every, now=lambda: START)
    await filled(sealed.store, 5)
    assert await seals.seal() == 25
    found = await seals.verify()
    assert (found.is_intact, found.sealed_sequence) == (True, 25)
    assert (await checked_trail(sealed.store, successor.certificate_pem)).first_broken_sequence == 10


async def test_checking_while_others_write_is_no_alarm(store: Store, authority: Authority) -> None:
    await filled(store, 1500)  # more than a page
    busy = Busy(store, 5)
    found = await checked_trail(busy, authority.certificate_pem)
    assert found.is_intact
    assert found.entry_count == 1505
