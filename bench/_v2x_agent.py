"""The agent of a roadside unit as it is, in a process of its own; beside its services one that only benchmarks need.

    python -m bench._v2x_agent SETTINGS RESULT {peek|decode}

`decode`: every BSM is decoded. On SIGTERM it writes to RESULT how long messages took from the kernel until all services
had them.
"""

import asyncio
import json
import sys
from array import array
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from time import time_ns

from wayside.v2x.codec import Profile, decode
from wayside.v2x.peek import Peek
from wayside_agent import settings
from wayside_agent.app import Agent
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.lifetime import until_stopped

PROFILE = Profile.P20


class Lateness:
    """How old messages are when every service has had them."""

    def __init__(self) -> None:
        self.ages_us = array("l")
        self.messages = 0

    def take(self, message: ReceivedMessage, _seen: Peek | None) -> None:
        """Takes one; called last."""
        self.messages += 1
        self.ages_us.append((time_ns() - message.time_ns) // 1000)


def main() -> None:
    """Runs the agent until SIGTERM."""
    file, result, mode = sys.argv[1:]
    unit = settings.read(Path(file))
    lateness = Lateness()
    serve = partial(_served, unit, lateness, decodes=mode == "decode")
    asyncio.run(until_stopped(partial(_told, serve, lateness, Path(result))))


async def _told(serve: Callable[[], Awaitable[None]], lateness: Lateness, result: Path) -> None:
    """Writes the result before anything is closed: on a busy machine that may take longer than a stop may."""
    try:
        await serve()
    finally:
        said = json.dumps({"messages": lateness.messages, "ages_us": sorted(lateness.ages_us)})
        result.write_text(said)  # noqa: ASYNC240  # everything has ended, nobody waits


async def _served(unit: settings.Settings, lateness: Lateness, *, decodes: bool) -> None:
    async with AsyncExitStack() as stack:
        agent = await Agent.opened(unit, stack)
        if decodes:
            agent.sensing.message_taps.append(_decode)
        agent.sensing.message_taps.append(lateness.take)
        await agent.serve()


def _decode(message: ReceivedMessage, _seen: Peek | None) -> None:
    decode(message.payload, PROFILE)


if __name__ == "__main__":
    main()
