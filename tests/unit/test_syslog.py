"""RFC 5424 messages: whatever an event says, a strict reader gets back what was meant."""

import json
import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.event_makers import event
from tests.unit.syslog_reader import frames, read
from wayside_manager.core.events import Severity
from wayside_manager.core.syslog import MESSAGE_MAX_BYTES, SD_ID, escaped, frame, message


def test_an_event_as_a_message() -> None:
    record = event(
        7, kind="alarm.raised", severity=Severity.MAJOR, node_id="rsu-1", site_id="k12", tenant_id="haikou", message="é"
    )
    told = read(message(record, host="manager.example", facility=16))
    assert (told.facility, told.severity, told.host, told.app) == (16, 2, "manager.example", "wayside-manager")
    assert (told.time, told.kind, told.sd_id) == ("2026-11-23T12:00:00.000000Z", "alarm.raised", SD_ID)
    assert told.text == "é"
    assert told.values == {
        "cursor": "7",
        "kind": "alarm.raised",
        "severity": "major",
        "subject": "nodes/rsu-1",
        "node": "rsu-1",
        "site": "k12",
        "tenant": "haikou",
    }


@pytest.mark.parametrize(
    ("severity", "number"), [(Severity.INFO, 6), (Severity.WARNING, 4), (Severity.MINOR, 3), (Severity.CRITICAL, 1)]
)
def test_how_bad_it_is_is_said_in_syslogs_own_numbers(severity: Severity, number: int) -> None:
    assert read(message(event(1, severity=severity), host="h", facility=0)).severity == number


def test_quotes_brackets_and_back_slashes_are_escaped() -> None:
    assert escaped('a"b]c\\d') == r"a\"b\]c\\d"


TEXTS = st.text(max_size=200) | st.text(alphabet='"\\]=[ \n\r\x00\x85\u2028a' + string.digits, max_size=200)


def blanked(text: str) -> str:
    """Control signs and ends of lines as blanks; everything else as it is."""
    return "".join(" " if unicodedata.category(sign) in {"Cc", "Zl", "Zp"} else sign for sign in text)


@given(subject=TEXTS, text=TEXTS, detail=TEXTS, host=TEXTS, facility=st.integers(0, 23))
def test_no_text_breaks_a_message(subject: str, text: str, detail: str, host: str, facility: int) -> None:
    record = event(1, subject=subject, message=text, details={"x": detail})
    told = message(record, host=host, facility=facility)
    (found,) = frames(frame(told))
    seen = read(found)
    assert len(told) <= MESSAGE_MAX_BYTES
    assert seen.facility == facility
    assert seen.values.get("subject", "") == blanked(subject)
    # JSON escapes most of them by itself
    assert blanked(json.loads(seen.values["details"])["x"]) == blanked(detail)
    assert not set(told) & {0, 10, 13}


def test_long_details_are_left_out_and_a_long_text_is_cut() -> None:
    told = message(event(1, message="a" * 20_000, details={"x": "b" * 20_000}), host="h" * 999, facility=16)
    seen = read(told)
    assert len(told) <= MESSAGE_MAX_BYTES
    assert "details" not in seen.values
    assert seen.text.endswith("...")


def test_frames_say_how_long_they_are() -> None:
    assert frame("é".encode()) == b"2 \xc3\xa9"
