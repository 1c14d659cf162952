"""The unit's TUF client by its command line, against a repository on loopback; the public suite does the same."""

import functools
import hashlib
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import DelegatedRole, Delegations, MetaFile, TargetFile, Targets

from tests.signed_repository import Repository

CLIENT = Path(__file__).with_name("tuf_client.py")
NOW = datetime.now(UTC).replace(microsecond=0)
CONTENT = b"a release"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


class Client:
    """One client and the repository it listens to."""

    def __init__(self, root: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.served = root / "served"
        self.metadata, self.targets = root / "metadata", root / "targets"
        for folder in (self.served / "metadata", self.served / "targets", self.metadata, self.targets):
            folder.mkdir(parents=True)
        self.repository = Repository(NOW, offline_roles=("root", "targets"))
        self.publish()
        (root / "root.json").write_bytes(self.repository.files["1.root.json"])
        assert self.run("init", str(root / "root.json")) == 0

    def publish(self) -> None:
        for name, content in self.repository.newest.items():
            (self.served / "metadata" / name).write_bytes(content)

    def add(self, name: str, *, length: int = len(CONTENT), sha256: str = SHA256) -> TargetFile:
        """Serves a target and says what may be signed of it."""
        folder, _, base = name.rpartition("/")
        path = self.served / "targets" / folder / f"{sha256}.{base}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENT)
        return TargetFile(length, {"sha256": sha256}, name)

    def run(self, *command: str, names: tuple[str, ...] = ()) -> int:
        line = [sys.executable, str(CLIENT), "--metadata-dir", str(self.metadata)]
        line += ["--metadata-url", f"{self.url}/metadata", "--target-base-url", f"{self.url}/targets"]
        line += ["--target-dir", str(self.targets)]
        line += [word for name in names for word in ("--target-name", name)]
        ended = subprocess.run([*line, *command], capture_output=True, text=True, timeout=60, check=False)
        assert "Traceback" not in ended.stderr, ended.stderr
        return ended.returncode

    def refresh(self) -> int:
        return self.run("refresh")

    def download(self, *names: str) -> int:
        return self.run("download", names=names)

    def version(self, role: str) -> int:
        """Of what is trusted now."""
        import json

        return int(json.loads((self.metadata / f"{role}.json").read_bytes())["signed"]["version"])


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    (tmp_path / "served").mkdir()
    handler = functools.partial(_Quiet, directory=str(tmp_path / "served"))
    (tmp_path / "served").rmdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield Client(tmp_path, server.server_address[1])
        finally:
            server.shutdown()
            serving.join()


def test_metadata_is_trusted_and_kept(client: Client) -> None:
    assert client.refresh() == 0
    assert [client.version(role) for role in ("root", "timestamp", "snapshot", "targets")] == [1, 1, 1, 1]


def test_roots_are_followed_one_by_one(client: Client) -> None:
    client.repository.rotate()
    client.repository.rotate(keep=1)
    client.publish()
    assert client.refresh() == 0
    assert client.version("root") == 3


def test_a_root_that_is_missing_in_the_chain_is_the_end_of_it(client: Client) -> None:
    client.repository.rotate()
    client.repository.rotate()
    client.publish()
    (client.served / "metadata" / "2.root.json").unlink()
    client.refresh()
    assert client.version("root") == 1


def test_a_root_of_strangers_changes_nothing(client: Client) -> None:
    repository = client.repository
    repository.rotate()
    repository.files["2.root.json"] = repository.signed(repository.root, list(repository.people))
    client.publish()
    assert client.refresh() == 1
    assert client.version("root") == 1


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_a_rollback_is_refused(client: Client, role: str) -> None:
    repository = client.repository
    repository.renew()
    client.publish()
    assert client.refresh() == 0
    if role == "timestamp":
        repository.timestamp.version -= 1
    elif role == "snapshot":
        repository.snapshot.version -= 1
        repository.timestamp.version += 1
    else:
        repository.targets.version -= 1
        repository.snapshot.version += 1
        repository.timestamp.version += 1
    repository.sign_others()
    client.publish()
    assert client.refresh() == 1
    assert client.version(role) == 2


@pytest.mark.parametrize("role", ["root", "timestamp", "snapshot", "targets"])
def test_a_freeze_is_refused_once_it_has_lasted(client: Client, role: str) -> None:
    repository = client.repository
    getattr(repository, role).expires = NOW - timedelta(days=1)
    repository.root.version += 1
    repository.sign_root()
    repository.renew()
    client.publish()
    assert client.refresh() == 1


def test_files_of_different_days_are_refused(client: Client) -> None:
    repository = client.repository
    repository.snapshot.expires += timedelta(days=1)
    other = repository.signed(repository.snapshot, [repository.online])
    (client.served / "metadata" / "1.snapshot.json").write_bytes(other)
    assert client.refresh() == 1


def test_a_target_is_fetched_and_then_taken_from_the_disk(client: Client) -> None:
    client.repository.targets.targets["a/b.bin"] = client.add("a/b.bin")
    client.repository.renew()
    client.publish()
    assert client.download("a/b.bin") == 0
    assert (client.targets / quote("a/b.bin", "")).read_bytes() == CONTENT
    for path in (client.served / "targets").rglob("*.b.bin"):
        path.unlink()
    assert client.download("a/b.bin") == 0


@pytest.mark.parametrize(
    ("length", "sha256"), [(3, SHA256), (99, SHA256), (len(CONTENT), "0" * 64)], ids=["more", "less", "hash"]
)
def test_other_bytes_than_signed_are_not_kept(client: Client, length: int, sha256: str) -> None:
    client.repository.targets.targets["b.bin"] = client.add("b.bin", length=length, sha256=sha256)
    client.repository.renew()
    client.publish()
    assert client.download("b.bin") == 1
    assert list(client.targets.iterdir()) == []


def test_a_target_that_nobody_signed_is_not_found(client: Client) -> None:
    client.add("b.bin")
    assert client.download("b.bin") == 1


class Delegated:
    """A role below the targets, or below another one."""

    def __init__(self, client: Client, name: str, paths: list[str], parent: "Delegated | None" = None) -> None:
        self.client, self.name = client, name
        self.key = CryptoSigner.generate_ed25519()
        self.content = Targets(version=1, expires=NOW + timedelta(days=30))
        self.delegate((parent.content if parent else client.repository.targets), paths)

    def delegate(self, parent: Targets, paths: list[str], key: CryptoSigner | None = None) -> None:
        signer = key or self.key
        if parent.delegations is None:
            parent.delegations = Delegations(keys={}, roles={})
        assert parent.delegations.roles is not None
        parent.delegations.roles[self.name] = DelegatedRole(self.name, [], 1, terminating=False, paths=paths)
        parent.add_key(signer.public_key, self.name)

    def sign(self) -> None:
        repository = self.client.repository
        name = f"{self.content.version}.{quote(self.name, '')}.json"
        content = repository.signed(self.content, [self.key])
        (self.client.served / "metadata" / name).write_bytes(content)
        repository.snapshot.meta[f"{self.name}.json"] = MetaFile(self.content.version)


def test_a_delegated_role_signs_what_it_may_and_no_more(client: Client) -> None:
    role = Delegated(client, "radio", ["radio/*"])
    role.content.targets = {name: client.add(name) for name in ("radio/x", "agent/x")}
    role.sign()
    client.repository.renew()
    client.publish()
    assert client.download("radio/x") == 0
    assert client.download("agent/x") == 1


def test_a_delegated_role_is_kept_and_not_asked_for_again(client: Client) -> None:
    role = Delegated(client, "radio", ["radio/*"])
    role.content.targets = {"radio/x": client.add("radio/x")}
    role.sign()
    client.repository.renew()
    client.publish()
    assert client.download("radio/x") == 0
    (client.served / "metadata" / "1.radio.json").unlink()
    assert client.download("radio/x") == 0


def test_a_kept_role_is_not_trusted_under_new_keys(client: Client) -> None:
    role = Delegated(client, "radio", ["radio/*"])
    role.content.targets = {"radio/x": client.add("radio/x")}
    role.sign()
    client.repository.renew()
    client.publish()
    assert client.download("radio/x") == 0
    role.delegate(client.repository.targets, ["radio/*"], CryptoSigner.generate_ed25519())
    client.repository.renew()
    client.publish()
    assert client.download("radio/x") == 1


def test_a_role_that_two_delegate_is_verified_for_each_of_them(client: Client) -> None:
    left, right = Delegated(client, "left", ["left/*"]), Delegated(client, "right", ["right/*"])
    shared = Delegated(client, "shared", ["left/*"], left)
    shared.delegate(right.content, ["right/*"], CryptoSigner.generate_ed25519())
    shared.content.targets = {name: client.add(name) for name in ("left/x", "right/x")}
    for role in (left, right, shared):
        role.sign()
    client.repository.renew()
    client.publish()
    assert client.download("left/x") == 0
    assert client.download("left/x", "right/x") == 1
    assert client.download("right/x") == 1
