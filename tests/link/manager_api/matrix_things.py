"""Two tenants with one of everything, and more of each when a test uses it up."""

import contextlib
import sqlite3
import time
from secrets import token_hex
from typing import Any

from cryptography.hazmat.primitives import serialization

from tests.link.manager_api.matrix_world import KEY_PEM, Land, World
from tests.link.manager_api.peer import LocalManager, Peer, layer, release_archive, role
from wayside.errors import FailedPreconditionError, WaysideError
from wayside.v1 import (
    access_service_pb2,
    broadcast_pb2,
    broadcast_service_pb2,
    config_service_pb2,
    enrollment_service_pb2,
    event_pb2,
    event_service_pb2,
    fleet_service_pb2,
    job_pb2,
    job_service_pb2,
    node_pb2,
    radio_licence_service_pb2,
    rollout_service_pb2,
    site_pb2,
    site_service_pb2,
)
from wayside.v2x.codec import Profile, encode
from wayside_demo.road_air import road_map
from wayside_manager.services.authority import new_key


async def settled(manager: LocalManager, admin: Peer) -> World:
    """Both tenants with one of everything, and an operator for each role of the first."""
    mark = f"zq{token_hex(5)}"
    world = World(manager, admin, Land("alpha", "alpha", "n-alpha"), Land(f"t-{mark}", mark, f"n-{mark}"))
    for number, land in enumerate((world.own, world.other), start=1):
        await _settle(world, land, version=f"{number}.0.0-{land.mark}")
    for word in ("viewer", "operator", "release-manager", "approver", "admin", "auditor", "integrator"):
        world.tokens[word] = await admin.make_operator(f"{word}-alpha", role(word, "alpha"))
    world.tokens["nobody"] = await admin.make_operator("nobody-alpha")
    world.tokens["root admin"] = manager.token
    await admin.set_policy(four_eyes_actions=[access_service_pb2.DANGEROUS_ACTION_RETIRE])
    return world


async def _settle(world: World, land: Land, *, version: str) -> None:
    admin, tenant = world.admin, land.tenant
    await admin.make_tenant(land.tenant_id)
    site = site_pb2.Site(name=f"sites/site-{land.mark}", tenant=tenant, display_name=f"called {land.mark}")
    await admin.call(admin.site.ApplySite, site_service_pb2.ApplySiteRequest(site=site))
    land.ids["sites"] = f"site-{land.mark}"
    for node_id in (land.node_id, f"busy-{land.mark}"):
        token = await admin.enrollment_token(node=f"nodes/{node_id}", tenant=tenant)
        credential = await world.manager.enroll(node_id, token=token)
        land.credential = land.credential or credential
        labels = [node_pb2.Label(key="group", value=f"group-{land.mark}")]
        node = node_pb2.Node(name=f"nodes/{node_id}", site=land.name("sites"), labels=labels)
        await admin.call(
            admin.fleet.UpdateNode, fleet_service_pb2.UpdateNodeRequest(node=node, update_mask=_mask("site", "labels"))
        )
    made = layer(f"l-{land.mark}")
    made.tenant = tenant
    await admin.apply(made)
    await admin.publish(release_archive(version), version=version, tenant=tenant, notes=f"notes-{land.mark}")
    await admin.make_operator(f"o-{land.mark}", role("viewer", land.tenant_id))
    land.ids |= {"nodes": land.node_id, "configLayers": f"l-{land.mark}", "releases": version}
    land.ids |= {"operators": f"o-{land.mark}", "tenants": land.tenant_id}
    for collection, maker in (("corridors", corridor), ("groups", group), ("geofences", geofence)):
        land.ids[collection] = await maker(world, land)
    land.ids["rollouts"] = await rollout(world, land, f"busy-{land.mark}")
    request = radio_licence_service_pb2.ApplyRadioLicenceRequest(
        radio_licence=licence(land, f"radio-{land.mark}", land.node_id)
    )
    await admin.call(admin.radio_licence.ApplyRadioLicence, request)
    land.ids["radioLicences"] = f"radio-{land.mark}"
    (world.manager.folder.secrets / land.tenant_id).mkdir(mode=0o700)
    (world.manager.folder.secrets / land.tenant_id / "hook").write_text("key")
    land.ids["eventSinks"] = await event_sink(world, land)
    land.ids["broadcasts"] = f"b-{land.mark}"
    publication = broadcast_service_pb2.PublishBroadcastRequest(broadcast=broadcast(land, land.ids["broadcasts"]))
    await world.admin.call(world.admin.broadcast.PublishBroadcast, publication)
    land.ids["jobs"] = await job(world, land)
    land.ids["alarms"] = alarm(world, land)
    land.ids["enrollmentTokens"] = await enrollment_token(world, land)
    land.ids["credentials"] = await credential_of(world, land)


