"""`wayside jobs` and `wayside stop`, against a manager in this process and a unit that does its part."""

import asyncio
import json
import re
from collections.abc import Awaitable
from pathlib import Path

import pytest

from tests.link.manager_api.commands import wayside
from tests.link.manager_api.job_unit import job_session, say, send_file, told_job
from tests.link.manager_api.peer import LocalManager, Peer, Session, role
from wayside.v1 import job_pb2
from wayside_manager.cli.job_spec import KINDS

pytestmark = pytest.mark.usefixtures("rsu")


async def printed(manager: LocalManager, *arguments: str | Path) -> str:
    """What a command prints; it succeeds."""
    code, out, err = await wayside(manager, *arguments)
    assert code == 0, err
    return out


async def sentence(manager: LocalManager, *arguments: str | Path, code: int) -> str:
    """What a command says when it fails."""
    found, out, err = await wayside(manager, *arguments)
    assert (found, out, len(err.splitlines()), err[:7]) == (code, "", 1, "error: "), err
    return err


async def beside(work: Awaitable[None], manager: LocalManager, *arguments: str | Path) -> tuple[int, str, str]:
    """What a command leaves while something else goes on."""
    async with asyncio.TaskGroup() as group:
        command = group.create_task(wayside(manager, *arguments))
        await work
        return await command


async def done(session: Session, job_id: str, state: str = "succeeded", message: str = "") -> None:
    """The unit is told a job, begins it, and ends it so."""
    await told_job(session, job_id)
    await say(session, 1, job_id, "running")
    await say(session, 2, job_id, state, message, result=b'{"is_ok": true}')


async def test_every_kind_of_job_the_contract_has_can_be_asked_for(manager: LocalManager) -> None:
    out = await printed(manager, "jobs", "kinds")
    assert [line.split()[0] for line in out.splitlines()[1:]] == list(KINDS)
    kinds = json.loads(await printed(manager, "jobs", "kinds", "-o", "json"))["kinds"]
    assert {"kind": "network-probe", "values": "host, method, count"} in kinds
    assert len(kinds) == len(job_pb2.JobSpec.DESCRIPTOR.oneofs_by_name["work"].fields)


async def test_a_job_is_made_listed_shown_and_cancelled(manager: LocalManager) -> None:
    asked = ("network-probe", "host=10.0.0.1", "count=3", "--ttl", "2h", "--timeout", "5m", "--note", "it looks odd")
    out = await printed(manager, "jobs", "run", "rsu-1", *asked, "--id", "probe")
    fields = dict(re.split(r"\s{2,}", line.rstrip(), maxsplit=1) for line in out.splitlines())
    assert (fields["job"], fields["node"], fields["state"], fields["note"]) == (
        "probe",
        "rsu-1",
        "queued",
        "it looks odd",
    )
    assert fields["work"].split() == ["network-probe", "host=10.0.0.1", "method=ping", "count=3"]
    again = json.loads(await printed(manager, "jobs", "run", "rsu-1", *asked, "--id", "probe", "-o", "json"))
    assert (again["name"], again["spec"]["ttl"], again["spec"]["timeout"]) == ("jobs/probe", "7200s", "300s")
    assert "another job" in await sentence(manager, "jobs", "run", "rsu-1", "reboot", "--id", "probe", code=4)
    assert json.loads(await printed(manager, "jobs", "show", "probe", "-o", "json")) == again
    (row,) = (await printed(manager, "jobs", "list", "--node", "rsu-1")).splitlines()[1:]
    assert row.split()[:4] == ["probe", "rsu-1", "network-probe", "queued"]
    assert "cancelled" in await printed(manager, "jobs", "cancel", "probe")
    found = json.loads(await printed(manager, "jobs", "list", "--state", "cancelled", "-o", "json"))["jobs"]
    assert [each["name"] for each in found] == ["jobs/probe"]
    assert json.loads(await printed(manager, "jobs", "list", "--state", "queued", "-o", "json")) == {"jobs": []}


