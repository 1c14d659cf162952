"""The first roots of trust: they come with the enrolment, and later by nobody's word."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.link.agent_enroller import Answer, Applying, Enroller
from tests.signed_repository import SignedRepositories
from wayside.v1 import enrollment_service_pb2 as wire

FIRST, OTHER = SignedRepositories(), SignedRepositories()


def giving(answer: Answer, signed: SignedRepositories = FIRST) -> Answer:
    """The same answer with the first roots of both repositories."""

    def with_roots(request: wire.EnrollRequest) -> wire.EnrollResponse:
        response = answer(request)
        response.image_root = signed.image.files["1.root.json"]
        response.director_root = signed.director.files["1.root.json"]
        return response

    return with_roots


def pinned(unit: Applying) -> list[bytes]:
    return [path.read_bytes() for path in sorted((unit.identity.parent / "roots").rglob("root.json"))]


ROOTS = [FIRST.director.files["1.root.json"], FIRST.image.files["1.root.json"]]


@pytest.fixture
def unit(tmp_path: Path) -> Applying:
    return Applying(tmp_path)


async def enrolled(unit: Applying, *answers: Callable[[Enroller], Answer]) -> list[int]:
    """The exit status of one enrolment after the other."""
    enroller = Enroller()
    enroller.answers = [answer(enroller) for answer in answers]
    async with enroller:
        unit.trust(enroller)
        return [(await unit.enroll("--new-key")).status for _ in answers]


async def test_enrolment_pins_the_first_roots(unit: Applying) -> None:
    assert await enrolled(unit, lambda enroller: giving(enroller.enrols())) == [0]
    assert pinned(unit) == ROOTS


async def test_a_second_enrolment_changes_no_root(unit: Applying) -> None:
    statuses = await enrolled(
        unit, lambda enroller: giving(enroller.enrols()), lambda enroller: giving(enroller.enrols(), OTHER)
    )
    assert statuses == [0, 0]
    assert pinned(unit) == ROOTS


async def test_a_manager_without_roots_enrols_all_the_same(unit: Applying) -> None:
    assert await enrolled(unit, lambda enroller: enroller.enrols()) == [0]
    assert pinned(unit) == []


async def test_what_is_no_root_ends_the_enrolment_before_it_counts(unit: Applying) -> None:
    def nonsense(enroller: Enroller) -> Answer:
        def answer(request: wire.EnrollRequest) -> wire.EnrollResponse:
            response = enroller.enrols()(request)
            response.image_root = response.director_root = b"{}"
            return response

        return answer

    assert await enrolled(unit, nonsense) != [0]
    assert not (unit.identity / "node").exists()
    assert pinned(unit) == []
