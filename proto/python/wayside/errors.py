"""The errors both sides share. Each class says what the caller should do; `wayside.status` carries them over gRPC.

    WaysideError
     +-- InvalidArgumentError      fix the call
     +-- NotFoundError             there is no such thing
     +-- AlreadyExistsError        choose another name
     +-- FailedPreconditionError   change state first
     +-- OutOfRangeError           ask for something inside the bounds
     +-- ConflictError             read again, redo the whole step (AIP-154)
     +-- UnauthenticatedError      enrol or sign in again
     +-- PermissionDeniedError     ask somebody who may
     +-- ResourceExhaustedError    back off for long, or free space
     +-- UnavailableError          the only one retried by itself, and only if idempotent (AIP-194)
     +-- DeadlineExceededError     the next tick of the loop is the retry

A message is one sentence: what is wrong, which thing, what to do. `reason` is for machines and never changes.
"""

from collections.abc import Mapping
from typing import ClassVar, TypeVar

E = TypeVar("E", bound=BaseException)


class WaysideError(Exception):
    """Any expected failure. Carries a stable `reason` beside the message, and for some reasons named values."""

    default_reason: ClassVar[str] = "UNKNOWN"

    def __init__(self, message: str, *, reason: str = "", metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reason = reason or self.default_reason
        self.metadata = dict(metadata or {})

    @property
    def message(self) -> str:
        """What is wrong, which thing, what to do."""
        return str(self)


class InvalidArgumentError(WaysideError):
    """The call itself is wrong, whatever the state."""

    default_reason = "INVALID_ARGUMENT"


class NotFoundError(WaysideError):
    """There is no such thing."""

    default_reason = "NOT_FOUND"


class AlreadyExistsError(WaysideError):
    """The name is taken."""

    default_reason = "ALREADY_EXISTS"


class FailedPreconditionError(WaysideError):
    """The state does not allow it now."""

    default_reason = "FAILED_PRECONDITION"


class OutOfRangeError(WaysideError):
    """Past the end of something that is there."""

    default_reason = "OUT_OF_RANGE"


class ConflictError(WaysideError):
    """Somebody else changed it meanwhile."""

    default_reason = "CONFLICT"


class UnauthenticatedError(WaysideError):
    """The caller did not prove who it is."""

    default_reason = "UNAUTHENTICATED"


class PermissionDeniedError(WaysideError):
    """The caller is known and may not."""

    default_reason = "PERMISSION_DENIED"


class ResourceExhaustedError(WaysideError):
    """A quota, a limit or a disk is full."""

    default_reason = "RESOURCE_EXHAUSTED"


class UnavailableError(WaysideError):
    """The other side is not reachable now; offline is normal."""

    default_reason = "UNAVAILABLE"


class DeadlineExceededError(WaysideError):
    """No answer in time."""

    default_reason = "DEADLINE_EXCEEDED"


def leaves(group: BaseExceptionGroup[E]) -> list[E]:
    """The errors in a group of groups, in order."""
    found: list[E] = []
    for error in group.exceptions:
        found += leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
