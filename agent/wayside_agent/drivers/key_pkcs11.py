"""Private keys in a PKCS#11 token: a security chip or an HSM. Made inside, never shown, and destroyed there.

A folder holds `key.pkcs11`: the id of its key (CKA_ID), hex. It is written before the key is made, so that no key is
ever in the token that nothing names. The PIN is read from a file; a wrong one is shown to the token once, for tokens
lock themselves after a few.

The token is logged in to anew for every signature: that is one TLS handshake in hours, and a token that was pulled and
put back works again.

**Tested with:** SoftHSM 2.6.1 through python-pkcs11 0.10.
**Source:** PKCS#11 2.40 (OASIS), CKM_EC_KEY_PAIR_GEN, CKM_ECDSA; RFC 5480 (P-256).
"""

import hashlib
import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import pkcs11
from msgspec import Meta
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import NoSuchToken, PinIncorrect, PinLocked, PKCS11Error
from pkcs11.types import Object, SignMixin

from wayside.errors import FailedPreconditionError
from wayside_agent.core.certificate import certificate
from wayside_agent.core.der import DerError, element, pem_content, signature
from wayside_agent.drivers.files import disk_errors, sync_directory, write_atomic
from wayside_agent.ports.errors import DeviceAbsentError, DeviceFaultError
from wayside_agent.ports.keys import Sign

P256 = bytes.fromhex("06082a8648ce3d030107")  # the object identifier, as CKA_EC_PARAMS wants it
SPKI_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")  # all before the point
POINT_SIZE_BYTES = 65
ID_SIZE_BYTES = 16

logger = logging.getLogger(__name__)


