"""Roadside unit of the American RSU 4.1 specification: told by text what to send, forwards what it hears as datagrams.

**Tested with:** loopback sockets; the text was read back by other code. No such unit was at hand.
**Source:** `core.immediate_forward`; UDP port 1516 of RSU 4.1.
"""

from types import TracebackType
from typing import Annotated, Self

import msgspec

from wayside.v2x.peek import message_kind
from wayside_agent.core.immediate_forward import ImmediateForward, TxMode
from wayside_agent.core.v2x import RadioCounters, ReceivedMessage, SentMessages, Station
from wayside_agent.drivers.radio_station import StationOptions
from wayside_agent.drivers.radio_udp import UdpRadio
from wayside_agent.ports.errors import DeviceFaultError

_PAYLOAD_MAX_BYTES = 1400


class Rsu41Radio:
    """A roadside unit behind UDP."""

    class Options(StationOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Addresses, and how messages are sent."""

        radio_host: Annotated[str, msgspec.Meta(min_length=1, description="Address of the roadside unit.")]
        radio_port: Annotated[int, msgspec.Meta(ge=1, le=65535, description="Its port for immediate forward.")] = 1516
        bind_host: Annotated[str, msgspec.Meta(min_length=1, description="Own address on the unit's network.")]
        bind_port: Annotated[
            int, msgspec.Meta(ge=0, le=65535, description="Own UDP port it forwards what it hears to; 0: any free one.")
        ] = 0
        source_addresses: Annotated[
            tuple[str, ...], msgspec.Meta(description="Networks that may send to us; all others are refused.")
        ] = ("127.0.0.0/8", "::1/128")
        priority: Annotated[int, msgspec.Meta(ge=0, le=7, description="Of WSMP; 7 is the greatest.")] = 7
        tx_mode: Annotated[TxMode, msgspec.Meta(description="Continuous access to the channel, or alternating.")] = (
            "CONT"
        )
        tx_channel: Annotated[int, msgspec.Meta(ge=172, le=184, description="Number of the channel.")] = 183
        is_signed: Annotated[bool, msgspec.Meta(description="The roadside unit signs what it sends.")] = False

        def __post_init__(self) -> None:
            """Raises ValueError if the networks make no sense."""
            _datagrams(self)

    def __init__(self, options: Options) -> None:
        self._options = options
        self._radio = UdpRadio(_datagrams(options))
        self._sent = SentMessages()

    async def __aenter__(self) -> Self:
        """Binds the socket.

        Raises: DeviceAbsentError: the address is unknown. DeviceFaultError: it is another's, or the port is taken.
        """
        self._sent = SentMessages()
        await self._radio.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the socket."""
        await self._radio.__aexit__(kind, error, trace)

    @property
    def local_port(self) -> int:
        """The UDP port messages are received on.

        Raises: DeviceFaultError: the driver is not open.
        """
        return self._radio.local_port

    async def read(self) -> ReceivedMessage:
        """The next message heard. Foreign and malformed datagrams are counted and passed over.

        Raises: DeviceFaultError: the socket is broken, or the driver is not open.
        """
        return await self._radio.read()

    async def send(self, payload: bytes, *, application_id: int) -> None:
        """Has one UPER MessageFrame sent at once.

        Raises: DeviceFaultError: the message is too long, the network refuses it, or the driver is not open.
        """
        if len(payload) > _PAYLOAD_MAX_BYTES:
            raise DeviceFaultError(f"the message has {len(payload)} byte, more than {_PAYLOAD_MAX_BYTES}")
        options, kind = self._options, message_kind(payload)
        forward = ImmediateForward(
            psid=application_id,
            kind=kind.value if kind else "UNKNOWN",
            payload=payload,
            priority=options.priority,
            tx_mode=options.tx_mode,
            tx_channel=options.tx_channel,
            is_signed=options.is_signed,
        )
        await self._radio.hand_over(forward.text())
        self._sent.add(payload, application_id)

    def station(self) -> Station:
        """What the modem is set to, as the options say."""
        return self._options.station()

    def counters(self) -> RadioCounters:
        """Counts since opening."""
        return self._sent.on_top_of(self._radio.counters())


def _datagrams(options: Rsu41Radio.Options) -> UdpRadio.Options:
    return UdpRadio.Options(
        bind_host=options.bind_host,
        bind_port=options.bind_port,
        radio_host=options.radio_host,
        radio_port=options.radio_port,
        source_addresses=options.source_addresses,
    )
