"""Why a node runs something else than it should."""

from itertools import product

import pytest

from wayside_manager.core.configs import DriftCause
from wayside_manager.core.drift import cause_of, sentence_of
from wayside_manager.core.nodes import DesiredRecord, NodeStatus
from wayside_manager.core.reports import ConfigOutcome


def cause(
    *, target: str = "new", told: str = "new", runs: str = "old", outcome: str = "", said: str = "t1", problem: str = ""
) -> DriftCause | None:
    desired = DesiredRecord(
        "rsu-1",
        config_revision=1 if told else 0,
        config_sha256=told,
        target_config_revision=2 if target else 0,
        target_config_sha256=target,
        config_problem=problem,
        config_trial="t1" if told else "",
    )
    return cause_of(desired, NodeStatus(running_config_sha256=runs, config_outcome=outcome, config_trial=said))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"runs": "new", "outcome": "applied"}, None),
        ({"runs": "new", "said": ""}, None),
        ({"target": "", "told": ""}, None),
        ({"told": "old"}, DriftCause.WAITING),
        ({"told": "", "said": ""}, DriftCause.WAITING),
        ({"told": "old", "outcome": "applied"}, DriftCause.WAITING),
        ({"said": "t0", "outcome": "applied"}, DriftCause.TOLD),
        ({"said": ""}, DriftCause.TOLD),
        ({"outcome": "provisional", "runs": "new"}, DriftCause.PROVISIONAL),
        ({"outcome": "provisional"}, DriftCause.PROVISIONAL),
        ({"outcome": "rejected"}, DriftCause.REJECTED),
        ({"outcome": "reverted"}, DriftCause.REVERTED),
        ({"outcome": "reverted", "said": "t0"}, DriftCause.TOLD),
        ({"outcome": "applied", "runs": "hand"}, DriftCause.CHANGED),
        ({"outcome": "applied", "runs": "hand", "told": "old"}, DriftCause.CHANGED),
        ({"runs": ""}, DriftCause.UNKNOWN),
        ({"runs": "", "told": "old"}, DriftCause.UNKNOWN),
        ({"problem": "x", "runs": "new"}, DriftCause.INVALID),
        ({"problem": "x", "target": "", "told": ""}, DriftCause.INVALID),
    ],
    ids=str,
)
def test_the_cause_follows_from_what_was_asked_told_and_said(
    given: dict[str, str], expected: DriftCause | None
) -> None:
    assert cause(**given) is expected


def test_every_situation_has_a_cause_unless_the_node_runs_what_it_should() -> None:
    situations = product(
        ("new", "old", ""), ("new", "old", "hand", ""), [each.value for each in ConfigOutcome], ("t1", "t0", "")
    )
    for told, runs, outcome, said in situations:
        found = cause(told=told, runs=runs, outcome=outcome, said=said)
        assert (found is None) <= (runs == "new")
        assert runs != "new" or found in {None, DriftCause.PROVISIONAL}


def test_every_cause_has_a_sentence() -> None:
    assert all(sentence_of(each, "why") == "why" for each in DriftCause)
    assert all(sentence_of(each) for each in DriftCause if each is not DriftCause.INVALID)
