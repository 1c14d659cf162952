"""Settings of one unit: what hardware it has and where its manager is, read once from TOML.

What may change from afar is not here but in the node's configuration (`wayside.node_config`).
`wayside-agent config --schema` prints every field.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from wayside import settings_file
from wayside.errors import InvalidArgumentError
from wayside.names import checked_esn, checked_label
from wayside.neighbours import checked_address
from wayside_agent.v2x_settings import V2xSettings

DEFAULT_PATH = Path("/etc/wayside/agent.toml")
DEFAULT_STATE_DIR = "/var/lib/wayside"
MEBIBYTE = 1024 * 1024

Address = Annotated[
    str, Meta(pattern=r"^[^\s/]+:[0-9]{1,5}$", description="`host:port`; an IPv6 host in brackets, `[::1]:8443`")
]


class Driver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A driver and its options."""

    driver: Annotated[str, Meta(description="Name under which the driver is registered.")]
    options: Annotated[dict[str, Any], Meta(description="The driver's own options; see its section.")] = {}


class CanBus(Driver, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One CAN bus of the unit."""

    name: Annotated[
        str, Meta(pattern=r"^[a-z0-9_-]{1,32}$", description="What the configuration calls the bus, such as `body`.")
    ]


class ComponentSettings(Driver, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the unit, beside the agent, that releases may replace."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
            description="What releases call it, such as `radio`, `rootfs` or `map`.",
        ),
    ]


class NodeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who the unit is."""

    id: Annotated[str, Meta(description="Node id to enrol under: a lower-case RFC 1034 label.")]
    esn: Annotated[str, Meta(description="Electronic serial number on the type plate.")]
    kind: Annotated[Literal["rsu", "obu"], Meta(description="What the unit is.")]
    model: Annotated[
        str,
        Meta(
            max_length=64,
            description="Model on the type plate, which selectors may name. Empty: not told.",
        ),
    ] = ""
    hardware_id: Annotated[
        str,
        Meta(
            pattern=r"^(|[a-z]([a-z0-9-]{0,61}[a-z0-9])?)$",
            description="Hardware of the unit as releases name it: a lower-case RFC 1034 label. Empty: only releases "
            "for any hardware are installed.",
        ),
    ] = ""


Command = Annotated[
    tuple[Annotated[str, Meta(min_length=1)], ...],
    Meta(description="Program and arguments, one text each; no shell reads them."),
]
HookPhase = Literal[
    "idle",
    "checking",
    "downloading",
    "verifying",
    "staged",
    "installing",
    "switching",
    "provisional",
    "committed",
    "reverting",
    "rolled_back",
    "failed",
]


class UpdateSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose releases the unit takes, and who writes them."""

    trust_dir: Annotated[
        str,
        Meta(
            description="Folder with `image/root.json` and `director/root.json`, the first roots of trust. Empty: "
            "those the manager gave at enrolment. Relative to this file.",
        ),
    ] = ""
    installer_socket: Annotated[
        str,
        Meta(
            pattern="^(|/.*)$",
            description="Socket of a helper that systemd starts as another user (`wayside-install.socket`). Empty: the "
            "agent starts it itself.",
        ),
    ] = ""
    lock_file: Annotated[
        str,
        Meta(
            pattern="^(|/.*)$",
            description="File that an application holds with flock(2) while nothing may be installed; its first line "
            "says why. Empty: none.",
        ),
    ] = ""
    hooks: Annotated[
        dict[HookPhase, Command],
        Meta(
            description="Commands at the states of an update. Exit code 0: go on; 75: wait; any other: no, which ends "
            "an update that is not being installed yet, and is only logged later."
        ),
    ] = {}
    hook_timeout_s: Annotated[float, Meta(ge=1, le=3600, description="How long a hook may take [s].")] = 60.0
    reboot_command: Annotated[
        Command,
        Meta(
            description="Restarts the computer, for releases with components that run only then, such as a root file "
            "system. Empty: those releases are refused."
        ),
    ] = ()
    metered: Annotated[
        bool,
        Meta(description="The line costs by the byte: what a rollout lets through over other lines only, waits."),
    ] = False
    https_ca_file: Annotated[
        str,
        Meta(
            description="Authorities of the HTTPS servers that artifacts are fetched from, PEM, relative to this file. "
            "Empty: those of the system.",
        ),
    ] = ""


class PeerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a roadside unit serves the releases it has installed to units near it."""

    listen: Annotated[
        str,
        Meta(
            pattern=r"^(|[^\s/]+:[0-9]{1,5})$",
            description="Where it listens, such as `0.0.0.0:7445`. Empty: it serves nobody.",
        ),
    ] = ""
    advertise: Annotated[
        str,
        Meta(
            description="Where units near it reach that: an IP address, not a name, and a port from 1024, such as "
            "`10.20.0.5:7445`. The manager tells others only a private one, or the one the unit itself comes from."
        ),
    ] = ""
    max_bytes_per_s: Annotated[int, Meta(ge=1024, description="Rate of all it serves together [byte/s].")] = (
        4 * MEBIBYTE
    )
    max_connections: Annotated[int, Meta(ge=1, le=16, description="Units it serves at a time.")] = 4
    kept_artifacts: Annotated[
        int, Meta(ge=1, le=2, description="Artifacts it keeps after they were installed, while the disk has room.")
    ] = 1


class ManagerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the manager is."""

    device_address: Annotated[Address, Meta(description="Device plane, mutual TLS.")]
    enrollment_address: Annotated[Address, Meta(description="Enrolment, TLS and a token.")]
    reconnect_cap_s: Annotated[
        float,
        Meta(ge=1, le=3600, description="Longest wait before the next attempt to reach the manager [s]; it is random."),
    ] = 30.0


class IdentitySettings(Driver, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the unit's private key lives."""

    driver: Annotated[
        str, Meta(description="Name of the key driver: `key-file`, or `key-pkcs11` for a token (extra `pkcs11`).")
    ] = "key-file"


class SpoolSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much may wait for the centre."""

    reports_max_bytes: Annotated[int, Meta(ge=MEBIBYTE, description="Cap of the report spool [byte].")] = 64 * MEBIBYTE
    telemetry_max_bytes: Annotated[int, Meta(ge=MEBIBYTE, description="Cap of the telemetry spool [byte].")] = (
        256 * MEBIBYTE
    )


class MqttSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Credentials for the telemetry broker the configuration names."""

    ca_file: Annotated[
        str, Meta(description="Authorities to trust, PEM, relative to this file. Empty: those of the manager.")
    ] = ""
    use_node_certificate: Annotated[
        bool, Meta(description="Show the node's certificate to the broker. Must be false when the key is in a token.")
    ] = True


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the agent writes about itself."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], Meta(description="Lowest level written.")] = "INFO"


AbsolutePath = Annotated[str, Meta(pattern=r"^/", description="Absolute path of a folder.")]


class JobSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which jobs the manager may have done here; what is not named is refused. `docs/jobs.md`."""

    reboot_command: Annotated[Command, Meta(description="Restarts the computer. Empty: refused.")] = (
        "systemctl",
        "reboot",
    )
    services: Annotated[
        dict[str, Command], Meta(description="Services that may be restarted, and the command that does it.")
    ] = {}
    diagnostics: Annotated[
        dict[str, Command], Meta(description="Diagnostics that may be run; their output goes to the manager.")
    ] = {}
    capture_interfaces: Annotated[
        tuple[str, ...], Meta(description="Network interfaces whose packets may be recorded.")
    ] = ()
    probe_hosts: Annotated[
        tuple[str, ...],
        Meta(description='Hosts beside the manager that may be pinged and traced. `["*"]`: any.'),
    ] = ()
    pull_paths: Annotated[
        tuple[AbsolutePath, ...],
        Meta(description="Folders below which files may be fetched; the key and secrets never are."),
    ] = ()
    push_paths: Annotated[
        tuple[AbsolutePath, ...],
        Meta(description="Folders below which files may be put; the agent's own state never is."),
    ] = ()
    allow_shell: Annotated[
        bool, Meta(description="Lets operators open a shell as the agent's user, if the manager's policy does too.")
    ] = False
    shell_command: Annotated[Command, Meta(description="The shell.")] = ("/bin/sh",)
    max_artifact_bytes: Annotated[
        int, Meta(ge=MEBIBYTE, description="Files of all jobs that wait for the manager, together [byte].")
    ] = 256 * MEBIBYTE


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of one unit."""

    node: NodeSettings
    manager: ManagerSettings
    identity: Annotated[IdentitySettings, Meta(description="Private key.")] = IdentitySettings()
    state_dir: Annotated[
        str, Meta(min_length=1, description="Durable state: identity, spools, slots. Relative to this file.")
    ] = DEFAULT_STATE_DIR
    runtime_dir: Annotated[
        str, Meta(description="Socket of `wayside-agent status`. Empty: the state directory. Relative to this file.")
    ] = ""
    database_dir: Annotated[
        str, Meta(min_length=1, description="DBC files the configuration may name. Relative to this file.")
    ] = "/etc/wayside/dbc"
    secrets_dir: Annotated[
        str,
        Meta(
            min_length=1,
            description="Secrets the configuration may name, one per file, such as the password at the broker. Nobody "
            "but the agent should be able to read them. Relative to this file.",
        ),
    ] = "/etc/wayside/secrets"
    can: Annotated[tuple[CanBus, ...], Meta(description="CAN buses.")] = ()
    gnss: Annotated[Driver | None, Meta(description="Satellite receiver.")] = None
    radio: Annotated[Driver | None, Meta(description="V2X radio.")] = None
    sensors: Annotated[tuple[Driver, ...], Meta(description="Feeds of local sensors.")] = ()
    components: Annotated[
        tuple[ComponentSettings, ...], Meta(description="What releases may replace beside the agent.")
    ] = ()
    v2x: Annotated[V2xSettings, Meta(description="V2X messages.")] = V2xSettings()
    spool: SpoolSettings = SpoolSettings()
    mqtt: MqttSettings = MqttSettings()
    log: LogSettings = LogSettings()
    jobs: Annotated[JobSettings, Meta(description="Jobs from afar.")] = JobSettings()
    update: Annotated[UpdateSettings, Meta(description="Releases.")] = UpdateSettings()
    peer: Annotated[PeerSettings, Meta(description="Releases for units near it.")] = PeerSettings()


class _StateDir(msgspec.Struct, frozen=True):
    """The one field that a launcher of any age can read."""

    state_dir: str = DEFAULT_STATE_DIR


def read(path: Path) -> Settings:
    """The settings in a file, its relative paths made absolute.

    Raises: NotFoundError, InvalidArgumentError: with file, line and field.
    """
    settings = settings_file.read(path, Settings)
    checked_label(settings.node.id, field=f"{path}: field node.id")
    checked_esn(settings.node.esn, field=f"{path}: field node.esn")
    if not settings.node.model.isprintable() or settings.node.model.strip() != settings.node.model:
        raise InvalidArgumentError(f"{path}: field node.model: {settings.node.model!r} is not one short printable line")
    _check_peer(settings, path)
    return resolved(settings, path.resolve().parent)


def state_dir(path: Path) -> Path:
    """The state directory alone, whatever else the file holds: all the launcher needs.

    Raises: NotFoundError, InvalidArgumentError.
    """
    return path.resolve().parent / settings_file.read(path, _StateDir).state_dir


def resolved(settings: Settings, base: Path) -> Settings:
    """The same settings with files and directories made absolute against the folder of their file."""
    state_dir, mqtt, update = str(base / settings.state_dir), settings.mqtt, settings.update
    return msgspec.structs.replace(
        settings,
        state_dir=state_dir,
        runtime_dir=str(base / settings.runtime_dir) if settings.runtime_dir else state_dir,
        database_dir=str(base / settings.database_dir),
        secrets_dir=str(base / settings.secrets_dir),
        mqtt=msgspec.structs.replace(mqtt, ca_file=str(base / mqtt.ca_file) if mqtt.ca_file else ""),
        update=msgspec.structs.replace(
            update,
            trust_dir=str(base / update.trust_dir) if update.trust_dir else "",
            https_ca_file=str(base / update.https_ca_file) if update.https_ca_file else "",
        ),
    )


def _check_peer(settings: Settings, path: Path) -> None:
    peer = settings.peer
    if not peer.listen:
        return
    if settings.node.kind != "rsu":
        raise InvalidArgumentError(f"{path}: field peer.listen: only a roadside unit serves others; leave it out")
    checked_address(peer.advertise, field=f"{path}: field peer.advertise")


def trust_dir(settings: Settings) -> Path:
    """Where the first roots of trust are: the settings' folder, else the one that enrolment fills."""
    return Path(settings.update.trust_dir or Path(settings.state_dir) / "roots")
