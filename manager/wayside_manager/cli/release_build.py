"""`wayside releases build`: the file of a release, to be signed. Nothing here speaks to a manager."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from wayside_manager.cli.output import Output, print_json, print_line
from wayside_manager.cli.running import OutputOption, chosen_output, reported


@reported
def build(
    description: Annotated[Path, typer.Argument(help="What the release is, in TOML (docs/releases.md).")],
    *,
    agent: Annotated[
        list[Path],
        typer.Option(help="Folder with the agent and all it needs, or a wheel; repeat: later ones replace files."),
    ],
    file: Annotated[Path, typer.Option(help="File to write, as agent-1.1.0.tar.gz.")],
    output: OutputOption = None,
) -> None:
    """Builds a release. The same inputs give the same bytes; what a unit would refuse is not written."""
    from wayside_manager.services.release_building import build as built  # libraries that no other command needs
    from wayside_manager.services.release_building import described
    from wayside_manager.services.release_sources import agent_files

    manifest = built(file, described(description), agent_files(agent), folder=description.parent)
    with file.open("rb") as artifact:
        sha256, size_bytes = hashlib.file_digest(artifact, "sha256").hexdigest(), artifact.tell()
    if chosen_output(output) is Output.JSON:
        said = {"version": manifest.version, "counter": manifest.counter, "sha256": sha256, "size_bytes": size_bytes}
        print_json(said)
    else:
        print_line(f"built {manifest.version}, counter {manifest.counter}, {size_bytes} bytes, sha256 {sha256}")
