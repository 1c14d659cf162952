"""The manager's parsers of what people sign: roots that follow, and targets of what exists."""

import functools
from datetime import UTC, datetime

from tests.fuzz.engine import Target
from tests.releases import archive
from tests.signing import first_root, people, signed_alone, target
from wayside_manager.core.release_trust.files import Repository, Trust
from wayside_manager.core.release_trust.roots import following
from wayside_manager.core.release_trust.targets import checked_targets
from wayside_manager.core.release_trust.updating import Brought, updated_trust

NOW = datetime.now(UTC)
_MANAGER_ID = "ab" * 32


@functools.cache
def _roots() -> tuple[bytes, bytes]:
    key = people()[0].public_key
    manager = type(key).from_dict(_MANAGER_ID, key.to_dict() | {"keyval": {"public": "ab" * 32}})
    return first_root(Repository.IMAGE, manager), first_root(Repository.DIRECTOR, manager)


@functools.cache
def _trust() -> Trust:
    images, directors = ((root,) for root in _roots())
    files = updated_trust(Trust({}), Brought(images, directors), manager_key_id=_MANAGER_ID, now=NOW)
    return Trust({(file.repository, file.role): file for file in files})


def _followed(data: bytes) -> None:
    following(None, (data,), Repository.IMAGE, manager_key_id=_MANAGER_ID, now=NOW)


@functools.cache
def _targets() -> tuple[bytes, ...]:
    return signed_alone(target(archive("1.1.0"), "1.1.0"), version=1), signed_alone(version=2)


WORDS = (
    b'"keyids":',
    b'"threshold":1',
    b'"version":1e400',
    b'"signatures":[',
    b'"custom":{"a":1.5}',
    b'"delegations":{',
    b"[" * 50,
)
TARGETS = (
    Target("root of the image repository", _followed, lambda: _roots()[:1], words=WORDS),
    Target("targets of what exists", lambda data: checked_targets(data, _trust(), now=NOW), _targets, words=WORDS),
)
