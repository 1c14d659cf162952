"""The rules of conformance are those of the documentation, and say the same in both languages."""

import re
from pathlib import Path

import pytest

from wayside_agent.core.conformance.model import RuleName
from wayside_agent.core.conformance.wording import RULES, SENTENCES

DOCS = Path(__file__).parents[2] / "docs" / "v2x-conformance.md"


def test_every_rule_has_its_row_and_its_title() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", DOCS.read_text("utf-8"), re.MULTILINE)
    assert rows == [*RULES] == [*RuleName]


@pytest.mark.parametrize("key", SENTENCES)
def test_a_sentence_names_the_same_in_both_languages(key: str) -> None:
    words = SENTENCES[key]
    names = [set(re.findall(r"{(\w+)}", text)) for text in words]
    assert names[0] == names[1]
    assert words.en.isascii()
    assert not words.zh.isascii()
