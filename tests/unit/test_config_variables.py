"""Variables in the texts of a configuration."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside_manager.core.variables import Template, VariableValue, known_variables, names_in, origin_of

VARIABLES: dict[str, VariableValue] = {"host": "b.example", "port": 1883, "ratio": 0.5, "on": True, "node.id": "rsu-1"}
TEXTS = st.text(alphabet="${}ab.", max_size=12)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("${host}", "b.example"),
        ("${port}", 1883),
        ("${ratio}", 0.5),
        ("${on}", True),
        ("mqtt-${port}", "mqtt-1883"),
        ("${on}!", "true!"),
        ("${ratio}x", "0.5x"),
        ("${host}:${port}", "b.example:1883"),
        ("road/${node.id}", "road/rsu-1"),
        ("$${host}", "${host}"),
        ("$$${host}", "$${host}"),
        ("costs $5 and {6}", "costs $5 and {6}"),
        ("", ""),
    ],
)
def test_references_are_filled(text: str, filled: object) -> None:
    result, problems = Template({"a": text}).filled(VARIABLES)
    assert (result["a"], type(result["a"]), problems) == (filled, type(filled), ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${brokr}", "a.b: there is no variable brokr; set it on the node or on its site"),
        ("x${brokr}y", "a.b: there is no variable brokr; set it on the node or on its site"),
        ("${site.id}", "a.b: ${site.id} is not known; give the node a site"),
        ("${ host }", "a.b: a reference is written ${name}, and a literal one $${"),
        ("${}", "a.b: a reference is written ${name}, and a literal one $${"),
        ("${host", "a.b: a reference is written ${name}, and a literal one $${"),
    ],
)
def test_what_cannot_be_filled_is_said_with_its_path(text: str, said: str) -> None:
    result, problems = Template({"a": {"b": text}}).filled(VARIABLES)
    assert problems == (said,)
    assert result == {"a": {"b": text}}


def test_lists_are_filled_and_names_of_fields_are_not() -> None:
    config = {"${host}": ["${port}", {"c": ["${host}"]}], "n": 1}
    assert Template(config).filled(VARIABLES)[0] == {"${host}": [1883, {"c": ["b.example"]}], "n": 1}


def test_what_a_variable_brings_is_not_looked_at_again() -> None:
    assert Template({"a": "${x}", "b": "-${x}"}).filled({"x": "${x}"}) == ({"a": "${x}", "b": "-${x}"}, ())


def test_the_own_variable_goes_before_that_of_the_site_and_built_in_ones_before_both() -> None:
    own: dict[str, VariableValue] = {"host": "own", "node.id": "forged"}
    of_site: dict[str, VariableValue] = {"host": "site", "port": 1, "site.id": "forged"}
    known = known_variables(node_id="rsu-1", esn="E1", kind="rsu", site_id="k12", own=own, of_site=of_site)
    assert known == {
        "host": "own",
        "port": 1,
        "node.id": "rsu-1",
        "node.esn": "E1",
        "node.kind": "rsu",
        "site.id": "k12",
    }


@pytest.mark.parametrize(
    ("name", "site_id", "origin"),
    [
        ("host", "k12", "nodes/rsu-1"),
        ("port", "k12", "sites/k12"),
        ("node.esn", "k12", "nodes/rsu-1"),
        ("site.id", "k12", "sites/k12"),
        ("site.id", "", ""),
        ("nothing", "k12", ""),
    ],
)
def test_where_a_variable_comes_from_is_said(name: str, site_id: str, origin: str) -> None:
    own, of_site = {"host": "own"}, {"host": "site", "port": 1}
    assert origin_of(name, node_id="rsu-1", site_id=site_id, own=own, of_site=of_site) == origin


@settings(max_examples=200)
@given(TEXTS)
def test_any_text_is_filled_or_explained(text: str) -> None:
    template = Template({"a": text})
    result, problems = template.filled({"a": 1, "b": "x"})
    assert template.names == names_in(text)
    if problems:
        assert all(problem.startswith("a: ") for problem in problems)
    elif not template.names and "$${" not in text:
        assert result == {"a": text}


@settings(max_examples=200)
@given(st.text(alphabet="${}ab", max_size=10))
def test_an_escaped_text_comes_out_as_it_was(text: str) -> None:
    escaped = text.replace("${", "$${")
    assert Template({"a": escaped}).filled({}) == ({"a": text}, ())
