"""Signing in: a name and a password are checked, slowly for who guesses.

Usage: `await PasswordCheck(store, hasher).check("ann", "correct horse battery", source_address)`.
"""

import asyncio
import logging
from typing import Protocol

from wayside.errors import UnauthenticatedError
from wayside_manager.core.attempts import source_of
from wayside_manager.core.passwords import MAX_CHARS, normal_password
from wayside_manager.core.sign_in import SignInPace
from wayside_manager.ports.access import OperatorStore

logger = logging.getLogger(__name__)


class Hasher(Protocol):
    """Makes and checks password hashes."""

    async def hashed(self, password: str) -> str:
        """The hash of a password.

        Raises: ResourceExhaustedError: too many wait for theirs.
        """

    async def verified(self, password: str, kept_hash: str) -> bool:
        """Whether a password has this hash; an empty one is never right and takes as long.

        Raises: ResourceExhaustedError: too many wait for theirs.
        """

    def is_outdated(self, kept_hash: str) -> bool:
        """Whether a hash was made with other parameters than today's."""


class PasswordCheck:
    """Checks passwords, and lets who keeps guessing wait; see `core.sign_in`."""

    def __init__(self, store: OperatorStore, hasher: Hasher, pace: SignInPace | None = None) -> None:
        self._store = store
        self._hasher = hasher
        self._pace = pace or SignInPace()

    async def check(self, operator_id: str, password: str, address: str) -> None:
        """Returns if this is the operator's password.

        Raises: UnauthenticatedError: it is not, or there is no such operator, or it may not sign in;
        ResourceExhaustedError: too many failures, or too many at once.
        """
        source = source_of(address) if address else ""
        self._pace.check_in(operator_id, source, asyncio.get_running_loop().time())
        kept_hash = await self._store.find_password_hash(operator_id)
        # what is too long is no password of anybody; it is hashed all the same, cut, so that it takes as long
        normal = normal_password(password[:MAX_CHARS])
        is_right = await self._hasher.verified(normal, kept_hash) and len(password) <= MAX_CHARS
        if not is_right:
            if kept_hash:  # of names that are none here nothing is written down: some are passwords in the wrong place
                logger.warning("a wrong password for operators/%s came from %s", operator_id, address or "this host")
            raise UnauthenticatedError(
                "operator or password: one of them is wrong; try again, or ask an admin", reason="PASSWORD_WRONG"
            )
        self._pace.succeeded(operator_id, source)
        if self._hasher.is_outdated(kept_hash):
            new_hash = await self._hasher.hashed(normal)
            await self._store.renew_password_hash(operator_id, old_hash=kept_hash, new_hash=new_hash)
