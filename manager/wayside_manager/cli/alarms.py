"""`wayside alarms`: list, show, acknowledge, shelve, unshelve, report, policy, apply-policy."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.duration_pb2 import Duration

from wayside.v1 import alarm_pb2, alarm_service_pb2
from wayside_manager.cli.message_file import read_message
from wayside_manager.cli.output import Output, local_time, print_fields, print_json, print_line, print_table, worded
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    chosen_output,
    duration_s,
    listed,
    print_listed,
    reported,
    resource_id,
    resource_name,
    run,
)

COLUMNS = ("ALARM", "SEVERITY", "STATE", "KIND", "SUBJECT", "SINCE", "NODES", "TAKEN BY", "MESSAGE")
MEMBER_COLUMNS = ("NODE", "SITE", "LOST", "BACK", "BACKFILLED", "GIVEN UP")


class SeverityWord(StrEnum):
    """How bad."""

    INFO = "info"
    WARNING = "warning"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


app = typer.Typer(no_args_is_help=True, help="Alarms: what is wrong, what explains it, and who takes care.")
AlarmArgument = Annotated[str, typer.Argument(help="Alarm, as listed.")]
NoteOption = Annotated[str, typer.Option("--note", help="What to tell the others.")]


@app.command("list")
@reported
def list_alarms(
    *,
    cleared: Annotated[bool, typer.Option("--cleared", help="Also those that are over.")] = False,
    shelved: Annotated[bool, typer.Option("--shelved", help="Also those that are shelved.")] = False,
    members: Annotated[bool, typer.Option("--members", help="Also those that an area alarm explains.")] = False,
    severity: Annotated[SeverityWord | None, typer.Option(help="No milder ones than this.")] = None,
    subject: Annotated[str, typer.Option(help="Only of this, such as nodes/rsu-1.")] = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Lists alarms, worst first."""
    request = alarm_service_pb2.ListAlarmsRequest(
        show_cleared=cleared,
        show_shelved=shelved,
        show_members=members,
        min_severity=severity_value(severity) if severity else alarm_pb2.SEVERITY_UNSPECIFIED,
        subject=subject,
    )
    found = run(lambda manager: listed(manager, manager.alarm.ListAlarms, request, lambda page: page.alarms), context)
    print_listed("alarms", found, output, columns=COLUMNS, row=alarm_row)


