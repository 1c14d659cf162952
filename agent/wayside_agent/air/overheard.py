"""A radio that also tells others what the unit sends by it."""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from wayside.v2x.peek import Peek, message_kind, peek
from wayside.v2x.uper import DecodeError
from wayside_agent.core.v2x import RadioCounters, ReceivedMessage
from wayside_agent.ports.devices import Radio

Tap = Callable[[ReceivedMessage, Peek | None], None]


class OverheardRadio:
    """A radio whose sent messages are also handed to taps."""

    def __init__(self, radio: Radio, taps: Sequence[Tap], *, now_ns: Callable[[], int] = time.time_ns) -> None:
        """Stores values; `taps` may still grow."""
        self._radio = radio
        self._taps = taps
        self._now_ns = now_ns

    async def __aenter__(self) -> Self:
        """Opens the radio; see `ports.devices.Radio`."""
        await self._radio.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes it."""
        await self._radio.__aexit__(kind, error, trace)

    async def read(self) -> ReceivedMessage:
        """See `ports.devices.Radio`."""
        return await self._radio.read()

    async def send(self, payload: bytes, *, application_id: int) -> None:
        """See `ports.devices.Radio`; what was sent is told."""
        await self._radio.send(payload, application_id=application_id)
        kind = message_kind(payload)
        if kind is None or not self._taps:
            return
        try:
            seen = peek(payload)
        except DecodeError:
            return
        message = ReceivedMessage(payload, kind, self._now_ns(), application_id)
        for tap in self._taps:
            tap(message, seen)

    def counters(self) -> RadioCounters:
        """See `ports.devices.Radio`."""
        return self._radio.counters()
