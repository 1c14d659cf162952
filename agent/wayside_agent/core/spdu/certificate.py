"""Reads a certificate that names its key, and what certificates and messages share: keys and signatures.

certificate = parsed_certificate(content)      # SpduError
"""

from wayside_agent.core.spdu.coer import Reader, SpduError, choice
from wayside_agent.core.spdu.model import Algorithm, HashName, Issuable, Key, Signature, SpduCertificate
from wayside_agent.core.spdu.permissions import issuable, permission

MAX_BYTES = 65_535
VERSION = 3
# Numbers of alternatives, SM2 and SM3 among them (recalled), stand here and in `CertificateReader._issuer` alone.
_HASHES = (HashName.SHA256, HashName.SHA384, HashName.SM3)
_ALGORITHMS = tuple(Algorithm)  # by the number of the alternative
_SIZES = {Algorithm.BRAINPOOL_P384: 48, Algorithm.NIST_P384: 48}
_FIRST_EXTENSION = 2
_UNITS_S = (1e-6, 1e-3, 1, 60, 3600, 216_000, 31_556_952)


def parsed_certificate(content: bytes) -> SpduCertificate:
    """A certificate, and nothing behind it.

    Raises: SpduError.
    """
    if len(content) > MAX_BYTES:
        raise SpduError(f"the certificate of {len(content)} byte is too long")
    reader = CertificateReader(content)
    found = reader.certificate()
    reader.finish()
    return found


