"""`wayside` against a `wayside-manager serve` process: exit codes and JSON that scripts rely on."""

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.link.manager_api.peer import Clock, LocalManager, Session, release_archive
from tests.signing import give_roots, sign_in
from wayside.v1 import release_pb2
from wayside_manager.app import Endpoints
from wayside_manager.cli.manager import app as manager_app
from wayside_manager.cli.operator import app
from wayside_manager.settings import DataFolder

START_S = 60.0
Invoke = Callable[..., "Answer"]


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401  # JSON is anything
        return json.loads(self.out)


def invoke(program: Any, *arguments: str | Path, env: dict[str, str] | None = None) -> Answer:  # noqa: ANN401  # a typer app
    done = CliRunner().invoke(program, [str(argument) for argument in arguments], env=env)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Answer(done.exit_code, done.stdout, done.stderr)


def serve(folder: Path, env: dict[str, str] | None = None) -> "subprocess.Popen[str]":
    program = "from wayside_manager.cli.manager import main; main()"
    command = [sys.executable, "-c", program, "serve", "--data", str(folder)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | (env or {})
    )
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_S)
    assert ready, "the manager does not come up"
    assert process.stdout.readline().startswith("wayside-manager: nodes at ")
    return process


def stop(process: "subprocess.Popen[str]") -> int:
    process.send_signal(signal.SIGTERM)
    with process:
        return process.wait(timeout=START_S)


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalManager]:
    """One manager process for all tests of this module."""
    path = tmp_path_factory.mktemp("served") / "data"
    assert invoke(manager_app, "init", path, "--device-port", "0", "--operator-port", "0").code == 0
    asyncio.run(give_roots(DataFolder(path)))
    process = serve(path)
    noted = json.loads(DataFolder(path).endpoints.read_text())
    assert noted.pop("pid") == process.pid
    yield LocalManager(DataFolder(path), Endpoints(**noted), Clock())
    assert stop(process) == 0
    assert not DataFolder(path).endpoints.exists()


@pytest.fixture(scope="module")
def wayside(manager: LocalManager) -> Invoke:
    return lambda *arguments: invoke(app, "--context", manager.folder.operator / "context.toml", *arguments)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "release.tar.gz"
    path.write_bytes(release_archive("3.0.0"))
    return path


@pytest.mark.parametrize(
    "words",
    [
        *((noun, "list") for noun in ("nodes", "releases", "rollouts", "sites", "corridors", "groups", "geofences")),
        ("licences", "list"),
        ("config", "layers"),
    ],
    ids=" ".join,
)
def test_a_list_of_a_new_manager_says_it_is_empty_and_is_json_nevertheless(
    wayside: Invoke, words: tuple[str, ...]
) -> None:
    assert "there is none" in wayside(*words).err
    assert json.loads(wayside(*words, "--output", "json").out) is not None


def test_nodes_are_listed_as_a_table_or_as_json(wayside: Invoke, manager: LocalManager) -> None:
    asyncio.run(manager.enroll("list-1"))

    table, machine = wayside("nodes", "list"), wayside("nodes", "list", "--output", "json", "--kind", "rsu")

    assert table.code == 0
    assert "list-1" in table.out
    nodes = {node["name"]: node for node in machine.json["nodes"]}
    assert nodes["nodes/list-1"]["presence"] == "PRESENCE_NEVER_SEEN"
    assert nodes["nodes/list-1"]["display_name"] == ""  # fields without a value are there, too
    assert wayside("nodes", "list", "--tenant", "atlantis", "-o", "json").json == {"nodes": []}


def test_the_context_comes_from_the_environment_or_the_home_folder(manager: LocalManager, tmp_path: Path) -> None:
    context = manager.folder.operator / "certificate-context.toml"
    assert invoke(app, "nodes", "list", env={"WAYSIDE_CONTEXT": str(context)}).code == 0
    lost = invoke(app, "nodes", "list", env={"WAYSIDE_CONTEXT": "", "HOME": str(tmp_path)})
    assert lost.code == 3
    assert "context.toml is not there" in lost.err


