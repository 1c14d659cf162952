"""`wayside nodes token|tokens|untoken|import|waiting|admit|reject`: who may become a node."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from wayside.v1 import enrollment_service_pb2 as wire
from wayside.v1 import node_pb2
from wayside_manager.api.node_messages import kind_value
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.import_file import read_registrations
from wayside_manager.cli.output import (
    Output,
    as_mapping,
    console,
    local_time,
    print_fields,
    print_json,
    print_line,
    print_table,
    worded,
)
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    TenantOption,
    chosen_output,
    duration_s,
    listed,
    print_listed,
    reported,
    resource_id,
    resource_name,
    run,
)
from wayside_manager.core.nodes import NodeKind

CHUNK_ROWS = 1_000  # what the manager takes at a time
CHUNK_TIMEOUT_S = 300.0
TOKEN_COLUMNS = ("TOKEN", "TENANT", "NODE", "KIND", "ESN", "USES LEFT", "ENDS")
WAITING_COLUMNS = ("REQUEST", "NODE ID", "ESN", "KIND", "FROM", "STATE", "SINCE", "KEY SHA-256")
ROW_COLUMNS = ("ROW", "NODE", "OUTCOME", "WHY")

RequestArgument = Annotated[str, typer.Argument(help="Request, as 'nodes waiting' lists it.")]


@reported
def token(
    *,
    ttl: Annotated[str, typer.Option(help="How long it can be used: 45s, 10m, 2h, 30d.")] = "1h",
    uses: Annotated[int, typer.Option(min=1, help="How many units may enrol with it.")] = 1,
    node: Annotated[str, typer.Option(help="Only this node; a unit that enrols replaces the present one.")] = "",
    kind: Annotated[NodeKind | None, typer.Option(help="Only this kind.")] = None,
    esn: Annotated[str, typer.Option(help="Only the unit with this electronic serial number.")] = "",
    tenant: TenantOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Makes an enrolment token. It is shown here and kept nowhere."""
    request = wire.CreateEnrollmentTokenRequest(
        max_use_count=uses,
        node=resource_name(node, "nodes") if node else "",
        kind=kind_value(kind) if kind else node_pb2.NODE_KIND_UNSPECIFIED,
        esn=esn,
        tenant=resource_name(tenant, "tenants") if tenant else "",
    )
    request.ttl.seconds = duration_s(ttl, field="--ttl")
    answer = run(lambda manager: manager.call(manager.enrollment.CreateEnrollmentToken, request), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer)
    else:
        print_line(answer.token)  # alone on stdout, so that `> token` makes a token file
        console(stderr=True).print(f"until {local_time(answer.expire_time)}; revoke it as {resource_id(answer.name)}")


