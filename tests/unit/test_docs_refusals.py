"""docs/releases.md names every reason for which a unit refuses a release, and tests that are there."""

import re
from pathlib import Path

from wayside_agent.core.agreement import Refusal

ROOT = Path(__file__).parents[2]
TOLD = (ROOT / "docs" / "releases.md").read_text().split("## What a unit refuses")[1].split("\n## ")[0]


def test_every_reason_is_told() -> None:
    assert {refusal for refusal in Refusal if f"`{refusal}`" not in TOLD} == set()


def test_every_test_that_is_named_is_there() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", TOLD)
    assert len(named) > 20
    assert [name for name in named if f"def {name}(" not in tests] == []
