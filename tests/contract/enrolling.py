"""What the tests of enrolment in the store share."""

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.manager_store import START, after, asked, sha256_of
from wayside_manager.core.enrollment import (
    EnrollmentRequest,
    ImportOutcome,
    Registration,
    WaitingUnit,
)
from wayside_manager.core.nodes import NodeKind, NodeRecord
from wayside_manager.ports.store import Store

OPEN_SESAME = sha256_of("open sesame")


def shown(node_id: str = "rsu-1", **fields: Any) -> EnrollmentRequest:  # noqa: ANN401  # fields of the record
    """A request that shows the token of `token()`."""
    return asked(node_id, token_sha256=fields.pop("token_sha256", OPEN_SESAME), **fields)


async def node_of(store: Store, request: EnrollmentRequest, *, at_s: float = 0.0) -> NodeRecord:
    node = (await store.enroll(request, now=after(at_s))).node
    assert node is not None
    return node


async def waiting_of(store: Store, request: EnrollmentRequest, *, at_s: float = 0.0) -> WaitingUnit:
    waiting = (await store.enroll(request, now=after(at_s), accepts_unknown_units=True)).waiting
    assert waiting is not None
    return waiting


async def refusal(store: Store, request: EnrollmentRequest, *, at_s: float = 0.0, is_open: bool = False) -> str:
    with pytest.raises(Exception, match=r".") as caught:
        await store.enroll(request, now=after(at_s), accepts_unknown_units=is_open)
    return str(getattr(caught.value, "reason", caught.value))


async def valid(store: Store, node_id: str, *, at_s: float = 0.0) -> set[str]:
    """Keys of the certificates that open something."""
    held = await store.list_credentials(f"nodes/{node_id}")
    return {each.key_sha256 for each in held if each.is_valid(after(at_s))}


def key(name: str) -> str:
    return sha256_of(f"key of {name}")


def registration(node_id: str = "rsu-1", **fields: object) -> Registration:
    made = Registration(node_id, f"ESN-{node_id}", NodeKind.RSU, key(node_id), "root")
    return replace(made, **fields)  # type: ignore[arg-type]  # each test names a field


async def imported(store: Store, *rows: Registration) -> list[str]:
    """What became of each row: the outcome or the reason."""
    results = await store.import_nodes(rows, now=START)
    return [each.value if isinstance(each, ImportOutcome) else each.reason for each in results]
