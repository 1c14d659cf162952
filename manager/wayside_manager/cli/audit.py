"""`wayside audit`: list, verify, export, verify-export."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.timestamp_pb2 import Timestamp

from wayside.errors import InvalidArgumentError
from wayside.v1 import audit_service_pb2
from wayside_manager.cli.audit_check import checked_file, print_verdict
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.output import Output, as_mapping, local_time, print_json, print_table, worded
from wayside_manager.cli.running import ContextOption, OutputOption, chosen_output, duration_s, reported, run
from wayside_manager.cli.whole_file import growing
from wayside_manager.core.audit import Outcome

COLUMNS = ("SEQUENCE", "TIME", "ACTOR", "ACTION", "OUTCOME", "REASON", "CHANGED", "TENANT", "FROM")
VERIFY_TIMEOUT_S = 3600.0  # 10 million entries
PAGE_SIZE = 500

app = typer.Typer(no_args_is_help=True, help="Audit trail: who did what, and whether somebody changed the record.")


@app.command("list")
@reported
def list_entries(  # noqa: PLR0913  # one parameter per option
    *,
    actor: Annotated[str, typer.Option(help="Only of operators/ann, nodes/rsu-1, anyone or manager.")] = "",
    action: Annotated[str, typer.Option(help="Only actions that end with this, such as RetireNode.")] = "",
    resource: Annotated[str, typer.Option(help="Only what changed nodes/rsu-1.")] = "",
    outcome: Annotated[list[Outcome] | None, typer.Option(help="Only what ended so; repeat for more.")] = None,
    since: Annotated[str, typer.Option(help="Not before 2026-11-22, 2026-11-22T08:00, or 2h ago.")] = "",
    until: Annotated[str, typer.Option(help="Before such a time.")] = "",
    count: Annotated[int, typer.Option(min=0, help="Entries at most; 0: all.")] = 100,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Lists entries, newest first."""
    wanted = audit_service_pb2.AuditFilter(
        actor=actor,
        action=action,
        resource=resource,
        outcomes=[audit_service_pb2.AuditEntry.Outcome.Value(f"OUTCOME_{each.name}") for each in outcome or ()],
        begin_time=_moment(since, "--since"),
        end_time=_moment(until, "--until"),
    )
    entries = run(lambda manager: _listed(manager, wanted, count), context)
    if chosen_output(output) is Output.JSON:
        print_json({"entries": [as_mapping(entry) for entry in entries]})
    else:
        print_table(COLUMNS, map(_row, entries))


@app.command("verify")
@reported
def verify(output: OutputOption = None, context: ContextOption = None) -> None:
    """Checks every entry, every seal and the end of the trail; exit 1 when somebody changed something."""
    request = audit_service_pb2.VerifyAuditRequest()
    found = run(lambda manager: manager.call(manager.audit.VerifyAudit, request, timeout_s=VERIFY_TIMEOUT_S), context)
    print_verdict(found, output)


@app.command("export")
@reported
def export(
    file: Annotated[Path | None, typer.Argument(help="File to write, whole or not at all; default: stdout.")] = None,
    *,
    begin: Annotated[int, typer.Option(min=1, help="First sequence wanted.")] = 1,
    context: ContextOption = None,
) -> None:
    """Writes the trail as JSON lines: entries as they were hashed, then seals. Check it with verify-export."""
    request = audit_service_pb2.ExportAuditRequest(begin_sequence=begin)
    if file is None:
        run(lambda manager: _exported(manager, request, print), context)
        sys.stdout.flush()
        return
    with growing(file) as stream:
        run(lambda manager: _exported(manager, request, lambda line: print(line, file=stream)), context)


@app.command("verify-export")
@reported
def verify_export(
    file: Annotated[Path, typer.Argument(help="What export wrote.")],
    *,
    ca: Annotated[Path, typer.Option(help="The manager's authorities, PEM.")],
    output: OutputOption = None,
) -> None:
    """Checks an exported file without any manager; exit 1 when somebody changed it, or no seal covers its end."""
    print_verdict(checked_file(file, ca), output)


async def _listed(
    manager: ManagerClient, wanted: audit_service_pb2.AuditFilter, count: int
) -> list[audit_service_pb2.AuditEntry]:
    found: list[audit_service_pb2.AuditEntry] = []
    token = ""
    while True:
        size = min(PAGE_SIZE, count - len(found)) if count else PAGE_SIZE
        request = audit_service_pb2.ListAuditEntriesRequest(page_size=size, page_token=token, filter=wanted)
        answer = await manager.call(manager.audit.ListAuditEntries, request)
        found += answer.entries
        token = answer.next_page_token
        if not token or len(found) == count:
            return found


async def _exported(
    manager: ManagerClient, request: audit_service_pb2.ExportAuditRequest, write: Callable[[str], None]
) -> None:
    async for answer in manager.watch(manager.audit.ExportAudit, request):
        for line in (*answer.entries_json, *answer.seals_json):
            write(line)


def _moment(text: str, field: str) -> Timestamp | None:
    """A time as people write it, or so long ago; `None` for none."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        moment = datetime.now(UTC) - timedelta(seconds=_ago_s(text, field))
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def _ago_s(text: str, field: str) -> int:
    try:
        return duration_s(text, field=field)
    except InvalidArgumentError:
        raise InvalidArgumentError(
            f"{field}: {text!r} is neither a time such as 2026-11-22T08:00 nor a duration such as 2h"
        ) from None


def _row(entry: audit_service_pb2.AuditEntry) -> tuple[str, ...]:
    return (
        str(entry.sequence),
        local_time(entry.time),
        entry.actor,
        entry.action.removeprefix("/wayside.v1."),
        worded(audit_service_pb2.AuditEntry.Outcome, entry.outcome, "OUTCOME_"),
        f"{entry.reason} x{entry.count}" if entry.count > 1 else entry.reason,
        " ".join(change.resource for change in entry.changes),
        entry.tenant.removeprefix("tenants/"),
        entry.source_address,
    )
