"""Passwords as argon2id hashes: 64 MiB and 3 passes, as the second set of RFC 9106 has it, in one lane instead of four.

One hash costs a processor 0.2 s and 64 MiB, on purpose, and one lane keeps it to one processor. So few are made at a
time, one processor stays free for everything else, some wait, and the rest is turned away. Whether a name exists does
not change how long an answer takes.
Usage: `passwords = Passwords()`; `await passwords.verified("secret", kept_hash)`.
"""

import asyncio
import os
import secrets
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from wayside.errors import ResourceExhaustedError

T = TypeVar("T")

AT_ONCE_COUNT = max(1, min(2, (os.cpu_count() or 1) - 1))
WAITING_MAX_COUNT = 32
"""Some 6 s of work: who came last still has an answer before a client gives up."""


class Passwords:
    """Makes and checks hashes."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
        self._nobodys_hash = _unknown_hash(self._hasher)
        self._threads = ThreadPoolExecutor(AT_ONCE_COUNT, thread_name_prefix="password")
        self._waiting_count = 0

    async def hashed(self, password: str) -> str:
        """The hash of a password, with its parameters and salt.

        Raises: ResourceExhaustedError: too many wait for theirs.
        """
        return await self._worked(lambda: self._hasher.hash(password))

    async def verified(self, password: str, kept_hash: str) -> bool:
        """Whether a password has this hash. An empty hash takes as long as any and is never right.

        Raises: ResourceExhaustedError: too many wait for theirs.
        """
        return await self._worked(lambda: self._is_right(password, kept_hash or self._nobodys_hash))

    def is_outdated(self, kept_hash: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept_hash)

    def _is_right(self, password: str, kept_hash: str) -> bool:
        try:
            return self._hasher.verify(kept_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _worked(self, work: Callable[[], T]) -> T:
        if self._waiting_count >= WAITING_MAX_COUNT:
            raise ResourceExhaustedError("too many sign in at once; try again in a while", reason="SIGN_IN_BUSY")
        self._waiting_count += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting_count -= 1


def _unknown_hash(hasher: PasswordHasher) -> str:
    """A hash of the same cost that no password has: its bytes are drawn, not computed."""
    salt, digest = (
        b64encode(secrets.token_bytes(length)).decode().rstrip("=") for length in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    kind = {Type.ID: "argon2id", Type.I: "argon2i", Type.D: "argon2d"}[hasher.type]
    return f"${kind}$v=19${cost}${salt}${digest}"
