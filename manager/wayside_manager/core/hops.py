"""The way of the data, hop by hop: vehicle bus, unit, network, platform, and who can read what on each.

What nobody can know from here (a unit's own settings, a broker's host) is said to be so. Deny by default: what is not
known to be encrypted is not called encrypted.
Usage: `for hop in hops(facts): ...`; `warnings(facts)`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from wayside_manager.core.hop_facts import HopFacts, NodesFacts, PortFacts, SecretFacts

EXPIRES_SOON = timedelta(days=9)  # a node renews its certificate with ten days left; a day later something is wrong
BEST_TLS = "1.3"
SHOWN_NODES = 20
_OTHERS_MASK = 0o077


class Protection(StrEnum):
    """Whether somebody on the hop can read what crosses it."""

    ENCRYPTED = "encrypted"
    PARTLY = "partly"
    PLAIN = "plain"
    UNKNOWN = "unknown"
    """Decided elsewhere; take it for plain."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One stretch of the way."""

    name: str
    crosses: str
    protection: Protection
    how: str
    """With what it is encrypted; or why it is not."""
    readers: str
    """Who can read what crosses."""
    keys: tuple[str, ...]
    """Who holds which key, and where."""


def hops(facts: HopFacts) -> tuple[Hop, ...]:
    """The table, from the vehicle to the people."""
    return (*_field_hops(), *_network_hops(facts), *_platform_hops(facts))


def warnings(facts: HopFacts) -> tuple[str, ...]:
    """What somebody should look at, one sentence each."""
    return (*_secret_warnings(facts), *_tls_warnings(facts), *_broker_warnings(facts), *_expiry_warnings(facts))


def _field_hops() -> Iterator[Hop]:
    yield Hop(
        "vehicle bus → unit",
        "CAN frames: speed, doors, engine, faults",
        Protection.PLAIN,
        "CAN and CAN FD are never encrypted; the agent only listens",
        "anyone with access to the bus or to the unit",
        (),
    )
    yield Hop(
        "V2X radio → unit",
        "BSM, MAP, SPAT, RSI, RSM messages of others",
        Protection.PLAIN,
        "broadcast; signed by the sending radio, never encrypted; the agent does not verify the security envelope",
        "anyone in radio range, and on the cable between radio and unit (UDP, plain)",
        ("signing keys: in each radio, under its V2X PKI; not Wayside's",),
    )
    yield Hop(
        "GNSS receiver → unit",
        "position and time, NMEA or gpsd JSON",
        Protection.PLAIN,
        "serial line or TCP, plain; satellite signals carry no proof of origin here",
        "anyone with access to the unit or its local network",
        (),
    )
    yield Hop(
        "local sensors → unit (MQTT on the unit)",
        "values of sensors in the cabinet",
        Protection.UNKNOWN,
        "plain MQTT unless the unit's own settings say `tls = true`; the manager does not know them: see "
        "`wayside-agent config`",
        "anyone on the unit or its local network",
        ("broker key: on the unit, if there is one",),
    )
    yield Hop(
        "roadside unit → units near it",
        "releases and deltas it has installed, where its own settings say so (`[peer]`)",
        Protection.ENCRYPTED,
        "TLS, both sides show a certificate of the manager's own authority, and the manager vouches for who fetches; "
        "nothing else is served",
        "units of the same tenant",
        ("both units' keys: on each of them",),
    )
    yield Hop(
        "unit at rest",
        "spooled reports and samples, configuration, releases, private key",
        Protection.PLAIN,
        "files of the user `wayside` (folder 0700); not encrypted on the disk",
        "root on the unit; whoever takes its disk, unless the disk is encrypted",
        ("the unit's key: made on the unit, state_dir/identity, mode 0600, or in a PKCS#11 token; never leaves it",),
    )


def _network_hops(facts: HopFacts) -> Iterator[Hop]:
    server = _secret(facts, "server.key")
    yield Hop(
        "unit → manager, first contact (operator port)",
        "enrolment token, certificate request; back: the unit's certificate",
        Protection.ENCRYPTED,
        f"{_tls(facts, facts.operator)}; the unit checks the manager against ca.pem, the token proves the unit",
        "the unit and the manager",
        (server,),
    )
    yield Hop(
        "unit → manager (device port)",
        "reports, health, positions; back: configuration, releases",
        Protection.ENCRYPTED,
        f"{_tls(facts, facts.device)}; both sides show a certificate of the manager's own authority",
        "the unit and the manager",
        ("the unit's key: on the unit", server),
    )
    for place in facts.places:
        is_signed = place.signing != "none"
        yield Hop(
            f"{place.host} → unit (releases)",
            "releases and deltas; what is wrong in them is refused by the unit",
            Protection.ENCRYPTED,
            "TLS; the unit checks the server by authorities of its own settings, and the bytes by what people signed",
            "nodes the manager signed a URL for; the server" if is_signed else "whoever knows the address",
            (f"secret of the URLs ({place.signing}): on the manager's host",) if is_signed else (),
        )
    yield _telemetry_hop(facts.nodes)
    yield Hop(
        "broker → integrators",
        "telemetry of the topics a client may read",
        Protection.UNKNOWN,
        "decided by the broker's listeners and ACL, not by the manager; the operating guide has a recipe with TLS and "
        "client certificates",
        "the broker's host, and every client its ACL lets read",
        ("broker key: on the broker's host, made by `wayside-manager certificate` or your own",),
    )


