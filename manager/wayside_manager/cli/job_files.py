"""Files that jobs brought, fetched whole: written beside their place, checked, then put there.

Usage: `paths = await fetched(manager, job, Path("bundles"))`.
"""

import hashlib
from pathlib import Path

from wayside.errors import InvalidArgumentError, UnavailableError
from wayside.v1 import job_pb2, job_service_pb2
from wayside_manager.cli.client import ManagerClient


async def fetched(manager: ManagerClient, job: job_pb2.Job, folder: Path) -> list[Path]:
    """Every whole file of a job, written into a folder; their paths.

    Raises: WaysideError: what the manager answered; InvalidArgumentError: the folder cannot be written to.
    """
    _make(folder)
    whole = [each for each in job.artifacts if each.received_bytes == each.size_bytes]
    return [await _one(manager, job.name, each, folder) for each in whole]


def _make(folder: Path) -> None:
    """Makes a folder if it is not there.

    Raises: InvalidArgumentError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise InvalidArgumentError(f"{folder} cannot be made: {exc.strerror}") from exc


async def _one(manager: ManagerClient, name: str, artifact: job_pb2.JobArtifact, folder: Path) -> Path:
    path = folder / Path(artifact.file).name
    partial, digest = path.with_name(f".{path.name}.part"), hashlib.sha256()
    request = job_service_pb2.FetchJobArtifactRequest(job=name, file=artifact.file)
    try:
        with partial.open("wb") as file:
            async for answer in manager.watch(manager.job.FetchJobArtifact, request):
                file.write(answer.content)
                digest.update(answer.content)
        if digest.hexdigest() != artifact.sha256:
            raise UnavailableError(f"{artifact.file} arrived damaged; fetch it again")
        partial.replace(path)
    except OSError as exc:
        raise InvalidArgumentError(f"{path} cannot be written: {exc.strerror}") from exc
    finally:
        partial.unlink(missing_ok=True)
    return path
