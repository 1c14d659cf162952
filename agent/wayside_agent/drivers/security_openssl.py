"""Verifies signatures with the OpenSSL of the system: ECDSA with P-256, P-384 and brainpool, and SM2 with SM3.

A dozen functions of its EVP interface by ctypes: the `cryptography` package knows no SM2, and is nothing the daemon
loads (ADR 0028). The interpreter's lock is free while OpenSSL calculates.

**Tested with:** OpenSSL 3.0, against signatures of the `openssl` command.
**Source:** EVP_DigestVerifyInit(3), EVP_PKEY_CTX_set1_id(3), d2i_PUBKEY(3); RFC 5480;
GB/T 32918 (SM2), GB/T 32905 (SM3).
"""

import ctypes
from typing import Annotated

import msgspec

from wayside_agent.core.security.signing import HASHES, Algorithm, Key, Signature
from wayside_agent.ports.errors import DeviceError

LIBRARY = "libcrypto.so.3"
DEFAULT_ID = "1234567812345678"
"""Distinguishing ID of GM/T 0009, where nobody has agreed on another."""
_EC = bytes.fromhex("06072a8648ce3d0201")
_CURVES = {
    Algorithm.P256: bytes.fromhex("06082a8648ce3d030107"),
    Algorithm.P384: bytes.fromhex("06052b81040022"),
    Algorithm.BRAINPOOL256: bytes.fromhex("06092b2403030208010107"),
    Algorithm.BRAINPOOL384: bytes.fromhex("06092b240303020801010b"),
    Algorithm.SM2: bytes.fromhex("06082a811ccf5501822d"),
}
"""DER of the object identifiers of curves."""
_GOOD = 1
_SEQUENCE, _INTEGER, _BITS = 0x30, 0x02, 0x03
_LONG = 0x80


class OpensslModule:
    """The system's OpenSSL."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """How SM2 is verified."""

        sm2_id: Annotated[
            str, msgspec.Meta(pattern=r"^[\x20-\x7e]{1,64}$", description="Distinguishing ID of signers of SM2.")
        ] = DEFAULT_ID

    def __init__(self, options: Options) -> None:
        """Raises: DeviceError: the system has no OpenSSL 3."""
        self._id = options.sm2_id.encode("ascii")
        self._lib = _opened()
        digests = {name: self._lib.EVP_get_digestbyname(name.encode()) for name in set(HASHES.values())}
        self._digests = {algorithm: digests[name] for algorithm, name in HASHES.items() if digests[name]}

    def supports(self, algorithm: Algorithm) -> bool:
        """See `ports.security.SecurityModule`."""
        return algorithm in self._digests

    def verify(self, message: bytes, signature: Signature, key: Key) -> bool:
        """See `ports.security.SecurityModule`."""
        if not self.supports(key.algorithm):
            raise DeviceError(f"this system's OpenSSL cannot verify {key.algorithm}; install one that can")
        if signature.algorithm is not key.algorithm:
            return False
        lib = self._lib
        public = self._public(key)
        if not public:
            return False
        context = asked = None
        try:
            context, asked = lib.EVP_MD_CTX_new(), lib.EVP_PKEY_CTX_new(public, None)
            if not context or not asked:
                raise DeviceError("OpenSSL has no memory")
            if key.algorithm is Algorithm.SM2 and lib.EVP_PKEY_CTX_set1_id(asked, self._id, len(self._id)) != _GOOD:
                raise DeviceError("OpenSSL does not take the distinguishing ID of SM2")
            lib.EVP_MD_CTX_set_pkey_ctx(context, asked)
            if lib.EVP_DigestVerifyInit(context, None, self._digests[key.algorithm], None, public) != _GOOD:
                raise DeviceError(f"OpenSSL does not verify {key.algorithm}")
            der = _der(_SEQUENCE, _number(signature.r) + _number(signature.s))
            return bool(lib.EVP_DigestVerify(context, der, len(der), message, len(message)) == _GOOD)
        finally:
            lib.EVP_MD_CTX_free(context)
            lib.EVP_PKEY_CTX_free(asked)
            lib.EVP_PKEY_free(public)
            lib.ERR_clear_error()  # of this thread: what was refused is no error

    def _public(self, key: Key) -> int | None:
        """The key in OpenSSL's hands; `None`: it is none."""
        kind = _der(_SEQUENCE, _EC + _CURVES[key.algorithm])
        der = _der(_SEQUENCE, kind + _der(_BITS, b"\0" + key.point))
        # kept in a variable: OpenSSL reads it, and moves the pointer on
        held = ctypes.create_string_buffer(der, len(der))
        at = ctypes.c_void_p(ctypes.addressof(held))
        public: int | None = self._lib.d2i_PUBKEY(None, ctypes.byref(at), len(der))
        if not public:
            self._lib.ERR_clear_error()
        return public


def _opened() -> ctypes.CDLL:
    """Raises: DeviceError."""
    try:
        lib = ctypes.CDLL(LIBRARY)
        pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
        for name, result, *arguments in (
            ("EVP_get_digestbyname", pointer, ctypes.c_char_p),
            ("d2i_PUBKEY", pointer, pointer, pointer, ctypes.c_long),
            ("EVP_PKEY_free", None, pointer),
            ("EVP_MD_CTX_new", pointer),
            ("EVP_MD_CTX_free", None, pointer),
            ("EVP_MD_CTX_set_pkey_ctx", None, pointer, pointer),
            ("EVP_PKEY_CTX_new", pointer, pointer, pointer),
            ("EVP_PKEY_CTX_free", None, pointer),
            ("EVP_PKEY_CTX_set1_id", number, pointer, ctypes.c_char_p, number),
            ("EVP_DigestVerifyInit", number, pointer, pointer, pointer, pointer, pointer),
            ("EVP_DigestVerify", number, pointer, ctypes.c_char_p, size, ctypes.c_char_p, size),
            ("ERR_clear_error", None),
        ):
            function = getattr(lib, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise DeviceError(f"signatures are verified by OpenSSL 3, and {LIBRARY} is not there: {error}") from error
    return lib


def _number(value: bytes) -> bytes:
    """A number from 0 in DER."""
    content = value.lstrip(b"\0") or b"\0"
    return _der(_INTEGER, b"\0" + content if content[0] & 0x80 else content)


def _der(tag: int, content: bytes) -> bytes:
    """An element; of 255 bytes at most, which two numbers of 48 bytes are not near."""
    length = bytes((len(content),)) if len(content) < _LONG else bytes((_LONG | 1, len(content)))
    return bytes((tag,)) + length + content