class CertificateReader(Reader):
    """Walks through certificates, keys and signatures."""

    def hash_id(self) -> HashName:
        """How something is hashed."""
        number = self.byte()
        if number >= len(_HASHES):
            raise SpduError(f"hash algorithm {number} is not known")
        return _HASHES[number]

    def signature(self) -> Signature:
        """A signature."""
        algorithm, content = self._algorithm()
        size_bytes = _SIZES.get(algorithm, 32)
        is_sm2 = algorithm is Algorithm.SM2
        r = content.take(size_bytes) if is_sm2 else content.point(size_bytes)[1 : 1 + size_bytes]
        found = Signature(algorithm, r, content.take(size_bytes))
        if content is not self:
            content.finish()
        return found

    def _algorithm(self) -> "tuple[Algorithm, CertificateReader]":
        """Which alternative follows, and who reads it: extensions stand in a string of their own."""
        number = self.byte() ^ 0x80
        if number >= len(_ALGORITHMS):
            raise SpduError("the algorithm of a key or signature is not known")
        content = self if number < _FIRST_EXTENSION else CertificateReader(self.octets())
        return _ALGORITHMS[number], content

    def point(self, size_bytes: int) -> bytes:
        """X9.62; a point of which x alone is known begins with 0."""
        match self.byte():
            case 0x80:
                return b"\x00" + self.take(size_bytes)
            case 0x82:
                return b"\x02" + self.take(size_bytes)
            case 0x83:
                return b"\x03" + self.take(size_bytes)
            case 0x84:
                return b"\x04" + self.take(2 * size_bytes)
        raise SpduError("a point of a curve is written in a way that is not understood")

    def certificate(self) -> SpduCertificate:
        """A certificate; others may follow."""
        begin = self.at
        flags = self.byte()
        if flags & 0x7F:
            raise SpduError("a certificate has a part that is not understood")
        self.expect(VERSION, "the version of a certificate")
        self.expect(0, "the type of a certificate")  # explicit; implicit ones have to be computed first
        issuer_digest = self._issuer()
        tbs_begin = self.at
        start_s, duration_s, ids, groups, key = self._to_be_signed()
        to_be_signed = self.since(tbs_begin)
        signature = self.signature() if flags else None
        return SpduCertificate(
            whole=_canonical(self.since(begin), tbs_begin - begin + len(to_be_signed)),
            to_be_signed=to_be_signed,
            issuer_digest=issuer_digest,
            start_s=start_s,
            duration_s=duration_s,
            application_ids=ids,
            issuable=groups,
            key=key,
            signature=signature,
        )

    def _issuer(self) -> bytes | None:
        match self.byte():
            case 0x80:
                return self.take(8)
            case 0x81:
                self.hash_id()
                return None
            case 0x82 | 0x83:  # SHA-384, SM3: additions
                return _exactly(self.octets(), 8)
        raise SpduError("the issuer is named in a way that is not understood")

    def _to_be_signed(self) -> tuple[int, int, frozenset[int], tuple[Issuable, ...], Key]:
        flags = self.byte()
        if flags & 0x80:  # what was added later may narrow what the certificate is good for
            raise SpduError("a certificate has an addition that is not understood")
        self._id()
        self.take(5)  # which revocation lists it is on
        start_s, duration_s = self.number(4), self._duration_s()
        if flags & 0x40:
            self._region()
        if flags & 0x20:
            self.take(1)  # assurance
        ids: list[int] = []
        if flags & 0x10:
            self.each(lambda: ids.append(permission(self)))
        groups: list[Issuable] = []
        if flags & 0x08:
            self.each(lambda: groups.append(issuable(self)))
        if flags & 0x04:  # what it may ask for
            self.each(lambda: issuable(self))
        if flags & 0x01:
            self.byte()  # the symmetric algorithm
            self._key(encrypts=True)
        self.expect(choice(0), "the kind of a key")
        return start_s, duration_s, frozenset(ids), tuple(groups), self._key()

    def _key(self, *, encrypts: bool = False) -> Key:
        algorithm, content = self._algorithm()
        if encrypts and content is not self:
            return Key(algorithm, b"")  # nobody here encrypts
        point = content.point(_SIZES.get(algorithm, 32))
        if point[0] == 0:
            raise SpduError("a key is half a point")
        if content is not self:
            content.finish()
        return Key(algorithm, point)

    def _id(self) -> None:
        match self.byte():
            case 0x80:
                self.take(13 + 11 if self.byte() & 0x80 else 11)
            case 0x81 | 0x82:
                self.octets()
            case 0x83:
                pass
            case _:
                raise SpduError("a certificate is named in a way that is not understood")

    def _duration_s(self) -> int:
        unit = self.byte() ^ 0x80
        if unit >= len(_UNITS_S):
            raise SpduError("a validity is in a unit that is not known")
        return int(self.number(2) * _UNITS_S[unit])

    def _region(self) -> None:
        match self.byte():
            case 0x80:
                self.take(10)
            case 0x81:
                self.each(lambda: self.take(16))
            case 0x82:
                self.each(lambda: self.take(8))
            case 0x83:
                self.each(self._country)
            case _:
                raise SpduError("a region is written in a way that is not understood")

    def _country(self) -> None:
        match self.byte():
            case 0x80:
                self.take(2)
            case 0x81:
                self.take(2)
                self.each(lambda: self.take(1))
            case 0x82:
                self.take(2)
                self.each(self._subregions)
            case _:
                raise SpduError("a country is written in a way that is not understood")

    def _subregions(self) -> None:
        self.take(1)
        self.each(lambda: self.take(2))


def _canonical(whole: bytes, signature_begin: int) -> bytes:
    """A certificate with its signature's first point by x alone, as IEEE 1609.2, 6.4.3 hashes it."""
    content = bytearray(whole)
    if signature_begin < len(content):
        is_root = content[signature_begin] ^ 0x80 < _FIRST_EXTENSION
        at = signature_begin + (1 if is_root else 2)  # an addition of 97 byte stands behind a length of one
        if content[signature_begin] != choice(_ALGORITHMS.index(Algorithm.SM2)) and content[at] in {0x82, 0x83}:
            content[at] = 0x80
    return bytes(content)


def _exactly(content: bytes, size_bytes: int) -> bytes:
    if len(content) != size_bytes:
        raise SpduError(f"a value has {len(content)} byte, not {size_bytes}")
    return content
