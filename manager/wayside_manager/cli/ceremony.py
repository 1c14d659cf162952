"""The folder in which people sign: roots of both repositories, and the targets of what exists.

    image/1.root.json  image/2.root.json  …  image/targets.json
    director/1.root.json  …

It goes from one person to the next, on whatever they trust; nothing secret is in it. A file that too few have signed is
a draft: what changes it begins it anew, under the same version.
Usage: `ceremony = Ceremony(Path("trust"))`, `ceremony.begin(plan, now=now)`, `ceremony.sign([signer])`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from securesystemslib.signer import Key, Signer
from tuf.api.metadata import Metadata, Root, TargetFile, Targets

from wayside.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from wayside_manager.core.release_trust.files import (
    ROOT_MAX_BYTES,
    TARGETS_MAX_BYTES,
    Repository,
    TrustRole,
    is_signed_by,
    read,
    written,
)
from wayside_manager.core.release_trust.roots import RootPlan, drafted_root, keys_of, plan_of
from wayside_manager.core.release_trust.targets import WHAT, drafted_targets
from wayside_manager.settings import write_whole

ROOT_LIFE = timedelta(days=365)
TARGETS_LIFE = timedelta(days=365)
T = TypeVar("T", Root, Targets)


def utc_now() -> datetime:
    """The clock of whoever signs."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one file stands."""

    what: str
    """`image root`, `director root` or `image targets`."""
    path: Path
    version: int
    expire_time: datetime
    signed: tuple[Key, ...]
    """Who has signed, of those who may."""
    unsigned: tuple[Key, ...]
    """Who may sign and has not."""
    is_complete: bool
    """Enough have signed."""


