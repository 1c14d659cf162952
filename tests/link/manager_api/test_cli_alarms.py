"""`wayside alarms`, `health`, `events` and `nodes show`, against a manager in this process."""

import json
from pathlib import Path

import pytest

from tests.link.manager_api.alarm_world import (
    DEGRADED,
    DOOR,
    FAILED,
    LEAK,
    check,
    clears_at_once,
    dead_line,
    line_of,
    says,
    told,
)
from tests.link.manager_api.commands import wayside
from tests.link.manager_api.peer import Clock, LocalManager, NodeCredential, Peer, role

SCREEN_LINES = 45


async def leaking(manager: LocalManager, operator: Peer, rsu: NodeCredential) -> str:
    """The id of the alarm of a unit with water in it."""
    await says(manager, rsu, LEAK)
    return (await told(operator, "alarm.raised")).removeprefix("alarms/")


async def printed(manager: LocalManager, *arguments: str | Path, code: int = 0) -> str:
    """What a command prints; it leaves this exit code."""
    found, out, err = await wayside(manager, *arguments)
    assert found == code, err
    return out


async def sentence(manager: LocalManager, *arguments: str | Path, code: int) -> str:
    """What a command says when it fails."""
    found, out, err = await wayside(manager, *arguments)
    assert (found, out, len(err.splitlines()), err[:7]) == (code, "", 1, "error: "), err
    return err


async def test_an_alarm_is_listed_shown_taken_on_and_put_aside(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    alarm = await leaking(manager, operator, rsu)
    heading, row = (await printed(manager, "alarms", "list")).splitlines()
    assert heading.split()[:4] == ["ALARM", "SEVERITY", "STATE", "KIND"]
    assert row.split()[:5] == [alarm, "major", "raised", LEAK.name, "nodes/rsu-1"]
    assert row.rstrip().endswith(LEAK.reason)
    (listed,) = json.loads(await printed(manager, "alarms", "list", "-o", "json"))["alarms"]
    shown = json.loads(await printed(manager, "alarms", "show", f"alarms/{alarm}", "-o", "json"))
    assert listed == shown
    out = await printed(manager, "alarms", "acknowledge", alarm, "--note", "on my way")
    assert {"taken by  admin", "note      on my way"} <= {line.rstrip() for line in out.splitlines()}
    out = await printed(manager, "alarms", "shelve", alarm, "--for", "2h", "--note", "spare comes on Monday")
    assert "raised, shelved until" in out
    assert alarm not in await printed(manager, "alarms", "list")
    assert alarm in await printed(manager, "alarms", "list", "--shelved")
    assert "shelved" not in await printed(manager, "alarms", "unshelve", alarm)
    found = json.loads(await printed(manager, "alarms", "list", "--severity", "critical", "-o", "json"))
    assert found == {"alarms": []}
    assert alarm in await printed(manager, "alarms", "list", "--severity", "minor", "--subject", "nodes/rsu-1")


async def test_what_is_over_is_listed_when_asked_for(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    await clears_at_once(operator, DOOR.name)
    await says(manager, rsu, DOOR)
    alarm = (await told(operator, "alarm.raised")).removeprefix("alarms/")
    await says(manager, rsu)
    await told(operator, "alarm.cleared")
    code, out, err = await wayside(manager, "alarms", "list")
    assert (code, len(out.splitlines()), err) == (0, 1, "there is none\n")
    assert alarm in await printed(manager, "alarms", "list", "--cleared")
    err = await sentence(manager, "alarms", "acknowledge", alarm, code=1)
    assert err == f"error: alarm {alarm} is over; nobody needs to care any more\n"


async def test_the_report_of_a_line_says_who_is_missing(manager: LocalManager, operator: Peer, clock: Clock) -> None:
    units = await line_of(manager, operator, "g98", 4)
    alarm = (await dead_line(manager, operator, clock, units)).name
    assert "4/4" in await printed(manager, "alarms", "list")
    await says(manager, units[0], at=clock())
    for unit in units[1:3]:
        await says(manager, unit, at=clock())
    await told(operator, "alarm.calmed")
    out = await printed(manager, "alarms", "report", alarm)
    lines = [line.split() for line in out.splitlines()]
    assert ["NODE", "SITE", "LOST", "BACK", "BACKFILLED", "GIVEN", "UP"] in lines
    missing = next(line for line in lines if line[0] == "g98-3")
    assert missing[4:] == ["missing", "0", "0"]
    assert "all were back after   not yet" in out
    report = json.loads(await printed(manager, "alarms", "report", alarm, "-o", "json"))
    assert next(member["node"] for member in report["members"]) == "nodes/g98-3"
    assert json.loads(await printed(manager, "alarms", "list", "--members", "-o", "json"))["alarms"]


async def test_the_policy_is_printed_changed_and_given_back(manager: LocalManager, tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    printed_policy = await printed(manager, "alarms", "policy")
    policy = json.loads(printed_policy)
    policy["storm_min_count"] = 5
    policy["rules"] = [{"kind": "can.*.load", "failed_severity": "SEVERITY_MAJOR", "raise_after": "30s"}]
    path.write_text(json.dumps(policy))
    assert await printed(manager, "alarms", "apply-policy", "-f", path) == "the policy is in force\n"
    assert json.loads(await printed(manager, "alarms", "policy"))["storm_min_count"] == 5
    err = await sentence(manager, "alarms", "apply-policy", "-f", path, code=4)  # its etag is that of before
    assert "changed meanwhile" in err
    del policy["etag"]
    path.write_text(json.dumps(policy))
    applied = json.loads(await printed(manager, "alarms", "apply-policy", "-f", path, "-o", "json"))
    assert (applied["storm_min_count"], applied["etag"]) == (5, "2")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1]",
        "1",
        "null",
        '"x"',
        '{"storm": 1}',
        '{"rules": 7}',
        "[" * 100_000,
        '{"storm_percent": {}}',
        '{"storm_window": 5}',
    ],
)
async def test_a_file_that_is_no_policy_is_named(manager: LocalManager, tmp_path: Path, text: str) -> None:
    path = tmp_path / "policy.json"
    path.write_text(text)
    err = await sentence(manager, "alarms", "apply-policy", "-f", path, code=2)
    assert err.startswith(f"error: {path} is no alarm policy: ")
    assert err.rstrip().endswith("begin with what `policy` prints")


