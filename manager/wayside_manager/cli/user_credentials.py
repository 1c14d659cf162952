"""`wayside users`: password, token, certificate, credentials, revoke."""

from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside.v1 import access_service_pb2
from wayside_manager.cli.bindings import BindingOption, binding_texts, read_binding
from wayside_manager.cli.output import Output, console, local_time, print_fields, print_json, print_line, worded
from wayside_manager.cli.password_input import PasswordFileOption, password
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    chosen_output,
    duration_s,
    print_listed,
    reported,
    resource_id,
    resource_name,
    run,
)
from wayside_manager.services.authority import key_pem, new_key
from wayside_manager.settings import write_whole

COLUMNS = ("CREDENTIAL", "KIND", "STATE", "CREATED", "ENDS", "ROLES AT MOST", "DISPLAY NAME")

UserArgument = Annotated[str, typer.Argument(help="User, as ann; default: yourself.")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    app.command("password")(set_password)
    app.command("token")(token)
    app.command("certificate")(certificate)
    app.command("credentials")(credentials)
    app.command("revoke")(revoke)


@reported
def set_password(
    user: UserArgument = "",
    *,
    password_file: PasswordFileOption = None,
    present_file: Annotated[Path | None, typer.Option(help="File with your present password. Default: ask.")] = None,
    none: Annotated[bool, typer.Option("--none", help="No password: no signing in.")] = False,
    context: ContextOption = None,
) -> None:
    """Sets a password, your own or as an admin another's. Sessions signed in with the old one end."""
    if none and not user:
        raise InvalidArgumentError("--none is for another user; name one")
    request = access_service_pb2.SetPasswordRequest(operator=resource_name(user, "operators") if user else "")
    if not user:
        request.present_password = _present(present_file, context)
    if not none:
        request.new_password = password(password_file, question="New password", is_new=True)
    run(lambda manager: manager.call(manager.access.SetPassword, request), context)
    print_line("the password is set; who had signed in with the old one signs in again")


@reported
def token(
    user: UserArgument = "",
    *,
    ttl: Annotated[str, typer.Option(help="How long it can be used: 45m, 12h, 90d; at most 400d.")] = "90d",
    display_name: Annotated[str, typer.Option(help="What it is for.")] = "",
    binding: BindingOption = None,
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Makes an API token, for all the user may or for less. It is shown here and kept nowhere."""
    request = access_service_pb2.CreateApiTokenRequest(
        operator=resource_name(user, "operators") if user else "",
        display_name=display_name,
        bindings=map(read_binding, binding or ()),
    )
    request.ttl.seconds = duration_s(ttl, field="--ttl")
    answer = run(lambda manager: manager.call(manager.access.CreateApiToken, request), context)
    if chosen_output(output) is Output.JSON:
        print_json(answer)
        return
    print_line(answer.token)  # alone on stdout, so that `> token` makes a token file
    made = answer.credential
    console(stderr=True).print(f"{resource_id(made.name)} of {made.holder}, until {local_time(made.expire_time)}")


@reported
def certificate(
    directory: Annotated[Path, typer.Argument(help="Folder to write operator.key, operator.pem and ca.pem into.")],
    user: UserArgument = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Makes a key here, and a client certificate for it. The key does not leave this machine."""
    key_path = directory / "operator.key"
    if key_path.exists():
        raise FailedPreconditionError(f"{key_path} is there already; name another folder or remove it")
    key = new_key()
    asked = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    request = access_service_pb2.IssueOperatorCertificateRequest(
        operator=resource_name(user, "operators") if user else "",
        certificate_request_pem=asked.public_bytes(serialization.Encoding.PEM).decode(),
    )
    answer = run(lambda manager: manager.call(manager.access.IssueOperatorCertificate, request), context)
    write_whole(key_path, key_pem(key), is_secret=True)
    write_whole(directory / "operator.pem", answer.certificate_pem)
    write_whole(directory / "ca.pem", answer.authorities_pem)
    _print(answer.credential, output)


@reported
def credentials(user: UserArgument = "", output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists tokens, sessions and certificates that have not ended, and those taken back; newest first."""
    request = access_service_pb2.ListCredentialsRequest(operator=resource_name(user, "operators") if user else "")
    found = run(lambda manager: manager.call(manager.access.ListCredentials, request), context).credentials
    print_listed("credentials", found, output, columns=COLUMNS, row=_row)


@reported
def revoke(
    credential: Annotated[str, typer.Argument(help="Credential, as listed.")],
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Takes a credential back; what it has open ends within 5 s."""
    request = access_service_pb2.RevokeCredentialRequest(name=resource_name(credential, "credentials"))
    _print(run(lambda manager: manager.call(manager.access.RevokeCredential, request), context).credential, output)


def _present(file: Path | None, context: Path | None) -> str:
    """One's present password; nothing is asked of who has none."""
    caller = run(lambda manager: manager.call(manager.access.GetCaller, access_service_pb2.GetCallerRequest()), context)
    return password(file, question="Present password") if caller.operator.has_password else ""


def _print(credential: access_service_pb2.Credential, output: Output | None) -> None:
    if chosen_output(output) is Output.JSON:
        print_json(credential)
    else:
        fields = {name.lower(): value for name, value in zip(COLUMNS, _row(credential), strict=True)}
        print_fields(fields | {"holder": credential.holder})


def _row(credential: access_service_pb2.Credential) -> tuple[object, ...]:
    taken = credential.HasField("revoke_time")
    return (
        resource_id(credential.name),
        worded(access_service_pb2.Credential.Kind, credential.kind, "KIND_"),
        f"taken back {local_time(credential.revoke_time)}" if taken else "valid",
        local_time(credential.create_time),
        local_time(credential.expire_time),
        binding_texts(credential.bindings),
        credential.display_name,
    )
