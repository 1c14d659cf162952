"""Makes the file of a release: the agent's files, what else it brings, and what it says of itself.

    description = described(Path("release.toml"))
    manifest = build(output, description, agent_files([Path("site")]), folder=Path("."))

The same inputs give the same bytes, and what is written was read again as a unit reads it: what it would refuse is not
there afterwards.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
from msgspec import Meta

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.release_entries import MAX_SCHEMA_BYTES
from wayside.release_manifest import FORMAT, Component, Count, Label, Manifest, Notice
from wayside.release_packing import Content, counter_of, write_release
from wayside.release_reading import checked

DESCRIPTION_MAX_BYTES = 256 * 1024
LANGUAGES = ("zh", "en")
NEEDED = ("site/wayside_agent/__main__.py", "site/wayside/node_config.py")
"""What a unit starts, and what says which configuration it takes."""
SCHEMA_OF_TREE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from wayside import node_config
print(json.dumps(node_config.schema(), indent=1, sort_keys=True))
"""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a release brings beside the agent; see `wayside.release_manifest.Component`."""

    name: Label
    version: Annotated[str, Meta(min_length=1, max_length=80)]
    driver: Annotated[str, Meta(pattern="^(rauc|swupdate|firmware|file)$")]
    file: Annotated[str, Meta(min_length=1)]
    """Payload; relative to the folder of the description."""
    requires: tuple[Label, ...] = ()
    provides: tuple[Label, ...] = ()


class Description(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people say of a release; bounds and meaning as in `wayside.release_manifest.Manifest`."""

    version: str
    counter: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    """`None`: made of the version."""
    hardware_ids: tuple[Label, ...] = ()
    python: str = ""
    platform: str = ""
    requires: tuple[str, ...] = ()
    provides: tuple[Label, ...] = ("agent",)
    downgrade_from_counter: Count = 0
    return_to_counter: Count = 0
    config_schema: str = ""
    """File; empty: the agent is asked, which has to run here for that."""
    components: tuple[Part, ...] = ()
    notices: dict[str, Notice] = {}


def described(path: Path) -> Description:
    """The description in a file.

    Raises: NotFoundError; InvalidArgumentError: naming the field.
    """
    content = _content(path, DESCRIPTION_MAX_BYTES)
    try:
        found = msgspec.convert(tomllib.loads(content.decode()), Description)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, msgspec.ValidationError) as error:
        raise InvalidArgumentError(f"{path}: {error}") from error
    for language in LANGUAGES:
        notice = found.notices.get(language)
        if notice is None:
            raise InvalidArgumentError(f"{path}: field notices.{language} is missing; tell people why, in zh and en")
        for field, text in msgspec.structs.asdict(notice).items():
            if isinstance(text, str) and not text.strip():
                raise InvalidArgumentError(f"{path}: field notices.{language}.{field} is empty; tell people")
    return found


def build(output: Path, description: Description, agent: Mapping[str, Content], *, folder: Path) -> Manifest:
    """Writes a release into a file, or leaves what was there; paths of the description are relative to `folder`.

    Raises: NotFoundError, InvalidArgumentError: naming the field or the file a unit would refuse it for.
    """
    part = output.with_name(f"{output.name}.part")
    try:
        with part.open("w+b") as file:
            manifest = write_built(file, description, agent, folder=folder)
            checked(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(output)
    except OSError as error:
        raise InvalidArgumentError(f"{error.filename or output} cannot be read or written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return manifest


def write_built(
    file: BinaryIO, description: Description, agent: Mapping[str, Content], *, folder: Path = Path()
) -> Manifest:
    """Writes a release; its manifest.

    Raises: NotFoundError, InvalidArgumentError: naming the field. OSError.
    """
    _check_agent(agent, description)
    payloads = {_payload_name(each): _payload(folder / each.file, each) for each in description.components}
    parts = (
        Component(
            name=each.name,
            version=each.version,
            driver=each.driver,
            file=_payload_name(each),
            requires=each.requires,
            provides=each.provides,
        )
        for each in description.components
    )
    draft = Manifest(
        format=FORMAT,
        version=description.version,
        counter=counter_of(description.version) if description.counter is None else description.counter,
        tree_sha256="0" * 64,
        components=(Component(name="agent", version=description.version, driver="slot"), *parts),
        hardware_ids=description.hardware_ids,
        python=description.python,
        platform=description.platform,
        requires=description.requires,
        provides=description.provides,
        notices=description.notices,
        downgrade_from_counter=description.downgrade_from_counter,
        return_to_counter=description.return_to_counter,
    )
    if description.config_schema:
        schema = _content(folder / description.config_schema, MAX_SCHEMA_BYTES)
    else:
        schema = _schema_of(agent)
    return write_release(file, draft, {**agent, **payloads}, schema=schema)


def _check_agent(agent: Mapping[str, Content], description: Description) -> None:
    for name in NEEDED:
        if name not in agent:
            raise InvalidArgumentError(
                f"--agent: {name.removeprefix('site/')} is missing; give a tree with the agent and all it needs"
            )
    compiled = next((name for name in sorted(agent) if name.endswith(".so")), "")
    if compiled and not (description.python and description.platform):
        raise InvalidArgumentError(
            f"field {'platform' if description.python else 'python'} is missing: {compiled} is compiled for one only; "
            'give both, as python = "3.11" and platform = "linux-x86_64"'
        )


def _payload_name(part: Part) -> str:
    suffix = Path(part.file).suffix
    return f"payload/{part.name}{suffix if suffix[1:].isalpha() else ''}"  # not the .0 of radio-1.2.0


def _payload(path: Path, part: Part) -> Path:
    if not path.is_file():
        raise NotFoundError(f"field components: the file of {part.name}, {path}, is not there or no plain file")
    return path


def _schema_of(agent: Mapping[str, Content]) -> bytes:
    """The schema of the configuration that the packed agent takes, as that agent says, not the one installed here."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in agent.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.symlink_to(content.resolve())
        # -S: nothing of this environment's packages; what is not packed is not there
        command = [sys.executable, "-I", "-S", "-B", "-c", SCHEMA_OF_TREE, str(Path(folder, "site"))]
        done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise InvalidArgumentError(
            "field config_schema: the agent does not run here and cannot be asked for it "
            f"({said[-1][:200] if said else 'it says nothing'}); build with the units' Python and processor, or name "
            "the file of its schema"
        )
    return done.stdout


def _content(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path} is not there") from error
    except OSError as error:
        raise InvalidArgumentError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > max_bytes:
        raise InvalidArgumentError(f"{path} has more than {max_bytes} bytes")
    return content
