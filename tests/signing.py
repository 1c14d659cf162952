"""People who sign releases in tests: keys made once per process, roots for a manager, targets for an upload."""

import hashlib
import io
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path

from securesystemslib.signer import CryptoSigner, Signer
from tuf.api.metadata import Key, Metadata, TargetFile, Targets

from wayside.errors import InvalidArgumentError
from wayside.release_reading import ReleaseReading
from wayside_manager.core.release_trust.files import Repository, written
from wayside_manager.core.release_trust.roots import RootPlan, drafted_root
from wayside_manager.core.release_trust.targets import release_target, target_path
from wayside_manager.core.release_trust.updating import Brought, updated_trust
from wayside_manager.services.release_trust import made_key
from wayside_manager.settings import DataFolder, Settings, release_key_file, write_whole
from wayside_manager.store.sql import open_store

LIFE = timedelta(days=3650)
"""Tests push clocks by years."""
_VERSIONS = count(1)
_SIGNED: dict[str, TargetFile] = {}
"""Everything that was signed in this process, for a unit may still have to take it."""


@cache
def people() -> tuple[CryptoSigner, CryptoSigner]:
    """Two who have to sign together."""
    return CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()


def plan(*manager: Key, signers: tuple[Signer, ...] = ()) -> RootPlan:
    """Both sign roots and releases, or others do."""
    keys = tuple(each.public_key for each in signers or people())
    return RootPlan(people=keys, signers=keys, manager=manager)


def first_root(
    repository: Repository, manager: Key, *, signers: tuple[Signer, ...] = (), expire_time: datetime | None = None
) -> bytes:
    """Version 1 of a root."""
    end = expire_time or datetime.now(UTC) + LIFE
    root = drafted_root(repository, plan(manager, signers=signers), version=1, expire_time=end)
    for signer in signers or people():
        root.sign(signer, append=True)
    return written(root)


async def give_roots(folder: DataFolder, settings: Settings = Settings()) -> None:  # noqa: B008  # frozen
    """Gives a manager that does not run its first roots."""
    manager = made_key(release_key_file(folder, settings), write=write_whole).public_key
    images, directors = ((first_root(each, manager),) for each in Repository)
    async with open_store(settings.database_url or folder.database_url) as store:
        now = datetime.now(UTC)
        await store.update_trust(
            lambda held: updated_trust(held, Brought(images, directors), manager_key_id=manager.keyid, now=now)
        )


def pin_roots(folder: Path, manager_folder: DataFolder) -> None:
    """Pins the first roots of a manager where a unit's settings name them: `image/root.json`, `director/root.json`."""
    manager = made_key(manager_folder.release_key, write=write_whole).public_key
    for repository in Repository:
        (folder / repository).mkdir(parents=True, exist_ok=True)
        (folder / repository / "root.json").write_bytes(first_root(repository, manager))


def target(archive: bytes, version: str, *, sha256: str = "", size_bytes: int = -1) -> TargetFile:
    """What people sign of an archive; of one that is no release, its hash."""
    sha256 = sha256 or hashlib.sha256(archive).hexdigest()
    size_bytes = len(archive) if size_bytes < 0 else size_bytes
    reading = ReleaseReading(io.BytesIO(archive))
    try:
        next(reading.entries(), None)
        found = release_target(
            reading.manifest,
            hashlib.sha256(reading.manifest_bytes).hexdigest(),
            sha256=sha256,
            size_bytes=size_bytes,
        )
    except InvalidArgumentError:
        return TargetFile(size_bytes, {"sha256": sha256}, target_path(version))
    return TargetFile(size_bytes, found.hashes, target_path(version), found.unrecognized_fields)


def signed_targets(*added: TargetFile) -> bytes:
    """`targets.json` with these and all that was signed before in this process."""
    _SIGNED.update({each.path: each for each in added})
    return signed_alone(*_SIGNED.values(), version=next(_VERSIONS))


def sign_in(folder: Path, *artifacts: Path) -> Path:
    """Signs artifacts in a folder, as `wayside releases publish --trust` reads it; the folder."""
    contents = [artifact.read_bytes() for artifact in artifacts]
    versions = [stated_version(content) for content in contents]
    (folder / "image").mkdir(parents=True, exist_ok=True)
    targets = signed_targets(*map(target, contents, versions))
    (folder / "image" / "targets.json").write_bytes(targets)
    return folder


def stated_version(archive: bytes) -> str:
    """The version an archive states."""
    reading = ReleaseReading(io.BytesIO(archive))
    next(reading.entries(), None)
    return reading.manifest.version


def signed_alone(
    *targets: TargetFile, version: int, signers: tuple[Signer, ...] = (), expire_time: datetime | None = None
) -> bytes:
    """`targets.json` of a version with nothing but these."""
    end = (expire_time or datetime.now(UTC) + LIFE).replace(microsecond=0)
    metadata = Metadata(Targets(version=version, expires=end, targets={each.path: each for each in targets}))
    for signer in signers or people():
        metadata.sign(signer, append=True)
    return written(metadata)
