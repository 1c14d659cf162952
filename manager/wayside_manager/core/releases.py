"""Releases: software images nodes can be told to run."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wayside.errors import AlreadyExistsError
from wayside.release_manifest import Manifest
from wayside_manager.core.access import ROOT_TENANT


class ReleaseState(StrEnum):
    """Lifecycle of a release."""

    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """One release; its bytes are in the artifact store under `sha256`."""

    version: str
    sha256: str
    size_bytes: int
    notes: str
    create_time: datetime
    state: ReleaseState = ReleaseState.ACTIVE
    etag: str = ""
    config_schema: str = ""
    """JSON schema of the configuration it takes, as it is published; left out of what is read, for its size."""
    has_config_schema: bool = False
    tenant_id: str = ROOT_TENANT
    """It can be run in this tenant and those below it."""
    manifest: Manifest | None = None
    """What it says of itself. `None`: it was published before releases did."""


def release_taken(version: str) -> AlreadyExistsError:
    """The error for a version that somebody has published; it does not say who."""
    return AlreadyExistsError(
        f"release {version}: the version is taken; publish under another", reason="RELEASE_EXISTS"
    )
