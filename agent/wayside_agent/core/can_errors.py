"""What error frames of the kernel say of a CAN controller: bus-off, error-passive, recovery, error counters.

    controller = Controller()
    for can_id, _, _, data in error_frames:
        controller = told(controller, can_id, data)

Source: Linux include/uapi/linux/can/error.h: class in the id, controller problems in data[1], the counters of transmit
and receive errors in data[6] and data[7] where the class says so; ISO 11898-1 for the limits of the counters.
"""

import struct

from wayside_agent.core.frames import CLASSIC, ERROR_FLAG, BusCondition, Controller, FrameBatch

_CONTROLLER = 0x004  # CAN_ERR_CRTL: see data[1]
_BUS_OFF = 0x040  # CAN_ERR_BUSOFF
_RESTARTED = 0x100  # CAN_ERR_RESTARTED
_COUNTED = 0x200  # CAN_ERR_CNT: see data[6] and data[7]

_WARNING = 0x0C  # CAN_ERR_CRTL_RX_WARNING, CAN_ERR_CRTL_TX_WARNING
_PASSIVE = 0x30  # CAN_ERR_CRTL_RX_PASSIVE, CAN_ERR_CRTL_TX_PASSIVE
_ACTIVE = 0x40  # CAN_ERR_CRTL_ACTIVE

WARNING_COUNT = 96
PASSIVE_COUNT = 128

_ID = struct.Struct("=I")


def told(before: Controller, can_id: int, data: bytes) -> Controller:
    """How the controller stands after an error frame; `data` has 8 bytes at least."""
    counts = (data[6], data[7]) if can_id & _COUNTED else None
    condition = _stated(can_id, data[1])
    if condition is None and counts is not None and before.condition is not BusCondition.BUS_OFF:
        condition = _counted(max(counts))
    if condition is None:
        condition = before.condition
    if counts is not None:
        return Controller(condition, *counts)
    if condition is before.condition:
        return Controller(condition, before.transmit_error_count, before.receive_error_count)
    return Controller(condition)  # counts of another condition are old


def after_batch(before: Controller, batch: FrameBatch) -> Controller:
    """How the controller stands after every frame of a batch; frames that are no error frames say nothing."""
    controller = before
    for at in range(0, len(batch.raw), batch.size_bytes):
        (can_id,) = _ID.unpack_from(batch.raw, at)
        if can_id & ERROR_FLAG:
            _, _, _, data = CLASSIC.unpack_from(batch.raw, at)
            controller = told(controller, can_id, data)
    return controller


def _stated(can_id: int, problems: int) -> BusCondition | None:
    """What a frame says itself; `None`: it is about something else."""
    if can_id & _BUS_OFF:
        return BusCondition.BUS_OFF
    if can_id & _CONTROLLER:
        if problems & _PASSIVE:
            return BusCondition.ERROR_PASSIVE
        if problems & _WARNING:
            return BusCondition.ERROR_WARNING
        if problems & _ACTIVE:
            return BusCondition.ERROR_ACTIVE
    return BusCondition.ERROR_ACTIVE if can_id & _RESTARTED else None


def _counted(highest: int) -> BusCondition:
    """What the counters alone say: a driver that was opened late hears of no change of state."""
    if highest >= PASSIVE_COUNT:
        return BusCondition.ERROR_PASSIVE
    return BusCondition.ERROR_WARNING if highest >= WARNING_COUNT else BusCondition.ERROR_ACTIVE
