"""ConfigService over real TLS, with units that follow: what changes, where values come from, who differs."""

import json
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict

from tests.link.manager_api.config_unit import Fate, following
from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer, layer, release_archive, role
from wayside.errors import (
    AlreadyExistsError,
    ConflictError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
)
from wayside.node_config import schema
from wayside.v1 import config_service_pb2, fleet_service_pb2, node_pb2, rollout_pb2, site_pb2, site_service_pb2

Drift = config_service_pb2.ConfigDrift


def made(
    layer_id: str,
    config: dict[str, Any],
    *,
    priority: int = 10,
    **selector: Any,  # noqa: ANN401  # fields of a message
) -> config_service_pb2.ConfigLayer:
    found = config_service_pb2.ConfigLayer(
        name=f"configLayers/{layer_id}",
        priority=priority,
        selector=node_pb2.NodeSelector(**(selector or {"all_nodes": True})),
    )
    found.config.update(config)
    return found


async def config_of(
    operator: Peer, node_id: str = "rsu-1", revision: int = 0
) -> config_service_pb2.GetNodeConfigResponse:
    request = config_service_pb2.GetNodeConfigRequest(node=f"nodes/{node_id}", revision=revision)
    return await operator.call(operator.config.GetNodeConfig, request)


async def previewed(operator: Peer, *layers: config_service_pb2.ConfigLayer, **fields: Any) -> Any:  # noqa: ANN401  # fields of a message
    request = config_service_pb2.PreviewConfigRequest(config_layers=layers, **fields)
    return await operator.call(operator.config.PreviewConfig, request)


async def drifts(operator: Peer, **selector: Any) -> dict[str, Any]:  # noqa: ANN401  # fields of a message
    request = config_service_pb2.ListConfigDriftRequest()
    if selector:
        request.selector.CopyFrom(node_pb2.NodeSelector(**selector))
    found = (await operator.call(operator.config.ListConfigDrift, request)).drifts
    return {each.node.removeprefix("nodes/"): each for each in found}


async def explained(operator: Peer, path: str = "") -> dict[str, Any]:
    request = config_service_pb2.ExplainNodeConfigRequest(node="nodes/rsu-1", path=path)
    found = (await operator.call(operator.config.ExplainNodeConfig, request)).origins
    return {each.path: each for each in found}


async def history_of(operator: Peer, layer_id: str) -> list[config_service_pb2.ConfigLayerRevision]:
    request = config_service_pb2.ListConfigLayerRevisionsRequest(name=f"configLayers/{layer_id}")
    return list((await operator.call(operator.config.ListConfigLayerRevisions, request)).revisions)


