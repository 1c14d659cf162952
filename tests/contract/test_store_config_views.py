"""Previews, origins and drift of configurations, as people see them."""

import hashlib
import json
from dataclasses import replace

import pytest

from tests.contract.manager_land import layer as land_layer
from tests.contract.manager_land import settled, whole
from tests.contract.manager_store import START, after, batch, enrolled, health, layer, sited, word
from wayside.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError
from wayside.node_config import canonical
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.configs import MISSING, DriftCause, ValueChange
from wayside_manager.core.nodes import Label, NodeChange, NodeKind, reconciling
from wayside_manager.core.reports import ConfigOutcome
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.store import Store

OBUS = NodeSelector(kinds=(NodeKind.OBU,))
FIVE, SIX = canonical({"report_period_s": 5}), canonical({"report_period_s": 6})


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def fleet(store: Store) -> None:
    """Three units, two of which were told 5 s when they came."""
    await store.apply_layer(layer("base", {"report_period_s": 5}), now=START)
    await enrolled(store, "rsu-1")
    await enrolled(store, "rsu-2")
    await enrolled(store, "obu-1", kind=NodeKind.OBU)


async def test_a_preview_groups_equal_changes_and_changes_nothing(store: Store) -> None:
    await fleet(store)
    before = [await store.get_desired(node_id) for node_id in ("rsu-1", "obu-1")]
    preview = await store.preview_config(
        [layer("base", {"report_period_s": 6}), layer("obus", {"report_period_s": 7}, selector=OBUS, priority=1)],
        [],
        reach=EVERYWHERE,
    )
    assert preview.node_count == 3
    assert [(group.values, group.node_ids) for group in preview.changes] == [
        ((ValueChange("report_period_s", 5, 6, "base"),), ("rsu-1", "rsu-2")),
        ((ValueChange("report_period_s", 5, 7, "obus"),), ("obu-1",)),
    ]
    assert [await store.get_desired(node_id) for node_id in ("rsu-1", "obu-1")] == before
    assert (await store.get_layer("base")).config == {"report_period_s": 5}


async def test_a_preview_of_a_deletion_says_what_goes(store: Store) -> None:
    await fleet(store)
    preview = await store.preview_config([], ["base"], reach=EVERYWHERE)
    assert preview.changes[0].values == (ValueChange("report_period_s", 5, MISSING, ""),)
    with pytest.raises(NotFoundError):
        await store.preview_config([], ["nothing"], reach=EVERYWHERE)


async def test_a_preview_is_what_applying_does(store: Store) -> None:
    await fleet(store)
    wanted = layer("obus", {"telemetry": {"broker_host": "b"}, "report_period_s": None}, selector=OBUS, priority=3)
    preview = await store.preview_config([wanted], [], reach=EVERYWHERE)
    applied = await store.apply_layer(wanted, now=START)
    assert applied.effect.changed_node_ids == preview.changes[0].node_ids == ("obu-1",)
    ((_, changes), _) = (await store.list_node_configs("obu-1")).items
    assert [replace(one, layer_id="") for one in preview.changes[0].values] == list(changes)


async def test_a_preview_says_who_could_not_run_it_and_why(store: Store) -> None:
    await fleet(store)
    await store.update_node("rsu-2", NodeChange(variables={"port": 99_999}), now=START)
    preview = await store.preview_config(
        [layer("port", {"telemetry": {"broker_port": "${port}"}}, priority=1)], [], reach=EVERYWHERE
    )
    assert preview.changes == ()
    lacking, outside = preview.refusals
    assert (lacking.node_ids, outside.node_ids) == (("obu-1", "rsu-1"), ("rsu-2",))
    assert "there is no variable port" in lacking.problems[0]
    assert outside.problems[0].startswith("telemetry.broker_port: 99999 is outside 0 to 65535")
    assert outside.version


async def test_a_preview_shows_only_nodes_that_are_asked_for_and_in_reach(store: Store) -> None:
    await settled(store)
    wanted = land_layer("base", tenant_id="hainan")
    wanted = replace(wanted, config={"report_period_s": 6})
    everywhere = await store.preview_config([wanted], [], reach=EVERYWHERE)
    assert everywhere.changes[0].node_ids == ("haikou-1", "hainan-1", "sanya-1")
    own = await store.preview_config([wanted], [], reach=whole("haikou"))
    assert (own.node_count, own.changes[0].node_ids) == (1, ("haikou-1",))
    one = await store.preview_config([wanted], [], reach=EVERYWHERE, selector=NodeSelector(node_ids=("sanya-1",)))
    assert (one.node_count, one.changes[0].node_ids) == (1, ("sanya-1",))
    await store.apply_layer(wanted, now=START)
    with pytest.raises(AlreadyExistsError):
        await store.preview_config([replace(wanted, tenant_id="yunnan")], [], reach=EVERYWHERE)


