"""Tokens, registrations and waiting units between records and messages, and the checks of what comes in."""

from datetime import timedelta

from wayside.errors import InvalidArgumentError
from wayside.names import checked_esn, checked_label, node_name, site_id, tenant_name
from wayside.v1 import enrollment_service_pb2, node_pb2
from wayside_manager.api.node_messages import kind_value, labels, required_kind, timestamp
from wayside_manager.core.enrollment import ImportOutcome, ImportResult, Registration, TokenRecord, WaitingUnit

TTL_DEFAULT = timedelta(hours=1)  # this and the next two: as enrollment_service.proto says
TTL_MAX = timedelta(days=30)
USE_COUNT_MAX = 10_000
TEXT_MAX_CHARS = 200  # display name, site: a line on a screen
_TOKENS, _REQUESTS = "enrollmentTokens/", "enrollmentRequests/"


def token_message(token: TokenRecord) -> enrollment_service_pb2.EnrollmentToken:
    """What operators see of a token."""
    return enrollment_service_pb2.EnrollmentToken(
        name=f"{_TOKENS}{token.token_id}",
        tenant=tenant_name(token.tenant_id),
        node=node_name(token.node_id) if token.node_id else "",
        kind=kind_value(token.kind) if token.kind else node_pb2.NODE_KIND_UNSPECIFIED,
        esn=token.esn,
        remaining_use_count=token.remaining_use_count,
        create_time=timestamp(token.create_time),
        expire_time=timestamp(token.expire_time),
    )


def waiting_message(waiting: WaitingUnit) -> enrollment_service_pb2.EnrollmentRequest:
    """What operators see of a waiting unit."""
    return enrollment_service_pb2.EnrollmentRequest(
        name=f"{_REQUESTS}{waiting.request_id}",
        node_id=waiting.node_id,
        esn=waiting.esn,
        kind=kind_value(waiting.kind),
        key_sha256=waiting.key_sha256,
        source_address=waiting.source_address,
        state=enrollment_service_pb2.EnrollmentRequest.State.Value(f"STATE_{waiting.state.name}"),
        create_time=timestamp(waiting.create_time),
        expire_time=timestamp(waiting.expire_time),
    )


def token_id(name: str) -> str:
    """The id in `enrollmentTokens/{token}`.

    Raises: InvalidArgumentError: another collection.
    """
    return _id(name, _TOKENS)


def request_id(name: str) -> str:
    """The id in `enrollmentRequests/{request}`.

    Raises: InvalidArgumentError: another collection.
    """
    return _id(name, _REQUESTS)


def ttl(request: enrollment_service_pb2.CreateEnrollmentTokenRequest) -> timedelta:
    """How long a token can be used.

    Raises: InvalidArgumentError: out of range.
    """
    if not request.HasField("ttl"):
        return TTL_DEFAULT
    seconds = request.ttl.seconds + request.ttl.nanos / 1e9
    if not 1 <= seconds <= TTL_MAX.total_seconds():
        raise InvalidArgumentError(f"ttl: {seconds} s is not within 1 s to {TTL_MAX.days} days")
    return timedelta(seconds=seconds)


def use_count(request: enrollment_service_pb2.CreateEnrollmentTokenRequest) -> int:
    """How often a token can be used.

    Raises: InvalidArgumentError: out of range.
    """
    if not 0 <= request.max_use_count <= USE_COUNT_MAX:
        raise InvalidArgumentError(f"max_use_count: {request.max_use_count} is not within 0 to {USE_COUNT_MAX}")
    return request.max_use_count or 1


def registration(row: enrollment_service_pb2.NodeRegistration, *, key_sha256: str, tenant_id: str) -> Registration:
    """A row of an import.

    Raises: InvalidArgumentError: naming the field.
    """
    return Registration(
        node_id=checked_label(row.node_id, field="node_id"),
        esn=checked_esn(row.esn, field="esn"),
        kind=required_kind(row.kind, field="kind"),
        key_sha256=key_sha256,
        tenant_id=tenant_id,
        display_name=_line(row.display_name, "display_name"),
        site_id=site_id(row.site, field="site") if row.site else "",
        labels=labels(row.labels, field="labels"),
    )


def import_message(row_index: int, node_id: str, result: ImportResult) -> enrollment_service_pb2.NodeImportResult:
    """What became of a row."""
    message = enrollment_service_pb2.NodeImportResult(row_index=row_index, node_id=node_id[:80])
    if isinstance(result, ImportOutcome):
        message.outcome = enrollment_service_pb2.NodeImportResult.Outcome.Value(f"OUTCOME_{result.name}")
    else:
        message.outcome = enrollment_service_pb2.NodeImportResult.OUTCOME_REFUSED
        message.message = result.message
    return message


def _line(value: str, field: str) -> str:
    if len(value) > TEXT_MAX_CHARS or not value.isprintable():
        raise InvalidArgumentError(f"{field}: give at most {TEXT_MAX_CHARS} printable characters on one line")
    return value


def _id(name: str, prefix: str) -> str:
    if not name.startswith(prefix):
        raise InvalidArgumentError(f"name: {name[:80]!r} does not begin with {prefix!r}", reason="NAME_INVALID")
    return name.removeprefix(prefix)
