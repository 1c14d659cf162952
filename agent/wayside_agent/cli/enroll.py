"""First contact: asks the manager for a certificate. The private key never leaves the unit.

A token vouches for the unit, or its registration, or an operator; in the last case the unit asks again, with the same
key, until somebody has decided.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random, SystemRandom

from wayside.errors import DeadlineExceededError, ResourceExhaustedError, UnavailableError
from wayside.names import node_id
from wayside.v1 import enrollment_service_pb2
from wayside_agent.core.backoff import delay_s
from wayside_agent.drivers import roots
from wayside_agent.drivers.files import make_private_directory
from wayside_agent.drivers.identity import IdentityFiles
from wayside_agent.link.enrollment import KINDS, enroll
from wayside_agent.registry import key_store
from wayside_agent.settings import Settings, trust_dir

MIN_PAUSE_S, MAX_PAUSE_S = 1.0, 600.0
NOT_NOW = (UnavailableError, DeadlineExceededError, ResourceExhaustedError)
State = enrollment_service_pb2.EnrollResponse.State


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    node: str
    """`nodes/{node}`; empty: an operator must decide."""
    enrollment_request: str
    key_sha256: str
    """SHA-256 of the public key's SubjectPublicKeyInfo, lower-case hex."""
    pause_s: float
    """When to ask again [s]."""


class Applicant:
    """A unit that wants to be a node."""

    def __init__(self, unit: Settings, *, token: str, authorities_pem: str, is_new_key: bool = False) -> None:
        """Stores values.

        Args:
            unit: Its settings.
            token: An operator's token; empty: a registration or an operator vouches.
            authorities_pem: Authorities of the manager's enrolment port.
            is_new_key: Make another key than the unit has.
        """
        self._unit = unit
        self._token = token
        self._authorities_pem = authorities_pem
        self._files = identity_files(unit)
        self._is_new_key = is_new_key
        self._rng: Random = SystemRandom()

    async def asked(self) -> Outcome:
        """What the manager says now; if it says yes, the unit's files hold its identity when this returns.

        Raises: WaysideError: as `EnrollmentService.Enroll` states; the unit's files are then as before.
        """
        unit, files = self._unit, self._files
        make_private_directory(Path(unit.state_dir))
        make_private_directory(files.directory)
        successor = files.load_next()  # brings a change-over that was cut short to its end
        target = files.next if self._is_new_key else files
        if self._is_new_key and successor is not None:
            files.discard_next()
        request = enrollment_service_pb2.EnrollRequest(
            token=self._token,
            certificate_request_pem=target.request_pem(unit.node.id),
            node_id=unit.node.id,
            esn=unit.node.esn,
            kind=KINDS[unit.node.kind],
        )
        response = await enroll(unit.manager.enrollment_address, self._authorities_pem.encode(), request)
        key_sha256 = hashlib.sha256(target.keys.public_key_der(target.directory)).hexdigest()
        if response.state == State.STATE_PENDING:
            pause_s = response.retry_after.ToMilliseconds() / 1000
            return Outcome("", response.enrollment_request, key_sha256, min(max(pause_s, MIN_PAUSE_S), MAX_PAUSE_S))
        self._pin(response)
        target.store(
            node_id=node_id(response.node),
            certificate_pem=response.certificate_pem,
            authorities_pem=response.authorities_pem,
        )
        if self._is_new_key:
            files.adopt_next()
        else:
            files.discard_next()  # of the identity before
        return Outcome(response.node, "", key_sha256, 0.0)

    def _pin(self, response: enrollment_service_pb2.EnrollResponse) -> None:
        """Keeps the first roots of trust, before the unit counts as enrolled; those of the settings go before."""
        if response.image_root and not self._unit.update.trust_dir:
            roots.pin(trust_dir(self._unit), response.image_root, response.director_root)

    async def decided(self, first: Outcome, say: Callable[[str], None]) -> Outcome:
        """Asks again until somebody has decided. An absent manager is waited for; `say` hears of it once.

        Raises: WaysideError: the unit is turned away.
        """
        outcome, failure_count = first, 0
        while not outcome.node:
            wait_s = outcome.pause_s + delay_s(
                failure_count, base_s=outcome.pause_s / 2, cap_s=MAX_PAUSE_S, rng=self._rng
            )
            await asyncio.sleep(wait_s)
            try:
                outcome = await self.asked()
                failure_count = 0
            except NOT_NOW as error:
                if not failure_count:
                    say(f"{error}; asking again")
                failure_count += 1
        return outcome


def identity_files(unit: Settings) -> IdentityFiles:
    """The identity of a unit.

    Raises: NotFoundError, InvalidArgumentError: the key driver.
    """
    return IdentityFiles(Path(unit.state_dir) / "identity", key_store(unit.identity))
