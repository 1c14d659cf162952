"""Brings a stored configuration to run, whatever of it this agent and this unit can still run.

After a release was taken back an older agent may find names and values it does not know, and a database may be gone
from the disk. The unit must not get lost by that: every part that can run runs, above all where the manager is.
Usage: `found = await recovered(committed, prepare)`, then `found.switch()`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from hashlib import sha256

import msgspec

from wayside.errors import WaysideError
from wayside.node_config import NodeConfig, canonical, decoded, lenient
from wayside_agent.core.config_state import Config

Prepare = Callable[[NodeConfig], Awaitable[Callable[[], None]]]
"""Makes everything a configuration needs and returns the switch to it, which cannot fail and may be called again.

Raises: InvalidArgumentError, NotFoundError: the unit can never run it as it is. Another WaysideError: not now.
"""


@dataclass(frozen=True, slots=True)
class Recovered:
    """A configuration that can run."""

    switch: Callable[[], None]
    running: Config
    """What the switch makes run; revision 0 for the defaults."""
    left_out: tuple[str, ...] = ()
    """What does not run, one sentence each; empty: all of it does."""


async def recovered(stored: Config, prepare: Prepare) -> Recovered:
    """A stored configuration, or as much of it as can run.

    Raises: WaysideError: not even the defaults can.
    """
    changed = changed_by_hand(stored)
    try:
        running = replace(stored, sha256=stored.actual_sha256)
        return Recovered(await prepare(decoded(stored.content)), running, changed)
    except WaysideError as error:
        why = str(error)
    config, left_out = lenient(stored.content)
    left_out = (*changed, *(left_out or (why,)))
    kept = NodeConfig()
    switch = await prepare(kept)
    for name in sorted(config.__struct_fields__, key="manager".__ne__):  # the way to the manager before anything else
        more = msgspec.structs.replace(kept, **{name: getattr(config, name)})
        if more == kept:
            continue
        try:
            switch = await prepare(more)
        except WaysideError as error:
            left_out += (f"{name} is left out: {error}",)
        else:
            kept = more
    content = canonical(msgspec.to_builtins(kept))
    revision = stored.revision if kept != NodeConfig() else 0
    return Recovered(
        switch, replace(stored, revision=revision, content=content, sha256=sha256(content).hexdigest()), left_out
    )


def changed_by_hand(stored: Config) -> tuple[str, ...]:
    """One sentence if the content is not what the manager sent; empty: it is."""
    if stored.actual_sha256 == stored.sha256:
        return ()
    found, sent = stored.actual_sha256[:12], stored.sha256[:12]
    return (f"it was changed on the unit: its SHA-256 is {found}…, that of revision {stored.revision} is {sent}…",)