def test_a_node_is_updated_shown_revoked_and_retired(wayside: Invoke, manager: LocalManager, tmp_path: Path) -> None:
    asyncio.run(manager.enroll("change-1"))
    sites = tmp_path / "sites.toml"
    sites.write_text('[[sites]]\nname = "k12"\n[[sites]]\nname = "k13"\n')
    assert wayside("sites", "apply", "-f", sites).code == 0
    changed = wayside("nodes", "update", "change-1", "--site", "k12", "--label", "road=G98", "-o", "json")
    stale = wayside("nodes", "update", "change-1", "--site", "k13", "--etag", "stale")
    nowhere = wayside("nodes", "update", "change-1", "--site", "k14")
    shown = wayside("nodes", "show", "change-1")
    moved = wayside("nodes", "update", "change-1", "--tenant", "atlantis")
    revoked = wayside("nodes", "revoke", "change-1", "--yes", "-o", "json")
    retired = wayside("nodes", "retire", "change-1", "--yes", "-o", "json")

    assert (changed.json["labels"], changed.json["tenant"]) == ([{"key": "road", "value": "G98"}], "tenants/root")
    assert changed.json["site"] == "sites/k12"
    assert (stale.code, nowhere.code, moved.code) == (4, 3, 3)
    assert "k12" in shown.out
    assert (revoked.json["state"], retired.json["state"]) == ("STATE_REVOKED", "STATE_RETIRED")


def test_exit_codes_tell_what_kind_of_failure_it_was(wayside: Invoke, manager: LocalManager, tmp_path: Path) -> None:
    folder = manager.folder.operator
    (tmp_path / "token").write_text("wso_wrong")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(
        f'address = "{manager.endpoints.operator_address}"\nca_file = "{folder}/ca.pem"\ntoken_file = "token"\n'
    )
    nobody = tmp_path / "nobody.toml"
    nobody.write_text(f'address = "127.0.0.1:1"\nca_file = "{folder}/ca.pem"\ntoken_file = "token"\n')
    broken = tmp_path / "broken.toml"
    broken.write_text('adress = "x"\n')
    answers = {
        2: [wayside("nodes", "show", "No Name"), wayside("nodes", "token", "--ttl", "soon"), wayside("frobnicate")],
        3: [wayside("nodes", "show", "ghost"), wayside("rollouts", "show", "none")],
        5: [invoke(app, "--context", wrong, "nodes", "list")],
        6: [invoke(app, "nodes", "list", "--context", nobody)],
    }
    answers[2].append(invoke(app, "--context", broken, "nodes", "list"))
    for code, ones in answers.items():
        for one in ones:
            assert one.code == code, one
            assert "Traceback" not in one.out + one.err
    assert "adress" in answers[2][-1].err
    assert "127.0.0.1:1" in answers[6][0].err


def test_a_manager_with_another_authority_is_not_trusted(manager: LocalManager, tmp_path: Path) -> None:
    other = tmp_path / "other"
    invoke(manager_app, "init", other)
    context = other / "operator" / "context.toml"
    answer = invoke(app, "--context", context, "--address", manager.endpoints.operator_address, "nodes", "list")
    assert answer.code == 6
    assert "do not vouch for" in answer.err


def test_a_layer_is_applied_shown_and_deleted(wayside: Invoke, manager: LocalManager, tmp_path: Path) -> None:
    asyncio.run(manager.enroll("config-1"))
    file = tmp_path / "layer.toml"
    file.write_text(
        'name = "only"\npriority = 7\n[selector]\nkinds = ["rsu"]\nnodes = ["config-1"]\n'
        "[config]\nreport_period_s = 45\n[config.telemetry]\nsample_period_s = 0.5\n"
    )
    applied = wayside("config", "apply", "-f", file, "--tenant", "root", "-o", "json")
    wanted = wayside("config", "show", "config-1", "-o", "json")
    shown, listed = wayside("config", "get", "only"), wayside("config", "layers", "-o", "json")
    deleted = wayside("config", "delete", "only", "--yes")

    assert applied.json["changed_nodes"] == ["nodes/config-1"]
    assert wanted.json["config"]["telemetry"]["sample_period_s"] == 0.5
    assert wanted.json["revision"] == "1"  # protobuf JSON writes 64-bit integers as text
    assert '"report_period_s": 45' in shown.out
    assert [layer["name"] for layer in listed.json["config_layers"]] == ["configLayers/only"]
    assert "changes 1 node: config-1" in deleted.out


