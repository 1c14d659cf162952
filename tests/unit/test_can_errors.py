"""What error frames say of a CAN controller, by the bits of linux/can/error.h."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.can_errors import after_batch, told
from wayside_agent.core.frames import CLASSIC, ERROR_FLAG, FD, BusCondition, Controller, FrameBatch

CONTROLLER, ACK, BUS_OFF, BUS_ERROR, RESTARTED, COUNTED = 0x004, 0x020, 0x040, 0x080, 0x100, 0x200
ACTIVE, WARNING = BusCondition.ERROR_ACTIVE, BusCondition.ERROR_WARNING
PASSIVE, OFF = BusCondition.ERROR_PASSIVE, BusCondition.BUS_OFF
NOTHING = Controller()


def data(problems: int = 0, transmit: int = 0, receive: int = 0) -> bytes:
    return bytes([0, problems, 0, 0, 0, 0, transmit, receive])


@pytest.mark.parametrize(
    ("before", "kind", "content", "expected"),
    [
        (NOTHING, BUS_OFF, data(), Controller(OFF)),
        (NOTHING, CONTROLLER, data(0x04), Controller(WARNING)),
        (NOTHING, CONTROLLER, data(0x08), Controller(WARNING)),
        (NOTHING, CONTROLLER, data(0x10), Controller(PASSIVE)),
        (NOTHING, CONTROLLER, data(0x20), Controller(PASSIVE)),
        (NOTHING, CONTROLLER, data(0x28), Controller(PASSIVE)),
        (NOTHING, CONTROLLER | COUNTED, data(0x08, 97, 3), Controller(WARNING, 97, 3)),
        (Controller(PASSIVE, 130, 0), CONTROLLER, data(0x40), Controller(ACTIVE)),
        (Controller(OFF), RESTARTED, data(), Controller(ACTIVE)),
        (Controller(PASSIVE, 130, 0), BUS_OFF, data(), Controller(OFF)),
        (Controller(OFF), CONTROLLER, data(0x40), Controller(ACTIVE)),
        (Controller(PASSIVE, 130, 0), CONTROLLER, data(0x01), Controller(PASSIVE, 130, 0)),
        (Controller(WARNING, 100, 2), ACK, data(), Controller(WARNING, 100, 2)),
        (NOTHING, BUS_ERROR | COUNTED, data(0, 12, 0), Controller(ACTIVE, 12, 0)),
        (NOTHING, BUS_ERROR | COUNTED, data(0, 96, 0), Controller(WARNING, 96, 0)),
        (NOTHING, BUS_ERROR | COUNTED, data(0, 0, 128), Controller(PASSIVE, 0, 128)),
        (Controller(OFF), BUS_ERROR | COUNTED, data(0, 12, 0), Controller(OFF, 12, 0)),
        (NOTHING, ACK, data(0x30, 9, 9), NOTHING),
    ],
    ids=[
        "bus-off", "receive-warning", "transmit-warning", "receive-passive", "transmit-passive", "worst-counts",
        "counters", "recovered", "restarted", "from-passive-to-off", "active-after-off", "overflow-changes-nothing",
        "no-acknowledge-changes-nothing", "counters-alone", "counters-alone-warning", "counters-alone-passive",
        "off-is-left-by-a-restart-only", "data-of-another-class",
    ],
)  # fmt: skip
def test_an_error_frame_says_how_the_controller_stands(
    before: Controller, kind: int, content: bytes, expected: Controller
) -> None:
    assert told(before, kind | ERROR_FLAG, content) == expected


@pytest.mark.parametrize("layout", [CLASSIC, FD], ids=["classic", "fd"])
def test_frames_of_a_batch_count_in_their_order_and_data_frames_say_nothing(layout: object) -> None:
    assert layout in {CLASSIC, FD}
    pack = CLASSIC if layout is CLASSIC else FD
    frames = [
        pack.pack(BUS_OFF, 8, 0, data(0x30)),
        pack.pack(CONTROLLER | ERROR_FLAG, 8, 0, data(0x20)),
        pack.pack(BUS_OFF | ERROR_FLAG, 8, 0, data()),
        pack.pack(RESTARTED | COUNTED | ERROR_FLAG, 8, 0, data()),
    ]
    ends = [after_batch(NOTHING, FrameBatch(b"".join(frames[:n]), (0,) * n, pack.size)) for n in range(5)]
    assert [each.condition for each in ends] == [None, None, PASSIVE, OFF, ACTIVE]


@given(st.lists(st.tuples(st.integers(0, 2**29 - 1), st.binary(min_size=8, max_size=8)), max_size=20))
def test_no_frame_makes_a_counter_out_of_its_range_or_an_error(frames: list[tuple[int, bytes]]) -> None:
    controller = NOTHING
    for can_id, content in frames:
        controller = told(controller, can_id | ERROR_FLAG, content)
        for count in (controller.transmit_error_count, controller.receive_error_count):
            assert count is None or 0 <= count <= 255
