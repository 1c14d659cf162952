"""Plans of rollouts as people write them: plan files and options."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.v1 import rollout_pb2
from wayside_manager.api.rollout_messages import plan_record
from wayside_manager.cli import plan_texts
from wayside_manager.cli.plan_file import read_plan
from wayside_manager.cli.plan_options import PlanOptions

TOML = """
max_in_flight_count = 20
max_failure_count = 3
deadline = "7d"
begin_time = 2026-12-01T02:00:00+08:00
node_timeout = 90.5
windows = ["mon-fri 01:00-04:00", { weekdays = "sat,sun", begin = "22:00", duration = "6h" }]
time_zone = "Asia/Shanghai"
is_dynamic = true
[[waves]]
count = 1
observation = "1h"
[[waves]]
members = { labels = { ring = "wide" }, sites = ["k12", "sites/k13"] }
min_success_percent = 90
[[waves]]
percent = 10
"""
AS_JSON: dict[str, Any] = {
    "max_in_flight_count": 20,
    "max_failure_count": 3,
    "deadline": "7d",
    "begin_time": "2026-11-30T18:00:00+00:00",
    "node_timeout": 90.5,
    "windows": ["mon-fri 01:00-04:00", {"weekdays": [6, 7], "begin": "22:00", "duration": 21_600}],
    "time_zone": "Asia/Shanghai",
    "is_dynamic": True,
    "waves": [
        {"count": 1, "observation": 3600},
        {"members": {"labels": [{"key": "ring", "value": "wide"}], "sites": ["k12", "k13"]}, "min_success_percent": 90},
        "10%",
    ],
}


def shown(message: Any) -> Any:  # noqa: ANN401  # any message
    return MessageToDict(message, preserving_proto_field_name=True)


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_plan_file_says_the_same_in_toml_and_json(tmp_path: Path) -> None:
    from_toml = read_plan(written(tmp_path, "plan.toml", TOML))
    from_json = read_plan(written(tmp_path, "plan.json", json.dumps(AS_JSON)))

    assert shown(from_toml) == shown(from_json)
    record = plan_record(from_toml, field="plan")
    assert record.begin_time == datetime(2026, 11, 30, 18, tzinfo=UTC)
    assert (record.deadline_s, record.node_timeout_s, record.max_failure_count) == (7 * 86_400, 90.5, 3)
    assert [wave.count or wave.percent or wave.site_ids for wave in record.waves] == [1, ("k12", "k13"), 10]
    assert [sorted(window.weekdays) for window in record.windows] == [[1, 2, 3, 4, 5], [6, 7]]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("max_in_flight = 1", "max_in_flight: is unknown; there are waves, max_in_flight_count"),
        ('max_in_flight_count = "many"', "max_in_flight_count: cannot be"),
        ('deadline = "soon"', "deadline: 'soon' is not a duration"),
        ("begin_time = 'soon'", "begin_time: soon is no time"),
        ("begin_time = 7", "begin_time: 7 is no time"),
        ("deadline = true", "deadline: True is not a duration"),
        ("deadline = inf", "deadline: inf is not a duration"),
        ("deadline = 1e300", "deadline: 1e\\+300 is longer"),
        ("waves = 3", "waves: give a list"),
        ("waves = [3]", r"waves\[0\]: is a table"),
        ("waves = ['some']", r"waves\[0\]: 'some' is no wave"),
        ("[[waves]]\ncount = 1\npercent = 10", r"waves\[0\]: say which nodes with exactly one of"),
        ("[[waves]]\nobservation = '1h'", r"waves\[0\]: say which nodes with exactly one of"),
        ("[[waves]]\ncount = 1\n[[waves]]\nmembers = { ring = 'wide' }", r"waves\[1\]\.members\.ring: is unknown"),
        ("[[windows]]\nbegin = 1", r"windows\[0\]\.begin: cannot be"),
        ("windows = ['mon 1-2']", r"windows\[0\]: 'mon 1-2' is no window"),
        ("= 1", "this is no TOML"),
    ],
    ids=lambda value: value.partition("\n")[0] if isinstance(value, str) else None,
)
def test_a_mistake_in_a_plan_file_is_told_by_file_and_field(tmp_path: Path, text: str, why: str) -> None:
    path = written(tmp_path, "plan.toml", text)
    with pytest.raises(InvalidArgumentError, match=why) as caught:
        read_plan(path)
    assert caught.value.message.startswith(str(path))


def test_a_plan_file_that_cannot_be_read_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is not there"):
        read_plan(tmp_path / "none.toml")
    with pytest.raises(InvalidArgumentError, match="cannot be read"):
        read_plan(tmp_path)
    with pytest.raises(InvalidArgumentError, match="this is no JSON"):
        read_plan(written(tmp_path, "deep.json", "[" * 100_000))
    with pytest.raises(InvalidArgumentError, match="a plan is an object"):
        read_plan(written(tmp_path, "list.json", "[]"))


@pytest.mark.parametrize(
    ("text", "wave"),
    [
        ("5", {"count": 5}),
        ("10%", {"percent": 10.0}),
        ("0.5%", {"percent": 0.5}),
        ("rest", {"percent": 100.0}),
        (
            "ring=canary,lane=3",
            {"members": {"labels": [{"key": "ring", "value": "canary"}, {"key": "lane", "value": "3"}]}},
        ),
        ("sites/k12,sites/k13", {"members": {"sites": ["sites/k12", "sites/k13"]}}),
    ],
)
def test_a_wave_is_written_short(text: str, wave: dict[str, Any]) -> None:
    assert shown(plan_texts.wave(text)) == wave


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("01:00-04:00", ([], "01:00", "10800s")),
        ("mon-fri 22:30-02:00", ([1, 2, 3, 4, 5], "22:30", "12600s")),
        ("SAT,sun 00:00-00:00", ([6, 7], "00:00", "86400s")),
        ("fri-mon 01:00-01:01", ([1, 5, 6, 7], "01:00", "60s")),
    ],
)
def test_a_window_is_written_short(text: str, window: tuple[list[int], str, str]) -> None:
    found = shown(plan_texts.window(text))
    assert (found.get("weekdays", []), found["begin"], found["duration"]) == window


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        *((plan_texts.wave, text) for text in ("", "%", "x%", "five", "-1", "k12")),
        *((plan_texts.window, text) for text in ("", "01:00", "25:00-26:00", "mon-xyz 01:00-02:00", "1:00-2:00")),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_neither_is_refused_with_an_example(parse: Any, text: str) -> None:  # noqa: ANN401  # a function
    with pytest.raises(InvalidArgumentError, match="write"):
        parse(text)


def test_an_option_goes_before_the_plan_file(tmp_path: Path) -> None:
    path = written(tmp_path, "plan.toml", TOML)
    made = PlanOptions(plan=path, max_failures=7, wave=["1", "rest"], observe="10m", deadline="1d").message()

    assert (made.max_in_flight_count, made.max_failure_count, made.deadline.seconds) == (20, 7, 86_400)
    assert [(wave.count, wave.percent, wave.observation.seconds) for wave in made.waves] == [(1, 0, 600), (0, 100, 600)]
    assert len(made.windows) == 2


def test_no_option_is_an_empty_plan_and_watching_needs_waves() -> None:
    assert PlanOptions().message() == rollout_pb2.RolloutPlan()
    with pytest.raises(InvalidArgumentError, match="--observe: there are no waves"):
        PlanOptions(observe="10m").message()


def test_a_pipe_that_does_not_end_is_refused_and_not_read_for_ever() -> None:
    with pytest.raises(InvalidArgumentError, match="has more than 1048576 bytes"):
        read_plan(Path("/dev/zero"))
