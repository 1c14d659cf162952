"""Tokens of an OpenID provider, with real signatures: which are taken, and that every other is refused alike."""

import base64
import hmac
import json
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.oidc_provider import AUDIENCE, ISSUER, NOW, Provider, encoded, part, signed
from wayside.errors import InvalidArgumentError, UnauthenticatedError
from wayside_manager.services.oidc import JwksVerifier

REFUSAL = "authorization: this token is not valid here; sign in again at your provider"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Provider:
    made = Provider(tmp_path_factory.mktemp("provider") / "jwks.json")
    for algorithm in ("RS256", "ES256", "EdDSA"):
        made.add_key(f"key-{algorithm}", algorithm)
    made.publish()
    return made


@pytest.fixture(scope="module")
def verifier(provider: Provider) -> JwksVerifier:
    return JwksVerifier(issuer=ISSUER, audience=AUDIENCE, jwks_file=str(provider.jwks_file))


def check_refused(verifier: JwksVerifier, token: str) -> None:
    with pytest.raises(UnauthenticatedError) as caught:
        verifier.subject(token, NOW)
    assert (str(caught.value), caught.value.reason) == (REFUSAL, "TOKEN_INVALID")
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_token_with_a_signature_of_each_kind_is_taken(
    provider: Provider, verifier: JwksVerifier, algorithm: str
) -> None:
    assert verifier.subject(provider.token(f"key-{algorithm}"), NOW) == "ann@city"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["grafana", AUDIENCE]},
        {"exp": NOW.timestamp() - 59},  # the provider's clock may be a minute off
        {"iat": NOW.timestamp() + 59},
        {"nbf": NOW.timestamp() + 59},
        {"iat": NOW.timestamp() - 86_400, "exp": NOW.timestamp() + 1},
    ],
)
def test_a_token_that_is_a_little_unusual_is_taken(
    provider: Provider, verifier: JwksVerifier, claims: dict[str, Any]
) -> None:
    assert verifier.subject(provider.token("key-ES256", **claims), NOW) == "ann@city"


def test_an_access_token_that_says_so_is_taken(provider: Provider, verifier: JwksVerifier) -> None:
    assert verifier.subject(provider.token("key-ES256", header={"typ": "at+JWT"}), NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://login.city.example.evil.example"},
        {"iss": None},
        {"iss": [ISSUER]},
        {"aud": "grafana"},
        {"aud": None},
        {"aud": []},
        {"aud": {"wayside": 1}},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": ["ann@city"]},
        {"exp": None},
        {"exp": NOW.timestamp() - 60},
        {"exp": "tomorrow"},
        {"exp": "99999999999"},
        {"exp": True},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": [NOW.timestamp() + 60]},
        {"iat": None},
        {"iat": NOW.timestamp() + 61},
        {"iat": NOW.timestamp() - 86_461},
        {"iat": -float("inf")},
        {"nbf": NOW.timestamp() + 61},
        {"nbf": "now"},
        {"nbf": None, "iat": {}},
    ],
    ids=str,
)
def test_wrong_claims_are_refused(provider: Provider, verifier: JwksVerifier, claims: dict[str, Any]) -> None:
    check_refused(verifier, provider.token("key-ES256", **claims))


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "key-RS256"},  # another key, of another kind
        {"kid": "unknown"},
        {"kid": None},
        {"kid": ""},
        {"kid": ["key-ES256"]},
        {"kid": "../../key-ES256"},
        {"alg": "RS256"},
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS256"},
        {"alg": "ES512"},
        {"alg": None},
        {"alg": ["ES256"]},
        {"typ": "JOSE"},
        {"typ": 1},
        {"cty": "JWT"},
        {"crit": ["exp"]},
        {"b64": False},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/key.pem"},
        {"x5c": ["AAAA"]},
        {"zip": "DEF"},
    ],
    ids=str,
)
def test_a_header_that_says_anything_else_is_refused(
    provider: Provider, verifier: JwksVerifier, header: dict[str, Any]
) -> None:
    check_refused(verifier, provider.token("key-ES256", header=header))


def test_a_key_that_comes_with_the_token_is_not_used(provider: Provider, verifier: JwksVerifier) -> None:
    mallory = Provider(provider.jwks_file.with_name("mallory.json"))
    mallory.add_key("key-ES256")
    check_refused(verifier, mallory.token("key-ES256"))
    check_refused(verifier, mallory.token("key-ES256", header={"jwk": mallory.jwk("key-ES256")}))


