"""`wayside sinks`, against a manager in this process and a receiver on loopback."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.contract.sink_servers import http_receiver
from tests.link.manager_api.commands import wayside
from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import Clock, LocalManager
from wayside_manager.app import running
from wayside_manager.cli.initialise import initialise
from wayside_manager.settings import DataFolder


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[LocalManager]:
    """One with a secret, which does not wait long for a second attempt."""
    folder, clock = DataFolder(tmp_path / "manager"), Clock()
    await initialise(folder, SETTINGS)
    folder.secrets.mkdir(mode=0o700)
    (folder.secrets / "hook").write_text("key")
    settings = msgspec.structs.replace(SETTINGS, event_attempts=2, event_retry_s=0.01)
    async with running(folder, settings) as endpoints:
        yield LocalManager(folder, endpoints, clock)


def written(tmp_path: Path, text: str, name: str = "sink.toml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def hook(url: str, *, more: str = "") -> str:
    return f'name = "hook"\n{more}\nwebhook = {{ url = "{url}", secret = "hook" }}\n'


async def printed(manager: LocalManager, *arguments: str | Path) -> str:
    code, out, err = await wayside(manager, *arguments)
    assert code == 0, err
    return out


async def sentence(manager: LocalManager, *arguments: str | Path, code: int) -> str:
    found, out, err = await wayside(manager, *arguments)
    assert (found, out, len(err.splitlines()), err[:7]) == (code, "", 1, "error: "), err
    return err


async def test_a_sink_is_made_from_a_file_shown_changed_and_deleted(manager: LocalManager, tmp_path: Path) -> None:
    more = 'is_paused = true\nfilter = { kinds = ["alarm.*"], min_severity = "SEVERITY_MAJOR" }'
    path = written(tmp_path, hook("https://example.org/events", more=more))
    out = await printed(manager, "sinks", "apply", "-f", path)
    assert {"sink    hook", "to      https://example.org/events", "state   paused"} <= {
        line.rstrip() for line in out.splitlines()
    }
    shown = json.loads(await printed(manager, "sinks", "show", "eventSinks/hook", "-o", "json"))
    assert (shown["filter"]["kinds"], shown["is_paused"], shown["etag"]) == (["alarm.*"], True, "1")
    document = {"name": "eventSinks/hook", "tenant": "root", "syslog": {"address": "logs.example:6514"}}
    changed = written(tmp_path, json.dumps(document), "sink.json")
    assert "syslog logs.example:6514" in await printed(manager, "sinks", "apply", "-f", changed)
    (row,) = (await printed(manager, "sinks", "list")).splitlines()[1:]
    assert row.split()[:4] == ["hook", "root", "syslog", "logs.example:6514"]
    assert "changed meanwhile" in await sentence(manager, "sinks", "delete", "hook", "--etag", "1", code=4)
    assert await printed(manager, "sinks", "delete", "hook", "--yes") == "hook is deleted\n"
    assert json.loads(await printed(manager, "sinks", "list", "-o", "json")) == {"event_sinks": []}


async def test_a_sink_is_tried_and_what_it_did_not_take_is_tried_again(manager: LocalManager, tmp_path: Path) -> None:
    with http_receiver() as receiver:
        more = 'filter = { kinds = ["node.*"] }'
        await printed(manager, "sinks", "apply", "-f", written(tmp_path, hook(receiver.url, more=more)))
        assert await printed(manager, "sinks", "test", "hook") == "hook took the event\n"
        receiver.answer = lambda _count: 400
        assert "it answered 400" in await sentence(manager, "sinks", "test", "hook", code=6)
        await manager.enroll("rsu-1")
        out = ""
        while "node.enrolled" not in out:
            _, out, _ = await wayside(manager, "sinks", "dead-letters", "hook")
        assert out.splitlines()[1].split()[1:4] == ["node.enrolled", "nodes/rsu-1", "1"]
        assert "it answered 400" in out
        receiver.answer = lambda _count: 204
        assert await printed(manager, "sinks", "retry", "hook") == "1 letters will be tried again\n"
        while json.loads(await printed(manager, "sinks", "dead-letters", "hook", "-o", "json"))["dead_letters"]:
            pass
    assert json.loads(await printed(manager, "sinks", "retry", "hook", "-o", "json")) == {"retried_count": 0}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sink.toml", "name ="),
        ("sink.toml", 'nme = "hook"'),
        ("sink.toml", "name = 2026-01-01"),
        ("sink.toml", "windows = [1]"),
        ("sink.json", "{"),
        ("sink.json", "[]"),
        ("sink.json", "null"),
        ("sink.json", '{"webhook": 1}'),
        ("sink.json", '{"webhook": {"url": "https://x"}, "syslog": {"address": "x:1"}}'),
    ],
    ids=lambda value: value,
)
async def test_a_file_that_is_no_sink_is_named(manager: LocalManager, tmp_path: Path, name: str, text: str) -> None:
    path = written(tmp_path, text, name)
    err = await sentence(manager, "sinks", "apply", "-f", path, code=2)
    assert err.startswith(f"error: {path} is no sink: ")
    assert err.endswith("; see docs/events.md\n")


async def test_what_is_wrong_with_a_sink_is_told_by_its_field(manager: LocalManager, tmp_path: Path) -> None:
    for text, says in (
        ('webhook = { url = "https://x", secret = "hook" }', "event_sink.name"),
        ('name = "hook"', "event_sink: say where events go"),
        (hook("http://example.org"), "plain http"),
        (hook("https://example.org", more='filter = { kinds = ["x"] }'), "event_sink.filter.kinds"),
    ):
        assert says in await sentence(manager, "sinks", "apply", "-f", written(tmp_path, text), code=2)
    for verb in ("show", "test", "retry", "dead-letters"):
        assert "sink x does not exist" in await sentence(manager, "sinks", verb, "x", code=3)
    assert "is not there" in await sentence(manager, "sinks", "apply", "-f", tmp_path / "none.toml", code=3)
