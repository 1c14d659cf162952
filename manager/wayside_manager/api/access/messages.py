"""Operators, bindings, credentials and tenants between records and messages.

Usage: `operator_message(record)`; `bindings(message.bindings, field="operator.bindings")` back.
"""

from collections.abc import Iterable

from google.protobuf.duration_pb2 import Duration

from wayside.errors import InvalidArgumentError
from wayside.names import tenant_id, tenant_name
from wayside.v1 import access_service_pb2, node_pb2
from wayside_manager.api.gate.targets import id_in
from wayside_manager.api.node_messages import labels, timestamp
from wayside_manager.core.access import Binding, OperatorRecord, Role, TenantKind, TenantRecord
from wayside_manager.core.credentials import CredentialKind, CredentialRecord
from wayside_manager.core.policy import Target

TEXT_MAX_CHARS = 200  # display name: a line on a screen
SUBJECT_MAX_CHARS = 255  # as OpenID Connect Core 1.0, 2 says
BINDING_MAX_COUNT = 64
SITE_MAX_COUNT = 256


def operator_id(name: str, *, field: str) -> str:
    """The id in `operators/{operator}`.

    Raises: InvalidArgumentError: another collection, or no RFC 1034 label.
    """
    return id_in(name, Target.OPERATOR, field=field)


def operator_name(wanted_id: str) -> str:
    """The name of an operator, `operators/{operator}`."""
    return f"operators/{wanted_id}"


def credential_id(name: str) -> str:
    """The id in `credentials/{credential}`.

    Raises: InvalidArgumentError: another collection, or no id.
    """
    return id_in(name, Target.CREDENTIAL, field="name")


def operator_message(operator: OperatorRecord) -> access_service_pb2.Operator:
    """An operator on the wire."""
    return access_service_pb2.Operator(
        name=operator_name(operator.operator_id),
        display_name=operator.display_name,
        bindings=map(binding_message, operator.bindings),
        disabled=operator.is_disabled,
        oidc_subject=operator.oidc_subject,
        create_time=timestamp(operator.create_time),
        update_time=timestamp(operator.update_time),
        etag=operator.etag,
        has_password=operator.has_password,
    )


def credential_message(credential: CredentialRecord) -> access_service_pb2.Credential:
    """What may be known of a credential."""
    message = access_service_pb2.Credential(
        name=f"credentials/{credential.credential_id}",
        holder=credential.holder,
        kind=access_service_pb2.Credential.Kind.Value(f"KIND_{CredentialKind(credential.kind).name}"),
        display_name=credential.display_name,
        bindings=map(binding_message, credential.bindings),
        create_time=timestamp(credential.create_time),
    )
    if credential.expire_time is not None:
        message.expire_time.CopyFrom(timestamp(credential.expire_time))
    if credential.revoke_time is not None:
        message.revoke_time.CopyFrom(timestamp(credential.revoke_time))
    return message


def binding_message(binding: Binding) -> access_service_pb2.Binding:
    """A binding on the wire."""
    return access_service_pb2.Binding(
        role=access_service_pb2.Role.Value(f"ROLE_{binding.role.name}"),
        tenant=tenant_name(binding.tenant_id),
        sites=binding.sites,
        labels=(node_pb2.Label(key=label.key, value=label.value) for label in binding.labels),
    )


def bindings(messages: Iterable[access_service_pb2.Binding], *, field: str) -> tuple[Binding, ...]:
    """Bindings from the wire; the same one twice counts once.

    Raises: InvalidArgumentError: a role that is not set or not known, a malformed tenant, site or label, or too many.
    """
    found = dict.fromkeys(_binding(message, field) for message in messages)
    if len(found) > BINDING_MAX_COUNT:
        raise InvalidArgumentError(f"{field}: {len(found)} are too many; give at most {BINDING_MAX_COUNT}")
    return tuple(found)


def _binding(message: access_service_pb2.Binding, field: str) -> Binding:
    known = access_service_pb2.Role.DESCRIPTOR.values_by_number.get(message.role)
    if known is None or message.role == access_service_pb2.ROLE_UNSPECIFIED:
        raise InvalidArgumentError(f"{field}.role: {message.role} is not set or not known to this manager")
    if len(message.sites) > SITE_MAX_COUNT or not all(map(_is_line, message.sites)):
        raise InvalidArgumentError(
            f"{field}.sites: give at most {SITE_MAX_COUNT} of 1 to {TEXT_MAX_CHARS} printable characters"
        )
    return Binding(
        Role[known.name.removeprefix("ROLE_")],
        tenant_id(message.tenant, field=f"{field}.tenant"),
        tuple(sorted(set(message.sites))),
        labels(message.labels, field=f"{field}.labels"),
    )


def tenant_message(tenant: TenantRecord) -> access_service_pb2.Tenant:
    """A tenant on the wire."""
    return access_service_pb2.Tenant(
        name=tenant_name(tenant.tenant_id),
        display_name=tenant.display_name,
        kind=access_service_pb2.Tenant.Kind.Value(f"KIND_{tenant.kind.name}"),
        parent=tenant_name(tenant.parent_id) if tenant.parent_id else "",
        create_time=timestamp(tenant.create_time),
    )


def tenant_kind(value: int, *, field: str) -> TenantKind:
    """What a tenant is.

    Raises: InvalidArgumentError: it is not set or not known.
    """
    known = access_service_pb2.Tenant.Kind.DESCRIPTOR.values_by_number.get(value)
    if known is None or value == access_service_pb2.Tenant.KIND_UNSPECIFIED:
        raise InvalidArgumentError(f"{field}: say what it is, PROVINCE, CITY or ROAD_OPERATOR")
    return TenantKind[known.name.removeprefix("KIND_")]


def seconds(duration: Duration) -> float:
    """A duration in seconds."""
    return duration.seconds + duration.nanos / 1e9


def checked_text(value: str, *, field: str, max_chars: int = TEXT_MAX_CHARS) -> str:
    """The value itself, one line that people can read; may be empty.

    Raises: InvalidArgumentError: naming `field`.
    """
    if value and not _is_line(value, max_chars):
        raise InvalidArgumentError(f"{field}: give at most {max_chars} printable characters on one line")
    return value


def _is_line(value: str, max_chars: int = TEXT_MAX_CHARS) -> bool:
    return 0 < len(value) <= max_chars and value.isprintable()