def test_the_public_key_is_no_shared_secret(provider: Provider, verifier: JwksVerifier) -> None:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann@city", "iat": NOW.timestamp(), "exp": NOW.timestamp() + 60}
    public = provider.keys["key-RS256"][1].public_key()
    for secret in (
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        json.dumps(provider.jwk("key-RS256")).encode(),
        provider.jwk("key-RS256")["n"].encode(),
        b"x" * 32,
    ):
        body = f"{part({'alg': 'HS256', 'kid': 'key-RS256'})}.{part(claims)}"
        check_refused(verifier, f"{body}.{encoded(hmac.digest(secret, body.encode(), 'sha256'))}")


def test_a_token_without_a_signature_is_refused(provider: Provider, verifier: JwksVerifier) -> None:
    header, body, signature = provider.token("key-ES256").split(".")
    unsigned = part({"alg": "none", "kid": "key-ES256"})
    for token in (f"{header}.{body}.", f"{header}.{body}", f"{unsigned}.{body}.", f"{unsigned}.{body}.{signature}"):
        check_refused(verifier, token)


def test_a_token_that_was_changed_is_refused(provider: Provider, verifier: JwksVerifier) -> None:
    header, _, signature = provider.token("key-EdDSA").split(".")
    other = provider.token("key-EdDSA", sub="root@city").split(".")[1]
    check_refused(verifier, f"{header}.{other}.{signature}")


def test_a_token_within_a_token_is_refused(provider: Provider, verifier: JwksVerifier) -> None:
    inner = provider.token("key-ES256")
    _, key = provider.keys["key-ES256"]
    check_refused(verifier, signed(inner, {"alg": "ES256", "kid": "key-ES256"}, key, "ES256"))
    check_refused(verifier, f"{inner}.{inner}")
    check_refused(verifier, ".".join([*inner.split("."), "AAAA", "AAAA"]))  # the form of an encrypted one


def test_a_huge_token_is_refused_before_it_is_read(provider: Provider, verifier: JwksVerifier) -> None:
    check_refused(verifier, provider.token("key-ES256", scope="x" * 9000))
    check_refused(verifier, "." * 100_000)
    deep = encoded(b"[" * 4000)
    check_refused(verifier, f"{deep}.e30.AAAA")
    check_refused(verifier, f"{part({'alg': 'ES256', 'kid': 'key-ES256'})}.{deep[:3000]}.AAAA")


def test_claims_nested_deeper_than_python_follows_are_refused_even_when_signed(
    provider: Provider, verifier: JwksVerifier
) -> None:
    _, key = provider.keys["key-EdDSA"]
    body = f"{part({'alg': 'EdDSA', 'kid': 'key-EdDSA'})}.{encoded(b'[' * 4200)}"
    signature = encoded(key.sign(body.encode()))
    check_refused(verifier, f"{body}.{signature}")


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(st.binary(max_size=60), min_size=3, max_size=3)))
def test_nothing_else_than_a_refusal_comes_of_any_text(verifier: JwksVerifier, parts: str | list[bytes]) -> None:
    if isinstance(parts, str):
        check_refused(verifier, parts)
    else:
        check_refused(verifier, ".".join(encoded(each) for each in parts))


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "jwk"]),
        st.one_of(
            st.none(), st.integers(), st.floats(), st.text(max_size=9), st.lists(st.text(max_size=3), max_size=3)
        ),
    )
)
def test_nothing_else_than_a_refusal_comes_of_any_header(verifier: JwksVerifier, header: dict[str, Any]) -> None:
    check_refused(verifier, f"{part(header)}.{part({'sub': 'ann@city'})}.AAAA")


def test_keys_are_renewed_while_the_manager_runs(tmp_path: Path) -> None:
    provider = Provider(tmp_path / "jwks.json")
    provider.add_key("old")
    provider.publish()
    verifier = JwksVerifier(issuer=ISSUER, audience=AUDIENCE, jwks_file=str(provider.jwks_file))
    old = provider.token("old")
    provider.add_key("new", "EdDSA")
    new = provider.token("new")
    check_refused(verifier, new)

    provider.publish()
    assert verifier.subject(new, NOW) == verifier.subject(old, NOW) == "ann@city"

    del provider.keys["old"]
    provider.publish()
    check_refused(verifier, old)
    assert verifier.subject(new, NOW)


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b'{"keys": 7}', b"\xff" * 10, b'{"keys": []}', b"[" * 100_000])
def test_a_damaged_file_changes_nothing_and_a_mended_one_counts(tmp_path: Path, damage: bytes) -> None:
    provider = Provider(tmp_path / "jwks.json")
    provider.add_key("old")
    provider.publish()
    verifier = JwksVerifier(issuer=ISSUER, audience=AUDIENCE, jwks_file=str(provider.jwks_file))

    provider.jwks_file.write_bytes(damage)
    assert verifier.subject(provider.token("old"), NOW)
    provider.jwks_file.unlink()
    assert verifier.subject(provider.token("old"), NOW)
    provider.add_key("new")
    provider.publish()
    assert verifier.subject(provider.token("new"), NOW)
    provider.jwks_file.write_bytes(damage)
    with pytest.raises(InvalidArgumentError, match=r"oidc\.jwks_file"):
        JwksVerifier(issuer=ISSUER, audience=AUDIENCE, jwks_file=str(provider.jwks_file))


