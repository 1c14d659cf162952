"""`wayside audit` and `wayside-manager audit`: lists, checks, exports, and checks where no manager is."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.link.manager_api.commands import wayside, wayside_manager
from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import Clock, LocalManager, Peer
from wayside_manager.app import running
from wayside_manager.cli.initialise import initialise
from wayside_manager.settings import DataFolder


@pytest.fixture
async def busy(manager: LocalManager, operator: Peer) -> LocalManager:
    """A manager with a few entries."""
    for index in range(3):
        await operator.set_policy(max_unapproved_node_count=index)
    return manager


async def test_the_command_line_lists_and_verifies(busy: LocalManager) -> None:
    code, out, _ = await wayside(busy, "audit", "list", "--action", "UpdateAccessPolicy", "--since", "1h")
    assert (code, out.count("AccessService/UpdateAccessPolicy")) == (0, 3)
    code, out, _ = await wayside(busy, "audit", "list", "--count", "2", "-o", "json", "--outcome", "done")
    assert len(json.loads(out)["entries"]) == 2
    code, _, err = await wayside(busy, "audit", "list", "--until", "soon")
    assert code == 2
    assert "'soon' is neither a time" in err
    code, out, _ = await wayside(busy, "-o", "json", "audit", "verify")
    assert code == 0
    assert json.loads(out)["intact"]


async def test_an_exported_file_is_checked_without_a_manager(busy: LocalManager, tmp_path: Path) -> None:
    file, ca = tmp_path / "audit.jsonl", busy.folder.operator / "ca.pem"
    assert (await wayside(busy, "audit", "export", file))[0] == 0
    assert (await wayside(busy, "audit", "verify-export", file, "--ca", ca))[0] == 0
    text = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    lines = text.splitlines()
    harms = {
        "a changed letter": text.replace("UpdateAccess", "UpdateExcess", 1),
        "a missing line": "\n".join(lines[1:2] + lines[3:]),
        "a cut end": "\n".join(lines[:2]),
        "no seals": "\n".join(line for line in lines if "seal" not in line),
        "no JSON": "\n".join([*lines, "{"]),
        "nothing": "\n".join(line for line in lines if "seal" in line),
    }
    for name, harmed in harms.items():
        file.write_text(harmed)
        code, _, err = await wayside(busy, "audit", "verify-export", file, "--ca", ca)
        assert (code, err.startswith("error: ")) == (1, True), (name, err)
    assert (await wayside(busy, "audit", "verify-export", file, "--ca", tmp_path / "none.pem"))[0] == 2
    code, out, _ = await wayside(busy, "audit", "export", "--begin", "2")
    file.write_text(out)
    assert (await wayside(busy, "audit", "verify-export", file, "--ca", ca))[0] == 0


async def test_an_export_that_fails_leaves_no_file(busy: LocalManager, tmp_path: Path) -> None:
    code, _, _ = await wayside(busy, "--address", "127.0.0.1:1", "audit", "export", tmp_path / "audit.jsonl")
    assert code == 6
    assert [name for name in os.listdir(tmp_path) if "audit" in name] == []  # noqa: PTH208  # blocks for no time
    code, _, err = await wayside(busy, "audit", "export", tmp_path / "no" / "audit.jsonl")
    assert (code, "cannot be written" in err) == (2, True)


async def test_a_data_folder_is_checked_while_its_manager_runs(busy: LocalManager) -> None:
    code, out, _ = await wayside_manager("audit", "verify", "--data", busy.folder.path, "-o", "json")
    assert code == 0
    assert json.loads(out)["intact"]


async def test_a_data_folder_at_rest_is_sealed_and_what_was_harmed_in_it_is_located(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    await initialise(folder, SETTINGS)
    async with running(folder, SETTINGS) as endpoints:
        manager = LocalManager(folder, endpoints, Clock())
        async with manager.operator() as operator:
            for index in range(3):
                await operator.set_policy(max_unapproved_node_count=index)
    code, out, _ = await wayside_manager("audit", "verify", "--data", folder.path, "-o", "json")
    found = json.loads(out)
    assert code == 0
    assert found["sealed_sequence"] == found["entry_count"] != "0"
    last = int(found["entry_count"])
    with closing(sqlite3.connect(folder.path / "manager.db")) as connection, connection:
        connection.execute("DROP TRIGGER audit_entries_no_update")
        connection.execute("UPDATE audit_entries SET actor = 'anyone' WHERE sequence = ?", (last,))
    code, out, err = await wayside_manager("audit", "verify", "--data", folder.path, "-o", "json")
    assert code == 1
    assert json.loads(out)["first_broken_sequence"] == str(last)
    assert err == f"error: entry {last} is listed as something else than what it says\n"


async def test_checking_a_data_folder_at_rest_leaves_no_trace_in_it(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    await initialise(folder, SETTINGS)
    before = traces(folder.path)
    assert (await wayside_manager("audit", "verify", "--data", folder.path))[0] == 0
    assert traces(folder.path) == before


def traces(path: Path) -> dict[str, tuple[int, int]]:
    return {str(each): (each.stat().st_mtime_ns, each.stat().st_size) for each in (path, *path.rglob("*"))}
