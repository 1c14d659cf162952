"""`wayside approvals`: list, show, grant, deny."""

from typing import Annotated

import typer

from wayside.v1 import approval_service_pb2
from wayside_manager.cli.output import Output, local_time, print_fields, print_json, worded
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
from wayside_manager.core.approvals import ApprovalState

COLUMNS = ("APPROVAL", "STATE", "REQUESTER", "DECIDER", "CREATED", "ENDS", "SUMMARY")

app = typer.Typer(no_args_is_help=True, help="Approvals: dangerous calls that wait for a second person.")

ApprovalArgument = Annotated[str, typer.Argument(help="Approval, as listed.")]
NoteOption = Annotated[str, typer.Option(help="Why, at most 200 characters.")]


@app.command("list")
@reported
def list_approvals(
    *,
    state: Annotated[list[ApprovalState] | None, typer.Option(help="Only in this state; repeat for more.")] = None,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Lists approvals, newest first."""
    values = [approval_service_pb2.Approval.State.Value(f"STATE_{each.name}") for each in state or ()]
    request = approval_service_pb2.ListApprovalsRequest(states=values)
    approvals = run(
        lambda manager: listed(manager, manager.approval.ListApprovals, request, lambda page: page.approvals), context
    )
    print_listed("approvals", approvals, output, columns=COLUMNS, row=_row)


@app.command("show")
@reported
def show(approval: ApprovalArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows one approval with the call it is for."""
    request = approval_service_pb2.GetApprovalRequest(name=resource_name(approval, "approvals"))
    _print(run(lambda manager: manager.call(manager.approval.GetApproval, request), context).approval, output)


@app.command("grant")
@reported
def grant(
    approval: ApprovalArgument, note: NoteOption = "", output: OutputOption = None, context: ContextOption = None
) -> None:
    """Lets the call be made once, by who asked for it."""
    request = approval_service_pb2.DecideApprovalRequest(
        name=resource_name(approval, "approvals"), granted=True, note=note
    )
    _print(run(lambda manager: manager.call(manager.approval.DecideApproval, request), context).approval, output)


@app.command("deny")
@reported
def deny(
    approval: ApprovalArgument, note: NoteOption = "", output: OutputOption = None, context: ContextOption = None
) -> None:
    """Lets the call not be made."""
    request = approval_service_pb2.DecideApprovalRequest(name=resource_name(approval, "approvals"), note=note)
    _print(run(lambda manager: manager.call(manager.approval.DecideApproval, request), context).approval, output)


def _print(approval: approval_service_pb2.Approval, output: Output | None) -> None:
    if chosen_output(output) is Output.JSON:
        print_json(approval)
        return
    print_fields(
        {
            "approval": resource_id(approval.name),
            "state": _state(approval),
            "summary": approval.summary,
            "method": approval.method,
            "request": approval.request_json,
            "tenant": resource_id(approval.tenant),
            "requester": resource_id(approval.requester),
            "decider": resource_id(approval.decider),
            "note": approval.note,
            "created": local_time(approval.create_time),
            "ends": local_time(approval.expire_time),
            "decided": local_time(approval.decide_time),
        }
    )


def _row(approval: approval_service_pb2.Approval) -> tuple[str, ...]:
    return (
        resource_id(approval.name),
        _state(approval),
        resource_id(approval.requester),
        resource_id(approval.decider),
        local_time(approval.create_time),
        local_time(approval.expire_time),
        approval.summary,
    )


def _state(approval: approval_service_pb2.Approval) -> str:
    return worded(approval_service_pb2.Approval.State, approval.state, "STATE_")