def symmetric(_provider: Provider) -> dict[str, Any]:
    return {"kty": "oct", "kid": "odd", "alg": "HS256", "k": base64.urlsafe_b64encode(os.urandom(32)).decode()}


def for_encryption(provider: Provider) -> dict[str, Any]:
    return provider.jwk("odd", use="enc")


def for_another_algorithm(provider: Provider) -> dict[str, Any]:
    return provider.jwk("odd", alg="ES384")


def private(provider: Provider) -> dict[str, Any]:
    return provider.jwk("odd", d="AAAA")


def nameless(provider: Provider) -> dict[str, Any]:
    return {name: value for name, value in provider.jwk("odd").items() if name != "kid"}


def off_the_curve(provider: Provider) -> dict[str, Any]:
    return provider.jwk("odd", x=provider.jwk("odd")["y"])


@pytest.mark.parametrize(
    "odd",
    [symmetric, for_encryption, for_another_algorithm, private, nameless, off_the_curve],
    ids=lambda each: each.__name__,
)
def test_a_key_that_is_not_for_our_tokens_is_left_out(
    tmp_path: Path, odd: Callable[[Provider], dict[str, Any]]
) -> None:
    provider = Provider(tmp_path / "jwks.json")
    provider.add_key("odd")
    entry = odd(provider)
    provider.add_key("good")
    good = provider.jwk("good")
    provider.jwks_file.write_text(json.dumps({"keys": [entry, good]}))
    verifier = JwksVerifier(issuer=ISSUER, audience=AUDIENCE, jwks_file=str(provider.jwks_file))

    assert verifier.subject(provider.token("good"), NOW)
    check_refused(verifier, provider.token("odd"))
    provider.jwks_file.write_text(json.dumps({"keys": [entry]}))
    with pytest.raises(InvalidArgumentError, match="jwks_file"):
        JwksVerifier(issuer=ISSUER, audience=AUDIENCE, jwks_file=str(provider.jwks_file))


def test_a_short_rsa_key_is_left_out(tmp_path: Path) -> None:
    provider = Provider(tmp_path / "jwks.json", {"weak": ("RS256", rsa.generate_private_key(65537, 1024))})  # noqa: S505  # that is the point
    provider.add_key("good")
    provider.publish()
    verifier = JwksVerifier(issuer=ISSUER, audience=AUDIENCE, jwks_file=str(provider.jwks_file))
    assert set(verifier._keys) == {"good"}


def test_an_algorithm_that_is_switched_off_is_refused(provider: Provider) -> None:
    only = JwksVerifier(issuer=ISSUER, audience=AUDIENCE, jwks_file=str(provider.jwks_file), algorithms=("EdDSA",))
    assert only.subject(provider.token("key-EdDSA"), NOW)
    check_refused(only, provider.token("key-RS256"))


@pytest.mark.parametrize("algorithms", [(), ("none",), ("HS256", "RS256"), ("ES512",)])
def test_other_algorithms_cannot_even_be_configured(provider: Provider, algorithms: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"oidc\.algorithms"):
        JwksVerifier(issuer=ISSUER, audience=AUDIENCE, jwks_file=str(provider.jwks_file), algorithms=algorithms)


def test_a_file_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="cannot be read"):
        JwksVerifier(issuer=ISSUER, audience=AUDIENCE, jwks_file=str(tmp_path / "jwks.json"))


def test_another_curve_is_no_key_of_ours(tmp_path: Path) -> None:
    provider = Provider(tmp_path / "jwks.json", {"p384": ("ES256", ec.generate_private_key(ec.SECP384R1()))})
    provider.add_key("good")
    provider.publish()
    verifier = JwksVerifier(issuer=ISSUER, audience=AUDIENCE, jwks_file=str(provider.jwks_file))
    assert set(verifier._keys) == {"good"}
