"""What the store tests share: a clock, a store per engine, and short ways to make nodes, reports and rollouts."""

import hashlib
import itertools
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wayside_manager.core.configs import ConfigLayerRecord, ConfigMapping
from wayside_manager.core.credentials import CredentialKind, CredentialRecord
from wayside_manager.core.enrollment import EnrollmentRequest, TokenRecord
from wayside_manager.core.nodes import Label, NodeChange, NodeKind, NodeRecord, UpdatePhase
from wayside_manager.core.releases import ReleaseRecord
from wayside_manager.core.reports import (
    ConfigFacts,
    ConfigOutcome,
    HealthFacts,
    Report,
    ReportBatch,
    UpdateFacts,
)
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.core.sites import SiteRecord
from wayside_manager.ports.store import Store
from wayside_manager.store.sql import open_store

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
EVERY_NODE = NodeSelector(all_nodes=True)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    """A store over an existing database."""
    async with open_store(url) as store:
        yield store


def after(seconds: float) -> datetime:
    """A time after the start."""
    return START + timedelta(seconds=seconds)


def token(name: str = "open sesame", *, uses: int = 1, node_id: str = "", kind: NodeKind | None = None) -> TokenRecord:
    """A token that lasts an hour."""
    return TokenRecord(sha256_of(name), START, after(3600), uses, node_id, kind)


def sha256_of(text: str) -> str:
    """SHA-256 of a text, lower-case hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def certificate(node_id: str, *, name: str = "", key: str = "", at_s: float = 0.0, **fields: Any) -> CredentialRecord:  # noqa: ANN401  # fields of the record
    """A certificate of a node that lasts 30 days; `name` makes it another one, `key` for another key."""
    return CredentialRecord(
        sha256=sha256_of(f"certificate of {name or node_id}"),
        holder=f"nodes/{node_id}",
        kind=CredentialKind.CERTIFICATE,
        create_time=after(at_s),
        expire_time=after(at_s) + timedelta(days=30),
        key_sha256=sha256_of(f"key of {key or name or node_id}"),
        **{"issuer_sha256": sha256_of("authority")} | fields,
    )


def asked(
    node_id: str,
    *,
    esn: str = "",
    kind: NodeKind = NodeKind.RSU,
    key: str = "",
    **fields: Any,  # noqa: ANN401  # fields of the record
) -> EnrollmentRequest:
    """A unit's request; its ESN and key follow from the wanted id, each certificate is another one."""
    made = itertools.count()

    def issue(of_node_id: str) -> CredentialRecord:
        name = f"{key or node_id}, {next(made)}, {secrets.token_hex(4)}"
        return certificate(of_node_id, name=name, key=key or node_id)

    return EnrollmentRequest(
        token_sha256=fields.pop("token_sha256", ""),
        node_id=node_id,
        esn=esn or f"ESN-{node_id}",
        kind=kind,
        key_sha256=sha256_of(f"key of {key or node_id}"),
        issue=issue,
        **fields,
    )


async def enrolled(
    store: Store,
    node_id: str,
    *,
    kind: NodeKind = NodeKind.RSU,
    labels: dict[str, str] | None = None,
    **given: Any,  # noqa: ANN401  # fields of a token
) -> NodeRecord:
    """A new node whose ESN and key follow from its id."""
    vouching = replace(token(f"token of {node_id}"), **given)
    await store.add_token(vouching)
    answer = await store.enroll(asked(node_id, kind=kind, token_sha256=vouching.sha256), now=START)
    node = answer.node
    assert node is not None
    if labels:
        change = NodeChange(labels=tuple(Label(key, value) for key, value in sorted(labels.items())))
        node = await store.update_node(node_id, change, now=START)
    return node


async def sited(store: Store, *site_ids: str, tenant_id: str = "root", **fields: Any) -> None:  # noqa: ANN401  # of the record
    """Sites with these ids."""
    for site_id in site_ids:
        site = SiteRecord(site_id=site_id, tenant_id=tenant_id, create_time=START, update_time=START, **fields)
        await store.apply_site(site, now=START)


def health(
    sequence: int,
    *,
    release: str = "",
    revision: int = 0,
    period_s: float = 30.0,
    version: str = "1.0.0",
    model: str = "",
    config_sha256: str = "",
) -> Report:
    """A health report whose body says its sequence."""
    facts = HealthFacts(release, version, revision, period_s, model, config_sha256)
    return Report(sequence, START, 3, f"health {sequence}".encode(), facts)


def word(
    sequence: int, trial: str, outcome: ConfigOutcome, *, revision: int = 0, running: bytes = b"{}", message: str = ""
) -> Report:
    """A config report; `running` is the configuration that runs, canonical JSON."""
    sha256 = hashlib.sha256(running).hexdigest()
    facts = ConfigFacts(revision, revision, outcome, trial, message, sha256, running)
    return Report(sequence, START, 3, f"config {outcome}".encode(), facts)


def update(
    sequence: int,
    rollout_id: str,
    phase: UpdatePhase,
    *,
    release: str,
    running: str = "",
    reason: str = "",
    attempt: int = 0,
) -> Report:
    """An update report."""
    facts = UpdateFacts(release, rollout_id, phase, running, running, reason, attempt)
    return Report(sequence, START, 3, f"update {phase}".encode(), facts)


def batch(node_id: str, *reports: Report, spool_id: str = "spool-a", at_s: float = 0.0) -> ReportBatch:
    """Reports of one node."""
    return ReportBatch(node_id, spool_id, reports, after(at_s))


def layer(
    layer_id: str, config: ConfigMapping, *, selector: NodeSelector = EVERY_NODE, priority: int = 0
) -> ConfigLayerRecord:
    """A layer for every node."""
    return ConfigLayerRecord(layer_id, selector, priority, config, START, START)


def release(version: str, *, at_s: float = 0.0) -> ReleaseRecord:
    """A release of ten bytes."""
    return ReleaseRecord(version, sha256_of(version), 10, "", after(at_s))


@dataclass
class Clock:
    """A time that tests move."""

    time: datetime = START

    def __call__(self) -> datetime:
        return self.time
