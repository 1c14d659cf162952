"""Reads the envelope of a message.

spdu = parsed_spdu(payload)      # SpduError
"""

from wayside_agent.core.spdu.certificate import MAX_BYTES, VERSION, CertificateReader
from wayside_agent.core.spdu.coer import SpduError, choice
from wayside_agent.core.spdu.model import Spdu, SpduCertificate

_CERTIFICATE_ADDITIONS = frozenset({0, 1})
"""inlineP2pcdRequest and requestedCertificate: talk about certificates, which changes nothing of the message."""


def is_envelope(payload: bytes) -> bool:
    """Whether bytes begin as an envelope does; a BSM can, too."""
    return payload[:1] == b"\x03" and payload[1:2] in {b"\x80", b"\x81"}


def parsed_spdu(payload: bytes) -> Spdu:
    """A signed message and what is said of its signature.

    Raises: SpduError.
    """
    if len(payload) > MAX_BYTES:
        raise SpduError(f"the envelope of {len(payload)} byte is too long")
    reader = _EnvelopeReader(payload)
    found = reader.spdu()
    reader.finish()
    return found


def opened(payload: bytes) -> tuple[bytes, Spdu | None]:
    """The message in an envelope, and what is said of its signature; `None`: none, or one that is not understood.

    What a message says does not hang on how it is signed: an unknown sort of certificate must not make a unit deaf.

    Raises: SpduError: what it holds cannot be read.
    """
    if payload[1:2] != bytes((choice(0),)):
        try:
            spdu = parsed_spdu(payload)
        except SpduError:
            return _EnvelopeReader(payload[:MAX_BYTES]).message(), None
        return spdu.message, spdu
    if len(payload) > MAX_BYTES:
        raise SpduError(f"the envelope of {len(payload)} byte is too long")
    reader = _EnvelopeReader(payload)
    reader.expect(VERSION, "the version")
    reader.byte()
    message = reader.octets()
    reader.finish()
    return message, None


class _EnvelopeReader(CertificateReader):
    """Walks through an envelope."""

    def message(self) -> bytes:
        """What is signed, whoever signs it how; begin and header must be there."""
        self.expect(VERSION, "the version")
        self.expect(choice(1), "the kind of content")
        self.byte()
        message = self._payload()
        self._header(is_strict=False)
        if self.byte() & 0xC0 != choice(0):
            raise SpduError("nobody signs it")
        return message

    def spdu(self) -> Spdu:
        self.expect(VERSION, "the version")
        self.expect(choice(1), "the kind of content")
        hash_name = self.hash_id()
        begin = self.at
        message = self._payload()
        application_id, generation_us, expiry_us = self._header(is_strict=True)
        to_be_signed = self.since(begin)
        digest, certificates = self._signer()
        return Spdu(
            message,
            application_id,
            generation_us,
            expiry_us,
            to_be_signed,
            hash_name,
            digest,
            certificates,
            self.signature(),
        )

    def _payload(self) -> bytes:
        if self.byte() != 0x40:  # noqa: PLR2004  # data, no hash of data elsewhere, nothing added
            raise SpduError("what is signed is not a message in the envelope")
        self.expect(VERSION, "the version of what is signed")
        self.expect(choice(0), "the kind of what is signed")
        return self.octets()

    def _header(self, *, is_strict: bool) -> tuple[int, int | None, int | None]:
        flags = self.byte()
        if flags & 0b11:  # an encryption key, or a bit that is none
            raise SpduError("the header has a part that is not understood")
        application_id = self.unsigned()
        generation_us = self.number(8) if flags & 0x40 else None
        expiry_us = self.number(8) if flags & 0x20 else None
        if flags & 0x10:
            self.take(10)  # where it was made
        if flags & 0x08:
            self.take(3)  # whose certificate is asked for
        if flags & 0x04:
            if self.byte() & 0x80:
                raise SpduError("the header has a part that is not understood")
            self.take(5)  # which revocation list is missing
        additions = self.extensions() if flags & 0x80 else ()
        if is_strict and not _CERTIFICATE_ADDITIONS.issuperset(additions):  # such as: this is for no application
            raise SpduError("the header has an addition that is not understood")
        return application_id, generation_us, expiry_us

    def _signer(self) -> tuple[bytes | None, tuple[SpduCertificate, ...]]:
        match self.byte():
            case 0x80:
                return self.take(8), ()
            case 0x81:
                found = tuple(self.certificate() for _ in range(self.count()))
                if not found:
                    raise SpduError("the list of certificates is empty")
                return None, found
        raise SpduError("the signer is named in a way that is not understood")
