"""What a platform may have a unit do."""

import msgspec
import pytest

from wayside.v2x.peek import MessageKind
from wayside_agent.core.heard.sampler import Rule, SampleMode
from wayside_agent.core.platform.answer import Reason
from wayside_agent.core.platform.codec import KINDS
from wayside_agent.core.platform.heartbeat import heartbeat_fault
from wayside_agent.core.platform.messages import Head, Management, SamplingAsked
from wayside_agent.core.platform.policy import Right, narrowed, refused
from wayside_agent.core.platform.subject import COMMANDS, Subject
from wayside_agent.v2x_platform_settings import PlatformSettings, UpSettings

ALL = frozenset(Right)
FRAMES = b'{"messages": [{"payload": "00"}]}'


def message(subject: Subject, text: bytes) -> Head:
    return msgspec.json.decode(text, type=KINDS[subject])


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (Subject.INFO_QUERY, b"{}"),
        (Subject.MAP_DOWN, FRAMES),
        (Subject.RSI_DOWN, FRAMES),
        (Subject.RSM_DOWN, FRAMES),
        (Subject.SPAT_DOWN, FRAMES),
        (Subject.MANAGEMENT_DOWN, b'{"hbRate": 30}'),
        (Subject.MANAGEMENT_DOWN, b'{"runningInfoRate": 30}'),
        (Subject.MANAGEMENT_DOWN, b'{"logLevel": "INFO"}'),
        (Subject.MANAGEMENT_DOWN, b'{"reboot": 1, "seqNum": 1}'),
        (Subject.CONFIG_DOWN, b'{"bsmConfig": {"upLimit": 1}}'),
    ],
    ids=["query", "map", "rsi", "rsm", "spat", "heartbeat", "running", "log", "reboot", "sampling"],
)
def test_a_command_is_obeyed_only_if_the_settings_name_it(subject: Subject, text: bytes) -> None:
    command = message(subject, text)
    assert refused(subject, command, ALL, ttl_s=180) is None
    denied = refused(subject, command, frozenset(), ttl_s=180)
    assert denied is not None
    assert denied.code == 1
    assert denied.reason in {Reason.NOT_ALLOWED, Reason.MANAGER_ONLY}
    lacking = [right for right in Right if refused(subject, command, ALL - {right}, ttl_s=180)]
    assert len(lacking) == 1


@pytest.mark.parametrize(
    ("subject", "text", "reason"),
    [
        (Subject.MANAGEMENT_DOWN, b'{"addressChg": {"cssUrl": "tcp://x", "time": 0}}', Reason.MANAGER_ONLY),
        (Subject.MANAGEMENT_DOWN, b'{"extendConfig": "x"}', Reason.UNSUPPORTED),
        (Subject.MANAGEMENT_DOWN, b'{"hbRate": 180}', Reason.UNSUPPORTED),
        (Subject.MANAGEMENT_DOWN, b'{"hbRate": 0}', Reason.UNSUPPORTED),
        (Subject.MANAGEMENT_DOWN, b'{"reboot": 1}', Reason.MALFORMED),
        (Subject.CONFIG_DOWN, b'{"mapConfig": {}}', Reason.MANAGER_ONLY),
        (Subject.CONFIG_DOWN, b'{"rsiConfig": {}, "bsmConfig": {}}', Reason.MANAGER_ONLY),
        (Subject.CONFIG_DOWN, b'{"bsmConfig": {"upFilters": [{}]}}', Reason.UNSUPPORTED),
        (Subject.INFO_QUERY, b'{"interval": 5}', Reason.UNSUPPORTED),
    ],
    ids=["address", "extend", "rare", "none", "unnumbered", "map", "rsi", "filters", "interval"],
)
def test_what_no_setting_gives_away_is_refused_with_every_right(subject: Subject, text: bytes, reason: Reason) -> None:
    answer = refused(subject, message(subject, text), ALL, ttl_s=180)
    assert answer is not None
    assert (answer.reason, answer.code) == (reason, 1)
    assert answer.description.startswith(f"{reason}: ")


def test_an_update_is_answered_with_who_does_updates() -> None:
    assert refused(Subject.OTA_DOWN, Head(), ALL, ttl_s=180) is None
    answer = refused(Subject.OTA_DOWN, Head(), ALL - {Right.UPDATE}, ttl_s=180)
    assert answer is not None
    assert "updates come from the manager" in answer.sentence


def test_one_part_that_may_not_be_done_refuses_the_whole() -> None:
    command = Management(hbRate=30, reboot=1, seqNum=1)
    assert refused(Subject.MANAGEMENT_DOWN, command, ALL - {Right.REBOOT}, ttl_s=180) is not None


def test_every_command_has_a_judgement() -> None:
    for subject in COMMANDS:
        text = FRAMES if subject.value[:3] in {"MAP", "RSI", "RSM", "SPA"} else b"{}"
        refused(subject, message(subject, text), frozenset(), ttl_s=180)


@pytest.mark.parametrize(
    ("asked", "mode", "one_in", "limit"),
    [
        (SamplingAsked(upLimit=5), SampleMode.BY_ALL, 2, 5),
        (SamplingAsked(upLimit=50), SampleMode.BY_ALL, 2, 10),
        (SamplingAsked(upLimit=-1), SampleMode.BY_ALL, 2, 10),
        (SamplingAsked(upLimit=0), SampleMode.BY_ALL, 2, 0),
        (SamplingAsked(sampleRate=1), SampleMode.BY_ALL, 2, 10),
        (SamplingAsked(sampleRate=7), SampleMode.BY_ALL, 7, 10),
        (SamplingAsked(sampleMode="ByID"), SampleMode.BY_ALL, 2, 10),
    ],
    ids=["less", "more", "unlimited", "none", "denser", "thinner", "each-sender"],
)
def test_a_platform_can_have_less_than_the_settings_give_but_not_more(
    asked: SamplingAsked, mode: SampleMode, one_in: int, limit: int
) -> None:
    rule = Rule(MessageKind.BSM, SampleMode.BY_ALL, one_in=2, limit_per_s=10)
    found = narrowed(rule, asked)
    assert (found.mode, found.one_in, found.limit_per_s) == (mode, one_in, limit)


def test_a_heartbeat_that_comes_too_late_for_its_platform_is_refused_at_load() -> None:
    """OpenV2X takes a unit for dead after 15 s and has it beat every 60 s."""
    assert heartbeat_fault(60, 15)
    assert not heartbeat_fault(60, 180)
    with pytest.raises(ValueError, match=r"heartbeat_period_s: a heartbeat every 60 s .* 15 s \(ttl_s\)"):
        PlatformSettings(host="h", heartbeat_period_s=60, ttl_s=15)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"up": (UpSettings(kind="BSM"), UpSettings(kind="BSM"))}, "names a kind twice"),
        ({"topic": "V2X/RSU/1/x"}, r"has no \{message\}"),
        ({"topics": {"BSM.DOWN": "x"}}, "is no message"),
    ],
    ids=["twice", "topic", "topics"],
)
def test_settings_that_contradict_themselves_are_refused_at_load(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        msgspec.convert({"host": "h", **msgspec.to_builtins(fields)}, PlatformSettings)