def test_a_layer_out_of_range_names_file_line_and_field(wayside: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "layer.toml"
    file.write_text('name = "x"\n[selector]\nall = true\n[config]\nreport_period_s = 0\n')
    answer = wayside("config", "apply", "-f", file)
    assert answer.code == 2
    assert f"{file}: line 5: config.report_period_s" in answer.err


def test_a_release_is_published_once(wayside: Invoke, archive: Path) -> None:
    trust = ("--trust", sign_in(archive.parent / "trust", archive))
    wrong = wayside("releases", "publish", archive, *trust, "--version", "9.9.9")
    nowhere = wayside("releases", "publish", archive, *trust, "--tenant", "atlantis")
    assert "--trust" in wayside("releases", "publish", archive).err
    first = wayside("releases", "publish", archive, *trust, "-o", "json")
    second = wayside("releases", "publish", archive, *trust)
    archive.write_bytes(b"no archive")
    broken = wayside("releases", "publish", archive, *trust)
    missing = wayside("releases", "publish", "nowhere.tar", *trust)

    assert first.json["version"] == "3.0.0"
    assert [wrong.code, nowhere.code, second.code, broken.code, missing.code] == [2, 3, 4, 2, 3]
    assert "3.0.0" in wayside("releases", "list").out
    assert wayside("releases", "show", "3.0.0", "-o", "json").json["state"] == "STATE_ACTIVE"


@pytest.mark.parametrize(("phase", "code"), [("COMMITTED", 0), ("ROLLED_BACK", 1)])
def test_watching_a_rollout_ends_with_it(
    wayside: Invoke, manager: LocalManager, tmp_path: Path, phase: str, code: int
) -> None:
    version, node_id = f"4.0.{code}", f"watch-{code}"
    path = tmp_path / "release.tar.gz"
    path.write_bytes(release_archive(version))
    wayside("releases", "publish", path, "--trust", sign_in(tmp_path / "trust", path))
    credential = asyncio.run(manager.enroll(node_id))

    async def updated() -> str:
        async with manager.node(credential) as peer:
            session = await Session(peer).opened()
            await session.report(1)
            created = await asyncio.to_thread(_created, manager, version, node_id)
            desired = await session.until("desired_state")
            while not desired.HasField("release"):
                desired = await session.until("desired_state")
            word = release_pb2.UpdateReport(
                release=desired.release.release,
                rollout=desired.release.rollout,
                phase=release_pb2.UpdateReport.Phase.Value(f"PHASE_{phase}"),
                running_release=desired.release.release if phase == "COMMITTED" else "",
                message="" if phase == "COMMITTED" else "the radio stayed silent",
            )
            await session.report(2, update=word)
            while (await session.until("ack")).sequence < 2:
                pass
            return created

    watched = wayside("rollouts", "watch", asyncio.run(updated()))

    assert watched.code == code, watched
    assert ("has failed" in watched.err) is bool(code)
    assert ("the radio stayed silent" in watched.out) is bool(code)


def _created(manager: LocalManager, version: str, node_id: str) -> str:
    """Starts a rollout in a process of its own: this one's event loop is busy being a node."""
    program = "from wayside_manager.cli.operator import main; main()"
    context = str(manager.folder.operator / "context.toml")
    arguments = ["--context", context, "rollouts", "create", version, "--node", node_id, "-o", "json"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, check=True, text=True, timeout=START_S
    )
    return str(json.loads(done.stdout)["name"])


def test_a_rollout_is_paused_resumed_and_aborted(wayside: Invoke, manager: LocalManager, tmp_path: Path) -> None:
    path = tmp_path / "release.tar.gz"
    path.write_bytes(release_archive("5.0.0"))
    wayside("releases", "publish", path, "--trust", sign_in(tmp_path / "trust", path))
    asyncio.run(manager.enroll("orders-1"))
    name = wayside("rollouts", "create", "5.0.0", "--node", "orders-1", "--tenant", "root", "-o", "json").json["name"]
    states = [wayside("rollouts", verb, name, "-o", "json").json["state"] for verb in ("pause", "resume", "abort")]

    assert states == ["STATE_PAUSED", "STATE_RUNNING", "STATE_ABORTED"]
    assert wayside("rollouts", "resume", name).code == 1
    assert wayside("rollouts", "create", "5.0.0").code == 2
    assert name in json.dumps(wayside("rollouts", "list", "-o", "json").json)
    assert wayside("rollouts", "watch", name).code == 1


def test_a_token_made_here_enrols_a_node(wayside: Invoke, manager: LocalManager) -> None:
    token = wayside("nodes", "token", "--node", "token-1", "--ttl", "10m", "-o", "json").json["token"]
    asyncio.run(manager.enroll("token-1", token=token))
    assert wayside("nodes", "show", "token-1").code == 0


def test_watching_nodes_prints_one_object_per_line(wayside: Invoke, manager: LocalManager) -> None:
    asyncio.run(manager.enroll("watched-1"))
    answer = wayside("nodes", "watch", "--count", "1", "-o", "json")
    assert json.loads(answer.out.splitlines()[0])["name"].startswith("nodes/")


def test_help_tells_the_exit_codes() -> None:
    for program in (app, manager_app):
        assert "Exit status" in invoke(program, "--help").out


def test_init_refuses_a_folder_that_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = invoke(manager_app, "init", tmp_path)
    assert answer.code == 1
    assert answer.err.count("\n") == 1
    assert "is not empty" in answer.err


def test_init_keeps_keys_and_tokens_to_their_owner(tmp_path: Path) -> None:
    invoke(manager_app, "init", tmp_path / "data", "--hostname", "manager.example", "--hostname", "10.0.0.1")
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "data").rglob("*") if path.is_file()}
    (authority_key,) = (path.name for path in (tmp_path / "data" / "authorities").glob("*.key"))
    secret = {authority_key, "server.key", "operator.key", "token", "manager.db"}
    assert {name for name, mode in modes.items() if mode == 0o600} >= secret
    assert 'address = "manager.example:7444"' in (tmp_path / "data/operator/context.toml").read_text()