async def test_a_job_is_waited_for_and_its_files_are_fetched(
    manager: LocalManager, rsu_peer: Peer, tmp_path: Path
) -> None:
    session, content = await job_session(rsu_peer), bytes(range(256)) * 1000

    async def unit() -> None:
        await told_job(session, "b1")
        await say(session, 1, "b1", "running")
        await send_file(rsu_peer, "b1", "debug.tar.gz", content)
        await say(session, 2, "b1", "succeeded")

    into = tmp_path / "new" / "bundles"
    code, out, err = await beside(
        unit(), manager, "jobs", "run", "rsu-1", "debug-bundle", "log_age=2h", "--id", "b1", "--into", into
    )
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith(("b1  queued  0 %", "b1  running  0 %"))  # the unit may be quicker than the watch
    assert lines[-2].startswith("b1  succeeded  100 %")
    assert lines[-1] == str(into / "debug.tar.gz")
    assert (into / "debug.tar.gz").read_bytes() == content
    assert [path.name for path in into.iterdir()] == ["debug.tar.gz"]
    again = json.loads(await printed(manager, "jobs", "fetch", "b1", "--into", tmp_path, "-o", "json"))
    assert again == {"files": [str(tmp_path / "debug.tar.gz")]}
    assert "debug.tar.gz (256000 of 256000 bytes)" in await printed(manager, "jobs", "show", "b1")
    occupied = tmp_path / "occupied"
    occupied.write_text("")
    assert f"{occupied} cannot be made" in await sentence(manager, "jobs", "fetch", "b1", "--into", occupied, code=2)


async def test_a_job_that_fails_ends_the_command_with_1_and_says_why(manager: LocalManager, rsu_peer: Peer) -> None:
    session = await job_session(rsu_peer)
    work = done(session, "t1", "failed", "gnss: nothing is heard")
    code, _, err = await beside(work, manager, "jobs", "run", "rsu-1", "self-test", "--id", "t1", "--wait")
    assert (code, err) == (1, "error: job t1 has failed: gnss: nothing is heard\n")
    code, out, err = await wayside(manager, "jobs", "watch", "t1")
    assert (code, out) == (1, "t1  failed  0 %  gnss: nothing is heard\n")


async def test_with_json_every_word_of_a_job_is_a_line(manager: LocalManager, rsu_peer: Peer) -> None:
    session = await job_session(rsu_peer)
    command = ("jobs", "run", "rsu-1", "self-test", "--id", "t1", "--wait", "-o", "json")
    code, out, _ = await beside(done(session, "t1"), manager, *command)
    jobs = [json.loads(line) for line in out.splitlines()]
    assert (code, jobs[-1]["state"]) == (0, "STATE_SUCCEEDED")
    assert jobs[0]["state"] in {"STATE_QUEUED", "STATE_RUNNING"}  # the unit may be quicker than the watch
    assert jobs[-1]["result"] == {"is_ok": True}
    assert "is_ok: True" in await printed(manager, "jobs", "show", "t1")