def _mask(*paths: str) -> Any:  # noqa: ANN401  # a well-known type
    mask = fleet_service_pb2.UpdateNodeRequest().update_mask
    mask.paths.extend(paths)
    return mask


def new_version(world: World) -> str:
    """A version whose counter is larger than all before."""
    major, minor = divmod(next(world.counter), 900)
    return f"{major + 3}.{minor}.0"


async def release(world: World, land: Land) -> str:
    version = new_version(world)
    await world.admin.publish(release_archive(version), version=version, tenant=land.tenant)
    return version


async def rollout(world: World, land: Land, node_id: str) -> str:
    request = rollout_service_pb2.CreateRolloutRequest(
        release=land.name("releases"), selector=node_pb2.NodeSelector(nodes=[f"nodes/{node_id}"]), tenant=land.tenant
    )
    made = await world.admin.call(world.admin.rollout.CreateRollout, request)
    return made.rollout.name.removeprefix("rollouts/")


async def aborted_rollout(world: World, land: Land) -> str:
    rollout_id = await rollout(world, land, land.node_id)
    request = rollout_service_pb2.AbortRolloutRequest(name=f"rollouts/{rollout_id}")
    await world.admin.call(world.admin.rollout.AbortRollout, request)
    return rollout_id


SQUARE = '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}'


async def site(world: World, land: Land) -> str:
    """A new site where nobody stands."""
    return (await world.admin.make_site(world.fresh(land), tenant=land.tenant)).removeprefix("sites/")


async def corridor(world: World, land: Land) -> str:
    """A new corridor without sites."""
    made = site_pb2.Corridor(name=f"corridors/{world.fresh(land)}", tenant=land.tenant)
    done = await world.admin.call(world.admin.site.ApplyCorridor, site_service_pb2.ApplyCorridorRequest(corridor=made))
    return done.corridor.name.removeprefix("corridors/")


async def group(world: World, land: Land) -> str:
    """A new group of one node."""
    made = site_pb2.Group(name=f"groups/{world.fresh(land)}", tenant=land.tenant, nodes=[f"nodes/{land.node_id}"])
    done = await world.admin.call(world.admin.site.ApplyGroup, site_service_pb2.ApplyGroupRequest(group=made))
    return done.group.name.removeprefix("groups/")


async def geofence(world: World, land: Land) -> str:
    """A new geofence."""
    made = site_pb2.Geofence(name=f"geofences/{world.fresh(land)}", tenant=land.tenant, geometry_json=SQUARE)
    done = await world.admin.call(world.admin.site.ApplyGeofence, site_service_pb2.ApplyGeofenceRequest(geofence=made))
    return done.geofence.name.removeprefix("geofences/")


async def job(world: World, land: Land) -> str:
    """A new job of the land's node."""
    spec = job_pb2.JobSpec(self_test=job_pb2.SelfTestJob())
    request = job_service_pb2.CreateJobRequest(node=land.name("nodes"), job_id=world.fresh(land), spec=spec)
    return (await world.admin.call(world.admin.job.CreateJob, request)).job.name.removeprefix("jobs/")


def broadcast(land: Land, broadcast_id: str) -> broadcast_pb2.Broadcast:
    """A map for every roadside unit of the land's tenant."""
    return broadcast_pb2.Broadcast(
        name=f"broadcasts/{broadcast_id}",
        tenant=land.tenant,
        selector=node_pb2.NodeSelector(nodes=[f"nodes/{land.node_id}"]),
        message=encode(("mapFrame", road_map()), Profile.P20),
        profile="p20",
    )