@pytest.mark.parametrize(
    ("line", "named"),
    [("device_port = 'x'", "device_port"), ("devise_port = 1", "devise_port"), ("device_port =", "not valid TOML")],
)
def test_a_wrong_setting_is_named_with_its_file(tmp_path: Path, line: str, named: str) -> None:
    (tmp_path / "manager.toml").write_text(line)
    answer = invoke(manager_app, "serve", "--data", tmp_path)
    assert answer.code == 2
    assert str(tmp_path / "manager.toml") in answer.err
    assert named in answer.err


def test_a_port_that_is_taken_is_said_in_one_sentence(manager: LocalManager, tmp_path: Path) -> None:
    port = manager.endpoints.device_address.rpartition(":")[2]
    invoke(manager_app, "init", tmp_path / "data", "--device-port", port, "--operator-port", "0")
    command = [sys.executable, "-c", "from wayside_manager.cli.manager import main; main()"]
    done = subprocess.run(
        [*command, "serve", "--data", str(tmp_path / "data")],
        capture_output=True,
        check=False,
        text=True,
        timeout=START_S,
        env=os.environ | {"GRPC_VERBOSITY": "NONE"},
    )
    assert done.returncode == 6
    assert "error: device_port: cannot listen on" in done.stderr
    assert "Traceback" not in done.stderr


def test_systemd_is_told_when_the_manager_is_ready_and_when_it_stops(tmp_path: Path) -> None:
    invoke(manager_app, "init", tmp_path / "data", "--device-port", "0", "--operator-port", "0")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(START_S)
        process = serve(tmp_path / "data", env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert notified.recv(100) == b"READY=1"
        assert stop(process) == 0
        assert notified.recv(100) == b"STOPPING=1"
