"""`wayside releases`: publish, list, show, retire; build, keys, sign and trust are in files of their own."""

import hashlib
from collections.abc import AsyncIterator
from io import BufferedReader
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.v1 import release_pb2, release_service_pb2
from wayside_manager.cli import release_keys, release_trust
from wayside_manager.cli.client import ManagerClient
from wayside_manager.cli.output import (
    Output,
    console,
    local_time,
    print_fields,
    print_json,
    print_line,
    worded,
)
from wayside_manager.cli.release_build import build
from wayside_manager.cli.release_deltas import delta_counts, print_deltas
from wayside_manager.cli.release_sign import sign
from wayside_manager.cli.running import (
    ContextOption,
    OutputOption,
    TenantOption,
    chosen_output,
    listed,
    print_listed,
    reported,
    resource_id,
    resource_name,
    run,
)

CHUNK_BYTES = 1 << 20  # as release_service.proto says
COLUMNS = ("VERSION", "TENANT", "SIZE [BYTE]", "STATE", "PUBLISHED", "DELTAS", "NOTES")

app = typer.Typer(no_args_is_help=True, help="Releases: images that nodes can be told to run.")
app.add_typer(release_keys.app, name="keys")
app.add_typer(release_trust.app, name="trust")
app.command("build")(build)
app.command("sign")(sign)


@app.command("publish")
@reported
def publish(
    file: Annotated[Path, typer.Argument(help="The artifact: a tar archive that begins with release.json.")],
    *,
    trust: Annotated[
        Path | None, typer.Option(envvar="WAYSIDE_TRUST", help="Folder in which it was signed; else WAYSIDE_TRUST.")
    ] = None,
    version: Annotated[str, typer.Option(help="Refuse (exit 2) unless release.json says this version.")] = "",
    notes: Annotated[str, typer.Option(help="What it brings.")] = "",
    tenant: TenantOption = "",
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Publishes a release. Its version is the one in the release.json inside."""
    try:
        with file.open("rb") as artifact:
            spec = _spec(artifact, version, notes)
            spec.tenant = resource_name(tenant, "tenants") if tenant else ""
            spec.image_targets = _signed_targets(trust)
            release = run(lambda manager: _uploaded(manager, artifact, spec), context)
    except FileNotFoundError as exc:
        raise NotFoundError(f"{file} is not there") from exc
    except OSError as exc:
        raise InvalidArgumentError(f"{file} cannot be read: {exc.strerror}") from exc
    if chosen_output(output) is Output.JSON:
        print_json(release)
    else:
        print_line(f"published {release.version}, {release.size_bytes} bytes, sha256 {release.sha256}")


@app.command("list")
@reported
def list_releases(output: OutputOption = None, context: ContextOption = None) -> None:
    """Lists releases, newest first."""
    request = release_service_pb2.ListReleasesRequest()
    releases = run(
        lambda manager: listed(manager, manager.release.ListReleases, request, lambda page: page.releases), context
    )
    print_listed("releases", releases, output, columns=COLUMNS, row=_row)


@app.command("show")
@reported
def show(
    release: Annotated[str, typer.Argument(help="Release, as 1.1.0 or releases/1.1.0.")],
    output: OutputOption = None,
    context: ContextOption = None,
) -> None:
    """Shows one release."""
    request = release_service_pb2.GetReleaseRequest(name=resource_name(release, "releases"))
    found = run(lambda manager: manager.call(manager.release.GetRelease, request), context).release
    if chosen_output(output) is Output.JSON:
        print_json(found)
    else:
        fields = {name.lower(): value for name, value in zip(COLUMNS, _row(found), strict=True)}
        schema = {"config schema": "published" if found.has_config_schema else "the manager's own counts"}
        print_fields(fields | {"sha256": found.sha256, "notes": found.notes, "etag": found.etag} | schema)
        print_deltas(found)


@app.command("retire")
@reported
def retire(
    release: Annotated[str, typer.Argument(help="Release, as 1.1.0 or releases/1.1.0.")],
    context: ContextOption = None,
) -> None:
    """Takes a release out of use: no rollout begins with it any more; nodes that run it keep it."""
    request = release_service_pb2.RetireReleaseRequest(name=resource_name(release, "releases"))
    found = run(lambda manager: manager.call(manager.release.RetireRelease, request), context).release
    print_line(f"retired {found.version}")


def _spec(artifact: BufferedReader, version: str, notes: str) -> release_service_pb2.ReleaseSpec:
    from wayside_manager.api.release_archive import stated_manifest  # the schema library: no other command needs it

    stated = stated_manifest(artifact).version
    if version not in {"", stated}:
        raise InvalidArgumentError(f"--version: the archive's release.json says {stated}, not {version}")
    artifact.seek(0)
    digest = hashlib.file_digest(artifact, "sha256").hexdigest()
    size_bytes = artifact.tell()
    artifact.seek(0)
    return release_service_pb2.ReleaseSpec(version=stated, sha256=digest, size_bytes=size_bytes, notes=notes)


def _signed_targets(folder: Path | None) -> bytes:
    if folder is None:
        raise InvalidArgumentError("--trust: name the folder in which the release was signed (docs/releases.md)")
    from wayside_manager.cli.ceremony import Ceremony  # the libraries that sign: no other command needs them

    return Ceremony(folder).targets_content()


async def _uploaded(
    manager: ManagerClient, artifact: BufferedReader, spec: release_service_pb2.ReleaseSpec
) -> release_pb2.Release:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    shown_on = console(stderr=True)
    with Progress(*columns, console=shown_on, disable=not shown_on.is_terminal, transient=True) as progress:
        task = progress.add_task(f"publishing {spec.version}", total=spec.size_bytes)

        async def messages() -> AsyncIterator[release_service_pb2.CreateReleaseRequest]:
            yield release_service_pb2.CreateReleaseRequest(spec=spec)
            while content := artifact.read(CHUNK_BYTES):
                yield release_service_pb2.CreateReleaseRequest(content=content)
                progress.advance(task, len(content))

        answer = await manager.upload(manager.release.CreateRelease, messages())
    return answer.release


def _row(release: release_pb2.Release) -> tuple[object, ...]:
    return (
        resource_id(release.name),
        resource_id(release.tenant),
        release.size_bytes,
        worded(release_pb2.Release.State, release.state, "STATE_"),
        local_time(release.create_time),
        delta_counts(release),
        release.notes.partition("\n")[0],
    )
