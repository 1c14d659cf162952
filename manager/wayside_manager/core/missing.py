"""What is said of things that are not there, so that the gate and the store say it word for word alike.

A thing a caller may not see must look like one that is not there: same class, same sentence, same reason.
Usage: `raise not_there("nodes", "rsu-1")`.
"""

from collections.abc import Mapping

from wayside.errors import NotFoundError

_WORDS: Mapping[str, tuple[str, str, str]] = {
    "nodes": ("node", "the nodes", "NODE_NOT_FOUND"),
    "configLayers": ("layer", "the layers", "LAYER_NOT_FOUND"),
    "sites": ("site", "the sites", "SITE_NOT_FOUND"),
    "corridors": ("corridor", "the corridors", "CORRIDOR_NOT_FOUND"),
    "groups": ("group", "the groups", "GROUP_NOT_FOUND"),
    "geofences": ("geofence", "the geofences", "GEOFENCE_NOT_FOUND"),
    "alarms": ("alarm", "the alarms", "ALARM_NOT_FOUND"),
    "jobs": ("job", "the jobs", "JOB_NOT_FOUND"),
    "eventSinks": ("event sink", "the event sinks", "EVENT_SINK_NOT_FOUND"),
    "radioLicences": ("radio licence", "the radio licences", "RADIO_LICENCE_NOT_FOUND"),
    "configSchemas": ("configuration schema", "the releases", "SCHEMA_NOT_FOUND"),
    "releases": ("release", "the releases", "RELEASE_NOT_FOUND"),
    "broadcasts": ("broadcast", "the broadcasts", "BROADCAST_NOT_FOUND"),
    "rollouts": ("rollout", "the rollouts", "ROLLOUT_NOT_FOUND"),
    "enrollmentTokens": ("enrolment token", "the tokens", "TOKEN_NOT_FOUND"),
    "enrollmentRequests": ("enrolment request", "the requests", "REQUEST_NOT_FOUND"),
    "approvals": ("approval", "the approvals", "APPROVAL_NOT_FOUND"),
    "operators": ("operator", "the operators", "OPERATOR_NOT_FOUND"),
    "credentials": ("credential", "the holder's credentials", "CREDENTIAL_NOT_FOUND"),
    "tenants": ("tenant", "the tenants", "TENANT_NOT_FOUND"),
}


class HiddenError(NotFoundError):
    """The thing is there, but not for this caller, who is told NotFoundError; the audit trail knows better."""


def not_there(collection: str, thing_id: str) -> NotFoundError:
    """The error for a thing that is not there."""
    return NotFoundError(_sentence(collection, thing_id), reason=_WORDS[collection][2])


def hidden(collection: str, thing_id: str) -> HiddenError:
    """The same for a thing the caller may not see."""
    return HiddenError(_sentence(collection, thing_id), reason=_WORDS[collection][2])


def _sentence(collection: str, thing_id: str) -> str:
    word, plural, _ = _WORDS[collection]
    return f"{word} {thing_id} does not exist; list {plural} to see which do"
