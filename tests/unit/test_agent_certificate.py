"""What a unit reads in its own certificate, and that no bytes break the reader."""

import contextlib
import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from wayside_agent.core.certificate import USUAL_LIFE_S, certificate
from wayside_agent.core.der import DerError, signature

DAY_S = 86_400.0
KEY = ec.generate_private_key(ec.SECP256R1())


def der(begin: dt.datetime, end: dt.datetime) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rsu-1")])
    built = x509.CertificateBuilder(name, name, KEY.public_key(), 7, begin, end)
    return built.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


GOOD = der(dt.datetime(2026, 11, 1, tzinfo=dt.UTC), dt.datetime(2026, 12, 1, tzinfo=dt.UTC))


@pytest.mark.parametrize("year", [1970, 2026, 2049, 2050, 9998])
def test_the_life_is_read_in_both_notations(year: int) -> None:
    begin, end = dt.datetime(year, 1, 2, 3, 4, 5, tzinfo=dt.UTC), dt.datetime(year + 1, 1, 2, tzinfo=dt.UTC)
    found = certificate(der(begin, end))
    assert (found.not_before_s, found.not_after_s) == (begin.timestamp(), end.timestamp())


def test_the_key_is_the_certificates() -> None:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    assert certificate(GOOD).public_key_der == KEY.public_key().public_bytes(serialization.Encoding.DER, spki)


def test_renewal_is_due_after_two_thirds_and_spread_over_a_twentieth() -> None:
    found = certificate(GOOD)
    assert found.renewal_due_s(0.0) == pytest.approx(found.not_before_s + 20 * DAY_S)
    assert found.renewal_due_s(1.0) == pytest.approx(found.not_before_s + 21.5 * DAY_S)


def test_a_certificate_that_begins_in_1970_counts_back_from_its_end() -> None:
    found = certificate(der(dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.datetime(2026, 12, 1, tzinfo=dt.UTC)))
    assert found.life_s == USUAL_LIFE_S
    assert found.renewal_due_s(0.0) == pytest.approx(found.not_after_s - USUAL_LIFE_S / 3)


@given(st.integers(0, len(GOOD)), st.binary(max_size=8), st.booleans())
def test_damage_is_one_error_or_none(position: int, damage: bytes, is_cut: bool) -> None:
    broken = GOOD[:position] + damage + (b"" if is_cut else GOOD[position + len(damage) :])
    with contextlib.suppress(DerError):
        certificate(broken)


@given(st.binary(max_size=300))
def test_any_bytes_are_one_error_or_none(content: bytes) -> None:
    with contextlib.suppress(DerError):
        certificate(content)


@given(st.integers(1, 2**256 - 1), st.integers(1, 2**256 - 1))
def test_a_tokens_signature_becomes_one_that_tls_takes(r: int, s: int) -> None:
    assert decode_dss_signature(signature(r.to_bytes(32, "big") + s.to_bytes(32, "big"))) == (r, s)


def test_half_a_signature_is_none() -> None:
    with pytest.raises(DerError, match="no two halves"):
        signature(b"123")
