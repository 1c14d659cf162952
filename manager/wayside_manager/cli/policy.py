"""`wayside policy`: show, set."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from google.protobuf.duration_pb2 import Duration

from wayside.errors import InvalidArgumentError
from wayside.v1 import access_service_pb2
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.output import Output, print_fields, print_json, short
from wayside_manager.cli.running import ContextOption, OutputOption, chosen_output, duration_s, reported, run
from wayside_manager.core.approvals import CloneResponse, Danger

app = typer.Typer(no_args_is_help=True, help="Policy: what needs a second person, and what becomes of copies.")


@app.command("show")
@reported
def show(output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows the policy."""
    _print(run(_present, context), output)


@app.command("set")
@reported
def set_policy(
    *,
    four_eyes: Annotated[
        list[Danger] | None, typer.Option(help="Needs a second person; repeat; replaces all actions.")
    ] = None,
    no_four_eyes: Annotated[bool, typer.Option("--no-four-eyes", help="Nothing needs a second person.")] = False,
    max_nodes: Annotated[
        int | None, typer.Option(min=0, help="Configuration and rollouts to more nodes than this are dangerous.")
    ] = None,
    approval_ttl: Annotated[str, typer.Option(help="How long an approval lasts: 45m, 24h, 30d.")] = "",
    clone_response: Annotated[CloneResponse | None, typer.Option(help="When two units show one certificate.")] = None,
    accept_unknown: Annotated[
        bool | None,
        typer.Option("--accept-unknown/--refuse-unknown", help="Whether unknown units may ask to be let in."),
    ] = None,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Changes what is given and leaves the rest; at least two people who may decide should be there first."""
    if four_eyes and no_four_eyes:
        raise InvalidArgumentError("give --four-eyes or --no-four-eyes, not both")
    given = {
        "four_eyes_actions": map(_action, four_eyes or ()) if four_eyes or no_four_eyes else None,
        "max_unapproved_node_count": max_nodes,
        "approval_ttl": Duration(seconds=duration_s(approval_ttl, field="--approval-ttl")) if approval_ttl else None,
        "clone_response": None if clone_response is None else _clone_response(clone_response),
        "accepts_unknown_units": accept_unknown,
    }
    changes = {name: value for name, value in given.items() if value is not None}

    async def changed(manager: ManagerClient) -> access_service_pb2.AccessPolicy:
        kept = {field.name: value for field, value in (await _present(manager)).ListFields()}  # the etag as well
        policy = _policy(kept | changes)
        request = access_service_pb2.UpdateAccessPolicyRequest(policy=policy)
        return (await manager.call(manager.access.UpdateAccessPolicy, request)).policy

    _print(run(changed, context), output)


def _policy(fields: Mapping[str, Any]) -> access_service_pb2.AccessPolicy:
    return access_service_pb2.AccessPolicy(**fields)


async def _present(manager: ManagerClient) -> access_service_pb2.AccessPolicy:
    request = access_service_pb2.GetAccessPolicyRequest()
    return (await manager.call(manager.access.GetAccessPolicy, request)).policy


def _action(danger: Danger) -> access_service_pb2.DangerousAction.ValueType:
    return access_service_pb2.DangerousAction.Value(f"DANGEROUS_ACTION_{danger.name}")


def _clone_response(response: CloneResponse) -> access_service_pb2.CloneResponse.ValueType:
    return access_service_pb2.CloneResponse.Value(f"CLONE_RESPONSE_{response.name}")


def _print(policy: access_service_pb2.AccessPolicy, output: Output | None) -> None:
    if chosen_output(output) is Output.JSON:
        print_json(policy)
        return
    names = map(access_service_pb2.DangerousAction.Name, policy.four_eyes_actions)
    clone_response = access_service_pb2.CloneResponse.Name(policy.clone_response)
    print_fields(
        {
            "need a second person": ", ".join(short(name, "DANGEROUS_ACTION_") for name in names) or "nothing",
            "nodes without one": policy.max_unapproved_node_count,
            "approvals last": f"{policy.approval_ttl.ToTimedelta()}",
            "copies of a unit": short(clone_response, "CLONE_RESPONSE_"),
            "unknown units": "may ask" if policy.accepts_unknown_units else "may not ask",
            "etag": policy.etag,
        }
    )
