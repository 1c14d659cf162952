"""The audit chain: what is hashed, what a check finds and where."""

import json
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_manager.core.audit import (
    FIRST_SHA256,
    AuditEntry,
    CallRecord,
    Change,
    Listed,
    Outcome,
    Seal,
    chained,
    digest,
    facts,
)
from wayside_manager.core.audit_check import CheckedSeals, Walk, begun_at, checked_seals, verdict, walked
from wayside_manager.core.audit_export import exported, imported, previous_sha256

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NO_SEALS = CheckedSeals({})


def record(index: int) -> CallRecord:
    return CallRecord(
        actor=f"operators/o{index}",
        action="/wayside.v1.FleetService/RetireNode",
        time=START + timedelta(seconds=index),
        tenant_id="haikou",
        request_id=f"r{index}",
        changes=[Change(f"nodes/rsu-{index}", digest("before"), digest("after"))],
    )


def chain(count: int, *, begin: int = 1, previous: str = FIRST_SHA256) -> list[AuditEntry]:
    entries = []
    for index in range(begin, begin + count):
        entry = chained(record(index), sequence=index, previous_sha256=previous)
        entries.append(entry)
        previous = entry.sha256
    return entries


def end_of(entries: list[AuditEntry]) -> tuple[int, str]:
    return entries[-1].sequence, entries[-1].sha256


def first_broken(
    entries: Iterable[AuditEntry], head: tuple[int, str] | None, seals: CheckedSeals = NO_SEALS
) -> tuple[int, str]:
    found = verdict(walked(Walk(), entries, seals), head, seals)
    assert found.is_intact == (not found.first_broken_sequence)
    return found.first_broken_sequence, found.message


def test_what_was_written_is_intact() -> None:
    entries = chain(5)
    found = verdict(walked(Walk(), entries, NO_SEALS), end_of(entries), NO_SEALS)
    assert found.is_intact
    assert (found.entry_count, found.head_sha256, found.sealed_sequence) == (5, entries[-1].sha256, 0)


def test_an_empty_trail_is_intact() -> None:
    assert first_broken([], (0, FIRST_SHA256)) == (0, "")


def test_a_walk_in_pages_finds_what_one_in_one_finds() -> None:
    entries = chain(7)
    entries[4] = replace(entries[4], line=entries[4].line.replace("o5", "o6"))
    walk = Walk()
    for begin in range(0, 7, 2):
        walk = walked(walk, entries[begin : begin + 2], NO_SEALS)
    assert walk.broken_sequence == 5


@given(st.integers(1, 6), st.data())
def test_any_changed_character_of_a_line_or_hash_is_located(sequence: int, data: st.DataObject) -> None:
    entries = chain(6)
    field = data.draw(st.sampled_from(("line", "sha256")))
    text = getattr(entries[sequence - 1], field)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters().filter(lambda each: each != text[place]))
    entries[sequence - 1] = replace(entries[sequence - 1], **{field: text[:place] + letter + text[place + 1 :]})
    assert first_broken(entries, end_of(chain(6)))[0] == sequence


def test_a_missing_a_doubled_and_two_swapped_entries_are_located() -> None:
    entries = chain(6)
    head = end_of(entries)
    assert first_broken([*entries[:2], *entries[3:]], head) == (3, "entry 3 is missing")
    assert first_broken([*entries[:3], *entries[2:]], head)[0] == 4
    assert first_broken([entries[0], entries[2], entries[1], *entries[3:]], head)[0] == 2


def test_an_entry_of_another_chain_does_not_follow() -> None:
    other = chain(1, begin=3, previous=digest("elsewhere"))
    entries = chain(6)
    assert first_broken([*entries[:2], *other, *entries[3:]], end_of(entries)) == (
        3,
        "entry 3 does not follow the one before",
    )


def test_a_cut_end_shows_against_the_noted_end() -> None:
    entries = chain(6)
    broken, message = first_broken(entries[:4], end_of(entries))
    assert broken == 5
    assert "the noted end knows of them" in message


def test_a_noted_end_that_was_changed_is_located() -> None:
    entries = chain(6)
    assert first_broken(entries, (4, entries[3].sha256))[0] == 5
    assert first_broken(entries, (6, digest("no")))[0] == 6
    assert first_broken(entries, (-7, digest("no")))[0] == 1


