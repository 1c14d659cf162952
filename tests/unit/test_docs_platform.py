"""docs/v2x-platform.md names every message, reason, right and codec, and no other."""

import re
from pathlib import Path
from typing import get_args, get_type_hints

from wayside_agent.core.platform.answer import Answer, Reason
from wayside_agent.core.platform.policy import Right
from wayside_agent.core.platform.subject import Subject
from wayside_agent.v2x_platform_settings import PlatformSettings

GUIDE = (Path(__file__).parents[2] / "docs" / "v2x-platform.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return GUIDE.split(f"## {title}\n")[1].split("\n## ")[0]


def first_cells(title: str) -> set[str]:
    rows = re.findall(r"^\| ([^|]+) \|", section(title), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)} - {"allow", "codec", "errorCode"}


def test_every_message_is_told() -> None:
    rows = [line for line in section("Topics").splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`([A-Za-z.]+)`", row)}
    assert set(Subject) <= told


def test_every_reason_is_told_with_its_code() -> None:
    rows = re.findall(r"^\| (\d) \| `([A-Z_]+)` \|", section("Error codes"), re.MULTILINE)
    assert {(int(code), reason) for code, reason in rows} == {(Answer(each).code, each.value) for each in Reason}


def test_every_right_is_told_and_can_be_set() -> None:
    assert first_cells("What a platform may do") == set(Right)
    assert set(get_args(get_args(get_type_hints(PlatformSettings)["allow"])[0])) == set(Right)


def test_every_codec_is_told() -> None:
    assert first_cells("How it is written") == set(get_args(get_type_hints(PlatformSettings)["codec"]))