def _telemetry_hop(nodes: NodesFacts) -> Hop:
    encrypted = [broker for broker in nodes.brokers if not broker.is_plaintext]
    plain = [broker for broker in nodes.brokers if broker.is_plaintext]
    protection = Protection.PARTLY if plain and encrypted else Protection.PLAIN if plain else Protection.ENCRYPTED
    parts = [f"TLS to {broker.address}: {_count(len(broker.node_ids))}" for broker in encrypted]
    parts += [f"PLAIN MQTT to {broker.address}: {_count_named(broker.node_ids)}" for broker in plain]
    if not parts:
        parts.append("no node is told to publish")
    if nodes.silent_count:
        parts.append(f"{_count(nodes.silent_count)} told to publish nothing")
    return Hop(
        "unit → MQTT broker",
        "telemetry: signals, positions, V2X counts",
        protection if nodes.brokers else Protection.UNKNOWN,
        "; ".join(parts),
        "the broker in the clear" + ("; of the plain ones anyone on the way" if plain else ""),
        ("the unit's key: on the unit", "broker key: on the broker's host"),
    )


def _platform_hops(facts: HopFacts) -> Iterator[Hop]:
    operators = tuple(_secret_text(each) for each in facts.secrets if each.path.startswith("operator/"))
    yield Hop(
        "operators, integrators → manager (operator port)",
        "commands, configuration, releases; back: what the fleet says",
        Protection.ENCRYPTED,
        f"{_tls(facts, facts.operator)}; the manager shows its certificate, the caller a token",
        "the caller, within its reach, and the manager",
        (_secret(facts, "server.key"), *(operators or ("tokens and operators' keys: with their holders",))),
    )
    yield Hop(
        "operators → manager (device port)",
        "the same, with a client certificate",
        Protection.ENCRYPTED,
        f"{_tls(facts, facts.device)}; both sides show a certificate",
        "the caller, within its reach, and the manager",
        (_secret(facts, "server.key"),),
    )
    authorities = tuple(_secret_text(each) for each in facts.secrets if "authorit" in each.path)
    yield Hop(
        "manager at rest",
        "database, audit log, releases; tokens and passwords as hashes only",
        Protection.PLAIN,
        f"files of the manager's user in {facts.data_folder} (mode {facts.folder_mode:04o}); not encrypted on the disk",
        "root and the manager's user on its host; whoever has a backup",
        authorities or ("authority key: not in the data folder",),
    )


def _tls(facts: HopFacts, port: PortFacts) -> str:
    if port.tls is None:
        return f"TLS {facts.tls_minimum} or newer at {port.address} by the settings; not measured: nobody answers there"
    older = {True: ", TLS 1.2 too", False: ", TLS 1.2 refused", None: ""}[port.tls.accepts_older]
    return f"{port.tls.version} at {port.address}, {port.tls.suite}{older}"


def _secret(facts: HopFacts, path: str) -> str:
    found = next((each for each in facts.secrets if each.path == path), None)
    return _secret_text(found) if found else f"{path}: not in the data folder"


def _secret_text(secret: SecretFacts) -> str:
    return f"the manager, on its host: {secret.path}, mode {secret.mode:04o}"


def _count(count: int) -> str:
    return f"{count} node" if count == 1 else f"{count} nodes"


def _count_named(node_ids: tuple[str, ...]) -> str:
    shown = ", ".join(node_ids[:SHOWN_NODES])
    rest = len(node_ids) - SHOWN_NODES
    return f"{_count(len(node_ids))} ({shown}{f' and {rest} more' if rest > 0 else ''})"


def _secret_warnings(facts: HopFacts) -> Iterator[str]:
    if facts.folder_mode & _OTHERS_MASK:
        yield f"{facts.data_folder} has mode {facts.folder_mode:04o}; others can enter it: chmod 700"
    for secret in facts.secrets:
        if secret.mode & _OTHERS_MASK:
            yield f"{secret.path} has mode {secret.mode:04o}; others can read it: chmod 600"


def _tls_warnings(facts: HopFacts) -> Iterator[str]:
    if facts.tls_minimum != BEST_TLS:
        yield f"tls_minimum is {facts.tls_minimum}; make it {BEST_TLS} when no client needs the older any more"
    for name, port in (("device", facts.device), ("operator", facts.operator)):
        if facts.tls_minimum == BEST_TLS and port.tls and port.tls.accepts_older:
            yield f"the {name} port takes TLS 1.2 although tls_minimum is {BEST_TLS}; start the manager again"


def _broker_warnings(facts: HopFacts) -> Iterator[str]:
    for broker in facts.nodes.brokers:
        if broker.is_plaintext:
            yield (
                f"telemetry goes in the clear to {broker.address}, from {_count_named(broker.node_ids)}; "
                "clear telemetry.broker_plaintext unless the broker is on the unit itself"
            )


def _expiry_warnings(facts: HopFacts) -> Iterator[str]:
    for certificate in facts.certificates:
        left = certificate.expire_time - facts.now
        if left <= EXPIRES_SOON:
            verb = "has ended" if left <= timedelta() else "ends"
            yield f"{certificate.path} {verb} {certificate.expire_time:%Y-%m-%d}; make a new one"
    expiries = facts.nodes.expiries or {}
    ended = tuple(node for node, end in sorted(expiries.items()) if end <= facts.now)
    ending = tuple(node for node, end in sorted(expiries.items()) if facts.now < end <= facts.now + EXPIRES_SOON)
    for node_ids, what in ((ended, "have ended"), (ending, f"end within {EXPIRES_SOON.days} days")):
        if node_ids:
            yield f"certificates {what}, of {_count_named(node_ids)}"
