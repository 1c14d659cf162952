"""The authorities of one manager and their succession, as files in a folder that replicas may share.

`state.json` says which are trusted, in which state; it is written last and whole, so it is the truth. Each authority
is `{id}.pem` and `{id}.key`. Of one that left, the key is deleted; its certificate stays, because audit seals name it.
Usage: `authorities = Authorities.opened(folder, write=write_whole)`; `authorities.signing.node_certificate(...)`.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec
from cryptography import x509

from wayside.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from wayside_manager.core.certificates import AuthorityState
from wayside_manager.services.authority import Authority, Certificate

logger = logging.getLogger(__name__)

_ID_CHARS = 24


class WholeWriter(Protocol):
    """Writes a file whole or not at all."""

    def __call__(self, path: Path, content: str, *, is_secret: bool = False) -> None:
        """Raises: InvalidArgumentError: it cannot be written."""


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sha256: str
    state: AuthorityState
    create_time: datetime


class _State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    authorities: tuple[_Entry, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """One authority that is trusted."""

    authority: Authority
    state: AuthorityState
    create_time: datetime

    @property
    def authority_id(self) -> str:
        """What it is called: the start of its hash."""
        return self.sha256[:_ID_CHARS]

    @property
    def sha256(self) -> str:
        """SHA-256 of its certificate (DER), lower-case hex."""
        return self.authority.sha256

    @property
    def expire_time(self) -> datetime:
        """When it ends."""
        return self.authority.expire_time


class Authorities:
    """Those that are trusted, oldest first; exactly one of them signs."""

    def __init__(self, folder: Path, *, write: WholeWriter) -> None:
        self._folder = folder
        self._write = write
        self._listeners: list[Callable[[], None]] = []
        self._text: bytes | None = None
        self.members: tuple[Member, ...] = ()
        self.authorities_pem = ""
        """Whom peers must trust."""
        self.authorities_sha256 = ""
        """SHA-256 of that text, lower-case hex; kept as the next, because every session asks all the time."""
        self._staying: frozenset[str] = frozenset()

    @classmethod
    def opened(cls, folder: Path, *, write: WholeWriter, adopted: tuple[Path, Path] | None = None) -> "Authorities":
        """Those in a folder. `adopted`: certificate and key of the only one of an older version, moved in if need be.

        Raises: NotFoundError: there is none; InvalidArgumentError: one of them cannot be used.
        """
        authorities = cls(folder, write=write)
        if adopted is not None and not authorities._state_file.exists() and adopted[0].exists():
            authorities._adopt(*adopted)
        authorities.reread()
        return authorities

    @classmethod
    def made(cls, folder: Path, *, write: WholeWriter, now: datetime) -> "Authorities":
        """A first one in a new folder."""
        authorities = cls(folder, write=write)
        authorities._keep((Member(Authority.made(now=now), AuthorityState.SIGNING, now),))
        return authorities

    @property
    def signing(self) -> Authority:
        """The one that signs."""
        return next(each.authority for each in self.members if each.state is AuthorityState.SIGNING)

    @property
    def certificate_pem(self) -> str:
        """Whom peers must trust, for those who think of one authority only."""
        return self.authorities_pem

    def operator_certificate(self, operator_id: str, request_pem: str, *, now: datetime) -> Certificate:
        """A client certificate for an operator, by the one that signs; see `Authority`."""
        return self.signing.operator_certificate(operator_id, request_pem, now=now)

    @property
    def every_pem(self) -> str:
        """Certificates of all that ever signed here, also of those that are trusted no more."""
        paths = sorted(self._folder.glob("*.pem"))
        return "".join(path.read_text() for path in paths)

    def is_leaving(self, sha256: str) -> bool:
        """Whether what an authority signed should be renewed: it leaves, or has left."""
        return sha256 not in self._staying

    def find(self, authority_id: str) -> Member:
        """One of them.

        Raises: NotFoundError.
        """
        for each in self.members:
            if each.authority_id == authority_id:
                return each
        raise NotFoundError(
            f"authorities/{authority_id[:80]} does not exist; list the authorities to see which do",
            reason="AUTHORITY_NOT_FOUND",
        )

    def on_change(self, listener: Callable[[], None]) -> None:
        """Calls the listener after each change."""
        self._listeners.append(listener)

    def create(self, *, now: datetime) -> Member:
        """A new one, trusted from now on.

        Raises: FailedPreconditionError: one waits already to sign.
        """
        if any(each.state is AuthorityState.TRUSTED for each in self.members):
            raise FailedPreconditionError(
                "an authority is there that does not sign yet; activate it or retire it", reason="AUTHORITY_WAITING"
            )
        made = Member(Authority.made(now=now), AuthorityState.TRUSTED, now)
        self._keep((*self.members, made))
        return made

    def activate(self, authority_id: str) -> Member:
        """Lets it sign; the one that did is leaving.

        Raises: NotFoundError.
        """
        chosen = self.find(authority_id)
        self._keep(tuple(_succeeded(each, by=chosen) for each in self.members))
        return self.find(authority_id)

    def retire(self, authority_id: str) -> None:
        """Ends the trust in it, and deletes its key.

        Raises: NotFoundError; FailedPreconditionError: it signs.
        """
        chosen = self.find(authority_id)
        if chosen.state is AuthorityState.SIGNING:
            raise FailedPreconditionError(
                f"authorities/{authority_id} signs; activate another one first", reason="AUTHORITY_SIGNING"
            )
        self._keep(tuple(each for each in self.members if each is not chosen))
        self._key_file(authority_id).unlink(missing_ok=True)

    def reread(self) -> bool:
        """Reads the folder again if another process has changed it; whether it had.

        Raises: NotFoundError: there is none; InvalidArgumentError: one of them cannot be used.
        """
        try:
            text = self._state_file.read_bytes()
            if text == self._text:
                return False
            state = msgspec.json.decode(text, type=_State)
            members = tuple(self._loaded(entry) for entry in state.authorities)
        except FileNotFoundError as exc:
            raise NotFoundError(f"{exc.filename} is not there; restore it, or make a data folder anew") from exc
        except (msgspec.MsgspecError, OSError) as exc:
            raise InvalidArgumentError(f"{self._state_file} cannot be used: {exc}; restore it") from exc
        if sum(each.state is AuthorityState.SIGNING for each in members) != 1:
            raise InvalidArgumentError(f"{self._state_file} must name exactly one authority that signs; restore it")
        self._take(members, text)
        return True

    @property
    def _state_file(self) -> Path:
        return self._folder / "state.json"

    def _key_file(self, authority_id: str) -> Path:
        return self._folder / f"{authority_id}.key"

    def _adopt(self, certificate: Path, key: Path) -> None:
        authority = Authority.loaded(certificate.read_bytes(), key.read_bytes())
        create_time = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_before_utc
        self._keep((Member(authority, AuthorityState.SIGNING, create_time),))
        key.unlink()
        certificate.unlink()
        logger.info("moved the authority into %s", self._folder)

    def _loaded(self, entry: _Entry) -> Member:
        key = self._key_file(entry.sha256[:_ID_CHARS])
        authority = Authority.loaded(key.with_suffix(".pem").read_bytes(), key.read_bytes())
        if authority.sha256 != entry.sha256:
            raise InvalidArgumentError(f"{key.with_suffix('.pem')} is not the certificate it was; restore it")
        return Member(authority, entry.state, entry.create_time)

    def _keep(self, members: tuple[Member, ...]) -> None:
        for each in members:
            key = self._key_file(each.authority_id)
            if not key.exists():
                self._write(key, each.authority.key_pem, is_secret=True)
                self._write(key.with_suffix(".pem"), each.authority.certificate_pem)
        entries = tuple(_Entry(each.authority.sha256, each.state, each.create_time) for each in members)
        text = msgspec.json.format(msgspec.json.encode(_State(entries)), indent=2)
        self._write(self._state_file, text.decode())
        self._take(members, text)

    def _take(self, members: tuple[Member, ...], text: bytes) -> None:
        self.members = tuple(sorted(members, key=lambda each: (each.create_time, each.authority.sha256)))
        self._text = text
        self.authorities_pem = "".join(each.authority.certificate_pem for each in self.members)
        self.authorities_sha256 = hashlib.sha256(self.authorities_pem.encode()).hexdigest()
        self._staying = frozenset(each.sha256 for each in members if each.state is not AuthorityState.LEAVING)
        for listener in self._listeners:
            listener()


def _succeeded(member: Member, *, by: Member) -> Member:
    if member is by:
        return replace(member, state=AuthorityState.SIGNING)
    if member.state is AuthorityState.SIGNING:
        return replace(member, state=AuthorityState.LEAVING)
    return member
