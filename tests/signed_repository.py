"""Both TUF repositories of a fleet, small: made with python-tuf, held in memory, broken at will.

signed = SignedRepositories(now)
signed.publish(archive("1.1.0"), "1.1.0")
signed.direct("nodes/u1", "1.1.0")
signed.stage(folder)                    # as the manager's FetchTrust sends them
"""

import hashlib
import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Signed, Snapshot, TargetFile, Targets, Timestamp

from wayside.release_reading import ReleaseReading

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LONG, SHORT = timedelta(days=365), timedelta(days=14)
OFFLINE = 2
"""Keys of the people, and how many must sign."""


class Repository:
    """One repository: every version of every role that was ever signed."""

    def __init__(self, now: datetime, *, offline_roles: tuple[str, ...]) -> None:
        self.now = now
        self.people = [CryptoSigner.generate_ed25519() for _ in range(OFFLINE)]
        self.online = CryptoSigner.generate_ed25519()
        self.offline_roles = offline_roles
        self.files: dict[str, bytes] = {}
        """What a manager would send, by name."""
        self.root = Root(version=1, expires=now + LONG, consistent_snapshot=True)
        self.targets = Targets(version=1, expires=now + LONG)
        self.snapshot = Snapshot(version=1, expires=now + SHORT)
        self.timestamp = Timestamp(version=1, expires=now + SHORT)
        self.appoint()
        self.sign_root()
        self.sign_others()

    def appoint(self) -> None:
        for role in ("root", "targets", "snapshot", "timestamp"):
            is_offline = role in self.offline_roles
            self.root.roles[role].threshold = OFFLINE if is_offline else 1
            for signer in self.people if is_offline else [self.online]:
                self.root.add_key(signer.public_key, role)

    def signed(self, content: Signed, signers: list[CryptoSigner]) -> bytes:
        metadata = Metadata(content)  # type: ignore[type-var]  # each of the four
        for signer in signers:
            metadata.sign(signer, append=True)
        return metadata.to_bytes()

    def sign_root(self, more: list[CryptoSigner] | None = None) -> None:
        name = f"{self.root.version}.root.json"
        self.files[name] = self.signed(self.root, [*self.people, *(more or [])])

    def sign_others(self) -> None:
        """Signs targets, snapshot and timestamp as they stand."""
        signers = self.people if "targets" in self.offline_roles else [self.online]
        self.files[f"{self.targets.version}.targets.json"] = self.signed(self.targets, signers)
        self.snapshot.meta["targets.json"] = MetaFile(self.targets.version)
        content = self.signed(self.snapshot, [self.online])
        self.files[f"{self.snapshot.version}.snapshot.json"] = content
        self.timestamp.snapshot_meta = MetaFile(
            self.snapshot.version, len(content), {"sha256": hashlib.sha256(content).hexdigest()}
        )
        self.files["timestamp.json"] = self.signed(self.timestamp, [self.online])

    def renew(self) -> None:
        """The next version of everything but the root."""
        for each in (self.targets, self.snapshot, self.timestamp):
            each.version += 1
        self.sign_others()

    def rotate(self, *, keep: int = 0) -> None:
        """The next root: new people, but for the first `keep`; signed by the old and the new ones."""
        old = self.people
        self.people = [*old[:keep], *(CryptoSigner.generate_ed25519() for _ in range(OFFLINE - keep))]
        for role in self.offline_roles:
            for signer in old:
                self.root.revoke_key(signer.public_key.keyid, role)
            for signer in self.people:
                self.root.add_key(signer.public_key, role)
        self.root.version += 1
        self.sign_root([signer for signer in old if signer not in self.people])
        self.renew()

    @property
    def newest(self) -> dict[str, bytes]:
        """What is sent: all roots, and of the others the newest."""
        names = [f"{number}.root.json" for number in range(1, self.root.version + 1)]
        names += [f"{self.targets.version}.targets.json", f"{self.snapshot.version}.snapshot.json", "timestamp.json"]
        return {name: self.files[name] for name in names}


class SignedRepositories:
    """The image repository and the director's for one node."""

    def __init__(self, now: datetime = NOW) -> None:
        self.image = Repository(now, offline_roles=("root", "targets"))
        self.director = Repository(now, offline_roles=("root",))

    def publish(self, content: bytes, version: str, /, **custom: Any) -> None:  # noqa: ANN401  # any field
        """Signs an artifact; `custom` overrides what its manifest says."""
        self.image.targets.targets[f"{version}.tar.gz"] = target_of(content, version, custom_of(content) | custom)
        self.image.renew()

    def direct(self, node: str, version: str, content: bytes | None = None) -> None:
        """Tells a node to install what was published, or other bytes under its name."""
        path = f"{version}.tar.gz"
        known = self.image.targets.targets.get(path)
        target = target_of(content, version, {}) if content is not None or known is None else known
        self.director.targets.targets = {path: TargetFile(target.length, dict(target.hashes), path)}
        self.director.targets.unrecognized_fields["node"] = node
        self.director.renew()

    def pin(self, folder: Path) -> None:
        """Puts the first roots where a unit pins them."""
        for name, repository in (("image", self.image), ("director", self.director)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / "root.json").write_bytes(repository.files["1.root.json"])

    def sent(self) -> dict[str, dict[str, bytes]]:
        """Every file by repository and name."""
        return {"image": self.image.newest, "director": self.director.newest}

    def stage(self, folder: Path, change: Callable[[str, bytes], bytes | None] = lambda _, content: content) -> None:
        """Writes what is sent; `change` makes other bytes of a file, or leaves it out."""
        for repository, files in self.sent().items():
            (folder / repository).mkdir(parents=True, exist_ok=True)
            for old in (folder / repository).iterdir():
                old.unlink()
            for name, content in files.items():
                changed = change(f"{repository}/{name}", content)
                if changed is not None:
                    (folder / repository / name).write_bytes(changed)


def custom_of(content: bytes) -> dict[str, Any]:
    """What people sign of a release, from its manifest; empty: it is no release."""
    reading = ReleaseReading(io.BytesIO(content))
    try:
        for _ in reading.entries():
            pass
    except Exception:  # noqa: BLE001  # hostile releases are signed too
        return {}
    manifest = reading.manifest
    fields = ("version", "counter", "tree_sha256", "requires", "downgrade_from_counter", "return_to_counter")
    said: Mapping[str, Any] = {name: getattr(manifest, name) for name in fields}
    return {
        **said,
        "requires": list(manifest.requires),
        "hardware_ids": list(manifest.hardware_ids),
        "manifest_sha256": hashlib.sha256(reading.manifest_bytes).hexdigest(),
    }


def target_of(content: bytes | None, version: str, custom: Mapping[str, Any]) -> TargetFile:
    """What a repository says of some bytes."""
    content = content or b""
    unrecognized = {"custom": dict(custom)} if custom else {}
    return TargetFile(len(content), {"sha256": hashlib.sha256(content).hexdigest()}, f"{version}.tar.gz", unrecognized)
