"""Management objects of roadside units: each has a row, and what a unit does not say is unknown."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside_manager.core.node_health import CheckFacts, HealthState
from wayside_manager.core.rsu_object import Tree
from wayside_manager.core.rsu_objects import RSU_OBJECTS, judged

REPOSITORY = Path(__file__).parents[2]
RULES = REPOSITORY.parent / "shared" / "domain" / "rules.md"
SECTION = "## RSU management objects"
# words of the section that name no object: they say how to read it, where it comes from, or what a value may be
WORDS = """
RSU 4.1 MIB OID names V from alarms notifications NTCIP 1218 set standby operate only R other okay warning critical
SNMPv3 authPriv SHA-512 AES-256 V2X-Hub polls every s unknown Chinese center T ITS text in open-v2x docs implementation
dandelion default boot or change DEBUG INFO WARN ERROR NOLog invalid ByAll ByID Field practice one deployment
document zyjohn0822 repo contains a broker credential do not copy with init tx rx binary channel byte LE UTC ms BSM
count length UPER per and table
"""
SAID = frozenset(WORDS.split())
OF_ANOTHER_TREE = "thresholds"  # the paragraph on RSU 4.1 says that NTCIP 1218 has them


def section() -> list[str]:
    """One line per tree, in their order."""
    if not RULES.exists():
        pytest.skip("needs the domain rules: ../shared/domain/rules.md is not there")
    _, _, rest = RULES.read_text().partition(SECTION)
    lines = rest.partition("\n## ")[0].splitlines()[1:]
    return [line for line in lines if line and not line.startswith("Acceptance")]


def good(name: str) -> Any:  # noqa: ANN401  # whatever the object is
    """A value with which an object is ok."""
    for row in RSU_OBJECTS:
        if row.key == name:
            candidates: tuple[object, ...] = ("x", "ByAll", "", [], 0, 1, 2, 3, 4, 10)
            for value in candidates:
                found = row.rule(value)
                if found is not None and found[0] is HealthState.OK:
                    return value
    raise AssertionError(name)


def of(tree: Tree) -> list[str]:
    return [row.key for row in RSU_OBJECTS if row.tree is tree]


def by_name(checks: tuple[CheckFacts, ...]) -> dict[str, CheckFacts]:
    return {check.name: check for check in checks}


@pytest.mark.parametrize("tree", Tree)
def test_every_object_of_the_domain_rules_has_a_row(tree: Tree) -> None:
    text = section()[list(Tree).index(tree)]
    text = re.sub(r"`[^`]*`|\*\*do not copy\*\*", " ", text)
    text = re.sub(r"\.?\b[\d.]+\.[\dx*.]+\b", " ", text)  # object identifiers and versions
    rows = [row for row in RSU_OBJECTS if row.tree is tree or row.named == OF_ANOTHER_TREE]
    names = sorted({name for row in rows for name in (row.name, row.named)} - {""}, key=len, reverse=True)
    for name in names:
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", text)
    text = re.sub(r"/(UP|DOWN|ACK)\b", " ", text)  # `MAP.UP/DOWN/ACK` names three; the first is looked for above
    assert set(re.findall(r"[A-Za-z][\w.*-]*\w|[A-Z]", text)) - SAID == set()


@pytest.mark.parametrize("message", ["MAP", "RSM", "RSI", "SPAT", "OTA"])
def test_messages_of_both_directions_have_a_row_each(message: str) -> None:
    assert {f"tits0117/{message}.UP", f"tits0117/{message}.DOWN"} <= set(of(Tree.TITS0117))


@pytest.mark.parametrize("tree", Tree)
def test_a_unit_that_answers_half_is_unknown_in_the_other_half(tree: Tree) -> None:
    answered = {key: good(key) for key in of(tree)[::2]}
    checks = judged(answered, tree)
    states = dict(zip(of(tree), (check.state for check in checks), strict=True))
    assert {states[key] for key in answered} == {HealthState.OK}
    assert {states[key] for key in of(tree)[1::2]} == {HealthState.UNKNOWN}
    assert all(check.value is None and check.reason for check in checks if check.state is HealthState.UNKNOWN)


@pytest.mark.parametrize("tree", Tree)
def test_a_unit_that_answers_nothing_is_unknown_throughout(tree: Tree) -> None:
    assert {check.state for check in judged({}, tree)} == {HealthState.UNKNOWN}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tits0117/location lon", 180.0000001),
        ("tits0117/location lat", 90.0000001),
        ("tits0117/location lon", 1_800_000_001),
        ("rsu41/GPS output ref lat", 900_000_001),
        ("ntcip1218/rsuStatus", 5),
        ("ntcip1218/rsuStatus", 1),
        ("rsu41/rsuIntTemp", "warm"),
        ("rsu41/rsuIntTemp", float("nan")),
        ("rsu41/rsuIntTemp", True),
        ("rsu41/rsuMode", 3),
        ("rsu41/rsuAlertLevel", 9),
        ("rsu41/rsuID", ""),
        ("rsu41/rsuTimeSincePowerOn", -1),
        ("tits0117/errList", "52"),
    ],
    ids=str,
)
def test_an_unknown_or_impossible_value_is_unknown(key: str, value: object) -> None:
    row = next(row for row in RSU_OBJECTS if row.key == key)
    check = by_name(judged({key: value}, row.tree))[row.check]
    assert (check.state, check.value) == (HealthState.UNKNOWN, None)


@pytest.mark.parametrize(
    ("key", "value", "state"),
    [
        ("rsu41/rsuIntTemp", 75, HealthState.FAILED),
        ("rsu41/rsuGpsStatus", 0, HealthState.DEGRADED),
        ("rsu41/rsuMode", 2, HealthState.DEGRADED),
        ("rsu41/rsuTamperAlert", 4, HealthState.FAILED),
        ("rsu41/rsuClockSkewMsg", "clock 3 s off", HealthState.DEGRADED),
        ("ntcip1218/rsuStatus", 2, HealthState.OK),
        ("ntcip1218/rsuStatus", 4, HealthState.FAILED),
        ("tits0117/HB.UP", 60, HealthState.OK),
        ("tits0117/HB.UP", 151, HealthState.FAILED),
        ("tits0117/errList", [11], HealthState.DEGRADED),
        ("tits0117/errList", [11, 54], HealthState.FAILED),
        ("tits0117/RunningInfo cpu", 96, HealthState.DEGRADED),
    ],
    ids=str,
)
def test_a_value_is_judged_by_its_rule(key: str, value: object, state: HealthState) -> None:
    row = next(row for row in RSU_OBJECTS if row.key == key)
    check = by_name(judged({key: value}, row.tree))[row.check]
    assert check.state is state
    assert bool(check.reason) is (state is not HealthState.OK)


@given(st.sampled_from(RSU_OBJECTS), st.from_type(type).flatmap(st.from_type) | st.integers() | st.text() | st.floats())
def test_whatever_a_unit_sends_is_judged(row: Any, value: object) -> None:  # noqa: ANN401  # a row
    check = by_name(judged({row.key: value}, row.tree))[row.check]
    assert check.state in HealthState


def test_every_row_has_a_name_and_a_check_of_its_own() -> None:
    assert Counter(row.key for row in RSU_OBJECTS).most_common(1)[0][1] == 1
    assert Counter((row.tree, row.check) for row in RSU_OBJECTS).most_common(1)[0][1] == 1
    assert all(re.fullmatch(r"[a-z0-9._-]{1,80}", row.check) for row in RSU_OBJECTS)


def test_what_raises_an_alert_says_how_severe_it_is() -> None:
    alerts = [row for row in RSU_OBJECTS if re.search(r"(Error|Alert|Msg|Lost|Mismatch|Anomaly)$", row.name)]
    assert len(alerts) == 21
    assert all(row.severity is not None for row in alerts)


def test_the_page_has_the_same_rows() -> None:
    page = (REPOSITORY / "docs" / "rsu-objects.md").read_text()
    sources = {Tree.RSU41: "RSU 4.1", Tree.NTCIP1218: "NTCIP 1218", Tree.TITS0117: "T/ITS 0117"}
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if "| `rsu." in line]
    wanted = [
        [row.name, sources[row.tree], row.unit, f"`{row.check}`", row.severity.name.lower() if row.severity else ""]
        for row in RSU_OBJECTS
    ]
    assert [[row[0], row[1], row[2], row[4], row[6]] for row in rows] == wanted
