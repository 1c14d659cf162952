"""What stands between a verified release and its installation: looks at everything that must hold, and asks people.

Usage: `found = await staging.look(update)`; `await staging.answer(update, is_given=True, who="root")`.
"""

import asyncio
from dataclasses import replace

from wayside.errors import FailedPreconditionError
from wayside_agent.core.preconditions import Blocker, Kind, blockers
from wayside_agent.core.update import AT_REST, Consent, Phase, Update
from wayside_agent.services import keeping
from wayside_agent.services.update_world import World

_DECIDED = AT_REST | {Phase.PROVISIONAL, Phase.REVERTING}


class Staging:
    """The preconditions of one unit."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._consent: Consent | None = None
        self.found: tuple[Blocker, ...] = ()
        """What was in the way at the last look."""

    @property
    def kinds(self) -> frozenset[Kind]:
        """What of it there is."""
        return frozenset(each.kind for each in self.found)

    async def load(self) -> None:
        """Takes up what people said before the process started.

        Raises: DeviceFaultError.
        """
        self._consent = await asyncio.to_thread(self._world.consents.load)

    def consent(self, update: Update) -> Consent | None:
        """What a person said of this very attempt; `None`: nothing."""
        said, target = self._consent, update.target
        is_of_it = said and target and (said.release, said.rollout) == (target.release, target.rollout)
        return said if is_of_it else None

    async def answer(self, update: Update, *, is_given: bool, who: str) -> Consent:
        """Keeps what a person says of an attempt, durably.

        Raises: FailedPreconditionError: there is none that waits. ResourceExhaustedError, DeviceFaultError.
        """
        if update.target is None or update.phase in _DECIDED:
            raise FailedPreconditionError("update: there is none to agree to; see `wayside-agent update status`")
        target = update.target
        said = Consent(is_given, who, self._world.utc_s(), target.release, target.rollout)
        await asyncio.to_thread(self._world.consents.save, said)
        self._consent = said
        return said

    async def look(self, update: Update, *, hook: str = "") -> tuple[Blocker, ...]:
        """Everything in the way of this attempt now."""
        if update.target is None:
            return ()
        await keeping.room_made(self._world, update)
        situation = replace(
            self._world.situation(),
            free_bytes=await self._world.downloads.free_bytes(),
            consent=self.consent(update),
            hook=hook,
        )
        self.found = blockers(update.target.preconditions, situation, self._world.limits(), held=self.kinds)
        return self.found

    def forget(self) -> None:
        """Nothing waits any more."""
        self.found = ()
