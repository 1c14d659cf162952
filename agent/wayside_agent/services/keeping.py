"""Keeps what was installed for units near this one. Whatever goes wrong with it is said, and stops no update.

Usage: `await taken(world, attempt.update, path)` when it is installed; `await settled(world, update)` when it is over.
"""

import logging
from collections.abc import Awaitable
from pathlib import Path

from wayside.errors import WaysideError
from wayside_agent.core.update import AT_REST, Phase, Update
from wayside_agent.services.update_world import World

UNPACKED_SHARE = 4
"""Space that a release may need unpacked, in sizes of its artifact; what is kept goes before an update has to wait."""

logger = logging.getLogger(__name__)


async def taken(world: World, update: Update, path: Path) -> None:
    """Keeps the artifact of an update that is installed, to be given out once it is committed."""
    await _tried(world.keeper.take(path, update.artifact[0]))


async def settled(world: World, update: Update) -> None:
    """Gives out what was taken if the update is committed, and drops it if it is over otherwise."""
    if update.phase in AT_REST:
        await _tried(world.keeper.settle(update.artifact[0] if update.phase is Phase.COMMITTED else ""))


async def room_for(world: World, wanted_bytes: int) -> None:
    """Drops what is kept if so many bytes would not fit beside it."""
    await _tried(world.keeper.make_room(wanted_bytes))


async def room_made(world: World, update: Update) -> None:
    """Drops what is kept if an update that waits needs the space."""
    size_bytes = update.target.size_bytes if update.target else 0
    await _tried(world.keeper.make_room(world.limits().min_free_bytes + size_bytes * UNPACKED_SHARE))


async def _tried(deed: Awaitable[None]) -> None:
    try:
        await deed
    except WaysideError as error:
        logger.warning("artifacts for neighbours: %s", error)
