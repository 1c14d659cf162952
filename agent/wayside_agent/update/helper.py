"""Answers one request of the daemon; see `core.installing`."""

from pathlib import Path
from typing import BinaryIO

from wayside.errors import ResourceExhaustedError, WaysideError
from wayside.release_manifest import Manifest
from wayside_agent.core.agreement import Refusal, RefusedError
from wayside_agent.core.installing import (
    MAX_LINE_BYTES,
    Agree,
    Agreed,
    Answer,
    Done,
    Failed,
    Install,
    Progress,
    Refused,
    Request,
    Verify,
    asked,
    encoded,
)
from wayside_agent.update import agreeing, artifact, place

MAX_MESSAGE_LENGTH = 1_000
MIN_PROGRESS = 0.01


def answer(where: place.Place, requests: BinaryIO, answers: BinaryIO) -> None:
    """Reads one request and writes its answers. Whatever happens ends in one line.

    Raises: OSError: nobody hears the answer.
    """
    try:
        request = asked(requests.readline(MAX_LINE_BYTES + 1))
        with where.alone():
            last = _done(where, request, _Progress(answers))
    except BrokenPipeError:  # nobody hears
        raise
    except Exception as error:  # noqa: BLE001  # a fault of ours must be an answer, never a silence
        last = _failed(error)
    _say(answers, last)


class _Progress:
    """Says how far it is, but not at every byte."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._said = 0.0

    def __call__(self, ratio: float) -> None:
        if ratio - self._said >= MIN_PROGRESS:
            self._said = ratio
            _say(self._answers, Progress(ratio=ratio))


def _failed(error: Exception) -> Answer:
    text = str(error)
    if isinstance(error, RefusedError):
        return Refused(reason=error.refusal.value, message=text[:MAX_MESSAGE_LENGTH])
    if isinstance(error, MemoryError):
        text = "it takes more memory than an installation may have; report this release"
    elif isinstance(error, OSError):
        text = f"the disk refuses ({text}); check it and its owner"
    elif not isinstance(error, WaysideError):
        text = f"the helper has a fault, report it ({type(error).__name__}: {text})"
    return Failed(is_disk_full=isinstance(error, ResourceExhaustedError), message=text[:MAX_MESSAGE_LENGTH])


def _done(where: place.Place, request: Request, progress: artifact.Progress) -> Answer:
    if isinstance(request, Agree):
        return _agreed(agreeing.agreement(where, request))
    agreed = _known(where, request)
    if isinstance(request, Verify):
        with artifact.opened(Path(request.artifact)) as file:
            manifest = _checked(file, agreed, where, is_delta=request.is_delta)
        return Done(components=manifest.components, notices=manifest.notices)
    artifact.install(where, agreed, request, progress)
    return Done()


def _checked(file: BinaryIO, agreed: place.Agreed, where: place.Place, *, is_delta: bool) -> Manifest:
    if is_delta:
        return artifact.check_delta(file, agreed, where)
    return artifact.check(file, agreed, where).manifest


def _agreed(found: place.Agreed) -> Agreed:
    return Agreed(
        version=found.version,
        sha256=found.sha256,
        size_bytes=found.size_bytes,
        tree_sha256=found.tree_sha256,
        counter=found.counter,
        end_s=found.end_s,
    )


def _known(where: place.Place, request: Verify | Install) -> place.Agreed:
    """What this process agreed to itself, whatever the daemon says."""
    agreed = where.agreed.load()
    if agreed is None or agreed.sha256 != request.sha256:
        raise RefusedError(
            Refusal.NOT_DIRECTED,
            f"nothing with SHA-256 {request.sha256[:12]}… was agreed on; ask both repositories again",
        )
    seen = where.seen.load()
    now_s = max(request.now_s or 0.0, seen.time_s if seen else 0.0)
    if now_s >= agreed.end_s:
        raise RefusedError(
            Refusal.EXPIRED, "what was agreed on has ended since; ask both repositories again before it is installed"
        )
    return agreed


def _say(answers: BinaryIO, message: Answer) -> None:
    answers.write(encoded(message))
    answers.flush()
