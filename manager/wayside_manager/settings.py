"""What an operator may set of the manager, and where its data folder keeps what.

`manager.toml` in the data folder is read once; flags override it.
Usage: `folder = DataFolder(Path("/var/lib/wayside-manager"))`; `settings = read_settings(folder.settings)`.
"""

import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from wayside.errors import InvalidArgumentError, NotFoundError

_PLACE = re.compile(r"(?P<what>.*?) - at `\$\.(?P<field>.*)`\Z", re.DOTALL)

Fields = TypeVar("Fields", bound=msgspec.Struct)
Hostname = Annotated[str, msgspec.Meta(min_length=1, max_length=253)]  # RFC 1035


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields of `manager.toml`."""

    hostnames: Annotated[
        tuple[Hostname, ...],
        msgspec.Meta(min_length=1, description="Names and addresses in the server certificate; clients use the first."),
    ] = ("localhost", "127.0.0.1", "::1")
    listen_address: Annotated[
        str, msgspec.Meta(min_length=1, description="Address to listen on; 0.0.0.0 or :: for all.")
    ] = "127.0.0.1"
    device_port: Annotated[
        int, msgspec.Meta(ge=0, le=65_535, description="TCP port for nodes (client certificate). 0: any free one.")
    ] = 7443
    operator_port: Annotated[
        int, msgspec.Meta(ge=0, le=65_535, description="TCP port for enrolment and operators (token). 0: any free one.")
    ] = 7444
    artifact_max_bytes: Annotated[
        int, msgspec.Meta(ge=1, le=1 << 40, description="Largest release that may be published [byte].")
    ] = 4 << 30
    stop_grace_s: Annotated[
        float, msgspec.Meta(ge=0, le=300, description="Time short calls have to finish when the manager stops [s].")
    ] = 5.0
    history_days: Annotated[
        float, msgspec.Meta(ge=0.01, le=3650, description="Age at which reports leave the history [d].")
    ] = 7.0


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The data folder of one manager."""

    path: Path

    @property
    def settings(self) -> Path:
        """`manager.toml`."""
        return self.path / "manager.toml"

    @property
    def database_url(self) -> str:
        """Where the store is."""
        return f"sqlite:///{self.path.absolute() / 'manager.db'}"

    @property
    def artifacts(self) -> Path:
        """Bytes of releases."""
        return self.path / "artifacts"

    @property
    def authority(self) -> tuple[Path, Path]:
        """Certificate and key of the authority."""
        return self.path / "authority.pem", self.path / "authority.key"

    @property
    def server(self) -> tuple[Path, Path]:
        """Certificate and key of the server."""
        return self.path / "server.pem", self.path / "server.key"

    @property
    def operator(self) -> Path:
        """Folder of the first operator's credential."""
        return self.path / "operator"

    @property
    def endpoints(self) -> Path:
        """Where a running manager notes its addresses."""
        return self.path / "run" / "endpoints.json"


def read_settings(path: Path) -> Settings:
    """The settings in a file.

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: naming file, line or field.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as exc:
        raise NotFoundError(f"{path} is not there; make a data folder with 'wayside-manager init'") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidArgumentError(f"{path} cannot be read as text: {exc}") from exc
    return converted(path, parsed_toml(path, text), Settings)


def parsed_toml(path: Path, text: str) -> dict[str, object]:
    """The TOML in a text.

    Raises: InvalidArgumentError: naming file, line and the key on that line.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        lines = text.splitlines() or [""]
        found = re.search(r"line (\d+)", str(exc))
        number = int(found[1]) if found else len(lines)  # "at end of document"
        key = re.match(r"\s*([\w.-]+)\s*=", lines[min(number, len(lines)) - 1])
        what = str(exc).partition(" (at")[0]
        place = f"line {number}: {key[1]}" if key else f"line {number}"
        raise InvalidArgumentError(f"{path}: {place}: this is no TOML: {what}") from exc


def converted(path: Path, fields: Mapping[str, object], kind: type[Fields]) -> Fields:
    """The fields of a file as a struct.

    Raises: InvalidArgumentError: naming file and field.
    """
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as exc:
        raise InvalidArgumentError(f"{path}: {_placed(str(exc))}") from exc


def write_whole(path: Path, content: str, *, is_secret: bool = False) -> None:
    """Writes a file whole or not at all; a secret is readable by its owner only, from the first moment."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if is_secret else 0o644)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _placed(message: str) -> str:
    found = _PLACE.match(message)
    return f"{found['field']}: {found['what']}" if found else message
