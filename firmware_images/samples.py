"""Builds tiny sample images from recipes, and a release around one.

    python firmware_images/samples.py --recipe mcu --version 1.1.0 --output sim-mcu-1.1.0.tar.gz

The same inputs give the same bytes. The exception is a signed RAUC bundle: its signature holds the time of signing, so
of it only what is signed is the same, unless faketime holds the clock.
"""

import argparse
import hashlib
import io
import subprocess
import sys
import tempfile
import tomllib
import zlib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wayside.names import checked_version
from wayside.release_manifest import FORMAT, Component, Manifest
from wayside.release_packing import counter_of, write_release
from wayside_agent.core.firmware_frames import ImageHead, image_head_body

RECIPES = Path(__file__).parent / "recipes"
RAUC_MANIFEST = """[update]
compatible={hardware}
version={version}
[bundle]
format=plain
[image.rootfs]
filename=rootfs.img
"""
SUFFIXES = {"firmware": "bin", "file": "dat", "rauc": "raucb"}


class Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bytes that look like noise and are always the same."""

    seed: Annotated[str, Meta(min_length=1)]
    size_bytes: Annotated[int, Meta(ge=1, le=2**20)]


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to build."""

    kind: Literal["firmware", "file", "rauc"]
    component: str
    content: Content
    hardware: str = ""
    """As the device calls itself."""


def main() -> int:
    """Builds and says what came out."""
    parser = argparse.ArgumentParser(description="Build a release with one sample image.")
    parser.add_argument("--recipe", required=True, choices=sorted(path.stem for path in RECIPES.glob("*.toml")))
    parser.add_argument("--version", required=True, help="version of the image and of its release, such as 1.1.0")
    parser.add_argument("--output", required=True, type=Path, help="file to write, a .tar.gz")
    parser.add_argument("--key", type=Path, help="key that signs a RAUC bundle, PEM")
    parser.add_argument("--certificate", type=Path, help="its certificate, PEM")
    arguments = parser.parse_args()
    made = recipe(arguments.recipe)
    if made.kind == "rauc" and not (arguments.key and arguments.certificate):
        parser.error("a RAUC bundle needs --key and --certificate")
    version = checked_version(arguments.version, field="--version")
    content = release(made, version, image(made, version, key=arguments.key, certificate=arguments.certificate))
    arguments.output.write_bytes(content)
    print(f"{arguments.output}: version {version}, SHA-256 {hashlib.sha256(content).hexdigest()}")
    return 0


def recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises: FileNotFoundError, msgspec.ValidationError.
    """
    return msgspec.convert(tomllib.loads((RECIPES / f"{name}.toml").read_text()), Recipe)


def image(recipe: Recipe, version: str, *, key: Path | None = None, certificate: Path | None = None) -> bytes:
    """The bytes of a version of an image.

    Raises: subprocess.CalledProcessError, FileNotFoundError: RAUC refuses, or is not there.
    """
    content = noise(f"{recipe.content.seed} {version}", recipe.content.size_bytes)
    if recipe.kind == "firmware":
        return image_head_body(ImageHead(recipe.hardware, version, len(content), zlib.crc32(content))) + content
    if recipe.kind == "rauc":
        return _bundle(recipe, version, content, ("--cert", str(certificate), "--key", str(key)))
    return content


def release(recipe: Recipe, version: str, payload: bytes) -> bytes:
    """A release archive with that image and nothing else."""
    file = f"payload/{recipe.component}.{SUFFIXES[recipe.kind]}"
    draft = Manifest(
        format=FORMAT,
        version=version,
        counter=counter_of(version),
        tree_sha256="0" * 64,
        components=(Component(name=recipe.component, version=version, driver=recipe.kind, file=file),),
    )
    buffer = io.BytesIO()
    write_release(buffer, draft, {file: payload})
    return buffer.getvalue()


def noise(seed: str, size_bytes: int) -> bytes:
    """SHA-256 of the seed and a running number, strung together."""
    blocks = (hashlib.sha256(f"{seed} {index}".encode()).digest() for index in range(size_bytes // 32 + 1))
    return b"".join(blocks)[:size_bytes]


def _bundle(recipe: Recipe, version: str, content: bytes, keys: tuple[str, ...]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        inside, path = Path(folder, "inside"), Path(folder, "sample.raucb")
        inside.mkdir()
        (inside / "rootfs.img").write_bytes(content)
        (inside / "manifest.raucm").write_text(RAUC_MANIFEST.format(hardware=recipe.hardware, version=version))
        # squashfs holds times: fixed ones
        fixed = "--mksquashfs-args=-all-time 315532800 -mkfs-time 315532800 -all-root -processors 1"
        subprocess.run(["rauc", *keys, "bundle", fixed, str(inside), str(path)], check=True, capture_output=True)
        return path.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
