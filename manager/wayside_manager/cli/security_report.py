"""`wayside-manager security-report`: what is encrypted from the vehicle to the people, and who holds the keys.

Made from the running configuration: settings, certificates and modes in the data folder, a handshake with each port,
and the database. It only reads; the manager may be running or not.
"""

import asyncio
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from urllib.parse import urlsplit

from wayside.errors import InvalidArgumentError
from wayside.node_config import decoded
from wayside_manager.app import utc_now
from wayside_manager.cli.hop_evidence import addresses, authorities_pem, certificates, port_facts, secrets
from wayside_manager.cli.output import Output, print_fields, print_json, print_line, print_table
from wayside_manager.cli.running import OutputOption, reported
from wayside_manager.cli.serve import DataOption
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.credentials import CredentialKind
from wayside_manager.core.hop_facts import BrokerFacts, HopFacts, NodesFacts, PlaceFacts
from wayside_manager.core.hops import hops, warnings
from wayside_manager.core.nodes import NodeRecord
from wayside_manager.core.pages import MAX_PAGE_SIZE
from wayside_manager.core.presence import presence
from wayside_manager.core.selectors import NodeFilter
from wayside_manager.ports.store import Store
from wayside_manager.settings import DataFolder, read_settings
from wayside_manager.store.sql import open_store


@reported
def security_report(data: DataOption, output: OutputOption = None) -> None:
    """Shows hop by hop what is encrypted, with what, who can read it and who holds the keys. Changes nothing."""
    facts = asyncio.run(_gathered(DataFolder(data)))
    if output is Output.JSON:
        print_json(_as_mapping(facts))
        return
    table = hops(facts)
    print_table(("HOP", "PROTECTION", "WITH WHAT"), [(hop.name, hop.protection, hop.how) for hop in table])
    for hop in table:
        print_line("")
        fields = {"hop": hop.name, "what crosses": hop.crosses, "who can read": hop.readers}
        print_fields(fields | {f"key {number}": key for number, key in enumerate(hop.keys, 1)})
    print_line("")
    counts = facts.nodes.presence_counts
    print_line("nodes: " + (", ".join(f"{counts[each]} {each}" for each in sorted(counts)) or "none"))
    print_line("")
    rows = [
        (each.path, each.subject, each.key, each.signature, f"{each.expire_time:%F}") for each in facts.certificates
    ]
    print_table(("CERTIFICATE", "SUBJECT", "KEY", "SIGNED WITH", "ENDS"), rows)
    print_line("")
    print_table(("LOOK AT",), [(warning,) for warning in warnings(facts)])


async def _gathered(folder: DataFolder) -> HopFacts:
    settings = read_settings(folder.settings)  # says so when the folder is none
    device_address, operator_address = addresses(folder, settings)
    now, trusted_pem = utc_now(), authorities_pem(folder)
    async with open_store(settings.database_url or folder.database_url) as store:
        nodes = await _nodes_facts(store, now)
    return HopFacts(
        now=now,
        data_folder=folder.path.name,
        folder_mode=folder.path.stat().st_mode & 0o7777,
        tls_minimum=settings.tls_minimum,
        # without a client certificate TLS 1.2 fails at the device port anyway; both ports have one list of suites
        device=port_facts(device_address, trusted_pem, tries_older=False),
        operator=port_facts(operator_address, trusted_pem, tries_older=True),
        certificates=certificates(folder),
        secrets=secrets(folder),
        nodes=nodes,
        places=tuple(
            PlaceFacts(urlsplit(each.url).hostname or "", str(each.signing)) for each in settings.artifact_places
        ),
    )


async def _nodes_facts(store: Store, now: datetime) -> NodesFacts:
    nodes = await _every_node(store, now)
    brokers: dict[tuple[str, bool], list[str]] = {}
    telemetry: dict[str, tuple[str, bool] | None] = {}  # by the hash of the configuration: thousands share a few
    for node in nodes:
        sha256 = node.desired.target_config_sha256  # what it shall run, also while it waits for its turn
        if sha256 not in telemetry:
            telemetry[sha256] = _broker((await store.node_config_state(node.node_id)).config.content)
        broker = telemetry[sha256]
        if broker is not None:
            brokers.setdefault(broker, []).append(node.node_id)
    return NodesFacts(
        presence_counts=Counter(
            str(presence(now, node.status.last_report_time, report_period_s=node.status.report_period_s))
            for node in nodes
        ),
        brokers=tuple(BrokerFacts(*broker, tuple(node_ids)) for broker, node_ids in sorted(brokers.items())),
        silent_count=len(nodes) - sum(map(len, brokers.values())),
        expiries=await _expiries(store, nodes, now),
    )


async def _every_node(store: Store, now: datetime) -> list[NodeRecord]:
    nodes: list[NodeRecord] = []
    token = ""
    while True:
        page = await store.list_nodes(
            NodeFilter(), reach=EVERYWHERE, now=now, page_size=MAX_PAGE_SIZE, page_token=token
        )
        nodes += page.items
        token = page.next_page_token
        if not token:
            return nodes


async def _expiries(store: Store, nodes: list[NodeRecord], now: datetime) -> dict[str, datetime]:
    """The end of the newest certificate of each node that has one that was not taken back."""
    ends: dict[str, datetime] = {}
    for node in nodes:
        for credential in await store.list_credentials(f"nodes/{node.node_id}"):
            is_taken_back = credential.revoke_time is not None and credential.revoke_time <= now
            if credential.kind is CredentialKind.CERTIFICATE and credential.expire_time and not is_taken_back:
                ends[node.node_id] = max(credential.expire_time, ends.get(node.node_id, credential.expire_time))
    return ends


def _broker(content: bytes) -> tuple[str, bool] | None:
    """Address of the broker in a serialized configuration, and whether MQTT is plain."""
    try:
        telemetry = decoded(content).telemetry
    except InvalidArgumentError:  # none yet, or of a version that knows more
        return None
    if not telemetry.broker_host:
        return None
    return f"{telemetry.broker_host}:{telemetry.port}", telemetry.broker_plaintext


def _as_mapping(facts: HopFacts) -> dict[str, object]:
    return {
        "time": facts.now.isoformat(),
        "hops": [asdict(hop) for hop in hops(facts)],
        "warnings": list(warnings(facts)),
        "certificates": [
            asdict(each) | {"begin_time": each.begin_time.isoformat(), "expire_time": each.expire_time.isoformat()}
            for each in facts.certificates
        ],
        "secrets": [{"path": each.path, "mode": f"{each.mode:04o}"} for each in facts.secrets],
        "nodes_by_presence": dict(facts.nodes.presence_counts),
    }
