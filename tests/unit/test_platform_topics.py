"""Topics of a roadside unit at a platform of T/ITS 0117."""

import pytest

from wayside_agent.core.platform.subject import Subject
from wayside_agent.core.platform.topics import Names, Templates, Topics

NAMES = Names("rsu-1", "E1")


def test_the_default_is_the_layout_of_the_field() -> None:
    topics = Topics(Templates(), NAMES)
    assert topics.of(Subject.CONFIG_DOWN_ACK) == "V2X/RSU/E1/CONFIG/DOWN/ACK"
    assert topics.of(Subject.INFO_QUERY_RESPONSE) == "V2X/RSU/E1/INFOQuery/Response"
    assert topics.subject("V2X/RSU/E1/MAP/DOWN") is Subject.MAP_DOWN


def test_a_city_may_have_the_id_in_topics_down_only() -> None:
    templates = Templates("V2X.RSU.{message}", ".", {"MAP.DOWN": "V2X.RSU.MAP.{rsu_id}.DOWN"})
    topics = Topics(templates, NAMES)
    assert topics.of(Subject.BSM_UP) == "V2X.RSU.BSM.UP"
    assert topics.of(Subject.MAP_DOWN) == "V2X.RSU.MAP.rsu-1.DOWN"
    assert (topics.names_unit(Subject.MAP_DOWN), topics.names_unit(Subject.RSI_DOWN)) == (True, False)


@pytest.mark.parametrize(
    "topic",
    ["V2X/RSU/E2/MAP/DOWN", "V2X/RSU/E1/MAP/UP", "V2X/RSU/E1/MAP/DOWN/", "v2x/rsu/E1/MAP/DOWN", "V2X/RSU/1/MAP/DOWN"],
    ids=["other", "own", "longer", "lower-case", "literal"],
)
def test_a_topic_that_is_not_ours_is_nobody_s(topic: str) -> None:
    assert Topics(Templates(), NAMES).subject(topic) is None


def test_every_command_and_every_acknowledgement_is_listened_to_by_its_whole_name() -> None:
    subscriptions = Topics(Templates(), NAMES).subscriptions
    assert len(subscriptions) == 12
    assert all("/E1/" in each and "+" not in each and "#" not in each for each in subscriptions)


@pytest.mark.parametrize(
    ("templates", "said"),
    [
        (Templates("V2X/RSU/{esn}"), r"has no \{message\}"),
        (Templates("V2X/{vin}/{message}"), r"\{vin\} is not"),
        (Templates("V2X/+/{message}"), "wildcards"),
        (Templates("V2X/{esn/{message}"), "is not|wildcards"),
        (Templates(single={"MAPS.DOWN": "a"}), "'MAPS.DOWN' is no message"),
        (Templates(single={"MAP.DOWN": "a", "RSI.DOWN": "a"}), "the same topic"),
        (Templates(single={"MAP.DOWN": "V2X/RSU/{esn}/MAP/UP"}), "the same topic"),
        (Templates("x" * 510 + "/{message}"), "too long"),
    ],
    ids=["no-message", "unknown", "wildcard", "brace", "no-subject", "shared", "loop", "long"],
)
def test_a_template_that_cannot_work_is_refused_at_load(templates: Templates, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Topics(templates, NAMES)


@pytest.mark.parametrize(
    "esn", ["a/b", "#", "+", "", "a b", "x" * 65], ids=["slash", "hash", "plus", "no", "space", "long"]
)
def test_an_id_that_would_leave_its_level_is_refused(esn: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a topic"):
        Topics(Templates(), Names("rsu-1", esn))