class Ceremony:
    """One folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, plan: RootPlan, *, now: datetime, life: timedelta = ROOT_LIFE) -> None:
        """Drafts the first roots.

        Raises: FailedPreconditionError: there are some; InvalidArgumentError: nobody could sign them.
        """
        if any(self._versions(repository) for repository in Repository):
            raise FailedPreconditionError(
                f"{self._folder}: there are roots; make the next ones with 'wayside releases keys rotate'"
            )
        roots = {each: drafted_root(each, plan, version=1, expire_time=now + life) for each in Repository}
        for repository, root in roots.items():
            self._write(self._root_path(repository, 1), root)

    def succeed(self, plan: RootPlan, *, now: datetime, life: timedelta = ROOT_LIFE) -> None:
        """Drafts the roots that follow; targets that no longer hold by them are drafted anew, too.

        Raises: NotFoundError: there are none; InvalidArgumentError: nobody could sign them.
        """
        held = self._is_held()
        drafts = {}
        for repository in Repository:
            version = self.newest(repository).signed.version + int(self._is_complete_root(repository))
            drafts[repository] = drafted_root(repository, plan, version=version, expire_time=now + life)
        for repository, root in drafts.items():
            self._write(self._root_path(repository, root.signed.version), root)
        if held and not self._is_held():
            self._draft_targets(self.targets().signed.targets, is_signed=True, now=now)

    def plan(self) -> RootPlan:
        """Who may sign by the newest roots.

        Raises: NotFoundError: there are none.
        """
        return plan_of(self.newest(Repository.IMAGE).signed, self.newest(Repository.DIRECTOR).signed)

    def put_targets(self, added: Iterable[TargetFile], *, removed: Iterable[str] = (), now: datetime) -> bool:
        """Drafts targets with some more and some fewer; whether that changes anything. Without either, it renews them.

        Raises: NotFoundError: there are no roots, or nothing of a name to remove.
        """
        added, removed = tuple(added), tuple(removed)
        targets = dict(self.targets().signed.targets) if self._targets_path.exists() else {}
        before = dict(targets)
        for path in removed:
            if targets.pop(path, None) is None:
                raise NotFoundError(f"{self._targets_path}: {path} is not in it; name a release that is")
        targets.update({target.path: target for target in added})
        if targets == before and (added or removed) and self._targets_path.exists():
            return False
        self._draft_targets(targets, is_signed=self._is_held(), now=now)
        return True

    def sign(self, signers: Sequence[Signer]) -> tuple[tuple[str, Signer], ...]:
        """Signs every newest file with every key that may sign it and has not; what was signed with which.

        Raises: InvalidArgumentError: a key may sign nothing here; and what the signers raise.
        """
        done: list[tuple[str, Signer]] = []
        for signer in signers:
            key_id = signer.public_key.keyid
            standings = self.standings()
            if not any(key_id in {key.keyid for key in (*each.signed, *each.unsigned)} for each in standings):
                raise InvalidArgumentError(f"key {key_id[:16]}: no file in {self._folder} names it; name it in a root")
            for standing in standings:
                if key_id in {key.keyid for key in standing.unsigned}:
                    self._add_signature(standing, signer)
                    done.append((standing.what, signer))
        return tuple(done)

    def standings(self) -> tuple[Standing, ...]:
        """Where the newest files stand.

        Raises: NotFoundError: there are none; InvalidArgumentError: one is damaged.
        """
        found = [self._root_standing(repository) for repository in Repository]
        if self._targets_path.exists():
            root, targets = self.newest(Repository.IMAGE).signed, self.targets()
            is_complete = is_signed_by(root, TrustRole.TARGETS, targets)
            keys = {key.keyid: key for key in keys_of(root, TrustRole.TARGETS)}
            found.append(_standing(WHAT, self._targets_path, targets, keys, is_complete=is_complete))
        return tuple(found)

    def roots(self, repository: Repository) -> tuple[bytes, ...]:
        """Every root, in order."""
        return tuple(self._root_path(repository, version).read_bytes() for version in self._versions(repository))

    def newest(self, repository: Repository) -> Metadata[Root]:
        """The newest root.

        Raises: NotFoundError: there is none.
        """
        versions = self._versions(repository)
        if not versions:
            raise NotFoundError(
                f"{self._folder}: there is no root in it; make one with 'wayside releases keys init', or name another"
            )
        return self._root(repository, versions[-1])

    def targets(self) -> Metadata[Targets]:
        """What exists.

        Raises: NotFoundError: nothing was signed yet.
        """
        return read(self.targets_content(), Targets, what=str(self._targets_path), max_bytes=TARGETS_MAX_BYTES)

    def targets_content(self) -> bytes:
        """The bytes of the targets.

        Raises: NotFoundError: nothing was signed yet.
        """
        try:
            return self._targets_path.read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError(
                f"{self._targets_path} is not there; sign a release first with 'wayside releases sign'"
            ) from error

    def keep(self, *, roots: Mapping[Repository, bytes], targets: bytes) -> None:
        """Writes files as a manager has them, for a folder that was lost.

        Raises: InvalidArgumentError: one is none.
        """
        for repository, content in roots.items():
            root = read(content, Root, what=f"{repository} root", max_bytes=ROOT_MAX_BYTES)
            write_whole(self._root_path(repository, root.signed.version), content.decode())
        if targets:
            read(targets, Targets, what=WHAT, max_bytes=TARGETS_MAX_BYTES)
            write_whole(self._targets_path, targets.decode())

    @property
    def _targets_path(self) -> Path:
        return self._folder / Repository.IMAGE / "targets.json"

    def _root_path(self, repository: Repository, version: int) -> Path:
        return self._folder / repository / f"{version}.root.json"

    def _versions(self, repository: Repository) -> list[int]:
        names = (path.name.removesuffix(".root.json") for path in (self._folder / repository).glob("*.root.json"))
        return sorted(int(name) for name in names if name.isdecimal() and len(name) < 10)  # noqa: PLR2004  # no version

    def _root(self, repository: Repository, version: int) -> Metadata[Root]:
        path = self._root_path(repository, version)
        return read(path.read_bytes(), Root, what=str(path), max_bytes=ROOT_MAX_BYTES)

    def _before(self, repository: Repository) -> Root | None:
        versions = self._versions(repository)
        return self._root(repository, versions[-2]).signed if len(versions) > 1 else None

    def _is_complete_root(self, repository: Repository) -> bool:
        root, before = self.newest(repository), self._before(repository)
        return all(is_signed_by(each, TrustRole.ROOT, root) for each in (root.signed, before) if each is not None)

    def _is_held(self) -> bool:
        """Whether enough have signed the targets by the newest root."""
        if not self._targets_path.exists():
            return False
        return is_signed_by(self.newest(Repository.IMAGE).signed, TrustRole.TARGETS, self.targets())

    def _root_standing(self, repository: Repository) -> Standing:
        root, before = self.newest(repository), self._before(repository)
        may = (*keys_of(root.signed, TrustRole.ROOT), *(keys_of(before, TrustRole.ROOT) if before else ()))
        path = self._root_path(repository, root.signed.version)
        is_complete = self._is_complete_root(repository)
        return _standing(f"{repository} root", path, root, {key.keyid: key for key in may}, is_complete=is_complete)

    def _draft_targets(self, targets: Mapping[str, TargetFile], *, is_signed: bool, now: datetime) -> None:
        current, end = self.targets() if self._targets_path.exists() else None, now + TARGETS_LIFE
        self._write(self._targets_path, drafted_targets(current, targets, is_signed=is_signed, expire_time=end))

    def _add_signature(self, standing: Standing, signer: Signer) -> None:
        if standing.what == WHAT:
            targets = self.targets()
            targets.sign(signer, append=True)
            self._write(standing.path, targets)
            return
        root = self._root(Repository(standing.path.parent.name), standing.version)
        root.sign(signer, append=True)
        self._write(standing.path, root)

    def _write(self, path: Path, metadata: Metadata[T]) -> None:
        write_whole(path, written(metadata).decode())


def _standing(what: str, path: Path, metadata: Metadata[T], may: Mapping[str, Key], *, is_complete: bool) -> Standing:
    signed = metadata.signed
    return Standing(
        what=what,
        path=path,
        version=signed.version,
        expire_time=signed.expires,
        signed=tuple(key for key_id, key in may.items() if key_id in metadata.signatures),
        unsigned=tuple(key for key_id, key in may.items() if key_id not in metadata.signatures),
        is_complete=is_complete,
    )