def changes(values: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # repeated messages
    return [MessageToDict(each) for each in values]


@pytest.mark.usefixtures("rsu")
async def test_layers_merge_in_their_order_and_null_takes_away(operator: Peer) -> None:
    await operator.apply(made("a", {"telemetry": {"username": "u", "broker_port": 1}, "report_period_s": 5}))
    await operator.apply(made("b", {"telemetry": {"username": None}, "report_period_s": 9}, priority=20))
    answer = await config_of(operator)
    assert MessageToDict(answer.config) == {"telemetry": {"broker_port": 1}, "report_period_s": 9}
    assert (answer.revision, answer.target_revision) == (2, 2)


@pytest.mark.usefixtures("rsu")
async def test_the_same_content_again_is_no_change(operator: Peer) -> None:
    first = await operator.apply(made("a", {"report_period_s": 5}), comment="begin")
    again = await operator.apply(made("a", {"report_period_s": 5.0}), comment="again")
    assert (first.changed_node_count, list(first.changed_nodes)) == (1, ["nodes/rsu-1"])
    assert (again.changed_node_count, again.rollout, again.config_layer.revision) == (0, "", 1)
    (only,) = await history_of(operator, "a")
    assert (only.comment, only.author) == ("begin", "operators/admin")


@pytest.mark.usefixtures("rsu")
@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"report_period_s": 0}, ["report_period_s", "1", "3600"]),
        ({"report_period_s": 7200}, ["report_period_s", "7200", "3600"]),
        ({"report_period_s": "soon"}, ["report_period_s"]),
        ({"telemetry": {"broker_port": 70_000}}, ["telemetry.broker_port", "70000", "65535"]),
        ({"telemetry": {"broker_prot": 1}}, ["telemetry", "broker_prot"]),
        ({"reprot_period_s": 1}, ["reprot_period_s"]),
        ({"telemetry": {"password_secret": "../x"}}, ["telemetry.password_secret"]),
        ({"telemetry": {"username": "${nobody}"}}, ["telemetry.username", "nobody"]),
        ({"can": {"buses": {"can0": {"signal_names": ["x"]}}}}, ["can.buses.can0.signal_names"]),
    ],
    ids=lambda case: "" if isinstance(case, list) else next(iter(case)),
)
async def test_what_a_node_cannot_run_is_refused_by_path_value_and_range(
    operator: Peer, config: dict[str, Any], said: list[str]
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await operator.apply(made("a", config))
    assert all(word in caught.value.message for word in said), caught.value.message
    assert caught.value.reason == "CONFIG_INVALID"
    with pytest.raises(NotFoundError):
        await operator.call(
            operator.config.GetConfigLayer, config_service_pb2.GetConfigLayerRequest(name="configLayers/a")
        )


async def test_a_preview_tells_which_nodes_would_refuse_and_why(manager: LocalManager, operator: Peer) -> None:
    for node_id in ("rsu-1", "rsu-2", "rsu-3"):
        await manager.enroll(node_id)
    node = node_pb2.Node(name="nodes/rsu-2")
    node.variables.update({"port": 1883})
    update = fleet_service_pb2.UpdateNodeRequest(node=node)
    update.update_mask.paths.append("variables")
    await operator.call(operator.fleet.UpdateNode, update)
    preview = await previewed(operator, made("a", {"telemetry": {"broker_port": "${port}"}}))
    assert (preview.node_count, preview.changed_node_count, preview.refused_node_count) == (3, 1, 2)
    assert list(preview.changes[0].nodes) == ["nodes/rsu-2"]
    (refusal,) = preview.refusals
    assert list(refusal.nodes) == ["nodes/rsu-1", "nodes/rsu-3"]
    assert "telemetry.broker_port" in refusal.problems[0]
    assert "port" in refusal.problems[0]
    assert refusal.version


@pytest.mark.usefixtures("rsu")
@pytest.mark.parametrize("selector", [{"all_nodes": True}, {"models": ["none"]}], ids=["of a node", "of nobody"])
@pytest.mark.parametrize("is_overruled", [False, True], ids=["in force", "overruled"])
async def test_a_preview_tells_of_values_no_schema_allows_as_refusals(
    operator: Peer, selector: dict[str, Any], is_overruled: bool
) -> None:
    if is_overruled:
        await operator.apply(made("above", {"report_period_s": 5}, priority=20))
    preview = await previewed(operator, made("a", {"report_period_s": 7200}, **selector))
    (refusal,) = preview.refusals
    is_node = "all_nodes" in selector and not is_overruled
    assert (list(refusal.nodes), preview.refused_node_count) == ((["nodes/rsu-1"], 1) if is_node else ([], 0))
    assert "report_period_s: 7200" in refusal.problems[0]
    assert refusal.version


@pytest.mark.parametrize(
    "fields", [{"priority": 1_001}, {"nodes": ["rsu 1"]}, {"bounds": 1}], ids=["priority", "selector", "nobody"]
)
async def test_a_preview_of_a_malformed_layer_is_refused(operator: Peer, fields: dict[str, Any]) -> None:
    given = made("a", {}, **({} if "bounds" in fields else fields))
    if "bounds" in fields:
        given.selector.Clear()
    with pytest.raises(InvalidArgumentError):
        await previewed(operator, given)


@pytest.mark.usefixtures("rsu")
async def test_a_preview_groups_equal_changes_and_changes_nothing(manager: LocalManager, operator: Peer) -> None:
    await manager.enroll("rsu-2")
    await manager.enroll("obu-1", kind="OBU")
    await operator.apply(made("base", {"report_period_s": 5}))
    before = [await config_of(operator, node_id) for node_id in ("rsu-1", "rsu-2", "obu-1")]
    wanted = made("rsus", {"report_period_s": 7}, priority=20, kinds=[node_pb2.NODE_KIND_RSU])

    everybody, one = (
        await previewed(operator, wanted),
        await previewed(operator, wanted, selector={"nodes": ["nodes/rsu-1"]}),
    )
    without = await previewed(operator, deleted_layers=["configLayers/base"])

    assert (everybody.node_count, everybody.changed_node_count, everybody.refused_node_count) == (3, 2, 0)
    (group,) = everybody.changes
    assert list(group.nodes) == ["nodes/rsu-1", "nodes/rsu-2"]
    assert changes(group.values) == [
        {"path": "report_period_s", "before": 5.0, "after": 7.0, "layer": "configLayers/rsus"}
    ]
    assert (one.node_count, one.changed_node_count) == (1, 1)
    assert changes(without.changes[0].values) == [{"path": "report_period_s", "before": 5.0}]
    assert without.changes[0].node_count == 3
    assert [await config_of(operator, node_id) for node_id in ("rsu-1", "rsu-2", "obu-1")] == before
    layers = await operator.call(operator.config.ListConfigLayers, config_service_pb2.ListConfigLayersRequest())
    assert [each.name for each in layers.config_layers] == ["configLayers/base"]


async def test_a_preview_tells_nothing_of_layers_one_may_not_see(manager: LocalManager, operator: Peer) -> None:
    await operator.make_tenant("haikou")
    token = await operator.make_operator("ann", role("operator", "haikou"))
    await operator.apply(layer("hidden"))
    async with manager.stranger(token=token) as ann:
        with pytest.raises(AlreadyExistsError, match="the name is taken"):
            await previewed(ann, layer("hidden", period_s=9))
        with pytest.raises(NotFoundError):
            await previewed(ann, deleted_layers=["configLayers/hidden"])
        with pytest.raises(NotFoundError):
            await previewed(ann, layer("new"), tenant="tenants/root")
        assert (await previewed(ann, layer("new"))).node_count == 0


@pytest.mark.usefixtures("rsu")
async def test_a_layer_goes_back_to_what_it_was_and_comes_back_after_its_deletion(operator: Peer) -> None:
    for period_s in (5, 6, 7):
        await operator.apply(layer("a", period_s=period_s), comment=f"now {period_s}")
    request = config_service_pb2.RollbackConfigLayerRequest(name="configLayers/a")
    one_back = await operator.call(operator.config.RollbackConfigLayer, request)
    request.revision = 1
    first = await operator.call(operator.config.RollbackConfigLayer, request)
    delete = config_service_pb2.DeleteConfigLayerRequest(name="configLayers/a")
    await operator.call(operator.config.DeleteConfigLayer, delete)
    deleted = await history_of(operator, "a")
    request.revision = 0
    back = await operator.call(operator.config.RollbackConfigLayer, request)

    assert (one_back.config_layer.config["report_period_s"], one_back.config_layer.revision) == (6, 4)
    assert (first.config_layer.config["report_period_s"], first.config_layer.revision) == (5, 5)
    assert [each.config_layer.revision for each in deleted] == [6, 5, 4, 3, 2, 1]
    assert deleted[0].is_deletion
    assert not deleted[0].config_layer.HasField("selector")
    assert [each.comment for each in deleted[3:]] == ["now 7", "now 6", "now 5"]
    assert back.config_layer.config["report_period_s"] == 5
    assert (await config_of(operator)).config["report_period_s"] == 5


@pytest.mark.usefixtures("rsu")
async def test_going_back_has_bounds(operator: Peer) -> None:
    await operator.apply(layer("a"))
    for fields, error in (
        ({"name": "configLayers/b"}, NotFoundError),
        ({"name": "configLayers/a"}, NotFoundError),
        ({"name": "configLayers/a", "revision": 9}, NotFoundError),
        ({"name": "configLayers/a", "revision": -1}, InvalidArgumentError),
        ({"name": "configLayers/a", "revision": 1, "etag": "7"}, ConflictError),
    ):
        with pytest.raises(error):
            await operator.call(
                operator.config.RollbackConfigLayer, config_service_pb2.RollbackConfigLayerRequest(**fields)
            )


async def test_values_are_explained_by_layers_variables_defaults_and_what_runs(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    site = site_pb2.Site(name="sites/k12")
    site.variables.update({"broker": "mq.example", "port": 1883})
    await operator.call(operator.site.ApplySite, site_service_pb2.ApplySiteRequest(site=site))
    node = node_pb2.Node(name="nodes/rsu-1", site="sites/k12")
    update = fleet_service_pb2.UpdateNodeRequest(node=node)
    update.update_mask.paths.append("site")
    await operator.call(operator.fleet.UpdateNode, update)
    await operator.apply(made("base", {"telemetry": {"broker_host": "old.example", "broker_port": "${port}"}}))
    async with following(manager, rsu) as unit:
        wanted = {"telemetry": {"broker_host": "${broker}", "topic_prefix": "n/${node.id}"}}
        applied = await operator.apply(made("site", wanted, priority=20))
        await unit.until(lambda: b"mq.example" in unit.running)
        await unit.told()
        assert (await operator.ended_rollout(applied.rollout)).state == rollout_pb2.Rollout.STATE_SUCCEEDED
    found = await explained(operator, "telemetry")

    host = found["telemetry.broker_host"]
    assert (host.value.string_value, host.running_value.string_value) == ("mq.example", "mq.example")
    assert [(each.layer, each.priority, each.value.string_value) for each in host.opinions] == [
        ("configLayers/base", 10, "old.example"),
        ("configLayers/site", 20, "${broker}"),
    ]
    assert dict(host.opinions[1].variables) == {"broker": "sites/k12"}
    assert found["telemetry.broker_port"].value.number_value == 1883
    assert found["telemetry.topic_prefix"].value.string_value == "n/rsu-1"
    assert found["telemetry.publish_period_s"].default_value.number_value == 10
    assert not found["telemetry.publish_period_s"].HasField("value")
    assert list(await explained(operator, "telemetry.broker_host")) == ["telemetry.broker_host"]
    with pytest.raises(InvalidArgumentError):
        await explained(operator, "telemetry..x")


async def test_a_bad_configuration_that_reverts_shows_in_the_drift_with_its_reason(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    async with following(manager, rsu, fate=Fate.APPLY) as unit:
        await operator.apply(layer("a", period_s=5))
        await unit.until(lambda: unit.running_revision == 1)
        await unit.told()
        assert not await drifts(operator)

        unit.fate = Fate.HOLD
        bad = await operator.apply(made("bad", {"manager": {"device_address": "localhost:1"}}, priority=900))
        await unit.until(lambda: unit.trial)
        await unit.told()
        on_trial = (await drifts(operator))["rsu-1"]
        await unit.revert("the manager was not reached")
        await unit.told()
        gone_back = (await drifts(operator, nodes=["nodes/rsu-1"]))["rsu-1"]
        state = await config_of(operator)

    assert on_trial.cause == Drift.CAUSE_PROVISIONAL
    assert gone_back.cause == Drift.CAUSE_REVERTED
    assert "the manager was not reached" in gone_back.message
    assert [(each.path, each.after.string_value) for each in gone_back.values] == [
        ("manager.device_address", "localhost:1")
    ]
    assert gone_back.HasField("since_time")
    assert (state.target_revision, state.running_revision) == (2, 1)
    assert state.report.outcome == node_pb2.ConfigReport.OUTCOME_REVERTED
    assert (await operator.ended_rollout(bad.rollout)).state == rollout_pb2.Rollout.STATE_FAILED


async def test_who_changed_by_itself_drifts_value_by_value(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    async with following(manager, rsu) as unit:
        await operator.apply(made("a", {"report_period_s": 5, "telemetry": {"broker_port": 1}}))
        await unit.until(lambda: unit.running_revision == 1)
        await unit.drift(b'{"report_period_s":6,"telemetry":{"broker_port":1}}')
        await unit.told()
        found = (await drifts(operator))["rsu-1"]
    assert found.cause == Drift.CAUSE_CHANGED
    assert changes(found.values) == [
        {"path": "report_period_s", "before": 6.0, "after": 5.0, "layer": "configLayers/a"}
    ]


@pytest.mark.parametrize(
    "number", [b"1" + b"0" * 400, b"[" * 500 + b"]" * 500], ids=["beyond a double", "nested for ever"]
)
async def test_what_one_unit_runs_and_no_message_holds_keeps_no_drift_of_others_from_the_list(
    manager: LocalManager, operator: Peer, rsu: NodeCredential, number: bytes
) -> None:
    async with following(manager, rsu) as unit:
        await operator.apply(made("a", {"report_period_s": 5}))
        await unit.until(lambda: unit.running_revision == 1)
        await unit.drift(b'{"report_period_s":' + number + b"}")
        await unit.told()
        found = (await drifts(operator))["rsu-1"]
    assert not found.values


async def held(operator: Peer, unit: Any) -> str:  # noqa: ANN401  # a following unit
    """The trial the unit holds."""
    await operator.apply(layer("a"), plan=rollout_pb2.RolloutPlan(needs_confirmation=True))
    await unit.until(lambda: unit.trial)
    await unit.told()
    found = (await config_of(operator)).trial
    assert found == unit.trial.trial
    return found


async def test_a_confirmed_trial_is_kept_and_confirming_again_changes_nothing(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    async with following(manager, rsu, fate=Fate.HOLD) as unit:
        trial = await held(operator, unit)
        request = config_service_pb2.ConfirmConfigTrialRequest(node="nodes/rsu-1", trial=trial)
        told_count = len(unit.desired)
        await operator.call(operator.config.ConfirmConfigTrial, request)
        await operator.call(operator.config.ConfirmConfigTrial, request)
        await unit.until(lambda: unit.running_revision == 1)
        await unit.told()
        assert len(unit.desired) == told_count + 1
        assert not await drifts(operator)
        cancel = config_service_pb2.CancelConfigTrialRequest(node="nodes/rsu-1", trial=trial)
        with pytest.raises(FailedPreconditionError):
            await operator.call(operator.config.CancelConfigTrial, cancel)


async def test_a_cancelled_trial_is_taken_back_and_cancelling_again_changes_nothing(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    async with following(manager, rsu, fate=Fate.HOLD) as unit:
        trial = await held(operator, unit)
        request = config_service_pb2.CancelConfigTrialRequest(node="nodes/rsu-1", trial=trial)
        await operator.call(operator.config.CancelConfigTrial, request)
        await operator.call(operator.config.CancelConfigTrial, request)
        await unit.until(lambda: unit.trial is None)
        await unit.told()
        assert unit.running_revision == 0
        assert (await drifts(operator))["rsu-1"].cause == Drift.CAUSE_REVERTED
        confirm = config_service_pb2.ConfirmConfigTrialRequest(node="nodes/rsu-1", trial=trial)
        with pytest.raises(FailedPreconditionError):
            await operator.call(operator.config.ConfirmConfigTrial, confirm)


async def test_an_extended_trial_reaches_the_unit_once(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    async with following(manager, rsu, fate=Fate.HOLD) as unit:
        trial = await held(operator, unit)
        request = config_service_pb2.ExtendConfigTrialRequest(
            node="nodes/rsu-1", trial=trial, timeout=Duration(seconds=600)
        )
        told_count = len(unit.desired)
        await operator.call(operator.config.ExtendConfigTrial, request)
        await unit.until(lambda: unit.trial is not None and unit.trial.trial_timeout.seconds == 600)
        await operator.call(operator.config.ExtendConfigTrial, request)
        for timeout_s in (60, 4, 86_401):
            request.timeout.seconds = timeout_s
            with pytest.raises(InvalidArgumentError):
                await operator.call(operator.config.ExtendConfigTrial, request)
        assert len(unit.desired) == told_count + 1


@pytest.mark.usefixtures("rsu")
@pytest.mark.parametrize(
    ("trial", "error"),
    [("", InvalidArgumentError), ("x" * 81, InvalidArgumentError), ("other", FailedPreconditionError)],
)
async def test_a_decision_names_the_trial_it_is_about(operator: Peer, trial: str, error: type[Exception]) -> None:
    request = config_service_pb2.ConfirmConfigTrialRequest(node="nodes/rsu-1", trial=trial)
    with pytest.raises(error):
        await operator.call(operator.config.ConfirmConfigTrial, request)


@pytest.mark.usefixtures("rsu")
async def test_a_node_has_a_history_of_configurations(operator: Peer) -> None:
    await operator.apply(layer("a", period_s=5))
    await operator.apply(layer("a", period_s=6))
    request = config_service_pb2.ListNodeConfigsRequest(node="nodes/rsu-1")
    found = (await operator.call(operator.config.ListNodeConfigs, request)).configs
    assert [(each.revision, each.cause) for each in found] == [(2, "configLayers/a"), (1, "configLayers/a")]
    assert changes(found[0].changes)[0]["before"] == 5.0
    assert (await config_of(operator, revision=1)).config["report_period_s"] == 5
    for revision, error in ((9, NotFoundError), (-1, InvalidArgumentError)):
        with pytest.raises(error):
            await config_of(operator, revision=revision)


async def test_the_schema_of_a_version_is_that_of_its_release_and_for_who_may_see_it(
    manager: LocalManager, operator: Peer
) -> None:
    own = await operator.call(operator.config.GetConfigSchema, config_service_pb2.GetConfigSchemaRequest())
    assert json.loads(own.schema_json) == json.loads(json.dumps(schema()))
    assert own.version
    published = json.dumps({"type": "object", "properties": {"x": {"type": "integer"}}}).encode()
    await operator.make_tenant("haikou")
    await operator.make_tenant("sanya")
    archive = release_archive("7.1.0", config_schema=published)
    await operator.publish(archive, version="7.1.0", tenant="tenants/haikou")
    request = config_service_pb2.GetConfigSchemaRequest(version="7.1.0")
    found = await operator.call(operator.config.GetConfigSchema, request)
    assert json.loads(found.schema_json) == json.loads(published)
    token = await operator.make_operator("ann", role("viewer", "sanya"))
    async with manager.stranger(token=token) as ann:
        with pytest.raises(NotFoundError) as hidden:
            await ann.call(ann.config.GetConfigSchema, request)
        request.version = "7.1.1"
        with pytest.raises(NotFoundError) as missing:
            await ann.call(ann.config.GetConfigSchema, request)
    assert hidden.value.message.replace("7.1.0", "7.1.1") == missing.value.message
    assert hidden.value.reason == missing.value.reason


async def test_a_comment_is_short_and_a_viewer_changes_nothing(manager: LocalManager, operator: Peer) -> None:
    with pytest.raises(InvalidArgumentError, match="comment"):
        await operator.apply(layer(), comment="x" * 1_001)
    token = await operator.make_operator("vera", role("viewer"))
    async with manager.stranger(token=token) as vera:
        with pytest.raises(PermissionDeniedError):
            await vera.apply(layer())
        assert (await previewed(vera, layer())).node_count == 0
