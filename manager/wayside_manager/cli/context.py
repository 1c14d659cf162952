"""Where the manager is and how the operator proves who they are: the `wayside` context file.

    address = "manager.example:7444"
    endpoints_file = "../run/endpoints.json"  # on the manager's own host: its present ports; wins when it is there
    ca_file = "ca.pem"
    token_file = "token"                  # or: certificate_file = "operator.pem" and key_file = "operator.key"

Paths count from the folder of the file. A token goes to the operator port, a certificate to the device port.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from wayside.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, UnavailableError
from wayside.settings_file import decoded

ENVIRONMENT = "WAYSIDE_CONTEXT"
DEFAULT_FILE = Path("~/.config/wayside/context.toml")


class ContextFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields of the file."""

    ca_file: str
    address: str = ""
    endpoints_file: str = ""
    token_file: str = ""
    certificate_file: str = ""
    key_file: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a call needs, read."""

    address: str
    """`host:port`."""
    ca_pem: bytes
    token: str = ""
    certificate_pem: bytes = b""
    key_pem: bytes = b""


def chosen_file(option: Path | None) -> Path:
    """The context file: the option, else `WAYSIDE_CONTEXT`, else the one in the home folder."""
    return option or Path(os.environ.get(ENVIRONMENT) or DEFAULT_FILE).expanduser()


def read_context(path: Path, *, is_signed_in: bool = True) -> Context:
    """The context in a file; without its token for who is about to sign in.

    Raises:
        NotFoundError: the file, or one it names, is not there.
        InvalidArgumentError: it is no TOML, or a field is missing, unknown or of the wrong kind.
        UnavailableError: the manager it points to has written no endpoints yet.
    """
    fields = _fields(path)
    folder = path.parent
    return Context(
        address=_address(fields, folder),
        ca_pem=_read(folder / fields.ca_file),
        token=_token(folder / fields.token_file) if fields.token_file and is_signed_in else "",
        certificate_pem=_read(folder / fields.certificate_file) if fields.certificate_file else b"",
        key_pem=_read(folder / fields.key_file) if fields.key_file else b"",
    )


def token_path(path: Path) -> Path:
    """Where the token of a context file is kept.

    Raises: as `read_context`; FailedPreconditionError: the context comes with a certificate.
    """
    fields = _fields(path)
    if not fields.token_file:
        raise FailedPreconditionError(f"{path} names a certificate; signing in and out needs one with a token_file")
    return path.parent / fields.token_file


def _token(path: Path) -> str:
    if not path.exists():
        raise NotFoundError(f"{path} is not there; sign in with 'wayside signin'", reason="FILE_NOT_FOUND")
    return _read(path).decode("ascii", "replace").strip()


def _fields(path: Path) -> ContextFile:
    fields = decoded(_read(path).decode("utf-8", "replace"), ContextFile, source=str(path))
    if not fields.address and not fields.endpoints_file:
        raise InvalidArgumentError(f"{path}: give address, or endpoints_file on the manager's own host")
    if bool(fields.certificate_file) != bool(fields.key_file):
        raise InvalidArgumentError(f"{path}: certificate_file and key_file go together")
    if bool(fields.token_file) == bool(fields.certificate_file):
        raise InvalidArgumentError(f"{path}: give one of token_file and certificate_file")
    return fields


def _address(fields: ContextFile, folder: Path) -> str:
    path = folder / fields.endpoints_file
    if not fields.endpoints_file or (fields.address and not path.is_file()):
        return fields.address
    try:
        endpoints = json.loads(path.read_bytes())
        return str(endpoints["operator_address" if fields.token_file else "device_address"])
    except FileNotFoundError as exc:
        raise UnavailableError(f"{path} is not there: the manager does not run; start it") from exc
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise UnavailableError(f"{path} cannot be read as the manager's endpoints: {exc}") from exc


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as exc:
        raise NotFoundError(
            f"{path} is not there; name a context file with --context or {ENVIRONMENT}", reason="FILE_NOT_FOUND"
        ) from exc
    except OSError as exc:
        raise InvalidArgumentError(f"{path} cannot be read: {exc.strerror}") from exc
