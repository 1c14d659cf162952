"""Words of the command line for enumerations of the contract."""

import pytest

from wayside.v1 import node_pb2
from wayside_manager.cli.node_table import print_node
from wayside_manager.cli.output import Output, worded


@pytest.mark.parametrize(
    ("number", "word"), [(node_pb2.PRESENCE_ONLINE, "online"), (node_pb2.PRESENCE_UNSPECIFIED, ""), (99, "#99")]
)
def test_a_number_is_its_word_if_there_is_one(number: int, word: str) -> None:
    assert worded(node_pb2.Presence, number, "PRESENCE_") == word


def test_a_node_that_says_what_nobody_knows_yet_is_shown_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    node = node_pb2.Node(name="nodes/rsu-1")
    node.health.radio.received.add(kind=99, count=7)  # of a newer unit
    node.health.gnss.mode = node.health.gnss.quality = 99  # type: ignore[assignment]  # likewise
    print_node(node, Output.TABLE)
    shown = capsys.readouterr().out
    assert "heard 7 #99" in shown
    assert "fix #99, #99" in shown
