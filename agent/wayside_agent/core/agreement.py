"""What both repositories say a unit should install.

    agreement = await installer.agree(target, …)     # raises RefusedError, with a reason of this list

Roles as in Uptane: the image repository says what exists, the director what this unit installs; only what both say is
an agreement. Source: Uptane 2.1, 5.4.4 (full verification); TUF 1.0.34, 5.
"""

from dataclasses import dataclass
from enum import StrEnum

from wayside.errors import FailedPreconditionError


class Refusal(StrEnum):
    """Why a unit does not install something; `UpdateReport.reason`."""

    NO_ROOT = "NO_ROOT"  # the unit pins no root of trust
    SIGNATURE = "SIGNATURE"  # not signed by enough of those who may: another key, or none
    EXPIRED = "EXPIRED"  # what was signed has ended
    ROLLBACK = "ROLLBACK"  # older metadata than the unit has seen
    MIX_AND_MATCH = "MIX_AND_MATCH"  # files that do not belong together
    MALFORMED = "MALFORMED"  # no metadata, or too much of it
    NOT_DIRECTED = "NOT_DIRECTED"  # the director names another release, or another unit
    NOT_IN_IMAGES = "NOT_IN_IMAGES"  # the image repository does not have it
    DISAGREEMENT = "DISAGREEMENT"  # both have it, with other bytes
    WRONG_HARDWARE = "WRONG_HARDWARE"
    DOWNGRADE = "DOWNGRADE"  # a smaller counter than the unit has had, and nobody signed for that
    REQUIREMENT = "REQUIREMENT"  # something it needs is not there
    HASH = "HASH"  # other bytes than agreed
    SIZE = "SIZE"  # more, or fewer, bytes than agreed
    ARTIFACT_INVALID = "ARTIFACT_INVALID"  # agreed bytes that are no release, or not for this unit
    COMPONENT = "COMPONENT"  # a part of it that this unit has no place for
    DELTA = "DELTA"  # the delta does not lead to what was agreed
    TIME = "TIME"  # nobody knows what time it is, so nothing can be found to be in date


class RefusedError(FailedPreconditionError):
    """A release is not installed. `reason` is a `Refusal`."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message, reason=refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Agreement:
    """A release that both repositories tell this unit to install."""

    release: str
    """`releases/{version}`."""
    version: str
    sha256: str
    """Of the whole artifact, lower-case hex."""
    size_bytes: int
    """Of the whole artifact."""
    tree_sha256: str
    """Over the list of its files (`wayside.release_tree`); what a delta has to lead to. Empty: no delta may be used."""
    counter: int
