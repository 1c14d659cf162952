"""Deltas as people read them on the command line."""

import pytest

from wayside.v1 import release_pb2
from wayside_manager.cli.release_deltas import delta_counts, print_deltas

READY = release_pb2.ReleaseDelta(
    base="releases/1.0.0", state=release_pb2.ReleaseDelta.STATE_READY, size_bytes=25, sha256="a" * 64
)
FAILED = release_pb2.ReleaseDelta(
    base="releases/0.9.0", state=release_pb2.ReleaseDelta.STATE_FAILED, message="it took longer than 1 s"
)


def test_a_release_says_how_many_deltas_lead_to_it_and_how_far_they_are() -> None:
    assert delta_counts(release_pb2.Release(deltas=[READY, FAILED, READY])) == "1 failed, 2 ready"
    assert delta_counts(release_pb2.Release()) == "none"


def test_each_delta_is_told_with_its_share_of_the_whole_or_why_there_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_deltas(release_pb2.Release(size_bytes=1_000, deltas=[READY, FAILED]))
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].split() == ["1.0.0", "ready", "25", "2.5", "%"]
    assert printed[2].split()[:2] == ["0.9.0", "failed"]
    assert "it took longer than 1 s" in printed[2]
