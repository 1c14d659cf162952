"""What the manager sends a unit to judge releases by: both repositories, signed in memory by the manager's own code.

sent = Signing(targets).sent(target, now_s)      # as `link.manager.ManagerLink.metadata` returns it
"""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from wayside_agent.core.update import ReleaseTarget
from wayside_agent.drivers import roots
from wayside_agent.ports.installer import Metadata as Sent
from wayside_demo.power_cut.releases import VERSIONS, release
from wayside_manager.api.release_trust_messages import metadata_message
from wayside_manager.core.nodes import ReleaseAssignment
from wayside_manager.core.release_trust.files import Repository, Trust, TrustRole, trust_file
from wayside_manager.core.release_trust.online import Direction, OnlineSigning, Situation
from wayside_manager.core.release_trust.roots import RootPlan, drafted_root
from wayside_manager.core.release_trust.targets import drafted_targets, release_target
from wayside_manager.ports.release_trust import NodeMetadata

NODE_ID = "rsu-1"
SIGNED_S = 1_794_000_000.0
"""UTC when people signed, some days before a run begins."""
YEAR, FORTNIGHT = timedelta(days=365), timedelta(days=14)


class Signing:
    """The manager's end, for one unit."""

    def __init__(self) -> None:
        self._trust = _signed_by_people()
        self._direction: Direction | None = None

    def sent(self, target: ReleaseTarget, now_s: float) -> Sent:
        """Everything the unit needs to judge what it should install."""
        ordered = ReleaseAssignment(target.version, target.sha256, target.size_bytes, target.rollout)
        before = Situation(NODE_ID, self._trust, ordered, self._direction)
        made = _online().renewed(before, now=datetime.fromtimestamp(now_s, UTC))
        self._trust = Trust({**self._trust.files, **{(each.repository, each.role): each for each in made.files}})
        self._direction = made.direction or self._direction
        now = Situation(NODE_ID, self._trust, ordered, self._direction)
        message = metadata_message(NodeMetadata(now, (), ()))
        sent = {"image": message.image, "director": message.director}
        return {name: {file.name: file.content for file in files} for name, files in sent.items()}


def pin_roots(folder: Path) -> None:
    """As enrolment does."""
    first = [_signed_by_people().files[repository, TrustRole.ROOT].content for repository in Repository]
    roots.pin(folder, *first)


@cache
def _key(whose: str) -> CryptoSigner:
    """Always the same of one name: runs must be repeatable."""
    return CryptoSigner(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(whose.encode()).digest()))


@cache
def _online() -> OnlineSigning:
    return OnlineSigning(_key("manager"), life=FORTNIGHT)


@cache
def _signed_by_people() -> Trust:
    """The roots, and every release there is."""
    people, now = (_key("li"), _key("wang")), datetime.fromtimestamp(SIGNED_S, UTC)
    keys = tuple(each.public_key for each in people)
    plan = RootPlan(people=keys, signers=keys, manager=(_key("manager").public_key,))
    drafts = {each: drafted_root(each, plan, version=1, expire_time=now + YEAR) for each in Repository}
    signed = [release(version) for version in VERSIONS]
    targets = [
        release_target(each.manifest, each.manifest_sha256, sha256=each.sha256, size_bytes=len(each.content))
        for each in signed
    ]
    of_images = drafted_targets(None, {each.path: each for each in targets}, is_signed=False, expire_time=now + YEAR)
    for signer in people:
        for draft in drafts.values():
            draft.sign(signer, append=True)
        of_images.sign(signer, append=True)
    files = [trust_file(repository, root) for repository, root in drafts.items()]
    files.append(trust_file(Repository.IMAGE, of_images))
    return Trust({(each.repository, each.role): each for each in files})
