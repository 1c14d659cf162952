"""A little of DER: enough to read a certificate's life and key, and to write a signature.

A certificate reader of its own, because `cryptography` costs the daemon 12 MB for three fields.
Source: ITU-T X.690, definite lengths and low tag numbers only; RFC 3279, 2.2.3 (Ecdsa-Sig-Value).
"""

import base64
import re
from contextlib import suppress

INTEGER = 0x02
SEQUENCE = 0x30
_LONG_FORM = 0x80
_MAX_LENGTH_BYTES = 4
_PEM_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


class DerError(ValueError):
    """The bytes are no DER, or not of the expected kind."""


def element(data: bytes, offset: int = 0) -> tuple[int, bytes, int]:
    """Tag, content and end of the element that begins at an offset.

    Raises: DerError: it is cut short or has a form that no certificate needs.
    """
    if offset + 2 > len(data):
        raise DerError("it is cut short")
    tag, length, begin = data[offset], data[offset + 1], offset + 2
    if length >= _LONG_FORM:
        size = length - _LONG_FORM
        if not 0 < size <= _MAX_LENGTH_BYTES:
            raise DerError("a length has a form that DER does not have")
        length, begin = int.from_bytes(data[begin : begin + size], "big"), begin + size
    end = begin + length
    if end > len(data):
        raise DerError("it is cut short")
    return tag, data[begin:end], end


def elements(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """Tag, content and whole bytes of each element in a row.

    Raises: DerError.
    """
    found, offset = [], 0
    while offset < len(data):
        tag, content, end = element(data, offset)
        found.append((tag, content, data[offset:end]))
        offset = end
    return found


def encoded(tag: int, content: bytes) -> bytes:
    """One element; content up to 64 KiB."""
    size = len(content)
    if size < _LONG_FORM:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(length))) + length + content


def pem_content(pem: bytes) -> bytes:
    """The bytes of the first certificate in a PEM text.

    Raises: DerError: there is none.
    """
    found = _PEM_CERTIFICATE.search(pem)
    try:
        if found:
            return base64.b64decode(found[1])
    except ValueError as error:
        raise DerError("its base64 is cut short") from error
    raise DerError("it holds no certificate")


def pem_contents(pem: bytes) -> tuple[bytes, ...]:
    """The bytes of every certificate in a PEM text; what is damaged is left out."""
    found = []
    for match in _PEM_CERTIFICATE.finditer(pem):
        with suppress(ValueError):
            found.append(base64.b64decode(match[1]))
    return tuple(found)


def signature(raw: bytes) -> bytes:
    """An ECDSA signature as TLS and X.509 want it, from r and s of equal length side by side, as tokens give it.

    Raises: DerError: it has no two halves.
    """
    if not raw or len(raw) % 2:
        raise DerError(f"a signature of {len(raw)} bytes has no two halves")
    half = len(raw) // 2
    return encoded(SEQUENCE, _integer(raw[:half]) + _integer(raw[half:]))


def _integer(unsigned: bytes) -> bytes:
    value = int.from_bytes(unsigned, "big")
    return encoded(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))
