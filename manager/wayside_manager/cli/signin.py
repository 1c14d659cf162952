"""`wayside signin`, `signout` and `whoami`."""

from typing import Annotated

import typer

from wayside.errors import FailedPreconditionError
from wayside.v1 import access_service_pb2
from wayside_manager.cli.bindings import binding_texts
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.context import token_path
from wayside_manager.cli.output import Output, local_time, print_fields, print_json, print_line, worded
from wayside_manager.cli.password_input import PasswordFileOption, password
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    chosen_context,
    chosen_output,
    reported,
    resource_id,
    resource_name,
    run,
)
from wayside_manager.settings import write_whole


@reported
def signin(
    user: Annotated[str, typer.Argument(help="User, as ann.")],
    *,
    password_file: PasswordFileOption = None,
    context: ContextOption = None,
) -> None:
    """Signs in with a password, and writes the session's token into the context's token file, for 12 hours."""
    path = token_path(chosen_context(context))
    request = access_service_pb2.SignInRequest(
        operator=resource_name(user, "operators"), password=password(password_file, question=f"Password of {user}")
    )
    answer = run(lambda manager: manager.call(manager.access.SignIn, request), context, is_signed_in=False)
    write_whole(path, answer.token + "\n", is_secret=True)
    print_line(f"signed in as {request.operator} until {local_time(answer.expire_time)}")


@reported
def signout(context: ContextOption = None) -> None:
    """Ends the session of the context's token file, and removes the file."""
    path = token_path(chosen_context(context))
    run(_sign_out, context)
    path.unlink(missing_ok=True)
    print_line("signed out")


@reported
def whoami(output: OutputOption = None, context: ContextOption = None) -> None:
    """Shows who you are to the manager, and what you may do where."""
    request = access_service_pb2.GetCallerRequest()
    caller = run(lambda manager: manager.call(manager.access.GetCaller, request), context)
    if chosen_output(output) is Output.JSON:
        print_json(caller)
        return
    shown = caller.credential
    print_fields(
        {
            "user": resource_id(caller.operator.name),
            "display name": caller.operator.display_name,
            "roles": binding_texts(caller.bindings),
            "credential": resource_id(shown.name) or "token of the OpenID provider",
            "kind": worded(access_service_pb2.Credential.Kind, shown.kind, "KIND_"),
            "ends": local_time(shown.expire_time),
        }
    )


async def _sign_out(manager: ManagerClient) -> None:
    caller = await manager.call(manager.access.GetCaller, access_service_pb2.GetCallerRequest())
    if caller.credential.kind != access_service_pb2.Credential.KIND_SESSION:
        raise FailedPreconditionError(
            "the token of this context is not from signing in; to make it useless for good, take it back: "
            f"wayside users revoke {resource_id(caller.credential.name)}"
        )
    await manager.call(manager.access.SignOut, access_service_pb2.SignOutRequest())