async def test_mistakes_are_told_in_a_sentence(
    manager: LocalManager, operator: Peer, rsu: NodeCredential, tmp_path: Path
) -> None:
    for verb in ("show", "acknowledge", "unshelve", "report"):
        assert "alarm a-1 does not exist" in await sentence(manager, "alarms", verb, "a-1", code=3)
    alarm = await leaking(manager, operator, rsu)
    assert "about one node" in await sentence(manager, "alarms", "report", alarm, code=1)
    assert "--for: 'soon' is not a duration" in await sentence(
        manager, "alarms", "shelve", alarm, "--for", "soon", code=2
    )
    assert "duration: give 0 s to " in await sentence(manager, "alarms", "shelve", alarm, "--for", "31d", code=2)
    assert "is not there" in await sentence(manager, "alarms", "apply-policy", "-f", tmp_path / "x", code=3)
    assert "cannot be read" in await sentence(manager, "alarms", "apply-policy", "-f", tmp_path, code=2)
    path = tmp_path / "policy.json"
    path.write_text('{"rules": [{"kind": "gnss.fox"}]}')
    assert "policy.rules[0].kind: 'gnss.fox'" in await sentence(manager, "alarms", "apply-policy", "-f", path, code=2)
    assert "node rsu-9 does not exist" in await sentence(manager, "health", "show", "rsu-9", code=3)
    assert "--last" in await sentence(manager, "health", "history", "rsu-1", "--last", "1y", code=2)


async def test_health_is_listed_and_explained(manager: LocalManager, rsu: NodeCredential) -> None:
    await manager.enroll("rsu-2")
    await says(manager, rsu, LEAK, check("host.cpu", DEGRADED, reason="busy", value=0.951234))
    out = await printed(manager, "health", "list")
    first, second = (line.split() for line in out.splitlines()[1:])
    assert (first[:2], second[:2]) == (["rsu-1", "failed"], ["rsu-2", "unknown"])
    found = json.loads(await printed(manager, "health", "list", "--state", "failed", "-o", "json"))["health"]
    assert [(each["node"], each["cause"]) for each in found] == [("nodes/rsu-1", LEAK.name)]
    out = await printed(manager, "health", "show", "rsu-1")
    assert "environment.leak" in out
    assert "0.9512" in out
    shown = json.loads(await printed(manager, "health", "show", "rsu-1", "-o", "json"))
    assert [each["name"] for each in shown["checks"]] == [LEAK.name, "host.cpu"]


