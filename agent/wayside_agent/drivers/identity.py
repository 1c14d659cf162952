"""Who the unit is: the certificate the manager gave it, and its key wherever a `KeyStore` keeps it.

The present identity lies in one folder, its successor in `next/` below it. A successor that the manager has taken is
put in place by a redo list: `next/proven` says that it is so, then file after file moves over the old one; whoever
reads the identity first brings that to its end. The paths stay the same, so that a broker's client and an older
release find what they know.

**Tested with:** ext4, tmpfs; a power cut at every step.
**Source:** rename(2); SAN URI `wayside://nodes/{node}` as the manager issues it.
"""

import os
import shutil
import ssl
from dataclasses import dataclass
from pathlib import Path

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside.names import checked_label
from wayside_agent.drivers.files import disk_errors, make_private_directory, sync_directory, write_atomic
from wayside_agent.ports.errors import DeviceFaultError
from wayside_agent.ports.identity import Identity
from wayside_agent.ports.keys import KeyStore


@dataclass(frozen=True, slots=True)
class IdentityFiles:
    """The identity kept in one directory."""

    directory: Path
    keys: KeyStore

    @property
    def key_file(self) -> Path:
        """The private key, or what names it."""
        return self.directory / self.keys.file_name

    @property
    def certificate_file(self) -> Path:
        """The certificate the manager gave, PEM."""
        return self.directory / "certificate.pem"

    @property
    def authorities_file(self) -> Path:
        """The authorities to trust, PEM."""
        return self.directory / "authorities.pem"

    @property
    def node_file(self) -> Path:
        """The node id; the last to be written: without it there is no identity."""
        return self.directory / "node"

    @property
    def next(self) -> "IdentityFiles":
        """The successor, if there is one."""
        return IdentityFiles(self.directory / "next", self.keys)

    @property
    def _proven_file(self) -> Path:
        return self.directory / "next" / "proven"

    @property
    def _old(self) -> "IdentityFiles":
        """Where the key that is replaced is kept until it is destroyed."""
        return IdentityFiles(self.directory / "next" / "old", self.keys)

    def load(self) -> Identity:
        """The identity of this unit.

        Raises:
            FailedPreconditionError: the unit is not enrolled, or a file is damaged.
            DeviceFaultError: a file cannot be read. DeviceError: the key is out of reach.
        """
        self._finish_adoption()
        try:
            identity = self._read()
        except FileNotFoundError as error:
            raise FailedPreconditionError(
                f"{self.directory}: this unit is not enrolled ({Path(str(error.filename)).name} is missing); "
                "run `wayside-agent enroll`, with a token from an operator or without",
                reason="NOT_ENROLLED",
            ) from error
        except OSError as error:
            raise DeviceFaultError(
                f"{error.filename}: cannot be read ({error.strerror}); correct its owner and mode"
            ) from error
        except (UnicodeDecodeError, InvalidArgumentError) as error:
            raise _damaged(self.node_file, "no node id") from error
        _check_trust(self.authorities_file, identity.authorities_pem)
        return identity

    def request_pem(self, node_id: str) -> str:
        """A PKCS#10 request for this identity's key, which is made first if there is none. Loads `cryptography`.

        Raises: FailedPreconditionError: the key is damaged. DeviceError, ResourceExhaustedError.
        """
        make_private_directory(self.directory)
        return self.keys.request_pem(self.directory, node_id)

    def store(self, *, node_id: str, certificate_pem: str, authorities_pem: str) -> None:
        """Keeps what the manager gave. Interrupted, it leaves a unit that can be enrolled, with the same key.

        Raises:
            FailedPreconditionError: it does not fit the unit's key, or is no PEM; nothing was changed.
            DeviceError, ResourceExhaustedError: the disk or the token refuses.
        """
        _check_trust(self.authorities_file, authorities_pem.encode())
        self._check_fit(certificate_pem)
        with disk_errors(self.node_file):
            self.node_file.unlink(missing_ok=True)
        write_atomic(self.certificate_file, certificate_pem.encode(), mode=0o600)
        write_atomic(self.authorities_file, authorities_pem.encode(), mode=0o600)
        write_atomic(self.node_file, f"{node_id}\n".encode(), mode=0o600)

    def store_again(self, certificate_pem: str, *, is_next: bool) -> Identity:
        """Replaces the certificate, of the successor or of this identity, by one for the same key, in one step.

        Raises: FailedPreconditionError: it does not fit; nothing was changed. DeviceError, ResourceExhaustedError.
        """
        files = self.next if is_next else self
        files._check_fit(certificate_pem)  # noqa: SLF001  # of this class
        write_atomic(files.certificate_file, certificate_pem.encode(), mode=0o600)
        return files.load()

    def check_authorities(self, authorities_pem: str) -> None:
        """Whether it is a list of certificates.

        Raises: InvalidArgumentError.
        """
        try:
            _check_trust(self.authorities_file, authorities_pem.encode())
        except FailedPreconditionError as error:
            raise InvalidArgumentError("what the manager sent as authorities holds no certificates") from error

    def store_authorities(self, authorities_pem: str) -> None:
        """Replaces the authorities to trust, as a whole.

        Raises: FailedPreconditionError: it is no PEM. DeviceFaultError, ResourceExhaustedError: the old ones stand.
        """
        _check_trust(self.authorities_file, authorities_pem.encode())
        write_atomic(self.authorities_file, authorities_pem.encode(), mode=0o600)

    def store_next(self, *, certificate_pem: str, authorities_pem: str) -> None:
        """Keeps a successor for the key that is in its folder.

        Raises: FailedPreconditionError: it does not fit, or is no PEM. DeviceError, ResourceExhaustedError.
        """
        node_id = self._node_id()
        self.next.store(node_id=node_id, certificate_pem=certificate_pem, authorities_pem=authorities_pem)

    def load_next(self) -> Identity | None:
        """The successor that was not adopted yet; `None`: there is none, or it is of no use and was discarded.

        Raises: DeviceError.
        """
        self._finish_adoption()
        if not self.next.node_file.exists():
            return None
        try:
            return self.next.load()
        except FailedPreconditionError:
            self.discard_next()
            return None

    def discard_next(self) -> None:
        """Forgets the successor and destroys its key.

        Raises: DeviceError.
        """
        folder = self.next.directory
        if not folder.exists():
            return
        with disk_errors(folder):
            self.next.node_file.unlink(missing_ok=True)  # first: without it there is no successor
            sync_directory(folder)
        self.keys.delete(folder)
        with disk_errors(folder):
            shutil.rmtree(folder)
            sync_directory(self.directory)

    def adopt_next(self) -> None:
        """Puts the successor in the place of the identity. A power cut at any step leaves the one or the other.

        Raises: FailedPreconditionError: there is no whole successor. DeviceError, ResourceExhaustedError.
        """
        self.next.load()
        if self.key_file.exists():
            make_private_directory(self._old.directory)
            with disk_errors(self.key_file):
                content = self.key_file.read_bytes()
            write_atomic(self._old.key_file, content, mode=0o600)
        write_atomic(self._proven_file, b"")
        self._finish_adoption()

    def _finish_adoption(self) -> None:
        """Moves what a proven successor still holds; does nothing if there is none."""
        if not self._proven_file.exists():
            return
        folder = self.next.directory
        with disk_errors(folder):
            for path in (self.key_file, self.certificate_file, self.authorities_file, self.node_file):
                if (folder / path.name).exists():
                    (folder / path.name).replace(path)
            sync_directory(self.directory)
        self.keys.delete(self._old.directory)
        with disk_errors(folder):
            shutil.rmtree(self._old.directory, ignore_errors=True)
            self._proven_file.unlink()
            shutil.rmtree(folder)
            sync_directory(self.directory)

    def _check_fit(self, certificate_pem: str) -> None:
        with os.fdopen(os.memfd_create("certificate"), "wb") as fresh:  # OpenSSL reads files only
            fresh.write(certificate_pem.encode())
            fresh.flush()
            self.keys.secret(self.directory, Path(f"/proc/self/fd/{fresh.fileno()}"))

    def _node_id(self) -> str:
        return checked_label(self.node_file.read_text(encoding="ascii").strip(), field=str(self.node_file))

    def _read(self) -> Identity:
        return Identity(
            node_id=self._node_id(),
            certificate_pem=self.certificate_file.read_bytes(),
            authorities_pem=self.authorities_file.read_bytes(),
            secret=self.keys.secret(self.directory, self.certificate_file),
        )


def check_broker_key(identity: Identity, *, is_shown_to_broker: bool) -> None:
    """Refuses settings by which a broker should see a certificate whose key no MQTT client can use.

    Raises: InvalidArgumentError.
    """
    if is_shown_to_broker and not isinstance(identity.secret, bytes):
        raise InvalidArgumentError(
            "field mqtt.use_node_certificate: Python's TLS cannot sign with a key in a token, so the broker cannot be "
            "shown the node's certificate; set it to false, or use the driver 'key-file'"
        )


def _check_trust(path: Path, authorities_pem: bytes) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=authorities_pem.decode("ascii"))
    except ValueError as error:  # also of bytes that are no text
        raise _damaged(path, "no certificates") from error
    except ssl.SSLError as error:
        raise _damaged(path, "no certificates") from error


def _damaged(path: Path, what: str) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"{path}: holds {what}; remove it and enrol the unit again", reason="IDENTITY_DAMAGED"
    )