async def test_a_preview_of_nothing_says_what_is_still_to_come(store: Store) -> None:
    await fleet(store)
    await store.record_reports([batch("rsu-1", word(1, "node-1", ConfigOutcome.APPLIED, revision=1, running=FIVE))])
    await store.apply_layer(layer("base", {"report_period_s": 6}), now=START)
    preview = await store.preview_config([], [], reach=EVERYWHERE, selector=NodeSelector(node_ids=("rsu-1",)))
    assert preview.changes[0].values == (ValueChange("report_period_s", 5, 6, "base"),)


async def test_an_explanation_names_every_layer_that_says_something_and_where_variables_come_from(store: Store) -> None:
    await sited(store, "k12", variables={"broker": "site.example"})
    await enrolled(store, "rsu-1")
    await store.update_node("rsu-1", NodeChange(site_id="k12", variables={"user": "u"}), now=START)
    low = {"telemetry": {"broker_host": "${broker}", "username": "${user}-${node.id}", "publish_period_s": 5}}
    await store.apply_layer(layer("low", low, priority=1), now=START)
    await store.apply_layer(layer("high", {"telemetry": {"publish_period_s": None}}, priority=2), now=START)
    running = canonical({"telemetry": {"publish_period_s": 7}})
    await store.record_reports([batch("rsu-1", word(1, "", ConfigOutcome.APPLIED, running=running))])
    explanation = await store.explain_node_config("rsu-1", "telemetry")
    origins = {origin.path: origin for origin in explanation.origins}
    assert sorted(origins) == [origin.path for origin in explanation.origins]
    host = origins["telemetry.broker_host"]
    assert (host.value, host.default, host.running) == ("site.example", "", MISSING)
    assert [(one.layer_id, one.priority, one.value, one.variables) for one in host.opinions] == [
        ("low", 1, "${broker}", {"broker": "sites/k12"})
    ]
    assert origins["telemetry.username"].opinions[0].variables == {"user": "nodes/rsu-1", "node.id": "nodes/rsu-1"}
    period = origins["telemetry.publish_period_s"]
    assert (period.value, period.default, period.running) == (MISSING, 10.0, 7)
    assert [(one.layer_id, one.value) for one in period.opinions] == [("low", 5), ("high", None)]


async def test_an_explanation_of_everything_brings_the_defaults_of_what_nobody_set(store: Store) -> None:
    await enrolled(store, "rsu-1")
    explanation = await store.explain_node_config("rsu-1")
    found = {origin.path: origin.default for origin in explanation.origins}
    assert found["report_period_s"] == 30.0
    assert all(origin.value is MISSING and origin.opinions == () for origin in explanation.origins)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("telemetry..x", "not names joined by dots"),
        ("telemetry.brokr", "has no telemetry.brokr; telemetry has broker_host"),
    ],
)
async def test_a_path_must_be_one(store: Store, path: str, said: str) -> None:
    await enrolled(store, "rsu-1")
    with pytest.raises(InvalidArgumentError, match=said):
        await store.explain_node_config("rsu-1", path)


async def drift_of(store: Store, node_id: str) -> tuple[DriftCause, tuple[ValueChange, ...], str] | None:
    page = await store.list_drift(reach=EVERYWHERE, selector=NodeSelector(node_ids=(node_id,)))
    node = await store.get_node(node_id)
    if not page.items:
        return None
    (drift,) = page.items
    # a unit on trial runs what it should already
    assert reconciling(node) or drift.cause in {DriftCause.PROVISIONAL, DriftCause.INVALID}
    return drift.cause, drift.values, drift.message


FIVE_TO_SIX = (ValueChange("report_period_s", 5, 6, "base"),)


async def test_drift_follows_a_node_through_a_rollout_word_by_word(store: Store) -> None:
    await fleet(store)
    assert await drift_of(store, "rsu-1") == (DriftCause.UNKNOWN, (), "it has never said what it runs")
    await store.record_reports([batch("rsu-1", word(1, "", ConfigOutcome.NONE))])
    told = (ValueChange("report_period_s", MISSING, 5, "base"),)
    assert (await drift_of(store, "rsu-1") or ())[:2] == (DriftCause.TOLD, told)
    await store.record_reports([batch("rsu-1", word(2, "node-1", ConfigOutcome.PROVISIONAL, running=FIVE))])
    assert (await drift_of(store, "rsu-1") or ())[:2] == (DriftCause.PROVISIONAL, ())
    await store.record_reports([batch("rsu-1", word(3, "node-1", ConfigOutcome.APPLIED, revision=1, running=FIVE))])
    assert await drift_of(store, "rsu-1") is None
    await store.apply_layer(layer("base", {"report_period_s": 6}), now=after(60))
    assert (await drift_of(store, "rsu-1") or ())[:2] == (DriftCause.WAITING, FIVE_TO_SIX)
    page = await store.list_drift(reach=EVERYWHERE, selector=NodeSelector(node_ids=("rsu-1",)))
    assert page.items[0].since_time == after(60)


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [(ConfigOutcome.REJECTED, DriftCause.REJECTED), (ConfigOutcome.REVERTED, DriftCause.REVERTED)],
)
async def test_a_node_that_goes_back_drifts_with_its_values(
    store: Store, outcome: ConfigOutcome, cause: DriftCause
) -> None:
    await fleet(store)
    await store.record_reports([batch("rsu-1", word(1, "node-1", outcome, message="the broker is away"), at_s=7.0)])
    found = await drift_of(store, "rsu-1")
    assert found is not None
    assert found[:2] == (cause, (ValueChange("report_period_s", MISSING, 5, "base"),))
    page = await store.list_drift(reach=EVERYWHERE, selector=NodeSelector(node_ids=("rsu-1",)))
    assert page.items[0].since_time == after(7)


