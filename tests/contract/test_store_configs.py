"""Configuration layers and what they do to nodes, on every engine there is."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.contract.manager_store import START, after, batch, enrolled, health, layer, release, sited
from wayside.errors import ConflictError, InvalidArgumentError, NotFoundError
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.nodes import Label, NodeChange, NodeKind
from wayside_manager.core.rollout import RolloutPlan
from wayside_manager.core.selectors import CorridorSection, NodeSelector
from wayside_manager.ports.store import Store

OBUS = NodeSelector(kinds=(NodeKind.OBU,))


async def asked_of(store: Store, node_id: str) -> dict[str, Any]:
    """What the layers ask of a node."""
    record = (await store.node_config_state(node_id)).config
    assert record.sha256 == hashlib.sha256(record.content).hexdigest()
    config: dict[str, Any] = json.loads(record.content)
    return config


async def test_a_layer_reaches_the_nodes_it_selects_by_a_rollout(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await enrolled(store, "obu-1", kind=NodeKind.OBU)
    applied = await store.apply_layer(layer("fast", {"report_period_s": 5}, selector=OBUS), now=START)
    assert applied.effect.changed_node_ids == ("obu-1",)
    assert (await asked_of(store, "obu-1"), await asked_of(store, "rsu-1")) == ({"report_period_s": 5}, {})
    desired = await store.get_desired("obu-1")
    # its turn is the rollout's to give
    assert (desired.revision, desired.config_revision, desired.target_config_revision) == (0, 0, 1)
    rollout = await store.get_rollout(applied.effect.rollout_id)
    assert (rollout.config_cause, rollout.version) == ("configLayers/fast", "")


async def test_the_plan_given_is_the_rollouts(store: Store) -> None:
    await enrolled(store, "rsu-1")
    plan = RolloutPlan(max_failure_count=3, trial_timeout_s=300.0)
    applied = await store.apply_layer(layer("base", {"report_period_s": 5}), now=START, plan=plan)
    assert (await store.get_rollout(applied.effect.rollout_id)).plan == plan


async def test_the_same_layer_again_makes_no_revision_and_no_rollout(store: Store) -> None:
    await enrolled(store, "rsu-1")
    first = await store.apply_layer(layer("base", {"report_period_s": 5}), now=START)
    again = await store.apply_layer(layer("base", {"report_period_s": 5}), now=after(9), comment="once more")
    assert (again.layer, again.effect.changed_node_ids, again.effect.rollout_id) == (first.layer, (), "")
    assert len((await store.list_layer_revisions("base")).items) == 1


async def test_a_layer_that_changes_no_configuration_starts_no_rollout(store: Store) -> None:
    await enrolled(store, "rsu-1")
    first = await store.apply_layer(layer("base", {"report_period_s": 5}), now=START)
    again = await store.apply_layer(layer("base", {"report_period_s": 5}, priority=7), now=START)
    assert (again.effect.changed_node_ids, again.effect.rollout_id) == ((), "")
    assert again.layer.etag != first.layer.etag


async def test_true_and_one_are_two_contents(store: Store) -> None:
    await store.apply_layer(layer("base", {"telemetry": {"broker_plaintext": True}}), now=START)
    with pytest.raises(InvalidArgumentError, match="1 is not true or false"):
        await store.apply_layer(layer("base", {"telemetry": {"broker_plaintext": 1}}), now=START)


async def test_a_higher_layer_wins_and_its_end_brings_the_lower_back(store: Store) -> None:
    await enrolled(store, "rsu-1")
    low = layer("low", {"report_period_s": 5, "telemetry": {"broker_host": "broker.example"}}, priority=1)
    await store.apply_layer(low, now=START)
    await store.apply_layer(layer("high", {"report_period_s": 9, "telemetry": None}, priority=2), now=START)
    assert await asked_of(store, "rsu-1") == {"report_period_s": 9}
    deleted = await store.delete_layer("high", now=START)
    assert (deleted.effect.changed_node_ids, deleted.layer.layer_id) == (("rsu-1",), "high")
    assert (await asked_of(store, "rsu-1"))["report_period_s"] == 5
    assert (await store.get_desired("rsu-1")).target_config_revision == 3


async def test_without_its_last_layer_a_node_returns_to_its_defaults(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.apply_layer(layer("only", {"report_period_s": 5}), now=START)
    await store.delete_layer("only", now=START)
    record = (await store.node_config_state("rsu-1")).config
    assert (record.revision, record.content) == (2, b"{}")


async def test_older_revisions_can_still_be_fetched(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.apply_layer(layer("base", {"report_period_s": 5}), now=START)
    await store.apply_layer(layer("base", {"report_period_s": 6}), now=START)
    old = await store.get_node_config("rsu-1", revision=1)
    assert (old.content, old.cause) == (b'{"report_period_s":5}', "configLayers/base")
    with pytest.raises(NotFoundError, match="no configuration 3"):
        await store.get_node_config("rsu-1", revision=3)
    # it was told none yet
    assert (await store.get_node_config("rsu-1")).revision == 0


async def test_a_new_node_is_told_its_configuration_at_once(store: Store) -> None:
    await store.apply_layer(layer("base", {"report_period_s": 5}), now=START)
    node = await enrolled(store, "rsu-1")
    assert (node.desired.config_revision, node.desired.config_trial) == (1, "node-1")
    assert (await store.get_node_config("rsu-1")).content == b'{"report_period_s":5}'


@pytest.mark.parametrize("part", ["labels", "site_id", "variables"])
async def test_the_first_configuration_of_a_node_is_told_at_once(store: Store, part: str) -> None:
    await enrolled(store, "rsu-1")
    await sited(store, "k12")
    await store.apply_layer(
        layer("g98", {"report_period_s": 5}, selector=NodeSelector(labels=(Label("road", "g98"),))), now=START
    )
    await store.apply_layer(layer("k12", {"report_period_s": 6}, selector=NodeSelector(site_ids=("k12",))), now=START)
    named = layer("named", {"telemetry": {"topic_prefix": "t/${name}"}}, selector=NodeSelector(models=("m",)))
    await store.apply_layer(named, now=START)
    await store.record_reports([batch("rsu-1", health(1, model="m"))])
    state = await store.node_config_state("rsu-1")
    assert "no variable name" in state.problem
    change = {
        "labels": NodeChange(labels=(Label("road", "g98"),), variables={"name": "x"}),
        "site_id": NodeChange(site_id="k12", variables={"name": "x"}),
        "variables": NodeChange(variables={"name": "y"}),
    }[part]
    node = await store.update_node("rsu-1", change, now=START)
    assert node.desired.config_problem == ""
    assert node.desired.config_revision == node.desired.target_config_revision == 1
    expected = {"labels": 5, "site_id": 6, "variables": None}[part]
    assert (await asked_of(store, "rsu-1")).get("report_period_s") == expected


async def test_a_retired_node_gets_nothing_more(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.retire_node("rsu-1", now=START)
    applied = await store.apply_layer(layer("base", {"report_period_s": 5}), now=START)
    assert applied.effect.changed_node_ids == ()


async def test_a_revoked_node_finds_its_configuration_waiting_and_is_in_no_rollout(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.revoke_node("rsu-1", now=START)
    applied = await store.apply_layer(layer("base", {"report_period_s": 5}), now=START)
    assert (applied.effect.changed_node_ids, applied.effect.rollout_id) == (("rsu-1",), "")
    assert (await store.get_desired("rsu-1")).config_revision == 1


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"report_period_s": 0}, "config.report_period_s: 0 is outside 1 to 3600"),
        ({"reprot_period_s": 5}, "config.reprot_period_s: there is no such field; use report_period_s"),
        ({"telemetry": {"password_secret": "a b"}}, "names a secret on the unit"),
        (
            {"telemetry": {"topic_prefix": "t/${road}"}},
            "config of rsu-1 and 1 more node: telemetry.topic_prefix: there",
        ),
        ({"telemetry": {"broker_port": "${node.id}"}}, "is not a whole number within 0 to 65535"),
        ({"telemetry": {"topic_prefix": "${site.id}"}}, "give the node a site"),
    ],
)
async def test_what_a_node_cannot_run_leaves_everything_as_it_was(
    store: Store, config: dict[str, object], said: str
) -> None:
    await enrolled(store, "rsu-1")
    await enrolled(store, "rsu-2")
    await store.apply_layer(layer("base", {"report_period_s": 5}), now=START)
    with pytest.raises(InvalidArgumentError) as caught:
        await store.apply_layer(layer("base", config), now=START)
    assert said in caught.value.message
    assert (await store.get_layer("base")).etag == "1"
    assert len((await store.list_layer_revisions("base")).items) == 1
    assert await asked_of(store, "rsu-1") == {"report_period_s": 5}


async def test_a_misspelt_layer_is_refused_though_it_reaches_nobody(store: Store) -> None:
    with pytest.raises(InvalidArgumentError, match="there is no such field"):
        await store.apply_layer(layer("base", {"reprot_period_s": 5}, selector=OBUS), now=START)


async def test_the_schema_of_the_release_a_node_runs_counts_for_it(store: Store) -> None:
    await enrolled(store, "new-1")
    await enrolled(store, "old-1")
    published = json.dumps({"properties": {"lamp": {"maximum": 5}}, "additionalProperties": False})
    await store.add_release(replace(release("2.0.0"), config_schema=published))
    await store.record_reports([batch("new-1", health(1, release="2.0.0", version="2.0.0"))])
    both = layer("lamps", {"lamp": 5})
    with pytest.raises(InvalidArgumentError, match="config of old-1: lamp: there is no such field"):
        await store.apply_layer(both, now=START)
    only_new = replace(both, selector=NodeSelector(versions=("2.0.0",)))
    assert (await store.apply_layer(only_new, now=START)).effect.changed_node_ids == ("new-1",)
    with pytest.raises(InvalidArgumentError, match=r"lamp: 6 is not at most 5 \(agent 2\.0\.0\)"):
        await store.apply_layer(replace(only_new, config={"lamp": 6}), now=START)
    assert (await store.node_config_state("new-1")).schema_version == "2.0.0"
    assert (await store.find_config_schema("2.0.0"))[1] == "2.0.0"
    assert (await store.find_config_schema(""))[1] == (await store.node_config_state("old-1")).schema_version
    with pytest.raises(NotFoundError, match="schema 9 does not exist"):
        await store.find_config_schema("9")


async def test_a_node_whose_version_takes_its_configuration_away_keeps_the_former_and_says_why(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.apply_layer(layer("base", {"report_period_s": 5}), now=START)
    await store.add_release(replace(release("2.0.0"), config_schema='{"additionalProperties": false}'))
    await store.record_reports([batch("rsu-1", health(1, release="2.0.0", version="2.0.0"))])
    state = await store.node_config_state("rsu-1")
    assert (state.target_revision, state.problem) == (
        1,
        "report_period_s: there is no such field; leave it out (agent 2.0.0)",
    )
    # one that was so before holds nobody up
    await enrolled(store, "rsu-2")
    mine = layer("mine", {"report_period_s": 7}, selector=NodeSelector(node_ids=("rsu-2",)), priority=1)
    assert (await store.apply_layer(mine, now=START)).effect.changed_node_ids == ("rsu-2",)
    await store.delete_layer("base", now=START)
    assert (await store.node_config_state("rsu-1")).problem == ""


async def test_variables_of_a_node_go_before_those_of_its_site(store: Store) -> None:
    await sited(store, "k12", variables={"broker": "site.example", "port": 1884})
    await enrolled(store, "rsu-1")
    await enrolled(store, "rsu-2")
    for node_id in ("rsu-1", "rsu-2"):
        await store.update_node(node_id, NodeChange(site_id="k12"), now=START)
    await store.update_node("rsu-2", NodeChange(variables={"broker": "own.example"}), now=START)
    config = {"telemetry": {"broker_host": "${broker}", "broker_port": "${port}", "username": "${node.id}-${site.id}"}}
    await store.apply_layer(layer("base", config), now=START)
    assert await asked_of(store, "rsu-1") == {
        "telemetry": {"broker_host": "site.example", "broker_port": 1884, "username": "rsu-1-k12"}
    }
    assert (await asked_of(store, "rsu-2"))["telemetry"]["broker_host"] == "own.example"


@pytest.mark.parametrize(
    ("selector", "error"),
    [
        (NodeSelector(), InvalidArgumentError),
        (NodeSelector(all_nodes=True, kinds=(NodeKind.RSU,)), InvalidArgumentError),
        (NodeSelector(site_ids=("nowhere",)), NotFoundError),
        (NodeSelector(sections=(CorridorSection("nowhere"),)), NotFoundError),
        (NodeSelector(group_ids=("nobody",)), NotFoundError),
    ],
    ids=["nothing", "everything-and-more", "site", "corridor", "group"],
)
async def test_a_selector_must_name_what_is_there(store: Store, selector: NodeSelector, error: type[Exception]) -> None:
    with pytest.raises(error):
        await store.apply_layer(layer("base", {}, selector=selector), now=START)


async def test_a_stale_etag_guards_a_layer(store: Store) -> None:
    applied = await store.apply_layer(layer("base", {"report_period_s": 5}), now=START)
    await store.apply_layer(layer("base", {"report_period_s": 6}), now=START, etag=applied.layer.etag)
    for attempt in (
        store.apply_layer(layer("base", {"report_period_s": 7}), now=START, etag="1"),
        store.delete_layer("base", now=START, etag="1"),
        store.rollback_layer("base", now=START, etag="1"),
    ):
        with pytest.raises(ConflictError):
            await attempt
    assert (await store.get_layer("base")).config == {"report_period_s": 6}


@pytest.mark.parametrize("priority", [-1, 1001])
async def test_a_priority_out_of_range_is_refused(store: Store, priority: int) -> None:
    with pytest.raises(InvalidArgumentError, match="outside 0 to 1000"):
        await store.apply_layer(layer("base", {}, priority=priority), now=START)


async def test_layers_are_listed_in_the_order_they_merge(store: Store) -> None:
    for layer_id, priority in (("b", 5), ("z", 1), ("a", 5)):
        await store.apply_layer(layer(layer_id, {}, priority=priority), now=START)
    first = await store.list_layers(reach=EVERYWHERE, page_size=2)
    second = await store.list_layers(reach=EVERYWHERE, page_size=2, page_token=first.next_page_token)
    assert [one.layer_id for one in (*first.items, *second.items)] == ["z", "a", "b"]
    assert second.next_page_token == ""