async def test_health_of_the_past_and_availability_are_printed(manager: LocalManager, rsu: NodeCredential) -> None:
    await says(manager, rsu)
    answer = json.loads(
        await printed(manager, "health", "history", "rsu-1", "--last", "2h", "--by", "hours", "-o", "json")
    )
    assert answer["history_class"] == "HISTORY_CLASS_HOURS"
    assert (await printed(manager, "health", "history", "rsu-1", "--last", "2h")).startswith("BEGIN")
    heading, row = (await printed(manager, "health", "availability", "--by", "all", "--all")).splitlines()
    assert heading.split() == ["GROUP", "NODES", "AVAILABLE", "FAILURES", "MTBF", "MTTR"]
    assert row.split()[:2] == ["-", "1"]
    answer = json.loads(await printed(manager, "health", "availability", "--last", "7d", "-o", "json"))
    assert [group["node_count"] for group in answer["groups"]] == [1]


async def test_events_are_listed_and_followed(manager: LocalManager, operator: Peer, rsu: NodeCredential) -> None:
    alarm = await leaking(manager, operator, rsu)
    lines = (await printed(manager, "events", "list")).splitlines()
    cursors = [int(line.split()[0]) for line in lines[1:]]
    assert cursors == sorted(cursors)
    (event,) = json.loads(await printed(manager, "events", "list", "--event", "alarm.*", "-o", "json"))["events"]
    assert (event["kind"], event["subject"]) == ("alarm.raised", f"alarms/{alarm}")
    after = str(int(event["cursor"]) - 1)
    first = json.loads(await printed(manager, "events", "list", "--after", after, "--count", "1", "-o", "json"))
    assert first["events"] == [event]
    out = await printed(
        manager, "events", "watch", "--after", "0", "--count", "1", "--event", "alarm.raised", "-o", "json"
    )
    assert [json.loads(line) for line in out.splitlines()] == [event]
    out = await printed(manager, "events", "watch", "--after", "0", "--count", "2", "--node", "rsu-1")
    assert len(out.splitlines()) == 2
    assert "kinds" in await sentence(manager, "events", "list", "--event", "alarm", code=2)
    assert "cursor" in await sentence(manager, "events", "watch", "--after", "999999", code=2)


async def test_a_node_is_explained_on_one_screen(manager: LocalManager, operator: Peer, rsu: NodeCredential) -> None:
    checks = (LEAK, check("gnss.fix", FAILED, reason="no fix for 600 s", value=600.0, unit="s"), DOOR)
    await says(manager, rsu, *checks)
    await told(operator, "alarm.raised", count=2)
    await operator.create_job("rsu-1", "j1", self_test={})
    out = await printed(manager, "nodes", "show", "rsu-1")
    lines = out.splitlines()
    assert len(lines) <= SCREEN_LINES
    assert lines[0].startswith("rsu-1 is failed since ")
    assert lines[0].endswith(f": {LEAK.name}, {LEAK.reason}")
    assert lines[1].split() == ["CHECK", "STATE", "SINCE", "VALUE", "REASON"]
    assert [line.split()[0] for line in lines[2:5]] == [LEAK.name, "gnss.fix", DOOR.name]
    assert any(line.startswith("3 checks, 3 not ok; ") for line in lines)
    assert any(line.startswith("alarm a-") and line.endswith(f": major, {LEAK.reason}") for line in lines)
    assert "job j1: self-test, 0 %" in lines
    assert "just before:" in lines
    assert any(line.split()[0] == "node" for line in lines[lines.index("just before:") :])


async def test_many_bad_checks_and_events_still_fit_on_the_screen(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    await says(manager, rsu, *(check(f"a.c{number:02}", FAILED, reason="it does not work") for number in range(40)))
    for number in range(5):
        await operator.create_job("rsu-1", f"j{number}", self_test={})
    out = await printed(manager, "nodes", "show", "rsu-1")
    assert len(out.splitlines()) <= SCREEN_LINES
    assert "and 32 more: wayside health show rsu-1" in out


async def test_who_may_not_read_all_of_a_node_sees_the_rest(
    manager: LocalManager, operator: Peer, rsu: NodeCredential, tmp_path: Path
) -> None:
    await leaking(manager, operator, rsu)
    token = tmp_path / "token"
    token.write_text(await operator.make_operator("ann", role("viewer")))
    code, out, err = await wayside(manager, "nodes", "show", "rsu-1", token=token)
    assert (code, err) == (0, "")
    assert out.startswith("rsu-1 is failed since ")
    code, _, err = await wayside(manager, "alarms", "acknowledge", "a-1", token=token)
    assert (code, err.startswith("error: ")) == (5, True)
