"""What messages of T/ITS 0117 are about, by their names in the standard without the leading `V2X.RSU`.

`Subject.MAP_DOWN.ack` is `Subject.MAP_DOWN_ACK`; `Subject.MAP_DOWN.path` is `("MAP", "DOWN")`.
Source: T/ITS 0117-2021 (draft text): names of messages, and which of them are acknowledged.
"""

from enum import StrEnum

from wayside.v2x.peek import MessageKind


class Subject(StrEnum):
    """Of one message."""

    INFO_UP = "INFO.UP"
    INFO_UP_ACK = "INFO.UP.ACK"
    MAP_UP = "MAP.UP"
    MAP_UP_ACK = "MAP.UP.ACK"
    BSM_UP = "BSM.UP"
    RSM_UP = "RSM.UP"
    RSI_UP = "RSI.UP"
    RSI_UP_ACK = "RSI.UP.ACK"
    SPAT_UP = "SPAT.UP"
    HEARTBEAT_UP = "HB.UP"
    BASE_INFO_UP = "BaseINFO.UP"
    RUNNING_INFO_UP = "RunningInfo.UP"
    LOG_UP = "Log.UP"
    OTA_UP = "OTA.UP"
    OTA_UP_ACK = "OTA.UP.ACK"
    CONFIG_DOWN = "CONFIG.DOWN"
    CONFIG_DOWN_ACK = "CONFIG.DOWN.ACK"
    MAP_DOWN = "MAP.DOWN"
    MAP_DOWN_ACK = "MAP.DOWN.ACK"
    RSM_DOWN = "RSM.DOWN"
    RSM_DOWN_ACK = "RSM.DOWN.ACK"
    RSI_DOWN = "RSI.DOWN"
    RSI_DOWN_ACK = "RSI.DOWN.ACK"
    SPAT_DOWN = "SPAT.DOWN"
    SPAT_DOWN_ACK = "SPAT.DOWN.ACK"
    OTA_DOWN = "OTA.DOWN"
    OTA_DOWN_ACK = "OTA.DOWN.ACK"
    MANAGEMENT_DOWN = "MNG.DOWN"
    MANAGEMENT_DOWN_ACK = "MNG.DOWN.ACK"
    INFO_QUERY = "INFOQuery"
    INFO_QUERY_RESPONSE = "INFOQuery.Response"

    @property
    def path(self) -> tuple[str, ...]:
        """Its name in parts, which a topic joins."""
        return tuple(self.value.split("."))

    @property
    def ack(self) -> "Subject":
        """What answers it.

        Raises: ValueError: nothing does.
        """
        return Subject.INFO_QUERY_RESPONSE if self is Subject.INFO_QUERY else Subject(f"{self.value}.ACK")


COMMANDS = (
    Subject.CONFIG_DOWN,
    Subject.MAP_DOWN,
    Subject.RSM_DOWN,
    Subject.RSI_DOWN,
    Subject.SPAT_DOWN,
    Subject.OTA_DOWN,
    Subject.MANAGEMENT_DOWN,
    Subject.INFO_QUERY,
)
"""What a platform asks of the unit."""
ACKNOWLEDGED = (Subject.INFO_UP, Subject.MAP_UP, Subject.RSI_UP, Subject.OTA_UP)
"""What a platform acknowledges."""
DOWN = (*COMMANDS, *(each.ack for each in ACKNOWLEDGED))
"""What comes from a platform."""
UP_OF_KIND = {
    MessageKind.BSM: Subject.BSM_UP,
    MessageKind.MAP: Subject.MAP_UP,
    MessageKind.RSM: Subject.RSM_UP,
    MessageKind.SPAT: Subject.SPAT_UP,
    MessageKind.RSI: Subject.RSI_UP,
}
KIND_OF_DOWN = {
    Subject.MAP_DOWN: MessageKind.MAP,
    Subject.RSM_DOWN: MessageKind.RSM,
    Subject.RSI_DOWN: MessageKind.RSI,
    Subject.SPAT_DOWN: MessageKind.SPAT,
}
