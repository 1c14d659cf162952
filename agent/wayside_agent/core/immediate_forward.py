"""What a roadside unit of the American RSU 4.1 specification is told to send at once: a text of one message.

    text = ImmediateForward(psid=3618, kind="MAP", payload=b"...").text()

Source: RSU 4.1 specification, immediate forward; the lines as V2X-Hub writes them.
"""

from dataclasses import dataclass
from typing import Literal

TxMode = Literal["CONT", "ALT"]


@dataclass(frozen=True, slots=True)
class ImmediateForward:
    """One message and how it is to be sent."""

    psid: int
    kind: str
    """What it is, for people: `MAP`."""
    payload: bytes
    priority: int = 7
    """0 to 7, of WSMP; 7 is the greatest."""
    tx_mode: TxMode = "CONT"
    tx_channel: int = 183
    """Number of a DSRC channel, 172 to 184."""
    is_signed: bool = False
    """Whether the roadside unit signs it."""

    def text(self) -> bytes:
        """The datagram, ASCII, one value a line."""
        lines = (
            "Version=0.7",
            f"Type={self.kind}",
            f"PSID=0x{self.psid:x}",
            f"Priority={self.priority}",
            f"TxMode={self.tx_mode}",
            f"TxChannel={self.tx_channel}",
            "TxInterval=0",
            "DeliveryStart=",
            "DeliveryStop=",
            f"Signature={self.is_signed}",
            "Encryption=False",
            f"Payload={self.payload.hex()}",
        )
        return ("\n".join(lines) + "\n").encode("ascii")
