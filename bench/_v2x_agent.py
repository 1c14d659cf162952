"""The agent of a roadside unit as it is, in a process of its own; beside its services some that only benchmarks need.

    python -m bench._v2x_agent SETTINGS RESULT {peek|decode} RSM_HZ

Perception is not part of it: RSM (16 participants, as many a second as told, in ten bursts) and a MAP a second are
encoded here and go out through a radio driver of their own. `decode`: every BSM is decoded. On SIGTERM it
writes to RESULT how long messages took from the kernel until all services had them.
"""

import asyncio
import json
import sys
from array import array
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from time import monotonic, time_ns

import msgspec

from bench.v2x_codec import SAMPLES
from wayside.v2x.codec import Profile, decode, encode
from wayside.v2x.peek import Peek
from wayside.v2x.readable import parsed
from wayside_agent import settings
from wayside_agent.app import Agent
from wayside_agent.core.cadence import Cadence
from wayside_agent.core.v2x import ReceivedMessage
from wayside_agent.drivers.radio_udp import UdpRadio
from wayside_agent.lifetime import until_stopped
from wayside_agent.services.endless import endless

RSM_AID, MAP_AID = 3623, 3618
BURST_S, MAP_S = 0.1, 1.0
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
    file, result, mode, rsm_hz = sys.argv[1:]
    unit = settings.read(Path(file))
    lateness = Lateness()
    serve = partial(_served, unit, lateness, decodes=mode == "decode", rsm_hz=int(rsm_hz))
    asyncio.run(until_stopped(partial(_told, serve, lateness, Path(result))))


async def _told(serve: Callable[[], Awaitable[None]], lateness: Lateness, result: Path) -> None:
    """Writes the result before anything is closed: on a busy machine that may take longer than a stop may."""
    try:
        await serve()
    finally:
        said = json.dumps({"messages": lateness.messages, "ages_us": sorted(lateness.ages_us)})
        result.write_text(said)  # noqa: ASYNC240  # everything has ended, nobody waits


async def _served(unit: settings.Settings, lateness: Lateness, *, decodes: bool, rsm_hz: int) -> None:
    async with AsyncExitStack() as stack:
        agent = await Agent.opened(unit, stack)
        if decodes:
            agent.sensing.message_taps.append(_decode)
        agent.sensing.message_taps.append(lateness.take)
        assert unit.radio is not None
        options = msgspec.convert(unit.radio.options | {"bind_port": 0}, UdpRadio.Options)
        radio = await stack.enter_async_context(UdpRadio(options))
        async with asyncio.TaskGroup() as group:
            group.create_task(agent.serve())
            if unit.node.kind == "rsu":
                burst = round(rsm_hz * BURST_S)
                group.create_task(endless("rsm", partial(_speak, radio, "RSM", RSM_AID, BURST_S, burst)))
                group.create_task(endless("map", partial(_speak, radio, "MAP", MAP_AID, MAP_S, 1)))


def _decode(message: ReceivedMessage, _seen: Peek | None) -> None:
    decode(message.payload, PROFILE)


async def _speak(radio: UdpRadio, kind: str, application_id: int, period_s: float, burst: int) -> None:
    name, message = parsed(SAMPLES[kind])
    cadence, count = Cadence(period_s, monotonic()), 0
    while True:
        await asyncio.sleep(max(0.0, cadence.next_s(monotonic()) - monotonic()))
        for _ in range(burst):
            count = (count + 1) % 128
            frame = (name, msgspec.structs.replace(message, msgCnt=count))
            await radio.send(encode(frame, PROFILE), application_id=application_id)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
