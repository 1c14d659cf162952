"""`wayside users`: list, show, create, update, disable, enable; credentials are in `user_credentials`."""

from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.field_mask_pb2 import FieldMask

from wayside.errors import InvalidArgumentError
from wayside.v1 import access_service_pb2
from wayside_manager.cli import user_credentials
from wayside_manager.cli.bindings import BindingOption, binding_texts, read_binding
from wayside_manager.cli.output import Output, local_time, print_fields, print_json
from wayside_manager.cli.password_input import PasswordFileOption, password
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

COLUMNS = ("USER", "STATE", "ROLES", "PASSWORD", "OPENID", "DISPLAY NAME")

app = typer.Typer(no_args_is_help=True, help="Users: people and programs, what they may do, and their credentials.")
user_credentials.add_to(app)

UserArgument = Annotated[str, typer.Argument(help="User, as ann or operators/ann.")]
NameOption = Annotated[str | None, typer.Option("--display-name", help="What people call it.")]
SubjectOption = Annotated[
    str | None, typer.Option("--oidc-subject", help="Who it is at the OpenID provider: `sub` of its tokens.")
]


@app.command("list")
@reported
def list_users(output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists users in order of their names."""
    request = access_service_pb2.ListOperatorsRequest()
    found = run(
        lambda manager: listed(manager, manager.access.ListOperators, request, lambda page: page.operators), context
    )
    print_listed("operators", found, output, columns=COLUMNS, row=_row)


@app.command("show")
@reported
def show(user: UserArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows one user."""
    request = access_service_pb2.GetOperatorRequest(name=resource_name(user, "operators"))
    print_user(run(lambda manager: manager.call(manager.access.GetOperator, request), context).operator, output)


@app.command("create")
@reported
def create(
    user: UserArgument,
    *,
    binding: BindingOption = None,
    display_name: NameOption = None,
    oidc_subject: SubjectOption = None,
    password_file: PasswordFileOption = None,
    ask_password: Annotated[bool, typer.Option("--ask-password", help="Ask for a first password.")] = False,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Makes a user. Without a password it comes with a token, a certificate or an OpenID account."""
    made = access_service_pb2.Operator(
        name=resource_name(user, "operators"),
        display_name=display_name or "",
        bindings=map(read_binding, binding or ()),
        oidc_subject=oidc_subject or "",
    )
    first = ""
    if ask_password or password_file is not None:
        first = password(password_file, question=f"First password of {user}", is_new=True)
    request = access_service_pb2.CreateOperatorRequest(operator=made, password=first)
    print_user(run(lambda manager: manager.call(manager.access.CreateOperator, request), context).operator, output)


@app.command("update")
@reported
def update(
    user: UserArgument,
    *,
    binding: BindingOption = None,
    no_bindings: Annotated[bool, typer.Option("--no-bindings", help="Takes all roles.")] = False,
    display_name: NameOption = None,
    oidc_subject: SubjectOption = None,
    etag: Annotated[str, typer.Option(help="Refuse (exit 4) unless this is the present etag.")] = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Changes roles (all are replaced), display name or OpenID account."""
    if binding and no_bindings:
        raise InvalidArgumentError("give --binding or --no-bindings, not both")
    changed = access_service_pb2.Operator(
        name=resource_name(user, "operators"),
        display_name=display_name or "",
        bindings=map(read_binding, binding or ()),
        oidc_subject=oidc_subject or "",
        etag=etag,
    )
    given = {
        "bindings": binding or no_bindings or None,
        "display_name": display_name,
        "oidc_subject": oidc_subject,
    }
    paths = [name for name, value in given.items() if value is not None]
    if not paths:
        raise InvalidArgumentError("give at least one of --binding, --no-bindings, --display-name and --oidc-subject")
    _change(changed, paths, output, context)


@app.command("disable")
@reported
def disable(user: UserArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Lets nothing open for a user any more, and takes all its credentials back for good."""
    changed = access_service_pb2.Operator(name=resource_name(user, "operators"), disabled=True)
    _change(changed, ["disabled"], output, context)


@app.command("enable")
@reported
def enable(user: UserArgument, output: OutputOption = None, context: ContextOption = None) -> None:
    """Lets a disabled user in again; it needs new tokens and certificates, its password is as before."""
    changed = access_service_pb2.Operator(name=resource_name(user, "operators"))
    _change(changed, ["disabled"], output, context)


def _change(
    changed: access_service_pb2.Operator, paths: list[str], output: Output | None, context: Path | None
) -> None:
    request = access_service_pb2.UpdateOperatorRequest(operator=changed, update_mask=FieldMask(paths=paths))
    print_user(run(lambda manager: manager.call(manager.access.UpdateOperator, request), context).operator, output)


def print_user(user: access_service_pb2.Operator, output: Output | None) -> None:
    """One user as JSON or as lines."""
    if chosen_output(output) is Output.JSON:
        print_json(user)
        return
    fields = {name.lower(): value for name, value in zip(COLUMNS, _row(user), strict=True)}
    times = {"created": local_time(user.create_time), "changed": local_time(user.update_time), "etag": user.etag}
    print_fields(fields | times)


def _row(user: access_service_pb2.Operator) -> tuple[object, ...]:
    return (
        resource_id(user.name),
        "disabled" if user.disabled else "enabled",
        binding_texts(user.bindings),
        "yes" if user.has_password else "no",
        user.oidc_subject,
        user.display_name,
    )
