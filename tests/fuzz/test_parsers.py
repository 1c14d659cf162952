"""A bounded sample of what `make fuzz` runs, and what it has found."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.cases import cases
from tests.fuzz.engine import HANG_S, Mutator, Target, checked
from tests.fuzz.manager_targets import pem, requests
from tests.fuzz.targets import TARGETS
from wayside.errors import InvalidArgumentError
from wayside_manager.services.certificate_request import requested_key

pytestmark = [
    # of certificates with odd serial numbers: a word of cryptography's to developers
    pytest.mark.filterwarnings("ignore:Parsed a serial number"),
    # of regular expressions in schemas: a word of Python's on what a later version may read otherwise
    pytest.mark.filterwarnings("ignore:Possible :FutureWarning"),
]
EXAMPLE_COUNT = 100
MUTATION_COUNT = 500
SAMPLE = settings(
    max_examples=EXAMPLE_COUNT, deadline=HANG_S * 1000, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_whatever_the_bytes_a_parser_refuses_them_as_it_says(target: Target) -> None:
    @settings(
        max_examples=EXAMPLE_COUNT, deadline=HANG_S * 1000, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.data())
    def sampled(data: st.DataObject) -> None:
        checked(target, data.draw(cases(target)))

    sampled()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_good_example_that_was_damaged_is_refused_as_the_parser_says(target: Target) -> None:
    mutated = Mutator(target, 1)
    for _ in range(MUTATION_COUNT):
        checked(target, mutated())


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_parser_takes_a_good_example(target: Target) -> None:
    for seed in target.seeds()[:1]:
        target.parse(seed)


def test_a_certificate_request_of_an_unknown_version_is_refused() -> None:
    der = requests()[0].public_bytes(serialization.Encoding.DER)
    version = der.index(b"\x02\x01\x00")
    damaged = der[: version + 2] + b"\x20" + der[version + 3 :]
    with pytest.raises(x509.InvalidVersion):
        _ = x509.load_der_x509_csr(damaged)
    with pytest.raises(InvalidArgumentError, match="PKCS#10"):
        requested_key(pem("CERTIFICATE REQUEST", damaged))
