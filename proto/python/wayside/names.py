"""Resource names: `nodes/{node}`, `releases/{version}`, `rollouts/{rollout}` and the like (AIP-122).

Usage: `node_id("nodes/rsu-g98-k12") == "rsu-g98-k12"`; `node_name("rsu-g98-k12")` goes back.
"""

import re

from wayside.errors import InvalidArgumentError

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")  # RFC 1034, as AIP-122 asks
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){0,3}(?:-[0-9A-Za-z][0-9A-Za-z.]{0,40})?\Z")
PLATFORM_JOB_PREFIX = "platform-"
"""Begin of the ids of jobs that a platform of T/ITS 0117 asked a unit for, not the manager; nobody else may use it."""
_ESN = re.compile(r"[!-~]{1,64}\Z")  # printable ASCII, as serial numbers on type plates are


def checked_label(value: str, *, field: str) -> str:
    """The value itself, a lower-case RFC 1034 label.

    Raises: InvalidArgumentError: naming `field`.
    """
    if not _LABEL.match(value):
        raise InvalidArgumentError(
            f"{field}: {value[:80]!r} is not 1 to 63 lower-case letters, digits and inner '-'", reason="NAME_INVALID"
        )
    return value


def checked_version(value: str, *, field: str) -> str:
    """The value itself, such as `1.2.0` or `1.2.0-rc1`.

    Raises: InvalidArgumentError: naming `field`.
    """
    if not _VERSION.match(value):
        raise InvalidArgumentError(
            f"{field}: {value[:80]!r} is not a version such as 1.2.0 or 1.2.0-rc1", reason="VERSION_INVALID"
        )
    return value


def checked_esn(value: str, *, field: str) -> str:
    """The value itself, 1 to 64 printable ASCII characters without spaces.

    Raises: InvalidArgumentError: naming `field`.
    """
    if not _ESN.match(value):
        raise InvalidArgumentError(
            f"{field}: {value[:80]!r} is not 1 to 64 printable characters without spaces", reason="ESN_INVALID"
        )
    return value


def node_name(node_id: str) -> str:
    """The name of a node, `nodes/{node}`."""
    return f"nodes/{node_id}"


def node_id(name: str, *, field: str = "name") -> str:
    """The id in `nodes/{node}`.

    Raises: InvalidArgumentError: another collection, or no RFC 1034 label.
    """
    return checked_label(_id(name, "nodes", field), field=field)


def release_name(version: str) -> str:
    """The name of a release, `releases/{version}`."""
    return f"releases/{version}"


def release_version(name: str, *, field: str = "name") -> str:
    """The version in `releases/{version}`.

    Raises: InvalidArgumentError: another collection, or no version.
    """
    return checked_version(_id(name, "releases", field), field=field)


def rollout_name(rollout_id: str) -> str:
    """The name of a rollout, `rollouts/{rollout}`."""
    return f"rollouts/{rollout_id}"


def rollout_id(name: str, *, field: str = "name") -> str:
    """The id in `rollouts/{rollout}`.

    Raises: InvalidArgumentError: another collection, or no RFC 1034 label.
    """
    return checked_label(_id(name, "rollouts", field), field=field)


def job_name(job_id: str) -> str:
    """The name of a job, `jobs/{job}`."""
    return f"jobs/{job_id}"


def job_id(name: str, *, field: str = "name") -> str:
    """The id in `jobs/{job}`.

    Raises: InvalidArgumentError: another collection, or no RFC 1034 label.
    """
    return checked_label(_id(name, "jobs", field), field=field)


def broadcast_name(broadcast_id: str) -> str:
    """The name of a broadcast, `broadcasts/{broadcast}`."""
    return f"broadcasts/{broadcast_id}"


def broadcast_id(name: str, *, field: str = "name") -> str:
    """The id in `broadcasts/{broadcast}`.

    Raises: InvalidArgumentError: another collection, or no RFC 1034 label.
    """
    return checked_label(_id(name, "broadcasts", field), field=field)


def alarm_name(alarm_id: str) -> str:
    """The name of an alarm, `alarms/{alarm}`."""
    return f"alarms/{alarm_id}"


