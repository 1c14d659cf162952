"""Passwords: real argon2id with small parameters, but for one."""

import asyncio

import pytest
from argon2 import PasswordHasher

from wayside.errors import ResourceExhaustedError
from wayside_manager.services.passwords import WAITING_MAX_COUNT, Passwords

QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


async def test_the_hash_is_argon2id_of_64_mib_and_three_passes_with_a_salt_of_its_own() -> None:
    passwords = Passwords()
    first, second = await passwords.hashed("correct horse battery"), await passwords.hashed("correct horse battery")

    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert first != second
    assert await passwords.verified("correct horse battery", first)
    assert not await passwords.verified("correct horse batterz", first)


async def test_nobodys_hash_costs_as_much_as_a_real_one_and_no_password_has_it() -> None:
    passwords = Passwords()
    real = await passwords.hashed("correct horse battery")

    assert passwords._nobodys_hash.rpartition("$")[0].rpartition("$")[0] == real.rpartition("$")[0].rpartition("$")[0]
    assert [len(part) for part in passwords._nobodys_hash.split("$")] == [len(part) for part in real.split("$")]
    assert not await passwords.verified("", "")
    assert not await passwords.verified("correct horse battery", "")


@pytest.mark.parametrize("damaged", ["x", "$argon2id$", "$2b$12$abc", "$argon2id$v=19$m=64,t=1,p=1$AAAA$AAAA"])
async def test_a_hash_that_is_none_is_never_right(damaged: str) -> None:
    assert not await Passwords(QUICK).verified("correct horse battery", damaged)


async def test_a_hash_of_other_parameters_is_outdated_and_still_right() -> None:
    old, passwords = Passwords(QUICK), Passwords(PasswordHasher(time_cost=2, memory_cost=64, parallelism=1))
    kept = await old.hashed("correct horse battery")

    assert passwords.is_outdated(kept)
    assert not old.is_outdated(kept)
    assert await passwords.verified("correct horse battery", kept)


async def test_the_loop_goes_on_while_a_flood_is_hashed_and_most_of_it_is_turned_away() -> None:
    passwords = Passwords()
    outcomes: list[object] = []

    async def attempt() -> None:
        try:
            outcomes.append(await passwords.verified("guess", ""))
        except ResourceExhaustedError as exc:
            outcomes.append(exc.reason)

    async with asyncio.TaskGroup() as group:
        attempts = [group.create_task(attempt()) for _ in range(WAITING_MAX_COUNT + 50)]
        turns = 0
        while len(outcomes) < 52:  # all that are turned away, and two hashes
            await asyncio.sleep(0)
            turns += 1
        for each in attempts:
            each.cancel()

    assert outcomes.count("SIGN_IN_BUSY") == 50
    assert turns > 100
    assert passwords._waiting_count == 0
