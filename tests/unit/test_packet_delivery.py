"""Messages missed, from the gaps in message counts."""

import pytest

from wayside_agent.core.packet_delivery import MAX_SENDERS, PacketDelivery


@pytest.mark.parametrize(
    ("counts", "received", "lost"),
    [
        ([1, 2, 3], 3, 0),
        ([1, 3, 6], 3, 3),
        ([126, 127, 0, 1], 4, 0),
        ([127, 2], 2, 2),
        ([5, 5], 2, 0),
        ([5, 4], 2, 0),
        ([0, 64], 2, 63),
        ([0, 65], 2, 0),
        ([], 0, 0),
    ],
    ids=["all", "gaps", "wrap", "lost-wrap", "echo", "back", "longest", "anew", "none"],
)
def test_gaps_in_the_counts_are_messages_missed(counts: list[int], received: int, lost: int) -> None:
    delivery = PacketDelivery()
    assert sum(delivery.heard(b"a", count) for count in counts) == lost
    assert (delivery.total.received, delivery.total.lost) == (received, lost)
    assert delivery.total.ratio == (received / (received + lost) if received else None)


def test_senders_are_followed_apart_and_the_oldest_is_forgotten() -> None:
    delivery = PacketDelivery()
    assert [delivery.heard(sender, count) for sender, count in ((b"a", 1), (b"b", 9), (b"a", 3))] == [0, 0, 1]
    for number in range(MAX_SENDERS):
        delivery.heard(number.to_bytes(8, "big"), 0)
    assert delivery.sender_count == MAX_SENDERS
    assert delivery.heard(b"a", 9) == 0