def test_a_seal_finds_a_chain_made_anew_before_it() -> None:
    honest, forged = chain(10), chain(4)
    forged += chain(6, begin=5, previous=digest("forged"))
    forged[4] = chained(replace(record(5), actor="nobody"), sequence=5, previous_sha256=forged[3].sha256)
    forged[5:] = chain(5, begin=6, previous=forged[4].sha256)
    seals = CheckedSeals({3: honest[2].sha256, 8: honest[7].sha256})
    assert first_broken(forged, end_of(forged)) == (0, "")  # what seals are for
    broken, message = first_broken(forged, end_of(forged), seals)
    assert broken == 4
    assert message.startswith("one of the entries 4 to 8 was changed")


def test_a_seal_finds_a_cut_end_with_the_noted_end_put_back() -> None:
    entries = chain(6)
    broken, message = first_broken(entries[:4], end_of(entries[:4]), CheckedSeals({6: entries[5].sha256}))
    assert broken == 5
    assert "a seal knows of them" in message


def test_a_seal_that_nobody_signed_is_found() -> None:
    entries = chain(6)
    assert first_broken(entries, end_of(entries), CheckedSeals({}, (4,)))[0] == 4


def test_the_columns_for_lists_must_say_what_the_line_says() -> None:
    entry = chain(1)[0]
    said = facts(entry)
    listed = Listed(said.time, said.tenant_id, said.actor, said.action, said.outcome)
    assert first_broken([replace(entry, listed=listed)], None) == (0, "")
    lies = (
        replace(listed, time=START),
        replace(listed, tenant_id="sanya"),
        replace(listed, actor="operators/somebody"),
        replace(listed, action="/wayside.v1.FleetService/GetNode"),
        replace(listed, outcome=Outcome.DENIED),
    )
    for lie in lies:
        assert first_broken([replace(entry, listed=lie)], None)[0] == 1


def test_a_line_says_what_went_in() -> None:
    wanted = record(3)
    wanted.outcome, wanted.reason, wanted.count = Outcome.DENIED, "NOT_ALLOWED", 4
    said = facts(chained(wanted, sequence=1, previous_sha256=FIRST_SHA256))
    assert replace(said, is_written=False) == wanted


@given(st.text())
def test_any_text_is_hashed_and_read_back(text: str) -> None:
    entry = chained(replace(record(1), reason=text), sequence=1, previous_sha256=FIRST_SHA256)
    assert entry.line.isascii()
    assert "\n" not in entry.line
    assert facts(entry).reason == text


@given(st.text() | st.recursive(st.integers() | st.text(), st.lists).map(json.dumps))
def test_lines_of_others_are_refused_and_nothing_else_happens(line: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        facts(AuditEntry(1, line, ""))
    with pytest.raises(ValueError, match="neither"):
        imported(line)
    assert previous_sha256(AuditEntry(1, line, "")) == ""


def test_a_deeply_nested_line_is_refused() -> None:
    with pytest.raises(ValueError, match="neither"):
        imported("[" * 100_000)


def test_seals_and_entries_survive_an_export() -> None:
    seal = Seal(3, digest("x"), START, digest("authority"), b"\x01\x02")
    assert imported(exported(seal)) == seal
    entry = chain(1)[0]
    assert imported(entry.line) == entry
    assert previous_sha256(entry) == FIRST_SHA256


def test_a_walk_may_begin_in_the_middle() -> None:
    entries = chain(9)
    walk = walked(begun_at(5, entries[3].sha256, NO_SEALS), entries[4:], NO_SEALS)
    assert verdict(walk, None, NO_SEALS).is_intact
    assert walk.sequence == 9
    sealed = CheckedSeals({4: entries[3].sha256})
    assert begun_at(5, entries[3].sha256, sealed).sealed_sequence == 4
    assert begun_at(5, digest("forged"), sealed).broken_sequence == 5


def test_seals_are_sorted_by_who_signed_them() -> None:
    seals = [Seal(place, digest(str(place)), START, "", b"") for place in (1, 2, 3)]
    assert checked_seals(seals, seals[1:]) == CheckedSeals({2: digest("2"), 3: digest("3")}, (1,))


def test_random_harm_to_a_long_chain_is_always_located() -> None:
    chance = random.Random(3)  # noqa: S311  # a repeatable sample
    entries = chain(200)
    for _ in range(200):
        sequence = chance.randint(1, 200)
        line = entries[sequence - 1].line
        place = chance.randrange(len(line))
        harmed = line[:place] + chr(ord(line[place]) ^ 1 << chance.randrange(7)) + line[place + 1 :]
        page = [*entries[: sequence - 1], replace(entries[sequence - 1], line=harmed), *entries[sequence:]]
        assert first_broken(page, end_of(entries))[0] == sequence
