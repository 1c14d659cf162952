"""What the manager signs of releases: made when a node asks and half of its life is over.

Usage: `trust = ReleaseTrust(store, made_key(path, write=write_whole), ...)`, `await trust.metadata(question)`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from securesystemslib.signer import Signer

from wayside.errors import FailedPreconditionError
from wayside_manager.core.release_trust.files import Repository, Trust, TrustRole, no_roots
from wayside_manager.core.release_trust.online import OnlineSigning
from wayside_manager.ports.release_trust import NodeMetadata, NodeQuestion, ReleaseTrustStore
from wayside_manager.services.authorities import WholeWriter
from wayside_manager.services.trust_keys import file_content, new_key_pem, public_pem, signer_of_pem


class ReleaseTrust:
    """Satisfies `ports.ReleaseSigner`."""

    def __init__(
        self, store: ReleaseTrustStore, signer: Signer, *, now: Callable[[], datetime], life: timedelta
    ) -> None:
        self._store = store
        self._now = now
        self._signing = OnlineSigning(signer, life=life)
        self.key_id = signer.public_key.keyid
        self.public_key_pem = public_pem(signer.public_key)

    async def metadata(self, question: NodeQuestion) -> NodeMetadata:
        """See ReleaseSigner."""
        found = await self._store.get_metadata(question)
        _check_complete(found.situation.trust)
        if self._signing.is_due(found.situation, now=self._now()):
            found = await self._store.renew_metadata(
                question, lambda situation: self._signing.renewed(situation, now=self._now())
            )
        return found


def made_key(path: Path, *, write: WholeWriter) -> Signer:
    """The manager's key; one is made where there is none.

    Raises: InvalidArgumentError: it cannot be read or written.
    """
    if not path.exists():
        write(path, new_key_pem(), is_secret=True)
    return signer_of_pem(file_content(path), what=str(path))


def _check_complete(trust: Trust) -> None:
    if any(trust.newest(repository, TrustRole.ROOT) is None for repository in Repository):
        raise no_roots()
    if trust.newest(Repository.IMAGE, TrustRole.TARGETS) is None:
        raise FailedPreconditionError(
            "no release was published since there are roots of trust; publish one first", reason="NO_TARGETS"
        )