@app.command("show")
@reported
def show(alarm: AlarmArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows one alarm."""
    request = alarm_service_pb2.GetAlarmRequest(name=resource_name(alarm, "alarms"))
    _print(run(lambda manager: manager.call(manager.alarm.GetAlarm, request), context).alarm, output)


@app.command("acknowledge")
@reported
def acknowledge(
    alarm: AlarmArgument, note: NoteOption = "", output: OutputOption = None, context: ContextOption = None
) -> None:
    """Takes an alarm on: it escalates no more."""
    request = alarm_service_pb2.AcknowledgeAlarmRequest(name=resource_name(alarm, "alarms"), note=note)
    _print(run(lambda manager: manager.call(manager.alarm.AcknowledgeAlarm, request), context).alarm, output)


@app.command("shelve")
@reported
def shelve(
    alarm: AlarmArgument,
    duration: Annotated[str, typer.Option("--for", help="How long: 45s, 10m, 2h or 30d.")],
    note: NoteOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Keeps an alarm quiet for a time; it comes back by itself."""
    _print(_shelved(alarm, duration_s(duration, field="--for"), note, context), output)


@app.command("unshelve")
@reported
def unshelve(alarm: AlarmArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Ends the shelving of an alarm."""
    _print(_shelved(alarm, 0, "", context), output)


@app.command("report")
@reported
def report(alarm: AlarmArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows who of an area alarm came back when, and who did not."""
    request = alarm_service_pb2.GetRestoreReportRequest(name=resource_name(alarm, "alarms"))
    found = run(lambda manager: manager.call(manager.alarm.GetRestoreReport, request), context).report
    if chosen_output(output) is Output.JSON:
        print_json(found)
        return
    _print(found.alarm, output)
    half = f"{found.half_restored_after.ToTimedelta()}" if found.HasField("half_restored_after") else "not yet"
    whole = f"{found.restored_after.ToTimedelta()}" if found.HasField("restored_after") else "not yet"
    print_fields({"half were back after": half, "all were back after": whole})
    print_table(MEMBER_COLUMNS, map(_member_row, found.members))


@app.command("policy")
@reported
def policy(output: OutputOption = None, context: ContextOption = None) -> None:  # noqa: ARG001  # JSON either way
    """Shows what becomes an alarm, as JSON that `apply-policy` takes."""
    request = alarm_service_pb2.GetAlarmPolicyRequest()
    print_json(run(lambda manager: manager.call(manager.alarm.GetAlarmPolicy, request), context).policy)


@app.command("apply-policy")
@reported
def apply_policy(
    file: Annotated[Path, typer.Option("--file", "-f", help="The policy: .json as `policy` prints it, or .toml.")],
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Changes what becomes an alarm."""
    wanted = read_message(file, alarm_pb2.AlarmPolicy(), what="alarm policy", remedy="begin with what `policy` prints")
    request = alarm_service_pb2.UpdateAlarmPolicyRequest(policy=wanted)
    answer = run(lambda manager: manager.call(manager.alarm.UpdateAlarmPolicy, request), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer.policy)
    else:
        print_line("the policy is in force")


def severity_value(word: SeverityWord) -> alarm_pb2.Severity.ValueType:
    """The severity as it crosses the wire."""
    return alarm_pb2.Severity.Value(f"SEVERITY_{word.name}")


def severity_word(severity: alarm_pb2.Severity.ValueType) -> str:
    """The severity as people write it."""
    return worded(alarm_pb2.Severity, severity, "SEVERITY_")


def alarm_row(alarm: alarm_pb2.Alarm) -> tuple[object, ...]:
    """What a list says of an alarm."""
    return (
        resource_id(alarm.name),
        severity_word(alarm.severity),
        _state(alarm),
        alarm.kind,
        alarm.subject,
        local_time(alarm.begin_time),
        alarm.member_count
        if not alarm.is_storm
        else f"{alarm.member_count - alarm.recovered_count}/{alarm.member_count}",
        resource_id(alarm.acknowledger),
        alarm.message,
    )


def _state(alarm: alarm_pb2.Alarm) -> str:
    state = worded(alarm_pb2.Alarm.State, alarm.state, "STATE_")
    if alarm.HasField("shelve_end_time"):
        return f"{state}, shelved until {local_time(alarm.shelve_end_time)}"
    return f"{state}, storm" if alarm.is_storm and state == "raised" else state


def _print(alarm: alarm_pb2.Alarm, output: Output | None) -> None:
    if chosen_output(output) is Output.JSON:
        print_json(alarm)
        return
    print_fields(
        {name.lower(): value for name, value in zip(COLUMNS, alarm_row(alarm), strict=True)}
        | {
            "raised": local_time(alarm.raise_time),
            "cleared": local_time(alarm.clear_time),
            "came back": alarm.occurrence_count - 1 if alarm.occurrence_count > 1 else "",
            "escalated": alarm.escalation_level or "",
            "explained by": resource_id(alarm.parent),
            "note": alarm.note,
            "site": resource_id(alarm.site),
        }
    )


def _member_row(member: alarm_pb2.AlarmMember) -> tuple[object, ...]:
    return (
        resource_id(member.node),
        resource_id(member.site),
        local_time(member.lost_time),
        local_time(member.return_time) or "missing",
        member.backfilled_count,
        member.lost_report_count,
    )


def _shelved(alarm: str, seconds: int, note: str, context: Path | None) -> alarm_pb2.Alarm:
    request = alarm_service_pb2.ShelveAlarmRequest(
        name=resource_name(alarm, "alarms"), duration=Duration(seconds=seconds), note=note
    )
    return run(lambda manager: manager.call(manager.alarm.ShelveAlarm, request), context).alarm