async def test_a_fleet_job_is_a_rollout(manager: LocalManager) -> None:
    await manager.enroll("rsu-2")
    out = await printed(manager, "jobs", "run-fleet", "self-test", "--kind", "rsu", "--wave", "1", "--note", "monthly")
    assert "job self-test" in out
    assert "job self-test" in await printed(manager, "rollouts", "list")
    made = json.loads(
        await printed(manager, "jobs", "run-fleet", "log-level", "level=DEBUG", "--node", "rsu-1", "-o", "json")
    )
    assert made["name"].startswith("rollouts/")
    shown = json.loads(await printed(manager, "rollouts", "show", made["name"], "-o", "json"))
    assert shown["job"]["log_level"]["level"] == "DEBUG"
    assert await sentence(manager, "jobs", "run-fleet", "self-test", code=2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("self_test",), "'self_test' is no kind of job; there are reboot, "),
        (("reboot", "now"), "'now' is not NAME=VALUE with one of: none, this kind takes no values"),
        (("network-probe", "cuont=3"), "'cuont=3' is not NAME=VALUE with one of: host, method, count"),
        (("network-probe", "count=many"), "network-probe: "),
        (("network-probe", "count=99999999999"), "network-probe: "),
        (("network-probe", "count=101"), "spec.network_probe.count"),
        (("network-probe", "method=smell"), "network-probe: "),
        (("gnss-snapshot", "duration=long"), "duration: 'long' is not a duration such as 45s, 10m, 2h or 30d"),
        (("gnss-snapshot", "duration=1d"), "spec.gnss_snapshot.duration"),
        (("self-test", "--ttl", "soon"), "--ttl: 'soon' is not a duration"),
        (("self-test", "--timeout", "x"), "--timeout: 'x' is not a duration"),
        (("self-test", "--ttl", "31d"), "spec.ttl"),
        (("file-pull", "path=../x"), "spec.file_pull.path"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_a_job_that_cannot_be_asked_for_names_what_is_wrong(
    manager: LocalManager, arguments: tuple[str, ...], says: str
) -> None:
    assert says in await sentence(manager, "jobs", "run", "rsu-1", *arguments, code=2)


async def test_work_is_shown_as_one_would_type_it(manager: LocalManager) -> None:
    for number, asked in enumerate(
        (
            ("network-probe", "host=fe80::1", "method=trace", "count=3"),
            ("gnss-snapshot", "duration=90s"),
            ("log-level", "level=DEBUG", "duration=600s"),
        )
    ):
        out = await printed(manager, "jobs", "run", "rsu-1", *asked, "--id", f"j{number}")
        assert f"work          {' '.join(asked)}" in {line.rstrip() for line in out.splitlines()}


async def test_files_that_are_pushed_are_read_and_named(manager: LocalManager, operator: Peer, tmp_path: Path) -> None:
    path = tmp_path / "x.dbc"
    push = ("jobs", "run", "rsu-1", "file-push", "path=/etc/wayside/x.dbc")
    assert f"{path} is not there" in await sentence(manager, *push, f"content=@{path}", code=3)
    assert "cannot be read" in await sentence(manager, *push, f"content=@{tmp_path}", code=2)
    path.write_bytes(bytes((1 << 20) + 1))
    assert "has more than 1048576 bytes" in await sentence(manager, *push, f"content=@{path}", code=2)
    path.write_bytes(b"\x00\xff")
    out = await printed(manager, *push, f"content=@{path}", "--id", "p1")
    assert "path=/etc/wayside/x.dbc" in out
    assert "content" not in out
    assert (await operator.get_job("p1")).spec.file_push.content == b"\x00\xff"


async def test_what_is_not_there_or_not_allowed_is_told(manager: LocalManager, operator: Peer, tmp_path: Path) -> None:
    for verb in ("show", "watch", "cancel", "fetch"):
        assert "job j9 does not exist" in await sentence(manager, "jobs", verb, "j9", code=3)
    assert "node rsu-9 does not exist" in await sentence(manager, "jobs", "run", "rsu-9", "reboot", code=3)
    token = tmp_path / "token"
    token.write_text(await operator.make_operator("ann", role("viewer")))
    for command in (("jobs", "run", "rsu-1", "reboot"), ("stop", "--reason", "x", "--yes")):
        code, _, err = await wayside(manager, *command, token=token)
        assert (code, err.startswith("error: ")) == (5, True)


async def test_everything_is_stopped_at_once(manager: LocalManager, operator: Peer, rsu_peer: Peer) -> None:
    await printed(manager, "jobs", "run", "rsu-1", "self-test", "--id", "t1")
    await printed(manager, "jobs", "run-fleet", "self-test", "--all")
    await job_session(rsu_peer)
    out = await printed(manager, "stop", "--reason", "smoke in the control room")
    assert re.fullmatch(
        r"stopped 1 rollouts and \d jobs; \d nodes were told at once, the others when they connect\n", out
    )
    job = await operator.get_job("t1")
    assert job.is_cancelling or job.state == job_pb2.Job.STATE_CANCELLED
    answer = json.loads(await printed(manager, "stop", "--reason", "again", "-y", "-o", "json"))
    assert answer["rollouts"] == []
    event = (await printed(manager, "events", "list", "--event", "fleet.stopped")).splitlines()[1]
    assert "smoke in the control room" in event
    assert "reason" in await sentence(manager, "stop", "--reason", "", code=2)