def alarm_id(name: str, *, field: str = "name") -> str:
    """The id in `alarms/{alarm}`.

    Raises: InvalidArgumentError: another collection, or no RFC 1034 label.
    """
    return checked_label(_id(name, "alarms", field), field=field)


def config_layer_name(layer_id: str) -> str:
    """The name of a configuration layer, `configLayers/{layer}`."""
    return f"configLayers/{layer_id}"


def config_layer_id(name: str, *, field: str = "name") -> str:
    """The id in `configLayers/{layer}`.

    Raises: InvalidArgumentError: another collection, or no RFC 1034 label.
    """
    return checked_label(_id(name, "configLayers", field), field=field)


def tenant_name(tenant_id: str) -> str:
    """The name of a tenant, `tenants/{tenant}`."""
    return f"tenants/{tenant_id}"


def tenant_id(name: str, *, field: str = "name") -> str:
    """The id in `tenants/{tenant}`.

    Raises: InvalidArgumentError: another collection, or no RFC 1034 label.
    """
    return checked_label(_id(name, "tenants", field), field=field)


def approval_name(approval_id: str) -> str:
    """The name of an approval, `approvals/{approval}`."""
    return f"approvals/{approval_id}"


def approval_id(name: str, *, field: str = "name") -> str:
    """The id in `approvals/{approval}`.

    Raises: InvalidArgumentError: another collection, or no RFC 1034 label.
    """
    return checked_label(_id(name, "approvals", field), field=field)


def site_name(site_id: str) -> str:
    """The name of a site, `sites/{site}`."""
    return f"sites/{site_id}"


def site_id(name: str, *, field: str = "name") -> str:
    """The id in `sites/{site}`.

    Raises: InvalidArgumentError: another collection, or no RFC 1034 label.
    """
    return checked_label(_id(name, "sites", field), field=field)


def corridor_name(corridor_id: str) -> str:
    """The name of a corridor, `corridors/{corridor}`."""
    return f"corridors/{corridor_id}"


def corridor_id(name: str, *, field: str = "name") -> str:
    """The id in `corridors/{corridor}`.

    Raises: InvalidArgumentError: another collection, or no RFC 1034 label.
    """
    return checked_label(_id(name, "corridors", field), field=field)


def group_name(group_id: str) -> str:
    """The name of a group, `groups/{group}`."""
    return f"groups/{group_id}"


def group_id(name: str, *, field: str = "name") -> str:
    """The id in `groups/{group}`.

    Raises: InvalidArgumentError: another collection, or no RFC 1034 label.
    """
    return checked_label(_id(name, "groups", field), field=field)


def geofence_name(geofence_id: str) -> str:
    """The name of a geofence, `geofences/{geofence}`."""
    return f"geofences/{geofence_id}"


def geofence_id(name: str, *, field: str = "name") -> str:
    """The id in `geofences/{geofence}`.

    Raises: InvalidArgumentError: another collection, or no RFC 1034 label.
    """
    return checked_label(_id(name, "geofences", field), field=field)


def radio_licence_name(radio_licence_id: str) -> str:
    """The name of a radio licence, `radioLicences/{radio_licence}`."""
    return f"radioLicences/{radio_licence_id}"


def radio_licence_id(name: str, *, field: str = "name") -> str:
    """The id in `radioLicences/{radio_licence}`.

    Raises: InvalidArgumentError: another collection, or no RFC 1034 label.
    """
    return checked_label(_id(name, "radioLicences", field), field=field)


def event_sink_name(sink_id: str) -> str:
    """The name of an event sink, `eventSinks/{sink}`."""
    return f"eventSinks/{sink_id}"


def event_sink_id(name: str, *, field: str = "name") -> str:
    """The id in `eventSinks/{sink}`.

    Raises: InvalidArgumentError: another collection, or no RFC 1034 label.
    """
    return checked_label(_id(name, "eventSinks", field), field=field)


def _id(name: str, collection: str, field: str) -> str:
    prefix = f"{collection}/"
    if not name.startswith(prefix):
        raise InvalidArgumentError(f"{field}: {name[:80]!r} does not begin with {prefix!r}", reason="NAME_INVALID")
    return name[len(prefix) :]