async def test_a_node_changed_by_hand_is_listed_with_its_values_within_one_report(store: Store) -> None:
    await fleet(store)
    await store.record_reports([batch("rsu-1", word(1, "node-1", ConfigOutcome.APPLIED, revision=1, running=FIVE))])
    by_hand = canonical({"report_period_s": 5, "telemetry": {"broker_host": "elsewhere.example"}})
    await store.record_reports([batch("rsu-1", health(2, revision=1, config_sha256=sha256(by_hand)))])
    assert await drift_of(store, "rsu-1") == (
        DriftCause.CHANGED,
        (),
        "it ran what it was told, and now runs something else: it was changed on the unit",
    )
    await store.record_reports([batch("rsu-1", word(3, "node-1", ConfigOutcome.APPLIED, revision=1, running=by_hand))])
    found = await drift_of(store, "rsu-1")
    assert found is not None
    assert found[:2] == (DriftCause.CHANGED, (ValueChange("telemetry.broker_host", "elsewhere.example", MISSING, ""),))
    await store.record_reports([batch("rsu-1", health(4, revision=1, config_sha256=sha256(FIVE)))])
    assert await drift_of(store, "rsu-1") is None


async def test_a_node_without_a_configuration_it_could_run_drifts_and_says_why(store: Store) -> None:
    await fleet(store)
    road = layer("road", {"telemetry": {"topic_prefix": "${road}"}}, selector=NodeSelector(labels=(Label("a", "b"),)))
    await store.apply_layer(road, now=START)
    await store.record_reports([batch("rsu-1", word(1, "node-1", ConfigOutcome.APPLIED, revision=1, running=FIVE))])
    await store.update_node("rsu-1", NodeChange(labels=(Label("a", "b"),)), now=START)
    found = await drift_of(store, "rsu-1")
    assert found is not None
    assert found[0] is DriftCause.INVALID
    assert "there is no variable road" in found[2]


async def test_drift_goes_page_by_page_within_reach_and_leaves_out_who_is_not_in_service(store: Store) -> None:
    await settled(store)
    await store.apply_layer(replace(land_layer("base", tenant_id="root"), config={"report_period_s": 5}), now=START)
    first = await store.list_drift(reach=EVERYWHERE, page_size=3)
    second = await store.list_drift(reach=EVERYWHERE, page_size=3, page_token=first.next_page_token)
    every = [drift.node_id for drift in (*first.items, *second.items)]
    assert every == ["haikou-1", "hainan-1", "root-1", "sanya-1", "yunnan-1"]
    assert second.next_page_token == ""
    chosen = NodeSelector(kinds=(NodeKind.RSU,))
    paged = await store.list_drift(reach=whole("hainan"), selector=chosen, page_size=2)
    rest = await store.list_drift(reach=whole("hainan"), selector=chosen, page_size=2, page_token=paged.next_page_token)
    assert [drift.node_id for drift in (*paged.items, *rest.items)] == ["haikou-1", "hainan-1", "sanya-1"]
    await store.revoke_node("haikou-1", now=START)
    await store.retire_node("sanya-1", now=START)
    left = await store.list_drift(reach=whole("hainan"))
    assert [drift.node_id for drift in left.items] == ["hainan-1"]


async def test_where_a_node_stands_is_said(store: Store) -> None:
    await fleet(store)
    await store.apply_layer(layer("base", {"report_period_s": 6}), now=START)
    await store.record_reports([batch("rsu-1", word(1, "node-1", ConfigOutcome.APPLIED, revision=1, running=FIVE))])
    state = await store.node_config_state("rsu-1")
    assert (state.config.content, state.target_revision, state.told_revision, state.running_revision) == (SIX, 2, 1, 1)
    assert (state.trial, state.problem, state.report) == ("node-1", "", b"config applied")
    assert json.loads((await store.node_config_state("rsu-1", revision=1)).config.content) == {"report_period_s": 5}
    with pytest.raises(NotFoundError):
        await store.node_config_state("rsu-9")
