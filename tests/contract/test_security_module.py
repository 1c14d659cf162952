"""What verifies signatures: keys and signatures of `cryptography` and of the `openssl` command."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from wayside.errors import InvalidArgumentError
from wayside_agent.core.spdu.model import Algorithm, HashName, Key, Signature
from wayside_agent.drivers.security_openssl import SM2_ID, OpenSslModule

CONTENT = b"what is signed"
CURVES = {
    Algorithm.NIST_P256: (ec.SECP256R1(), hashes.SHA256(), 32),
    Algorithm.BRAINPOOL_P256: (ec.BrainpoolP256R1(), hashes.SHA256(), 32),
    Algorithm.BRAINPOOL_P384: (ec.BrainpoolP384R1(), hashes.SHA384(), 48),
    Algorithm.NIST_P384: (ec.SECP384R1(), hashes.SHA384(), 48),
}
OPENSSL = shutil.which("openssl")


def numbers(der: bytes, size_bytes: int) -> tuple[bytes, bytes]:
    r, s = utils.decode_dss_signature(der)
    return r.to_bytes(size_bytes, "big"), s.to_bytes(size_bytes, "big")


@pytest.mark.parametrize("algorithm", sorted(CURVES))
def test_a_signature_on_a_curve_of_ecdsa_holds_for_its_bytes_and_no_others(algorithm: Algorithm) -> None:
    curve, by, size_bytes = CURVES[algorithm]
    private = ec.generate_private_key(curve)
    public = private.public_key().public_numbers()
    key = Key(algorithm, bytes((2 + (public.y & 1),)) + public.x.to_bytes(size_bytes, "big"))
    signature = Signature(algorithm, *numbers(private.sign(CONTENT, ec.ECDSA(by)), size_bytes))
    module = OpenSslModule()
    assert module.verify(signature, key, CONTENT)
    assert not module.verify(signature, key, CONTENT + b"!")
    assert not module.verify(Signature(algorithm, signature.s, signature.r), key, CONTENT)
    assert not module.verify(Signature(algorithm, bytes(size_bytes), bytes(size_bytes)), key, CONTENT)


def sm2(folder: Path, signer_id: bytes = SM2_ID) -> tuple[Key, Signature]:
    """A key, and its signature over `CONTENT`, made by OpenSSL."""
    if OPENSSL is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    private, content, made = (folder / name for name in ("key.pem", "content", "signature"))
    content.write_bytes(CONTENT)

    def run(*arguments: str) -> bytes:
        return subprocess.run([str(OPENSSL), *arguments], check=True, capture_output=True).stdout

    run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", str(private))
    options = ["-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{signer_id.decode()}"]
    run("pkeyutl", "-sign", "-inkey", str(private), "-in", str(content), "-out", str(made), *options)
    point = run("ec", "-in", str(private), "-pubout", "-outform", "DER")[-65:]
    return Key(Algorithm.SM2, point), Signature(Algorithm.SM2, *numbers(made.read_bytes(), 32))


def test_a_signature_by_sm2_holds_for_its_bytes_and_no_others(tmp_path: Path) -> None:
    key, signature = sm2(tmp_path)
    module = OpenSslModule()
    half = Key(Algorithm.SM2, bytes((2 + (key.point[-1] & 1),)) + key.point[1:33])
    assert module.verify(signature, key, CONTENT)
    assert module.verify(signature, half, CONTENT)
    assert not module.verify(signature, key, CONTENT + b"!")
    assert not module.verify(Signature(Algorithm.SM2, signature.s, signature.r), key, CONTENT)
    assert not module.verify(signature, Key(Algorithm.NIST_P256, key.point), CONTENT)


def test_a_signer_of_another_id_is_another_signer(tmp_path: Path) -> None:
    key, signature = sm2(tmp_path, b"somebody")
    assert OpenSslModule(b"somebody").verify(signature, key, CONTENT)
    assert not OpenSslModule().verify(signature, key, CONTENT)


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize("point", [b"", b"\x02" + b"\xff" * 32, b"\x04" + bytes(64), b"\x09" + bytes(32), b"\x02"])
def test_what_is_no_point_is_refused(algorithm: Algorithm, point: bytes) -> None:
    with pytest.raises(InvalidArgumentError, match="no point"):
        OpenSslModule().verify(Signature(algorithm, b"\x01", b"\x01"), Key(algorithm, point), CONTENT)


def test_it_hashes_as_others_do() -> None:
    digest = OpenSslModule().digest(HashName.SM3, b"abc").hex()
    assert digest == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"  # GB/T 32905-2016, A.1
