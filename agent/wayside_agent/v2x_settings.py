"""Settings of what a unit says and hears on the air: the table `[v2x]` of its file."""

from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from wayside.v2x.peek import MessageKind
from wayside_agent.core.application_id import REGULAR_IDS, VEHICLE_IDS
from wayside_agent.v2x_heard_settings import LocalBrokerSettings, SubscriptionSettings
from wayside_agent.v2x_perception_settings import PerceptionSettings
from wayside_agent.v2x_platform_settings import PlatformName, PlatformSettings
from wayside_agent.v2x_security_settings import SecuritySettings

SignalName = Literal[
    "speed_mps",
    "acceleration_mps2",
    "yaw_rate_dps",
    "steering_wheel_deg",
    "braking",
    "hazard_lights",
    "abs_active",
    "stability_control_active",
    "airbag",
    "reverse",
    "parked",
]


class VehicleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The vehicle an OBU speaks for."""

    width_m: Annotated[float, Meta(gt=0, le=10.23, description="Width [m].")] = 1.8
    length_m: Annotated[float, Meta(gt=0, le=40.95, description="Length [m].")] = 4.8
    height_m: Annotated[float | None, Meta(description="Height [m], up to 6.35.")] = None
    vehicle_class: Annotated[
        int, Meta(ge=0, le=255, description="BasicVehicleClass of T/CSAE 53: 10 passenger car, 25 lorry, 50 bus.")
    ] = 10
    signals: Annotated[
        dict[SignalName, str],
        Meta(
            description="What the bus says of the vehicle: names of readings, such as `can.body.Brakes.Pedal`, in the "
            "unit of the key (m/s, m/s², °/s, °; others: not 0 is yes). What is not named comes from the receiver, or "
            "is sent as not known."
        ),
    ] = {}
    id_period_s: Annotated[float, Meta(ge=10, le=86_400, description="Between two temporary ids [s].")] = 300.0
    id_change_command: Annotated[
        tuple[str, ...],
        Meta(
            description="Program and arguments, no shell, that changes certificate and MAC of the radio when the "
            "temporary id changes; it gets the new one as WAYSIDE_TEMPORARY_ID, in hex. Empty: none."
        ),
    ] = ()
    id_change_timeout_s: Annotated[
        float, Meta(gt=0, le=5, description="After that it is stopped [s]; no BSM goes out until then.")
    ] = 1.0


WarningName = Literal[
    "forward-collision",
    "intersection-collision",
    "emergency-brake",
    "wrong-way",
    "red-light",
    "hazard",
    "speed-limit",
    "sign",
    "green-wave",
]


class WarningSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Warnings to the driver, published for a display at the MQTT broker of the unit."""

    rules: Annotated[tuple[WarningName, ...], Meta(min_length=1, description="Which warnings are given.")] = get_args(
        WarningName
    )
    topic: Annotated[
        str,
        Meta(
            pattern=r"^[^+#\x00]{1,512}$", description="MQTT topic of changes; all that holds goes to `TOPIC/active`."
        ),
    ] = "wayside/hmi/warnings"
    host: Annotated[str, Meta(min_length=1, description="Host name or address of the unit's broker.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="TCP port; 0: 1883, with TLS 8883.")] = 0
    username: Annotated[str, Meta(description="User; empty: none.")] = ""
    password_secret: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9._-]{0,64}$", description="File in `secrets_dir` with its password.")
    ] = ""
    tls: Annotated[bool, Meta(description="Speak TLS.")] = False
    ca_file: Annotated[str, Meta(description="PEM file of the broker's authority; empty: the system's.")] = ""
    certificate_file: Annotated[str, Meta(description="PEM file of the client's certificate; empty: none.")] = ""
    key_file: Annotated[str, Meta(description="PEM file of its key.")] = ""


Phase = Annotated[int, Meta(ge=0, le=255, description="Phase or lamp group of a signal controller.")]
PhasePairs = tuple[tuple[Phase, Phase], ...]
MAX_PHASES = 16
"""SPAT has no room for more."""


class SignalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who tells the lights of the crossing an RSU stands at: its signal controller, or else a platform."""

    controller: Annotated[str, Meta(description="IP address of the controller; nobody else is listened to.")] = ""
    driver: Annotated[
        str, Meta(description="How the controller speaks: `tscbm`, `gat1743`, or a driver of another package.")
    ] = "tscbm"
    bind_host: Annotated[str, Meta(description="Address its datagrams come to. Empty: as the driver has it.")] = ""
    bind_port: (
        Annotated[int, Meta(ge=1, le=65_535, description="UDP port they come to. Absent: as the driver has it.")] | None
    ) = None
    options: Annotated[
        dict[str, Any], Meta(description="Further options of the driver, as its documentation says.")
    ] = {}
    platform: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9-]{0,20}$",
            description="Instead of a controller: name of the platform whose SPAT.DOWN tells the lights; "
            'it needs `allow = ["spat"]`.',
        ),
    ] = ""
    silence_s: Annotated[
        float, Meta(ge=0.2, le=5, description="Without a word for so long, nothing is broadcast any more [s].")
    ] = 1.0
    region: Annotated[int, Meta(ge=0, le=65_535, description="Region of the crossing in the MAP.")]
    node: Annotated[int, Meta(ge=0, le=65_535, description="Node of the crossing in the MAP.")]
    phase_ids: Annotated[
        dict[Phase, Annotated[int, Meta(ge=0, le=255)]],
        Meta(
            description="Controller's phase to the phase id of the MAP; others are not broadcast. Empty, with a "
            "platform only: its phases are those of the MAP."
        ),
    ] = {}
    conflicts: Annotated[
        PhasePairs,
        Meta(description="Pairs of phases that may not go at once, beside those whose ways cross by the MAP."),
    ] = ()
    no_conflicts: Annotated[
        PhasePairs, Meta(description="Pairs of phases that may be green at once although their ways cross by the MAP.")
    ] = ()
    permissive: Annotated[tuple[Phase, ...], Meta(description="Phases whose green must give way.")] = ()

    def __post_init__(self) -> None:
        """Raises ValueError: fields contradict each other."""
        has_controller = bool(self.controller or self.options or self.driver != "tscbm")
        if has_controller == bool(self.platform):
            raise ValueError("name either a controller or a platform: one tells the lights")
        if not self.phase_ids and not self.platform:
            raise ValueError("phase_ids: say which phase of the controller is which of the MAP")
        if len(self.phase_ids) > MAX_PHASES or len(set(self.phase_ids.values())) < len(self.phase_ids):
            raise ValueError(f"phase_ids: at most {MAX_PHASES}, each with an id of its own")
        if twice := set(map(frozenset, self.conflicts)) & set(map(frozenset, self.no_conflicts)):
            raise ValueError(f"no_conflicts: {sorted(min(twice, key=sorted))} is in conflicts, too")


Aid = Annotated[int, Meta(ge=0, le=270_549_119, description="Application id (PSID), as a number.")]


class V2xSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is spoken on the air."""

    profile: Annotated[
        Literal["r19", "p20"],
        Meta(description="Revision of the message set that the radios of this road speak: 2019, or YD/T 3709-2020."),
    ] = "p20"
    receive_aids: Annotated[
        tuple[Aid, ...],
        Meta(max_length=64, description="AIDs that are heard; others, and messages without one, are not. Empty: all."),
    ] = ()
    send_aids: Annotated[
        tuple[Aid, ...], Meta(max_length=64, description="AIDs the unit sends under; nothing else is. Empty: all.")
    ] = ()
    require_verified: Annotated[
        bool, Meta(description="Hear only what the radio's security chip, or the unit, has verified.")
    ] = False
    security: Annotated[
        SecuritySettings | None, Meta(description="Looks at signatures of messages that come in their envelope.")
    ] = None
    vehicle: Annotated[
        VehicleSettings | None, Meta(description="Sends BSM of this vehicle; needs a receiver and a radio. OBU only.")
    ] = None
    warnings: Annotated[
        WarningSettings | None,
        Meta(description="Warns the driver of what is heard; needs a receiver and a radio. OBU only."),
    ] = None
    signal: Annotated[
        SignalSettings | None, Meta(description="Broadcasts SPAT of this crossing; needs a radio. RSU only.")
    ] = None
    broadcast_files: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^/.")], ...],
        Meta(
            max_length=16,
            description="Absolute paths of MAP and RSI to repeat: documents of `wayside-agent v2x decode`, one a line. "
            "RSU only.",
        ),
    ] = ()
    perception: Annotated[
        PerceptionSettings | None,
        Meta(description="Broadcasts RSM of what sensors at the road see; needs a radio. RSU only."),
    ] = None
    subscriptions: Annotated[
        tuple[SubscriptionSettings, ...], Meta(description="Heard messages that are passed on.")
    ] = ()
    local_broker: Annotated[LocalBrokerSettings, Meta(description="MQTT broker on the unit.")] = LocalBrokerSettings()
    platforms: Annotated[
        dict[PlatformName, PlatformSettings],
        Meta(description="Centres of T/ITS 0117 the unit speaks to, by names of its own; 4 at most. RSU only."),
    ] = {}
    plausible_range_m: Annotated[
        float, Meta(ge=100, le=100_000, description="A vehicle that says it is farther away is not believed [m].")
    ] = 2000.0

    def __post_init__(self) -> None:
        """Raises ValueError: a service is to speak under an AID that is not on the list of those sent."""
        ssm = None if self.perception is None else self.perception.ssm_application_id
        speakers = {
            "vehicle": (self.vehicle, VEHICLE_IDS),
            "signal": (self.signal, (REGULAR_IDS[MessageKind.SPAT],)),
            "perception": (self.perception, (REGULAR_IDS[MessageKind.RSM], *(() if ssm is None else (ssm,)))),
        }
        for name, (speaker, aids) in speakers.items():
            lacking = [aid for aid in aids if self.send_aids and aid not in self.send_aids]
            if speaker is not None and lacking:
                raise ValueError(f"send_aids: {name} speaks under AID {lacking[0]}; add it, or leave {name} out")
