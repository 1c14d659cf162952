"""Errors to gRPC statuses and back, once for both sides.

The `reason` and its metadata travel in the standard `google.rpc.ErrorInfo` detail, so any gRPC client can read them.
Usage: server: `await context.abort_with_status(to_status(error))`; client: `raise from_rpc_error(error) from error`.
"""

from collections.abc import Iterable
from typing import cast

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from wayside import errors

DOMAIN = "wayside"
RETRY_AFTER = "wayside-retry-after-ms"
"""Trailing metadata of a refusal that says when to come again [ms]; in our error, a value of its metadata."""
_RETRY_AFTER_MAX_CHARS = 20

_CODE_BY_ERROR: dict[type[errors.WaysideError], grpc.StatusCode] = {
    errors.InvalidArgumentError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExistsError: grpc.StatusCode.ALREADY_EXISTS,
    errors.FailedPreconditionError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.OutOfRangeError: grpc.StatusCode.OUT_OF_RANGE,
    errors.ConflictError: grpc.StatusCode.ABORTED,
    errors.UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDeniedError: grpc.StatusCode.PERMISSION_DENIED,
    errors.ResourceExhaustedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.UnavailableError: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineExceededError: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_ERROR_BY_CODE = {code: error for error, code in _CODE_BY_ERROR.items()}


def to_status(error: errors.WaysideError) -> grpc.Status:
    """The gRPC status of an error, its reason and metadata in an ErrorInfo detail."""
    code = next(_CODE_BY_ERROR[kind] for kind in type(error).__mro__ if kind in _CODE_BY_ERROR)
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata))
    number: int = code.value[0]
    return rpc_status.to_status(status_pb2.Status(code=number, message=error.message, details=[detail]))


def from_rpc_error(error: grpc.RpcError, *, peer: str = "the manager") -> errors.WaysideError:
    """Our error for a failed call; codes we never send become `UnavailableError`: callers back off and go on.

    `peer` names the other side in the sentence for a connection that failed before it could answer.
    """
    code, details = _code_and_details(error)
    kind = _ERROR_BY_CODE.get(code, errors.UnavailableError)
    info = _info(error)
    if kind is errors.UnavailableError and not info.reason:
        return _unreachable(details or code.name, peer)
    return kind(details or code.name, reason=info.reason, metadata={**info.metadata, **_retry_after(error)})


def _unreachable(details: str, peer: str) -> errors.UnavailableError:
    if "CERTIFICATE_VERIFY_FAILED" in details:
        return errors.UnavailableError(
            f"{peer} showed a certificate that the authorities in use do not vouch for; use its own ca.pem",
            reason="UNTRUSTED_PEER",
        )
    return errors.UnavailableError(f"{peer} does not answer: {details}")


def _code_and_details(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    if isinstance(error, grpc.aio.AioRpcError):
        return error.code(), error.details() or ""
    return grpc.StatusCode.UNKNOWN, str(error)


def _retry_after(error: grpc.RpcError) -> dict[str, str]:
    return {
        key: value
        for key, value in _trailers(error)
        if key == RETRY_AFTER and isinstance(value, str) and len(value) <= _RETRY_AFTER_MAX_CHARS
    }


def _trailers(error: grpc.RpcError) -> Iterable[tuple[str, str | bytes]]:
    if not isinstance(error, grpc.aio.AioRpcError):
        return ()
    # types-grpcio has the element type of Metadata wrong: it iterates over pairs
    return cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ())


def _info(error: grpc.RpcError) -> error_details_pb2.ErrorInfo:
    """What an answer says for machines; empty when it says nothing of ours."""
    for key, value in _trailers(error):
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            return _info_in(value)
    return error_details_pb2.ErrorInfo()


def _info_in(serialized: bytes) -> error_details_pb2.ErrorInfo:
    status, info = status_pb2.Status(), error_details_pb2.ErrorInfo()
    try:
        status.ParseFromString(serialized)
        for detail in status.details:
            if detail.Unpack(info) and info.domain == DOMAIN:
                return info
    except DecodeError:
        pass
    return error_details_pb2.ErrorInfo()
