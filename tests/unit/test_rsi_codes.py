"""Codes of RSI: what is known of them, and what is said of those that are not."""

import msgspec
import pytest

from wayside.v2x.codec import Profile
from wayside_agent.core.broadcasts import broadcasts_of
from wayside_agent.core.rsi_codes import EVENTS, SIGNS, named
from wayside_agent.core.warnings.document import warning_document
from wayside_agent.core.warnings.model import Action, Finding, Heard, Kind, Severity
from wayside_demo.road_air import road_works


def test_a_code_has_a_name_in_both_languages_and_signs_are_not_events() -> None:
    assert named(85, is_sign=True) == ("Speed limit", "限制速度")
    assert named(85, is_sign=False) is None
    assert all(english and chinese for english, chinese in [*EVENTS.values(), *SIGNS.values()])


@pytest.mark.parametrize(("code", "words"), [(407, ""), (950, "event 950")])
def test_a_code_that_is_not_known_is_told_of_and_goes_on_the_air(code: int, words: str) -> None:
    works = road_works()
    assert works.rtes is not None
    told = msgspec.structs.replace(works, rtes=[msgspec.structs.replace(works.rtes[0], eventType=code)])
    [piece] = broadcasts_of(("rsiFrame", told), Profile.P20, source="settings")
    assert piece.unknown_code == words


def test_a_warning_tells_what_its_code_means_where_it_is_known() -> None:
    sign = Finding(Kind.SIGN, Severity.ADVICE, Heard(1.0, 1), code=38)
    assert warning_document(Action.BEGIN, sign, now_s=1.0)["code_name"] == {"en": "Road works", "zh": "道路施工"}
    event = Finding(Kind.HAZARD, Severity.WARNING, Heard(1.0, 1), code=38)
    assert "code_name" not in warning_document(Action.BEGIN, event, now_s=1.0)
