"""Builds a release artifact of the agent from what is installed in this environment.

    python firmware_images/build.py --version 1.1.0 --output wayside-agent-1.1.0.tar.gz [--overlay DIR]

The artifact is `release.json`, `config.schema.json` (the JSON schema of the configuration this very release takes) and
`site/`: the agent, the contract and everything they need, and nothing of the rest of the environment. The same inputs
give the same bytes.
"""

import argparse
import hashlib
import importlib.metadata
import io
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement

from wayside.names import checked_version
from wayside.release_manifest import Component, Notice
from wayside.release_packing import Content
from wayside_manager.services.release_building import Description, Part, write_built
from wayside_manager.services.release_sources import is_kept

ROOT_DISTRIBUTION = "wayside-agent"


def main() -> int:
    """Builds and says what came out."""
    parser = argparse.ArgumentParser(description="Build a release artifact of the agent.")
    parser.add_argument("--version", required=True, help="version of the release, such as 1.1.0")
    parser.add_argument("--output", required=True, type=Path, help="file to write, a .tar.gz")
    parser.add_argument("--overlay", type=Path, help="folder whose files replace or add to those of the release")
    parser.add_argument("--counter", type=int, help="release counter; default: made of the version, 1.2.3 is 1002003")
    parser.add_argument("--hardware-id", action="append", default=[], help="hardware it runs on; none: any")
    parser.add_argument("--return-to", type=int, default=0, help="smallest counter a unit may go back to from it")
    parser.add_argument("--downgrade-from", type=int, default=0, help="largest counter it may replace on purpose")
    arguments = parser.parse_args()
    content = built(
        checked_version(arguments.version, field="--version"),
        arguments.overlay,
        counter=arguments.counter,
        hardware_ids=tuple(arguments.hardware_id),
        return_to_counter=arguments.return_to,
        downgrade_from_counter=arguments.downgrade_from,
    )
    arguments.output.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    print(f"{arguments.output}: version {arguments.version}, {len(content) / 1e6:.1f} MB, SHA-256 {digest}")
    return 0


def built(
    version: str,
    overlay: Path | None = None,
    *,
    counter: int | None = None,
    hardware_ids: tuple[str, ...] = (),
    return_to_counter: int = 0,
    downgrade_from_counter: int = 0,
    notices: Mapping[str, Notice] | None = None,
    payloads: Mapping[Component, Path] | None = None,
) -> bytes:
    """The bytes of a release artifact; `payloads` are components beside the agent, and the file of each."""
    files: dict[str, Content] = {name: path for dist in closure(ROOT_DISTRIBUTION) for name, path in _files(dist)}
    if overlay is not None:
        laid_over = (path for path in overlay.rglob("*") if path.is_file() and path.suffix != ".pyc")
        files |= {path.relative_to(overlay).as_posix(): path for path in laid_over}
    description = Description(
        version=version,
        counter=counter,
        hardware_ids=hardware_ids,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        platform=f"{sys.platform}-{platform.machine()}",
        components=tuple(_part(component, path) for component, path in (payloads or {}).items()),
        notices=dict(notices or {}),
        return_to_counter=return_to_counter,
        downgrade_from_counter=downgrade_from_counter,
    )
    buffer = io.BytesIO()
    write_built(buffer, description, files)
    return buffer.getvalue()


def _part(component: Component, path: Path) -> Part:
    return Part(
        name=component.name,
        version=component.version,
        driver=component.driver,
        file=str(path.resolve()),
        requires=component.requires,
        provides=component.provides,
    )


def closure(root: str) -> list[Distribution]:
    """A distribution and everything it requires here, extras left out, sorted by name."""
    found: dict[str, Distribution] = {}
    waiting = [root]
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        found[name] = importlib.metadata.distribution(name)
        requirements = [Requirement(line) for line in found[name].requires or ()]
        waiting += [r.name for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    return [found[name] for name in sorted(found)]


def _files(dist: Distribution) -> Iterator[tuple[str, Path]]:
    """Names in the artifact and where their content is."""
    for file in dist.files or ():
        path = Path(str(file.locate()))
        if file.suffix == ".pth":
            yield from _editable_files(Path(path.read_text().strip()))
        elif is_kept(file):
            yield f"site/{file.as_posix()}", path


def _editable_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every package of a source folder that an editable installation points to."""
    for package in sorted(path.parent for path in folder.glob("*/__init__.py")):
        for path in package.rglob("*"):
            name = PurePosixPath(path.relative_to(folder).as_posix())
            if path.is_file() and is_kept(name):
                yield f"site/{name}", path


if __name__ == "__main__":
    sys.exit(main())
