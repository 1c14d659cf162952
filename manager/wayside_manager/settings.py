"""What an operator may set of the manager, and where its data folder keeps what.

`manager.toml` in the data folder is read once; flags override it.
Usage: `folder = DataFolder(Path("/var/lib/wayside-manager"))`; `settings = read_settings(folder.settings)`.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from wayside.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from wayside.settings_file import read
from wayside_manager.artifact_settings import MAX_COUNT, ArtifactPlaceSettings, NeighbourSettings
from wayside_manager.door_settings import DoorSettings

Hostname = Annotated[str, msgspec.Meta(min_length=1, max_length=253)]  # RFC 1035


class OidcSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[oidc]`: whose tokens are taken for operators' (bearer JWTs), and with which keys they are judged."""

    issuer: Annotated[str, msgspec.Meta(min_length=1, description="The provider, as `iss` of its tokens says it.")]
    audience: Annotated[str, msgspec.Meta(min_length=1, description="This manager, as `aud` of its tokens says it.")]
    jwks_file: Annotated[
        str,
        msgspec.Meta(description="The provider's keys (JWKS), from the folder of this file; read when it changes."),
    ]
    algorithms: Annotated[
        tuple[Literal["RS256", "ES256", "EdDSA"], ...],
        msgspec.Meta(min_length=1, description="Signatures that count."),
    ] = ("RS256", "ES256", "EdDSA")
    leeway_s: Annotated[
        float, msgspec.Meta(ge=0, le=300, description="How far the provider's clock may be off [s].")
    ] = 60.0
    max_age_s: Annotated[
        float, msgspec.Meta(ge=60, le=604_800, description="Oldest token that is taken, whatever its `exp` [s].")
    ] = 86_400.0


class DeltaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[deltas]`: shorter ways between releases, made in the background."""

    enabled: Annotated[bool, msgspec.Meta(description="Deltas are made from the releases that nodes run.")] = True
    memory_mib: Annotated[
        int,
        msgspec.Meta(
            ge=256,
            le=1 << 20,
            description="Address space of the process that makes one; a file needs about six times its size [MiB].",
        ),
    ] = 2048
    timeout_s: Annotated[
        float, msgspec.Meta(ge=1, le=86_400, description="Time one may take to make; nodes get the whole then [s].")
    ] = 3600.0


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
    tls_minimum: Annotated[
        Literal["1.2", "1.3"],
        msgspec.Meta(description="Oldest TLS version spoken; 1.2 with ECDHE and AEAD suites only."),
    ] = "1.3"
    artifact_max_bytes: Annotated[
        int, msgspec.Meta(ge=1, le=1 << 40, description="Largest release that may be published [byte].")
    ] = 4 << 30
    release_key_file: Annotated[
        str,
        msgspec.Meta(
            description="Key with which the manager signs what ages of releases; made at the first start. "
            "Empty: `releases.key` in the data folder."
        ),
    ] = ""
    release_metadata_days: Annotated[
        float,
        msgspec.Meta(
            ge=1, le=90, description="Life of what the manager signs of releases; made anew when half is over [d]."
        ),
    ] = 14.0
    artifact_places: Annotated[
        tuple[ArtifactPlaceSettings, ...],
        msgspec.Meta(max_length=MAX_COUNT, description="Other places that have releases and deltas, best first."),
    ] = ()
    neighbours: Annotated[
        NeighbourSettings, msgspec.Meta(description="Roadside units that serve releases to units near them.")
    ] = NeighbourSettings()
    deltas: Annotated[DeltaSettings, msgspec.Meta(description="How deltas of releases are made.")] = DeltaSettings()
    stop_grace_s: Annotated[
        float, msgspec.Meta(ge=0, le=300, description="Time short calls have to finish when the manager stops [s].")
    ] = 5.0
    node_certificate_days: Annotated[
        float, msgspec.Meta(ge=0.0001, le=397, description="Life of nodes' certificates; they renew at two thirds [d].")
    ] = 30.0
    returning_days: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            le=3650,
            description="How long after the end of its certificate a unit may come back by its last key [d]. 0: not.",
        ),
    ] = 365.0
    history_days: Annotated[
        float, msgspec.Meta(ge=0.01, le=3650, description="Age at which reports leave the history [d].")
    ] = 7.0
    minute_history_days: Annotated[
        float, msgspec.Meta(ge=0.05, le=366, description="Age at which minutes of health leave the history [d].")
    ] = 14.0
    hour_history_days: Annotated[
        float, msgspec.Meta(ge=1, le=36_500, description="Age at which hours of health leave the history [d].")
    ] = 1095.0
    events_days: Annotated[
        float, msgspec.Meta(ge=0.01, le=3650, description="Age at which events are dropped [d].")
    ] = 90.0
    event_attempts: Annotated[
        int, msgspec.Meta(ge=1, le=100, description="Attempts until an event a sink does not take is a dead letter.")
    ] = 12
    event_retry_s: Annotated[
        float,
        msgspec.Meta(
            ge=0.01, le=3600, description="Wait after a sink's first failed attempt; each next is twice as long [s]."
        ),
    ] = 60.0
    secrets_dir: Annotated[
        str, msgspec.Meta(description="Folder of the secrets of event sinks. Empty: `secrets` in the data folder.")
    ] = ""
    database_url: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^(|sqlite:////\S+)$",  # PostgreSQL needs its driver, and to be tried
            description="`sqlite:////path` of a database that several managers share. Empty: the folder's manager.db.",
        ),
    ] = ""
    attempts_per_s: Annotated[
        float, msgspec.Meta(ge=0.1, le=1e6, description="Enrolments and sign-ins of one address in the long run [1/s].")
    ] = 5.0
    node_calls_per_s: Annotated[
        float, msgspec.Meta(ge=0.1, le=1e6, description="Calls of one node in the long run; a session is one [1/s].")
    ] = 10.0
    operator_calls_per_s: Annotated[
        float, msgspec.Meta(ge=0.1, le=1e6, description="Calls of one operator in the long run; a watch is one [1/s].")
    ] = 50.0
    door: Annotated[DoorSettings, msgspec.Meta(description="Limits of the operator port.")] = DoorSettings()
    oidc: Annotated[
        OidcSettings | None, msgspec.Meta(description="An OpenID provider whose tokens operators may use.")
    ] = None


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
    def deltas(self) -> Path:
        """Folder in which deltas are made; empty when the manager starts."""
        return self.path / "deltas"

    @property
    def authority(self) -> tuple[Path, Path]:
        """Certificate and key of the only authority of an older version; moved into `authorities` when it starts."""
        return self.path / "authority.pem", self.path / "authority.key"

    @property
    def authorities(self) -> Path:
        """Folder of the authorities that are trusted, with their keys."""
        return self.path / "authorities"

    @property
    def every_authority(self) -> tuple[Path, ...]:
        """Certificates of all authorities that ever signed here, also of those that are trusted no more."""
        return tuple(sorted(self.authorities.glob("*.pem"))) or self.authority[:1]

    @property
    def trusted(self) -> Path:
        """Certificates of these authorities, for brokers and whoever else must trust them."""
        return self.path / "ca.pem"

    @property
    def revoked(self) -> Path:
        """Revocation lists of these authorities."""
        return self.path / "crl.pem"

    @property
    def release_key(self) -> Path:
        """Key of the manager that signs snapshots, timestamps and directions of releases."""
        return self.path / "releases.key"

    @property
    def server(self) -> tuple[Path, Path]:
        """Certificate and key of the server."""
        return self.path / "server.pem", self.path / "server.key"

    @property
    def operator(self) -> Path:
        """Folder of the first operator's credential."""
        return self.path / "operator"

    @property
    def secrets(self) -> Path:
        """Secrets of event sinks, where the settings name no other folder."""
        return self.path / "secrets"

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
        settings = read(path, Settings)
    except NotFoundError as exc:
        raise NotFoundError(f"{path} is not there; make a data folder with 'wayside-manager init'") from exc
    if settings.oidc is None:
        return settings
    oidc = msgspec.structs.replace(settings.oidc, jwks_file=str(path.parent / settings.oidc.jwks_file))
    return msgspec.structs.replace(settings, oidc=oidc)


