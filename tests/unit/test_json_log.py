"""The log line: always one JSON object, whatever is logged."""

import json
import logging
import sys
from typing import Any

import pytest

from wayside.json_log import JsonFormatter


class Unshowable:
    def __str__(self) -> str:
        raise RuntimeError("no")


def line(message: object = "node %s", *args: object, **extra: object) -> dict[str, Any]:
    record = logging.LogRecord("wayside.test", logging.WARNING, "file.py", 1, message, args, None)
    vars(record).update(extra)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    text.encode()
    fields: dict[str, Any] = json.loads(text)
    return fields


def test_a_line_has_time_level_logger_message_and_the_extra_fields_in_this_order() -> None:
    fields = line("node %s", "rsu-é", node="rsu-é", count=3)
    assert list(fields) == ["time", "level", "logger", "message", "node", "count"]
    assert fields | {"time": ""} == {
        "time": "",
        "level": "WARNING",
        "logger": "wayside.test",
        "message": "node rsu-é",
        "node": "rsu-é",
        "count": 3,
    }


def test_the_time_is_utc_with_milliseconds_and_offset() -> None:
    assert line("x", created=0.25)["time"] == "1970-01-01T00:00:00.250+00:00"


def test_an_extra_field_does_not_displace_a_standard_one() -> None:
    assert line("x", level="mine", time=1)["level"] == "WARNING"


def test_an_exception_is_its_traceback() -> None:
    try:
        int("broken")
    except ValueError:
        fields = line("x", exc_info=sys.exc_info())
    assert "ValueError: invalid literal" in fields["exception"]
    assert fields["exception"].startswith("Traceback")


@pytest.mark.parametrize(
    ("message", "args"),
    [
        ("%d nodes", ("many",)),
        ("%s %s", ("one",)),
        ("%s", (Unshowable(),)),
        (None, ()),
        (Unshowable(), ()),
        ("\udcff", ()),
        (b"\xff", ()),
    ],
)
def test_what_cannot_be_formatted_is_logged_nevertheless(message: object, args: tuple[object, ...]) -> None:
    assert isinstance(line(message, *args)["message"], str)


@pytest.mark.parametrize("value", [Unshowable(), float("nan"), {(1, 2): 3}, {1, 2}, b"\xff", "\ud800", object()])
def test_any_extra_value_makes_a_line(value: object) -> None:
    assert "field" in line("x", field=value)


def test_a_circle_makes_a_line() -> None:
    circle: list[object] = []
    circle.append(circle)
    assert "[[...]]" in line("x", field=circle)["field"]