class KeyPkcs11:
    """`ports.keys.KeyStore` in a token."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Which token, and how to open it."""

        module: Annotated[
            str, Meta(pattern="^/", description="The token's PKCS#11 library, such as `.../libsofthsm2.so`; absolute.")
        ]
        token_label: Annotated[str, Meta(min_length=1, max_length=32, description="Label of the token.")]
        pin_file: Annotated[str, Meta(pattern="^/", description="File that holds the user's PIN; absolute.")]
        key_label: Annotated[
            str, Meta(min_length=1, max_length=64, description="Label under which the keys appear in the token.")
        ] = "wayside-agent"

    file_name = "key.pkcs11"

    def __init__(self, options: Options) -> None:
        """Stores values; nothing is opened."""
        self._options = options
        self._turn = threading.Lock()  # a login counts for the whole process: one at a time
        self._refusal = ""

    def request_pem(self, folder: Path, common_name: str) -> str:
        """A PKCS#10 request for the folder's key, which is made in the token first if there is none.

        Raises: FailedPreconditionError, DeviceAbsentError, DeviceFaultError, ResourceExhaustedError.
        """
        from wayside_agent.drivers.certificate_request import TokenKey, request_pem  # 12 MB; see key_file

        key_id = self._made(folder)
        return request_pem(TokenKey(self._public_der(key_id), self._signer(key_id)), common_name)

    def public_key_der(self, folder: Path) -> bytes:
        """SubjectPublicKeyInfo of the folder's key, which is made in the token first if there is none.

        Raises: as `request_pem`.
        """
        return self._public_der(self._made(folder))

    def secret(self, folder: Path, certificate_file: Path) -> bytes | Sign:
        """The means to sign with the folder's key.

        Raises: OSError: a file cannot be read. FailedPreconditionError: it does not fit. DeviceError.
        """
        key_id = self._named(folder)
        try:
            wanted = certificate(pem_content(certificate_file.read_bytes())).public_key_der
        except DerError as error:
            raise FailedPreconditionError(
                f"{folder}: the certificate is none ({error}); enrol the unit again", reason="IDENTITY_DAMAGED"
            ) from error
        if self._public_der(key_id) != wanted:
            raise FailedPreconditionError(
                f"{folder}: certificate and {self.file_name} do not belong together; remove the certificate and enrol "
                "the unit again",
                reason="IDENTITY_DAMAGED",
            )
        return self._signer(key_id)

    def delete(self, folder: Path) -> None:
        """Destroys the folder's key in the token; one that is gone is no error.

        Raises: DeviceAbsentError, DeviceFaultError.
        """
        try:
            key_id = self._named(folder)
        except FileNotFoundError:
            return
        with self._session(is_writing=True) as session:
            for found in list(session.get_objects({Attribute.ID: key_id, Attribute.LABEL: self._options.key_label})):
                found.destroy()
        with disk_errors(folder):
            (folder / self.file_name).unlink()
            sync_directory(folder)

    def _made(self, folder: Path) -> bytes:
        """The id of the folder's key, which is there when this returns."""
        try:
            key_id = self._named(folder)
        except FileNotFoundError:
            key_id = secrets.token_bytes(ID_SIZE_BYTES)
            write_atomic(folder / self.file_name, f"{key_id.hex()}\n".encode())
        with self._session(is_writing=True) as session:
            if not list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: key_id})):
                self._generate(session, key_id)
        return key_id

    def _generate(self, session: pkcs11.Session, key_id: bytes) -> None:
        curve = session.create_domain_parameters(KeyType.EC, {Attribute.EC_PARAMS: P256}, local=True)
        curve.generate_keypair(
            id=key_id,
            label=self._options.key_label,
            store=True,
            mechanism=Mechanism.EC_KEY_PAIR_GEN,
            private_template={
                Attribute.PRIVATE: True,
                Attribute.SENSITIVE: True,
                Attribute.EXTRACTABLE: False,
                Attribute.SIGN: True,
                Attribute.DERIVE: False,
            },
        )

    def _named(self, folder: Path) -> bytes:
        path = folder / self.file_name
        try:
            key_id = bytes.fromhex(path.read_text(encoding="ascii"))
        except ValueError as error:
            raise FailedPreconditionError(
                f"{path}: names no key; remove it and enrol the unit again", reason="IDENTITY_DAMAGED"
            ) from error
        if len(key_id) != ID_SIZE_BYTES:
            raise FailedPreconditionError(
                f"{path}: names no key; remove it and enrol the unit again", reason="IDENTITY_DAMAGED"
            )
        return key_id

    def _public_der(self, key_id: bytes) -> bytes:
        with self._session() as session:
            key = self._found(session, ObjectClass.PUBLIC_KEY, key_id)
            try:
                _, point, _ = element(key[Attribute.EC_POINT])  # an OCTET STRING around the point
            except DerError as error:
                raise self._fault(f"its key {key_id.hex()} has no point ({error})") from error
        if len(point) != POINT_SIZE_BYTES:
            raise self._fault(f"its key {key_id.hex()} is not of curve P-256")
        return SPKI_P256 + point

    def _signer(self, key_id: bytes) -> Sign:
        def sign(data: bytes) -> bytes:
            with self._session() as session:
                key = self._found(session, ObjectClass.PRIVATE_KEY, key_id)
                if not isinstance(key, SignMixin):
                    raise self._fault(f"its key {key_id.hex()} cannot sign")
                return signature(key.sign(hashlib.sha256(data).digest(), mechanism=Mechanism.ECDSA))

        return sign

    def _found(self, session: pkcs11.Session, kind: ObjectClass, key_id: bytes) -> Object:
        for found in session.get_objects({Attribute.CLASS: kind, Attribute.ID: key_id}):
            return found
        raise FailedPreconditionError(
            f"PKCS#11 token {self._options.token_label!r}: has no key {key_id.hex()}; put the unit's own token in, or "
            f"remove {self.file_name} and enrol the unit again",
            reason="IDENTITY_DAMAGED",
        )

    @contextmanager
    def _session(self, *, is_writing: bool = False) -> Iterator[pkcs11.Session]:
        """One login, one at a time.

        Raises: DeviceAbsentError: no such library or token. DeviceFaultError: it refuses.
        """
        with self._turn:
            if self._refusal:
                raise DeviceFaultError(self._refusal)
            token = self._token()
            try:
                with token.open(rw=is_writing, user_pin=self._pin()) as session:
                    yield session
            except (PinIncorrect, PinLocked) as error:
                refusal = self._fault(f"does not take the PIN in {self._options.pin_file} ({_name(error)})")
                self._refusal = f"{refusal}; it is not tried again before the agent starts anew"
                raise DeviceFaultError(self._refusal) from error
            except PKCS11Error as error:
                raise self._fault(f"refuses ({_name(error)})") from error

    def _token(self) -> pkcs11.Token:
        options = self._options
        try:
            library = pkcs11.lib(options.module)
        except (RuntimeError, OSError, PKCS11Error) as error:
            raise DeviceAbsentError(
                f"field identity.options.module: {options.module} cannot be loaded ({_name(error)})"
            ) from error
        try:
            return library.get_token(token_label=options.token_label)
        except NoSuchToken:
            return self._token_put_in_since()
        except PKCS11Error as error:
            raise self._fault(f"refuses ({_name(error)})") from error

    def _token_put_in_since(self) -> pkcs11.Token:
        label = self._options.token_label
        try:
            library = pkcs11.lib(self._options.module)
            library.reinitialize()  # some libraries look for tokens only then
            return library.get_token(token_label=label)
        except PKCS11Error as error:
            raise DeviceAbsentError(
                f"field identity.options.token_label: there is no token {label!r}; put it in, or correct the label"
            ) from error

    def _pin(self) -> str:
        path = Path(self._options.pin_file)
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise DeviceAbsentError(f"field identity.options.pin_file: {path} cannot be read ({error})") from error

    def _fault(self, what: str) -> DeviceFaultError:
        return DeviceFaultError(f"PKCS#11 token {self._options.token_label!r}: {what}")


def _name(error: BaseException) -> str:
    return str(error) or type(error).__name__
