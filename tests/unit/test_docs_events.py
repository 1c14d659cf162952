"""The list of events in docs/events.md is that of the code, and its example verifies what is sent."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import wayside_manager
from wayside_manager.services.sinks.webhook import signature

GUIDE = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
SOURCE = Path(wayside_manager.__file__).parent
_KIND = re.compile(r"(alarm|broadcast|config|fleet|job|node|rollout|sink|update)\.[a-z_]+")


def told() -> Iterator[str]:
    """Kinds in every module that makes events."""
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        called = {func.id for func in calls if isinstance(func, ast.Name)}
        called |= {func.attr for func in calls if isinstance(func, ast.Attribute)}
        if not called & {"NewEvent", "tell"}:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _KIND.fullmatch(node.value):
                yield node.value


def test_the_guide_lists_every_kind_and_no_other() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \|", GUIDE.partition("## Kinds")[2].partition("\n## ")[0], re.MULTILINE)
    assert sorted(rows) == sorted(set(told()))


def test_no_kind_is_put_together_where_the_guide_cannot_follow() -> None:
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "NewEvent":
                kind = next((keyword.value for keyword in node.keywords if keyword.arg == "kind"), None)
                assert not isinstance(kind, ast.JoinedStr), path


def test_the_example_tells_what_is_genuine() -> None:
    namespace: dict[str, Any] = {}
    exec(GUIDE.partition("```python\n")[2].partition("```")[0], namespace)  # noqa: S102  # the guide's own example
    key, body, now = b"key", b'{"cursor":1}', datetime.now(UTC)
    header = signature(key, body, at=now)
    assert namespace["is_genuine"](key, body, header)
    assert not namespace["is_genuine"](key, body + b" ", header)
    assert not namespace["is_genuine"](b"other", body, header)
    assert not namespace["is_genuine"](key, body, signature(key, body, at=datetime(2020, 1, 1, tzinfo=UTC)))
