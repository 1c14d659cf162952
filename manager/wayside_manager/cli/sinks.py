"""`wayside sinks`: apply, list, show, delete, test, dead-letters, retry."""

from pathlib import Path
from typing import Annotated

import typer

from wayside.v1 import event_pb2, event_service_pb2
from wayside_manager.cli.asking import YesOption, ask_first
from wayside_manager.cli.message_file import read_message
from wayside_manager.cli.output import Output, as_mapping, local_time, print_fields, print_json, print_line
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    chosen_output,
    listed,
    print_listed,
    reported,
    resource_id,
    resource_name,
    run,
)

COLUMNS = ("SINK", "TENANT", "TO", "CURSOR", "DEAD", "STATE", "FAULT")
LETTER_COLUMNS = ("CURSOR", "KIND", "SUBJECT", "ATTEMPTS", "GIVEN UP", "FAULT")

app = typer.Typer(no_args_is_help=True, help="Sinks: where events go by themselves: webhooks, syslog, e-mail.")
SinkArgument = Annotated[str, typer.Argument(help="Sink, as listed.")]


@app.command("apply")
@reported
def apply(
    file: Annotated[Path, typer.Option("--file", "-f", help="The sink: .toml or .json, names as in docs/events.md.")],
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Makes a sink, or changes one: what the file does not give takes its default."""
    sink = read_message(file, event_pb2.EventSink(), what="sink", remedy="see docs/events.md")
    sink.name = resource_name(sink.name, "eventSinks")
    sink.tenant = resource_name(sink.tenant, "tenants") if sink.tenant else ""
    request = event_service_pb2.ApplyEventSinkRequest(event_sink=sink)
    _print(run(lambda manager: manager.call(manager.event.ApplyEventSink, request), context).event_sink, output)


@app.command("list")
@reported
def list_sinks(output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists sinks in order of their names."""
    request = event_service_pb2.ListEventSinksRequest()
    found = run(
        lambda manager: listed(manager, manager.event.ListEventSinks, request, lambda page: page.event_sinks), context
    )
    print_listed("event_sinks", found, output, columns=COLUMNS, row=_row)


@app.command("show")
@reported
def show(sink: SinkArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows one sink."""
    request = event_service_pb2.GetEventSinkRequest(name=resource_name(sink, "eventSinks"))
    _print(run(lambda manager: manager.call(manager.event.GetEventSink, request), context).event_sink, output)


@app.command("delete")
@reported
def delete(
    sink: SinkArgument,
    yes: YesOption = False,
    etag: Annotated[str, typer.Option(help="Refuse (exit 4) unless this is the present etag.")] = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Deletes a sink and its dead letters. Asks first when a person is at the terminal."""
    ask_first(f"Delete the sink {sink} and what it did not deliver?", yes=yes)
    request = event_service_pb2.DeleteEventSinkRequest(name=resource_name(sink, "eventSinks"), etag=etag)
    answer = run(lambda manager: manager.call(manager.event.DeleteEventSink, request), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer)
    else:
        print_line(f"{resource_id(request.name)} is deleted")


@app.command("test")
@reported
def try_out(sink: SinkArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Sends one made-up event now."""
    request = event_service_pb2.TestEventSinkRequest(name=resource_name(sink, "eventSinks"))
    answer = run(lambda manager: manager.call(manager.event.TestEventSink, request), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer)
    else:
        print_line(f"{resource_id(request.name)} took the event")


@app.command("dead-letters")
@reported
def dead_letters(sink: SinkArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists what a sink did not take, oldest first."""
    request = event_service_pb2.ListDeadLettersRequest(event_sink=resource_name(sink, "eventSinks"))
    found = run(
        lambda manager: listed(manager, manager.event.ListDeadLetters, request, lambda page: page.dead_letters),
        context,
    )
    print_listed("dead_letters", found, output, columns=LETTER_COLUMNS, row=_letter_row)


@app.command("retry")
@reported
def retry(sink: SinkArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Tries the dead letters of a sink again."""
    request = event_service_pb2.RetryDeadLettersRequest(event_sink=resource_name(sink, "eventSinks"))
    answer = run(lambda manager: manager.call(manager.event.RetryDeadLetters, request), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer)
    else:
        print_line(f"{answer.retried_count} letters will be tried again")


def _row(sink: event_pb2.EventSink) -> tuple[object, ...]:
    state = "paused" if sink.is_paused else "waits" if sink.HasField("retry_time") else "delivers"
    return (
        resource_id(sink.name),
        resource_id(sink.tenant),
        _target(sink),
        sink.cursor,
        sink.dead_letter_count,
        state,
        sink.fault,
    )


def _target(sink: event_pb2.EventSink) -> str:
    match sink.WhichOneof("target"):
        case "webhook":
            return sink.webhook.url
        case "syslog":
            return f"syslog {sink.syslog.address}"
        case _:
            return f"e-mail {', '.join(sink.email.recipients)}"


def _letter_row(letter: event_pb2.DeadLetter) -> tuple[object, ...]:
    event = letter.event
    given_up = local_time(letter.give_up_time)
    return (event.cursor, event.kind, event.subject, letter.attempt_count, given_up, letter.fault)


def _print(sink: event_pb2.EventSink, output: Output | None) -> None:
    if chosen_output(output) is Output.JSON:
        print_json(as_mapping(sink))
        return
    print_fields(
        {name.lower(): value for name, value in zip(COLUMNS, _row(sink), strict=True)}
        | {"tries again": local_time(sink.retry_time), "etag": sink.etag}
    )
