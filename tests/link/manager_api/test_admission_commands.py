"""`wayside nodes token|tokens|untoken|import|waiting|admit|reject` and `wayside authorities`, against a manager."""

import csv
import json
from pathlib import Path

import pytest

from tests.link.manager_api.commands import wayside
from tests.link.manager_api.peer import LocalManager, Peer, csr, enrollment
from tests.link.manager_api.test_enrollment_modes import asked, public_pem
from wayside.errors import WaysideError
from wayside_manager.services.authority import new_key

HEADER = ("node_id", "esn", "kind", "public_key", "tenant", "display_name", "site", "labels")


def written(path: Path, *rows: tuple[str, ...]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def body(pem: str) -> str:
    return "".join(pem.splitlines()[1:-1])


async def test_a_token_is_made_listed_and_revoked(manager: LocalManager) -> None:
    code, out, err = await wayside(manager, "nodes", "token", "--esn", "E1", "--tenant", "root", "--node", "rsu-1")
    assert (code, out[:4]) == (0, "wse_")
    token_id = err.split()[-1]
    code, out, _ = await wayside(manager, "nodes", "tokens")
    assert code == 0
    assert token_id in out
    assert "E1" in out
    code, out, _ = await wayside(manager, "nodes", "untoken", token_id)
    assert (code, out.strip()) == (0, f"revoked enrollmentTokens/{token_id}")
    code, _, _ = await wayside(manager, "nodes", "untoken", token_id)
    assert code == 3


async def test_a_csv_is_imported_row_by_row(manager: LocalManager, operator: Peer, tmp_path: Path) -> None:
    one, two = new_key(), new_key()
    await operator.make_site("k12")
    good = ("rsu-1", "E1", "RSU", body(public_pem(one)), "root", "North", "k12", "corridor=g98; lane=3")
    path = written(tmp_path / "units.csv", good, ("rsu-2", "E1", "rsu", public_pem(two), "", "", "", ""))

    code, out, err = await wayside(manager, "nodes", "import", path, "--dry-run")
    assert (code, "nothing was written" in err) == (1, True)
    with pytest.raises(WaysideError):
        await operator.get_node("rsu-1")
    code, out, err = await wayside(manager, "nodes", "import", path)
    assert code == 1
    assert "esn: E1 belongs to another node" in out
    assert "1 created, 0 unchanged, 1 refused" in err
    code, out, _ = await wayside(manager, "nodes", "import", written(path, good), "-o", "json")
    assert (code, json.loads(out)["results"][0]["outcome"]) == (0, "OUTCOME_UNCHANGED")

    node = await operator.get_node("rsu-1")
    assert (node.site, node.display_name) == ("sites/k12", "North")
    assert {label.key: label.value for label in node.labels} == {"corridor": "g98", "lane": "3"}
    assert (await asked(manager, "rsu-1", one, esn="E1")).node == "nodes/rsu-1"


async def test_a_json_file_of_many_units_goes_in_chunks(manager: LocalManager, tmp_path: Path) -> None:
    key = public_pem(new_key())
    rows = [{"node_id": f"rsu-{n}", "esn": f"E{n}", "kind": "rsu", "public_key": key} for n in range(1001)]
    rows[-1]["public_key"] = public_pem(new_key())
    rows[0]["labels"] = {"lane": "3"}  # type: ignore[assignment]  # as people write it
    path = tmp_path / "units.json"
    path.write_text(json.dumps(rows))
    code, out, _ = await wayside(manager, "nodes", "import", path, "-o", "json")
    results = json.loads(out)["results"]
    assert (code, len(results)) == (1, 1001)
    assert [each["row_index"] for each in results if each["outcome"] == "OUTCOME_CREATED"] == [0, 1000]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "node_id,esn\nrsu-1,E1\n", "the first line lacks kind"),
        ("a.csv", "node_id,esn,kind,public_key,colour\n", "'colour' is not one of"),
        ("a.csv", "node_id,esn,kind,public_key\nrsu-1,E1\n", "a.csv:2: the row has more or fewer cells"),
        ("a.csv", "node_id,esn,kind,public_key\nrsu-1,E1,rsu,k,more\n", "a.csv:2: the row has more or fewer cells"),
        ("a.json", "{", "is no JSON"),
        ("a.json", "{}", "give a list of objects"),
        ("a.json", '[{"node_id": 7, "esn": "E1", "kind": "rsu", "public_key": "k"}]', "row 1: node_id: give a text"),
        ("a.json", '[{"nodeid": "x"}]', "row 1: 'nodeid' is not one of"),
        ("a.json", '[{"node_id": "rsu-1", "esn": "E1", "kind": "rsu"}]', "row 1 lacks public_key"),
        (
            "a.json",
            '[{"node_id": "rsu-1", "esn": "E1", "kind": "rsu", "public_key": "k", "labels": "x"}]',
            "row 1: --label: 'x' is not KEY=VALUE",
        ),
    ],
)
async def test_a_malformed_file_is_refused_by_line(
    manager: LocalManager, tmp_path: Path, name: str, text: str, said: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    code, _, err = await wayside(manager, "nodes", "import", path)
    assert code == 2
    assert said in err


async def test_a_file_that_is_not_there_is_said_so(manager: LocalManager, tmp_path: Path) -> None:
    code, _, err = await wayside(manager, "nodes", "import", tmp_path / "none.csv")
    assert (code, "is not there" in err) == (3, True)


async def test_a_waiting_unit_is_admitted_and_another_rejected(manager: LocalManager, operator: Peer) -> None:
    await operator.set_policy(accepts_unknown_units=True)
    await manager.enroll("rsu-9")
    key = new_key()
    names = []
    for number, each in enumerate((key, new_key(), new_key())):
        manager.clock.push(seconds=1)
        answer = await asked(manager, f"rsu-{number}", each)
        names.append(answer.enrollment_request.removeprefix("enrollmentRequests/"))
    code, out, _ = await wayside(manager, "nodes", "waiting", "-o", "json")
    assert code == 0
    assert [each["node_id"] for each in json.loads(out)["enrollment_requests"]] == ["rsu-0", "rsu-1", "rsu-2"]

    code, out, _ = await wayside(manager, "nodes", "admit", names[0], "--as", "rsu-7", "--tenant", "root")
    assert (code, "approved" in out) == (0, True)
    code, _, _ = await wayside(manager, "nodes", "admit", names[1], "--replace", "rsu-9")
    assert code == 0
    code, out, _ = await wayside(manager, "nodes", "reject", names[2])
    assert (code, "rejected" in out) == (0, True)
    code, _, err = await wayside(manager, "nodes", "reject", names[0])
    assert (code, "approved already" in err) == (1, True)

    async with manager.stranger() as unit:
        answer = await unit.call(unit.enrollment.Enroll, enrollment("", "rsu-0", csr(key)))
    assert answer.node == "nodes/rsu-7"


async def test_authorities_follow_each_other_by_command(manager: LocalManager) -> None:
    code, out, _ = await wayside(manager, "authorities", "list", "-o", "json")
    (first,) = json.loads(out)["authorities"]
    code, out, _ = await wayside(manager, "authorities", "create", "-o", "json")
    second = json.loads(out)["name"]
    assert code == 0
    code, out, _ = await wayside(manager, "authorities", "activate", second)
    assert (code, "signing" in out) == (0, True)
    code, _, err = await wayside(manager, "authorities", "retire", first["name"])
    assert (code, "are in use" in err) == (1, True)
    code, out, _ = await wayside(manager, "authorities", "retire", first["name"], "--force", "--yes")
    assert code == 0
    code, out, _ = await wayside(manager, "authorities", "list")
    assert (code, out.count("signing"), out.count("leaving")) == (0, 1, 0)