@contextmanager
def held(folder: DataFolder) -> Iterator[None]:
    """The data folder for this process alone; the kernel lets go of it when the process ends, however it ends.

    Raises: FailedPreconditionError: another process works on it. InvalidArgumentError: it cannot be used.
    """
    path = folder.path / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise InvalidArgumentError(f"{path} cannot be opened: {exc.strerror}; check the folder and its owner") from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as exc:
        raise FailedPreconditionError(
            f"{folder.path} is in use by another manager; stop it, or name another folder", reason="FOLDER_IN_USE"
        ) from exc
    finally:
        os.close(descriptor)


def secrets_folder(folder: DataFolder, settings: Settings) -> Path:
    """The folder of the secrets; the manager's own is made when it is not there.

    Raises: InvalidArgumentError: it cannot be made.
    """
    if settings.secrets_dir:
        return folder.path / settings.secrets_dir
    try:
        folder.secrets.mkdir(mode=0o700, exist_ok=True)
    except OSError as exc:
        raise InvalidArgumentError(
            f"{folder.secrets} cannot be made: {exc.strerror}; check the folder and its owner"
        ) from exc
    return folder.secrets


def release_key_file(folder: DataFolder, settings: Settings) -> Path:
    """The file of the key with which the manager signs what ages of releases."""
    return folder.path / settings.release_key_file if settings.release_key_file else folder.release_key


def write_whole(path: Path, content: str, *, is_secret: bool = False) -> None:
    """Writes a file whole or not at all; a secret is readable by its owner only, from the first moment.

    Raises: InvalidArgumentError: it cannot be written there.
    """
    try:
        _write(path, content, 0o600 if is_secret else 0o644)
    except OSError as exc:
        raise InvalidArgumentError(f"{path} cannot be written: {exc.strerror}; check the folder and its owner") from exc


def _write(path: Path, content: str, mode: int) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
