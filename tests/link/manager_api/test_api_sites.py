"""Sites, corridors, groups and geofences over the wire and from the command line."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tests.link.manager_api.commands import wayside
from tests.link.manager_api.peer import LocalManager, Peer, role
from wayside.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError, PermissionDeniedError
from wayside.v1 import access_service_pb2, config_service_pb2, fleet_service_pb2, node_pb2, site_pb2, site_service_pb2

SQUARE = {
    "type": "Polygon",
    "coordinates": [[[110.0, 20.0], [110.1, 20.0], [110.1, 20.1], [110.0, 20.1], [110.0, 20.0]]],
}


def road(count: int = 5) -> bytes:
    """A map: a corridor with a site per kilometre and a geofence around the first ones."""
    features: list[dict[str, Any]] = [
        {
            "type": "Feature",
            "id": f"k{kilometre:02}",
            "geometry": {"type": "Point", "coordinates": [110.005 + kilometre * 0.04, 20.05]},
            "properties": {"type": "site", "kind": "roadside", "time_zone": "Asia/Shanghai", "variables": {"lanes": 2}},
        }
        for kilometre in range(count)
    ]
    sites = [{"site": f"k{kilometre:02}", "stake_meters": kilometre * 1000} for kilometre in range(count)]
    features += [
        {"type": "Feature", "id": "g98", "geometry": None, "properties": {"type": "corridor", "sites": sites}},
        {"type": "Feature", "id": "town", "geometry": SQUARE, "properties": {"type": "geofence", "kind": "test_area"}},
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


async def bring(peer: Peer, data: bytes, **fields: Any) -> site_service_pb2.ImportGeoJsonResponse:  # noqa: ANN401  # of a message
    request = site_service_pb2.ImportGeoJsonRequest(geojson=data, tenant="tenants/root", **fields)
    return await peer.call(peer.site.ImportGeoJson, request)


async def exported(peer: Peer) -> dict[str, Any]:
    answer = await peer.call(peer.site.ExportGeoJson, site_service_pb2.ExportGeoJsonRequest())
    found: dict[str, Any] = json.loads(answer.geojson)
    return found


async def place(peer: Peer, manager: LocalManager, node_id: str, site: str) -> None:
    await manager.enroll(node_id)
    node = node_pb2.Node(name=f"nodes/{node_id}", site=f"sites/{site}")
    request = fleet_service_pb2.UpdateNodeRequest(node=node)
    request.update_mask.paths.append("site")
    await peer.call(peer.fleet.UpdateNode, request)


async def test_a_map_comes_in_goes_out_and_comes_in_the_same(operator: Peer) -> None:
    trial = await bring(operator, road(), validate_only=True)
    assert (trial.created_count, trial.changed_count, trial.unchanged_count) == (7, 0, 0)
    assert (await bring(operator, road())).created_count == 7
    out = await exported(operator)
    again = await bring(operator, json.dumps(out).encode())
    assert (again.created_count, again.changed_count, again.unchanged_count) == (0, 0, 7)
    assert await exported(operator) == out


@pytest.mark.parametrize("field", ["backhaul", "power_feed", "exposure_class"])
async def test_lines_supplies_and_exposures_are_labels(operator: Peer, field: str) -> None:
    site = site_pb2.Site(name="sites/k12", tenant="tenants/root")
    setattr(site, field, "ring-east")
    applied = await operator.call(operator.site.ApplySite, site_service_pb2.ApplySiteRequest(site=site))
    assert getattr(applied.site, field) == "ring-east"
    assert (await exported(operator))["features"][0]["properties"][field] == "ring-east"
    setattr(site, field, "Ring East")
    with pytest.raises(InvalidArgumentError, match=field):
        await operator.call(operator.site.ApplySite, site_service_pb2.ApplySiteRequest(site=site))
    feature = {"type": "Feature", "id": "k13", "geometry": None, "properties": {"type": "site", field: "Ring East"}}
    with pytest.raises(InvalidArgumentError, match=field):
        await bring(operator, json.dumps({"type": "FeatureCollection", "features": [feature]}).encode())


async def test_a_feature_that_is_wrong_is_named_and_nothing_of_the_map_stays(operator: Peer) -> None:
    broken = json.loads(road())
    broken["features"][2]["geometry"]["coordinates"] = [20.0, 110.0]
    with pytest.raises(InvalidArgumentError, match=r"features\[2\] \(k02\): geometry"):
        await bring(operator, json.dumps(broken).encode())
    assert (await exported(operator))["features"] == []


async def test_nodes_of_a_section_and_of_an_area_are_selected(operator: Peer, manager: LocalManager) -> None:
    await bring(operator, road())
    for kilometre in range(5):
        await place(operator, manager, f"rsu-{kilometre}", f"k{kilometre:02}")
    section = node_pb2.CorridorSection(corridor="corridors/g98", begin_stake_meters=1500, end_stake_meters=3000)
    by_stakes = await _selected(operator, node_pb2.NodeSelector(corridors=[section]))
    by_fence = await _selected(operator, node_pb2.NodeSelector(geofences=["geofences/town"]))
    assert (by_stakes, by_fence) == (["nodes/rsu-2", "nodes/rsu-3"], ["nodes/rsu-0", "nodes/rsu-1", "nodes/rsu-2"])
    site = await operator.call(operator.site.GetSite, site_service_pb2.GetSiteRequest(name="sites/k02"))
    assert site.site.node_count == 1
    with pytest.raises(FailedPreconditionError, match="nodes/rsu-2"):
        await operator.call(operator.site.DeleteSite, site_service_pb2.DeleteSiteRequest(name="sites/k02"))


async def _selected(peer: Peer, selector: node_pb2.NodeSelector) -> list[str]:
    answer = await peer.call(peer.site.SelectNodes, site_service_pb2.SelectNodesRequest(selector=selector))
    assert answer.total_count == len(answer.nodes)
    return list(answer.nodes)


async def test_places_of_the_tenant_above_are_seen_and_those_beside_are_not(
    operator: Peer, manager: LocalManager
) -> None:
    for tenant_id in ("haikou", "sanya"):
        await operator.make_tenant(tenant_id)
        await operator.make_site(f"of-{tenant_id}", tenant=f"tenants/{tenant_id}")
    await operator.make_site("of-root")
    token = await operator.make_operator("ann", role("operator", "haikou"))
    async with manager.stranger(token=token) as ann:
        page = await ann.call(ann.site.ListSites, site_service_pb2.ListSitesRequest())
        assert [site.name for site in page.sites] == ["sites/of-haikou", "sites/of-root"]
        await ann.call(ann.site.GetSite, site_service_pb2.GetSiteRequest(name="sites/of-root"))
        with pytest.raises(NotFoundError, match="of-sanya"):
            await ann.call(ann.site.GetSite, site_service_pb2.GetSiteRequest(name="sites/of-sanya"))
        with pytest.raises(NotFoundError, match="of-sanya"):
            await _selected(ann, node_pb2.NodeSelector(sites=["sites/of-sanya"]))
        with pytest.raises(PermissionDeniedError):
            await ann.call(ann.site.DeleteSite, site_service_pb2.DeleteSiteRequest(name="sites/of-root"))


async def test_a_change_of_a_corridor_that_reaches_many_needs_a_second_person(
    operator: Peer, manager: LocalManager
) -> None:
    await bring(operator, road())
    await place(operator, manager, "rsu-1", "k01")
    await operator.set_policy(
        four_eyes_actions=[access_service_pb2.DANGEROUS_ACTION_FLEET_CONFIG], max_unapproved_node_count=0
    )
    await operator.make_site("new")
    wanted = site_pb2.Corridor(name="corridors/g98", sites=[site_pb2.CorridorSite(site="sites/k00")])
    with pytest.raises(FailedPreconditionError, match="reaches 1 nodes") as refused:
        await operator.call(operator.site.ApplyCorridor, site_service_pb2.ApplyCorridorRequest(corridor=wanted))
    assert refused.value.reason == "APPROVAL_REQUIRED"


async def test_a_track_across_a_border_is_judged(operator: Peer) -> None:
    await bring(operator, road())
    points = [
        site_service_pb2.TrackPoint(
            position=node_pb2.Position(latitude_degrees=20.05, longitude_degrees=109.99 + index * 0.002),
            time=Timestamp(seconds=1_800_000_000 + index * 10),
        )
        for index in range(80)
    ]
    request = site_service_pb2.JudgeTrackRequest(points=points, geofences=["geofences/town"])
    answer = await operator.call(operator.site.JudgeTrack, request)
    kinds = [site_service_pb2.FenceCrossing.Kind.Name(crossing.kind) for crossing in answer.crossings]
    assert kinds == ["KIND_ENTERED", "KIND_LEFT"]
    assert [crossing.is_violation for crossing in answer.crossings] == [False, True]
    assert 10_000 < answer.permitted_meters < 10_500


async def test_the_command_line_brings_a_map_changes_it_and_lists_whom_it_means(
    operator: Peer, manager: LocalManager, tmp_path: Path
) -> None:
    (tmp_path / "road.geojson").write_bytes(road())
    code, out, err = await wayside(manager, "sites", "import", tmp_path / "road.geojson", "--tenant", "root")
    assert (code, out) == (0, "7 made, 0 changed, 0 the same\n"), err
    await place(operator, manager, "rsu-2", "k02")
    arguments = ("--corridor", "g98", "--from", "K1+500", "--to", "K3")
    code, out, err = await wayside(manager, "sites", "select", *arguments)
    assert (code, out) == (0, "rsu-2\n1 nodes\n"), err
    (tmp_path / "g98.toml").write_text(
        'name = "g98"\nsites = [{site = "k00", stake = "K0"}, {site = "k01", stake = "K1"}]\n'
    )
    code, out, err = await wayside(manager, "corridors", "apply", "-f", tmp_path / "g98.toml")
    assert code == 0, err
    code, out, err = await wayside(manager, "sites", "select", *arguments)
    assert (code, out) == (0, "\n0 nodes\n") or out.strip() == "0 nodes", err
    (tmp_path / "pilots.toml").write_text('name = "pilots"\nselector = {sites = ["k02"]}\n')
    code, out, err = await wayside(manager, "groups", "apply", "-f", tmp_path / "pilots.toml", "--tenant", "root")
    assert code == 0, err
    code, out, err = await wayside(manager, "groups", "show", "pilots", "-o", "json")
    assert (code, json.loads(out)["node_count"]) == (0, 1), err
    code, _, err = await wayside(manager, "sites", "delete", "k02")
    assert code == 1
    assert "still named by nodes/rsu-2" in err
    code, out, err = await wayside(manager, "sites", "export", tmp_path / "out.geojson")
    assert (code, len(json.loads((tmp_path / "out.geojson").read_text())["features"])) == (0, 7), err


async def test_a_drive_recorded_as_nmea_is_judged_from_the_command_line(
    operator: Peer, manager: LocalManager, tmp_path: Path
) -> None:
    await bring(operator, road())
    lines = [
        _rmc(f"GNRMC,0800{second:02},A,2003.0000,N,{_east(109.98 + second * 0.004)},E,10,90,221126,,,A")
        for second in range(50)
    ]
    (tmp_path / "drive.nmea").write_text("\r\n".join([*lines, "$GNRMC,garbage*00", ""]))
    code, out, err = await wayside(
        manager, "geofences", "judge", tmp_path / "drive.nmea", "--geofence", "town", "-o", "json"
    )
    assert code == 0, err
    assert [crossing["kind"] for crossing in json.loads(out)["crossings"]] == ["KIND_ENTERED", "KIND_LEFT"]


def _rmc(body: str) -> str:
    total = 0
    for letter in body.encode():
        total ^= letter
    return f"${body}*{total:02X}"


def _east(longitude_deg: float) -> str:
    return f"{int(longitude_deg):03}{(longitude_deg - int(longitude_deg)) * 60:07.4f}"


async def test_a_change_of_a_site_wakes_watchers_of_who_changes_by_it(operator: Peer, manager: LocalManager) -> None:
    await operator.make_site("k12")
    await place(operator, manager, "rsu-1", "k12")
    await change_lane(operator, 1)
    layer = config_service_pb2.ConfigLayer(name="configLayers/base")
    layer.selector.sites.append("sites/k12")
    layer.config.update({"telemetry": {"topic_prefix": "t/${site.id}/${lane}"}})
    await operator.apply(layer)
    await operator.call(operator.fleet.RevokeNode, fleet_service_pb2.RevokeNodeRequest(name="nodes/rsu-1"))
    watch = operator.stream(operator.fleet.WatchNodes, fleet_service_pb2.WatchNodesRequest())
    before = (await anext(watch)).node
    await change_lane(operator, 2)
    async with asyncio.timeout(10):
        after = (await anext(watch)).node
    # it is not in service, so it is told at once
    assert after.desired_config_revision == after.target_config_revision == before.target_config_revision + 1
    await watch.aclose()


async def change_lane(peer: Peer, lane: int) -> None:
    site = site_pb2.Site(name="sites/k12", tenant="tenants/root")
    site.variables.update({"lane": lane})
    await peer.call(peer.site.ApplySite, site_service_pb2.ApplySiteRequest(site=site))
