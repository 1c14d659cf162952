"""What verifies signatures of V2X messages says yes to those of other programs, and no to everything else."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.spdu_world import Signer
from wayside_agent.core.security.signing import SIZES_BYTES, Algorithm, Key, Signature
from wayside_agent.drivers.security_openssl import OpensslModule

TOLD = b"what somebody says" * 4


@pytest.fixture(name="module")
def _module() -> OpensslModule:
    return OpensslModule(OpensslModule.Options())


def signed(algorithm: Algorithm, folder: Path) -> tuple[Signature, Key]:
    signer = Signer(algorithm, folder)
    size = SIZES_BYTES[algorithm]
    r, s = (each.to_bytes(size, "big") for each in decode_dss_signature(signer.der_signature(TOLD)))
    return Signature(algorithm, r, s), Key(algorithm, signer.point)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_signature_of_another_program_holds(module: OpensslModule, algorithm: Algorithm, tmp_path: Path) -> None:
    assert module.supports(algorithm)
    assert module.verify(TOLD, *signed(algorithm, tmp_path))


@pytest.mark.parametrize("algorithm", Algorithm)
def test_no_changed_message_signature_or_key_holds(module: OpensslModule, algorithm: Algorithm, tmp_path: Path) -> None:
    signature, key = signed(algorithm, tmp_path)
    assert not module.verify(TOLD + b".", signature, key)
    assert not module.verify(TOLD, replace(signature, r=_other(signature.r)), key)
    assert not module.verify(TOLD, replace(signature, s=_other(signature.s)), key)
    assert not module.verify(TOLD, signature, replace(key, point=bytes((key.point[0] ^ 1,)) + key.point[1:]))


@pytest.mark.parametrize("point", [b"", b"\x00", b"\x02" + b"\xff" * 32, b"\x04" + bytes(64), b"\x02" + bytes(31)])
def test_a_point_on_no_curve_verifies_nothing(module: OpensslModule, point: bytes, tmp_path: Path) -> None:
    for algorithm in (Algorithm.P256, Algorithm.SM2):
        signature, _ = signed(algorithm, tmp_path)
        assert not module.verify(TOLD, signature, Key(algorithm, point))


def test_zeros_are_no_signature(module: OpensslModule, tmp_path: Path) -> None:
    for algorithm in Algorithm:
        _, key = signed(algorithm, tmp_path)
        zeros = bytes(SIZES_BYTES[algorithm])
        assert not module.verify(TOLD, Signature(algorithm, zeros, zeros), key)


def test_a_signature_under_another_distinguishing_id_does_not_hold(tmp_path: Path) -> None:
    other = OpensslModule(OpensslModule.Options(sm2_id="somebody else"))
    assert not other.verify(TOLD, *signed(Algorithm.SM2, tmp_path))


def test_a_key_of_one_algorithm_verifies_none_of_another(module: OpensslModule, tmp_path: Path) -> None:
    signature, _ = signed(Algorithm.P256, tmp_path)
    _, key = signed(Algorithm.SM2, tmp_path)
    assert not module.verify(TOLD, signature, key)


def _other(number: bytes) -> bytes:
    return number[:-1] + bytes((number[-1] ^ 1,))
