"""The people of the demo who sign releases: two, with keys the manager does not hold.

Usage: `people = People(work_dir / "people", data_folder)`, `people.sign(artifact)`; their folder is `people.trust`.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from wayside.release_reading import checked
from wayside_manager.cli.ceremony import Ceremony
from wayside_manager.core.release_trust.roots import RootPlan
from wayside_manager.core.release_trust.targets import release_target
from wayside_manager.services.release_trust import made_key
from wayside_manager.services.trust_keys import new_key_pem, signer_of_pem
from wayside_manager.settings import DataFolder, write_whole

NAMES = ("li", "wang")


class People:
    """Both sign whatever they are given, as `wayside releases sign` does."""

    def __init__(self, folder: Path, manager: DataFolder) -> None:
        """Makes their keys, and the first roots with them and the manager's key."""
        self.trust = folder / "trust"
        self._signers = []
        for name in NAMES:
            pem = new_key_pem()
            write_whole(folder / f"{name}.key", pem, is_secret=True)
            self._signers.append(signer_of_pem(pem.encode(), what=name))
        keys = tuple(signer.public_key for signer in self._signers)
        online = made_key(manager.release_key, write=write_whole).public_key
        self._ceremony = Ceremony(self.trust)
        self._ceremony.begin(RootPlan(people=keys, signers=keys, manager=(online,)), now=datetime.now(UTC))
        self._ceremony.sign(self._signers)

    def sign(self, artifact: Path) -> None:
        """Signs an artifact beside those before."""
        with artifact.open("rb") as file:
            digest, size_bytes = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
            reading = checked(file)
        manifest_sha256 = hashlib.sha256(reading.manifest_bytes).hexdigest()
        target = release_target(reading.manifest, manifest_sha256, sha256=digest, size_bytes=size_bytes)
        self._ceremony.put_targets([target], now=datetime.now(UTC))
        self._ceremony.sign(self._signers)
