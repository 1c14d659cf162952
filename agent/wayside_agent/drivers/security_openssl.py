"""Verifies signatures of V2X messages by OpenSSL: ECDSA through `cryptography`, SM2 by libcrypto itself.

`cryptography` has the hash SM3 and no SM2. The few functions of libcrypto that verify SM2 are called by ctypes, with
lengths that this file checks (ADR 0028).

**Tested with:** OpenSSL 3.0; keys and signatures made by the `openssl` command; signed frames of a US deployment.
**Source:** GM/T 0003 (SM2), sm2(7) of OpenSSL 3; RFC 5480 and GM/T 0006 (object identifiers).
"""

import ctypes
import ctypes.util
import hashlib
from functools import cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from wayside.errors import InvalidArgumentError, UnavailableError
from wayside_agent.core.spdu.model import HASH_OF, Algorithm, HashName, Key, Signature

SM2_ID = b"1234567812345678"
"""Who signs, where nobody says otherwise (GM/T 0009)."""
_CURVES: dict[Algorithm, type[ec.EllipticCurve]] = {
    Algorithm.NIST_P256: ec.SECP256R1,
    Algorithm.BRAINPOOL_P256: ec.BrainpoolP256R1,
    Algorithm.BRAINPOOL_P384: ec.BrainpoolP384R1,
    Algorithm.NIST_P384: ec.SECP384R1,
}
_SM2_POINTS = {b"\x02": 33, b"\x03": 33, b"\x04": 65}
_SM2_SPKI = bytes.fromhex("06072a8648ce3d020106082a811ccf5501822d")  # ecPublicKey, curve SM2


class OpenSslModule:
    """OpenSSL of this machine."""

    def __init__(self, sm2_id: bytes = SM2_ID) -> None:
        self._sm2_id = sm2_id

    def digest(self, name: HashName, content: bytes) -> bytes:
        """See SecurityModule."""
        try:
            return hashlib.new(name.value, content).digest()
        except ValueError as error:
            raise UnavailableError(f"OpenSSL of this machine has no {name.value}") from error

    def verify(self, signature: Signature, key: Key, content: bytes) -> bool:
        """See SecurityModule."""
        if signature.algorithm is not key.algorithm:
            return False
        r, s = (int.from_bytes(each, "big") for each in (signature.r, signature.s))
        der = utils.encode_dss_signature(r, s)
        if key.algorithm is Algorithm.SM2:
            return _libcrypto().verify_sm2(key.point, self._sm2_id, content, der)
        digest = self.digest(HASH_OF.get(key.algorithm, HashName.SHA256), content)
        algorithm = hashes.SHA384() if len(digest) == hashes.SHA384.digest_size else hashes.SHA256()
        try:
            public = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[key.algorithm](), key.point)
            public.verify(der, digest, ec.ECDSA(utils.Prehashed(algorithm)))
        except InvalidSignature:
            return False
        except UnsupportedAlgorithm as error:
            raise UnavailableError(f"OpenSSL of this machine cannot verify {key.algorithm.value}") from error
        except ValueError as error:
            raise InvalidArgumentError(f"the key is no point of {key.algorithm.value}") from error
        return True


def _element(tag: int, content: bytes) -> bytes:
    """One element of DER, shorter than 128 bytes."""
    return bytes((tag, len(content))) + content


class _LibCrypto:
    """The functions of libcrypto that verify SM2."""

    def __init__(self) -> None:
        name = ctypes.util.find_library("crypto")
        try:
            self._lib = ctypes.CDLL(name or "libcrypto.so.3")
            self._declare()
        except (OSError, AttributeError) as error:
            raise UnavailableError("libcrypto of OpenSSL 3 is not there; SM2 cannot be verified") from error

    def _declare(self) -> None:
        pointer, size, text = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p
        for name, result, arguments in (
            ("d2i_PUBKEY", pointer, (pointer, ctypes.POINTER(text), ctypes.c_long)),
            ("EVP_PKEY_free", None, (pointer,)),
            ("EVP_PKEY_CTX_new", pointer, (pointer, pointer)),
            ("EVP_PKEY_CTX_free", None, (pointer,)),
            ("EVP_PKEY_CTX_set1_id", ctypes.c_int, (pointer, text, ctypes.c_int)),
            ("EVP_MD_CTX_new", pointer, ()),
            ("EVP_MD_CTX_free", None, (pointer,)),
            ("EVP_MD_CTX_set_pkey_ctx", None, (pointer, pointer)),
            ("EVP_sm3", pointer, ()),
            ("EVP_DigestVerifyInit", ctypes.c_int, (pointer, pointer, pointer, pointer, pointer)),
            ("EVP_DigestVerify", ctypes.c_int, (pointer, text, size, text, size)),
            ("ERR_clear_error", None, ()),
        ):
            function = getattr(self._lib, name)
            function.restype, function.argtypes = result, list(arguments)

    def verify_sm2(self, point: bytes, signer_id: bytes, content: bytes, der: bytes) -> bool:
        """Whether the signature holds.

        Raises: InvalidArgumentError: the key is no point of the curve. UnavailableError: libcrypto has no SM2.
        """
        if len(point) != _SM2_POINTS.get(point[:1], 0):
            raise InvalidArgumentError("the key is no point of sm2")
        spki = _element(0x30, _element(0x30, _SM2_SPKI) + _element(0x03, b"\x00" + point))
        lib, begin = self._lib, ctypes.c_char_p(spki)
        key = lib.d2i_PUBKEY(None, ctypes.byref(begin), len(spki))
        if not key:
            lib.ERR_clear_error()
            raise InvalidArgumentError("the key is no point of sm2")
        key_context, context = lib.EVP_PKEY_CTX_new(key, None), lib.EVP_MD_CTX_new()
        try:
            is_ready = key_context and context and lib.EVP_PKEY_CTX_set1_id(key_context, signer_id, len(signer_id)) == 1
            if is_ready:
                lib.EVP_MD_CTX_set_pkey_ctx(context, key_context)
                is_ready = lib.EVP_DigestVerifyInit(context, None, lib.EVP_sm3(), None, key) == 1
            if not is_ready:
                raise UnavailableError("libcrypto of this machine cannot verify SM2")
            return bool(lib.EVP_DigestVerify(context, der, len(der), content, len(content)) == 1)
        finally:
            lib.EVP_MD_CTX_free(context)
            lib.EVP_PKEY_CTX_free(key_context)
            lib.EVP_PKEY_free(key)
            lib.ERR_clear_error()


@cache
def _libcrypto() -> _LibCrypto:
    return _LibCrypto()