def alarm(world: World, land: Land) -> str:
    """An alarm of an area of the land's tenant; no call makes one, so it is written into the database."""
    alarm_id = f"a-{land.mark}"
    row = {
        "alarm_id": alarm_id,
        "tenant_id": land.tenant.removeprefix("tenants/"),
        "kind": "uplink.loss",
        "subject": f"backhauls/{land.mark}",
        "state": "raised",
        "severity": 3,
        "base_severity": 3,
        "occurrence_count": 1,
    } | dict.fromkeys(("begin_us", "raise_us"), time.time_ns() // 1000)
    row |= dict.fromkeys(("node_id", "site_id", "message", "acknowledger", "note", "parent_id"), "")
    row |= dict.fromkeys(("escalation_level", "is_storm", "revision"), 0)
    names = ", ".join(row)
    with contextlib.closing(sqlite3.connect(world.manager.folder.path / "manager.db")) as database, database:
        database.execute(f"INSERT INTO alarms ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))  # noqa: S608  # names of columns
    return alarm_id


async def enrollment_token(world: World, land: Land) -> str:
    request = enrollment_service_pb2.CreateEnrollmentTokenRequest(tenant=land.tenant)
    made = await world.admin.call(world.admin.enrollment.CreateEnrollmentToken, request)
    return made.name.removeprefix("enrollmentTokens/")


async def credential_of(world: World, land: Land) -> str:
    request = access_service_pb2.CreateApiTokenRequest(operator=land.name("operators"))
    made = await world.admin.call(world.admin.access.CreateApiToken, request)
    return made.credential.name.removeprefix("credentials/")


async def node(world: World, land: Land) -> str:
    """A new node that nobody has enrolled as yet."""
    key = new_key().public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    wanted = registration(world, land, key_pem=pem)
    request = enrollment_service_pb2.ImportNodesRequest(registrations=[wanted])
    done = await world.admin.call(world.admin.enrollment.ImportNodes, request)
    assert done.results[0].outcome == enrollment_service_pb2.NodeImportResult.OUTCOME_CREATED, done
    return wanted.node_id


def registration(world: World, land: Land, *, key_pem: str = KEY_PEM) -> enrollment_service_pb2.NodeRegistration:
    node_id = world.fresh(land)
    return enrollment_service_pb2.NodeRegistration(
        node_id=node_id, esn=f"E-{node_id}", kind=node_pb2.NODE_KIND_RSU, public_key_pem=key_pem, tenant=land.tenant
    )


async def config_layer(world: World, land: Land) -> str:
    made: config_service_pb2.ConfigLayer = layer(world.fresh(land))
    made.tenant = land.tenant
    await world.admin.apply(made)
    return made.name.removeprefix("configLayers/")


async def changed_config_layer(world: World, land: Land) -> str:
    """One that was something else before."""
    layer_id = await config_layer(world, land)
    made = layer(layer_id, period_s=6)
    made.tenant = land.tenant
    await world.admin.apply(made)
    return layer_id


def licence(land: Land, licence_id: str, node_id: str) -> site_pb2.RadioLicence:
    """By which a unit may transmit for a hundred years."""
    made = site_pb2.RadioLicence(
        name=f"radioLicences/{licence_id}",
        number=f"number-{land.mark}",
        tenant=land.tenant,
        node=f"nodes/{node_id}",
        center_frequency_hertz=5.915e9,
        bandwidth_hertz=20e6,
        max_transmit_power_dbm=29,
    )
    made.expire_time.FromJsonString("2126-01-01T00:00:00Z")
    return made


async def radio_licence(world: World, land: Land) -> str:
    """Of a unit of its own: a unit has one at most."""
    made = licence(land, world.fresh(land), await node(world, land))
    request = radio_licence_service_pb2.ApplyRadioLicenceRequest(radio_licence=made)
    await world.admin.call(world.admin.radio_licence.ApplyRadioLicence, request)
    return made.name.removeprefix("radioLicences/")


def sink(land: Land, sink_id: str) -> event_pb2.EventSink:
    """A webhook where nobody listens, which waits for no event."""
    target = event_pb2.WebhookTarget(url="https://127.0.0.1:9/events", secret="hook")
    name, shown = f"eventSinks/{sink_id}", f"called {land.mark}"
    return event_pb2.EventSink(name=name, tenant=land.tenant, display_name=shown, is_paused=True, webhook=target)


async def event_sink(world: World, land: Land) -> str:
    """A new event sink."""
    request = event_service_pb2.ApplyEventSinkRequest(event_sink=sink(land, world.fresh(land)))
    done = await world.admin.call(world.admin.event.ApplyEventSink, request)
    return done.event_sink.name.removeprefix("eventSinks/")


async def tenant(world: World, land: Land) -> str:
    tenant_id = world.fresh(land)
    await world.admin.make_tenant(tenant_id, parent=land.tenant_id)
    return tenant_id


async def approval(world: World, land: Land) -> str:
    """What the first admin asks a second person for."""
    request = fleet_service_pb2.RetireNodeRequest(name=land.name("nodes"), etag=f"e{next(world.counter)}")
    try:
        await world.admin.call(world.admin.fleet.RetireNode, request)
    except FailedPreconditionError as exc:
        return exc.metadata["approval"].removeprefix("approvals/")
    except WaysideError as exc:
        raise AssertionError(exc.message) from exc
    raise AssertionError("nobody asked for a second person")