@reported
def tokens(output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists enrolment tokens that can still be used."""
    request = wire.ListEnrollmentTokensRequest()
    found = run(
        lambda manager: listed(
            manager, manager.enrollment.ListEnrollmentTokens, request, lambda answer: answer.enrollment_tokens
        ),
        context,
    )
    print_listed("enrollment_tokens", found, output, columns=TOKEN_COLUMNS, row=_token_row)


@reported
def untoken(
    token: Annotated[str, typer.Argument(help="Token, as 'nodes tokens' lists it; not the secret itself.")],
    context: ContextOption = None,
) -> None:
    """Makes an enrolment token useless."""
    request = wire.RevokeEnrollmentTokenRequest(name=resource_name(token, "enrollmentTokens"))
    run(lambda manager: manager.call(manager.enrollment.RevokeEnrollmentToken, request), context)
    print_line(f"revoked {request.name}")


@reported
def import_nodes(
    file: Annotated[Path, typer.Argument(help="CSV or JSON with node_id, esn, kind, public_key.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge only, write nothing.")] = False,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Registers units before they call. Exit 1 when a row was refused; the others are written all the same."""
    rows = read_registrations(file)

    async def sent(manager: ManagerClient) -> list[wire.NodeImportResult]:
        return [result async for result in _imported(manager, rows, is_trial=dry_run)]

    results = run(sent, context)
    if chosen_output(output) is Output.JSON:
        print_json({"results": [as_mapping(result) for result in results]})
    else:
        print_table(ROW_COLUMNS, map(_result_row, results))
        console(stderr=True).print(_summary(results, is_trial=dry_run))
    if any(result.outcome == wire.NodeImportResult.OUTCOME_REFUSED for result in results):
        raise typer.Exit(1)


@reported
def waiting(output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists unknown units that wait for an operator. Compare the key with 'wayside-agent key show' on the unit."""
    request = wire.ListEnrollmentRequestsRequest()
    found = run(
        lambda manager: listed(
            manager, manager.enrollment.ListEnrollmentRequests, request, lambda answer: answer.enrollment_requests
        ),
        context,
    )
    print_listed("enrollment_requests", found, output, columns=WAITING_COLUMNS, row=_waiting_row)


@reported
def admit(
    request: RequestArgument,
    *,
    as_node: Annotated[str, typer.Option("--as", help="Node id instead of the one the unit would like.")] = "",
    replace: Annotated[str, typer.Option(help="Node whose place the unit takes, with all that is its.")] = "",
    tenant: TenantOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Lets a waiting unit in; it gets its certificate when it asks next."""
    approval = wire.ApproveEnrollmentRequestRequest(
        name=resource_name(request, "enrollmentRequests"),
        node_id=as_node.removeprefix("nodes/"),
        replaced_node=resource_name(replace, "nodes") if replace else "",
        tenant=resource_name(tenant, "tenants") if tenant else "",
    )
    answer = run(lambda manager: manager.call(manager.enrollment.ApproveEnrollmentRequest, approval), context)
    _print_request(answer.enrollment_request, output)


@reported
def reject(request: RequestArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Turns a waiting unit away for as long as its request lives."""
    rejection = wire.RejectEnrollmentRequestRequest(name=resource_name(request, "enrollmentRequests"))
    answer = run(lambda manager: manager.call(manager.enrollment.RejectEnrollmentRequest, rejection), context)
    _print_request(answer.enrollment_request, output)


def add_to(nodes: typer.Typer) -> None:
    """Puts the commands below `wayside nodes`."""
    nodes.command("token")(token)
    nodes.command("tokens")(tokens)
    nodes.command("untoken")(untoken)
    nodes.command("import")(import_nodes)
    nodes.command("waiting")(waiting)
    nodes.command("admit")(admit)
    nodes.command("reject")(reject)


async def _imported(
    manager: ManagerClient, rows: Sequence[wire.NodeRegistration], *, is_trial: bool
) -> AsyncIterator[wire.NodeImportResult]:
    for start in range(0, len(rows), CHUNK_ROWS):
        request = wire.ImportNodesRequest(registrations=rows[start : start + CHUNK_ROWS], validate_only=is_trial)
        answer = await manager.call(manager.enrollment.ImportNodes, request, timeout_s=CHUNK_TIMEOUT_S)
        for result in answer.results:
            result.row_index += start
            yield result


def _summary(results: Sequence[wire.NodeImportResult], *, is_trial: bool) -> str:
    words = [worded(wire.NodeImportResult.Outcome, result.outcome, "OUTCOME_") for result in results]
    counts = ", ".join(f"{words.count(word)} {word}" for word in ("created", "unchanged", "refused"))
    return f"{counts}; nothing was written" if is_trial else counts


def _print_request(request: wire.EnrollmentRequest, output: Output | None) -> None:
    if chosen_output(output) is Output.JSON:
        print_json(request)
    else:
        print_fields({name.lower(): value for name, value in zip(WAITING_COLUMNS, _waiting_row(request), strict=True)})


def _kind(value: node_pb2.NodeKind.ValueType) -> str:
    return worded(node_pb2.NodeKind, value, "NODE_KIND_")


def _token_row(token: wire.EnrollmentToken) -> tuple[object, ...]:
    return (
        resource_id(token.name),
        resource_id(token.tenant),
        resource_id(token.node),
        _kind(token.kind),
        token.esn,
        token.remaining_use_count,
        local_time(token.expire_time),
    )


def _waiting_row(request: wire.EnrollmentRequest) -> tuple[object, ...]:
    return (
        resource_id(request.name),
        request.node_id,
        request.esn,
        _kind(request.kind),
        request.source_address,
        worded(wire.EnrollmentRequest.State, request.state, "STATE_"),
        local_time(request.create_time),
        request.key_sha256,
    )


def _result_row(result: wire.NodeImportResult) -> tuple[object, ...]:
    outcome = worded(wire.NodeImportResult.Outcome, result.outcome, "OUTCOME_")
    return (result.row_index + 1, result.node_id, outcome, result.message)
