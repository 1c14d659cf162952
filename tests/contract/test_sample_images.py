"""Sample images: the same bytes twice, and such that their drivers take them."""

import hashlib
import runpy
from pathlib import Path

import pytest

from tests.contract.rauc_unit import COMPATIBLE, missing, rauc_unit
from wayside_agent.core.firmware_frames import IMAGE_HEAD_BYTES, image_head
from wayside_agent.ports.components import Payload

ROOT = Path(__file__).parents[2]
BUILD = runpy.run_path(str(ROOT / "firmware_images" / "samples.py"))
recipe_of, image, release = BUILD["recipe"], BUILD["image"], BUILD["release"]
WHY_NOT = missing()
SHA256 = {
    "mcu": "aab0bbeb765d0e4df80726282192975784dae31c0d772dee5b5299b940709676",
    "map": "afcff0a5883f31f0507387b011f277b4309104316c2b727a9a5e67f1f530b73e",
}
"""Of version 1.1.0: what another machine must come to as well."""


@pytest.mark.parametrize("name", sorted(SHA256))
def test_the_same_recipe_gives_the_same_release_everywhere(name: str) -> None:
    recipe = recipe_of(name)
    assert hashlib.sha256(image(recipe, "1.1.0")).hexdigest() == SHA256[name]
    first, second = (release(recipe, "1.1.0", image(recipe, "1.1.0")) for _ in range(2))
    assert first == second
    assert image(recipe, "1.1.1") != image(recipe, "1.1.0")


def test_an_image_for_a_microcontroller_says_whose_it_is() -> None:
    content = image(recipe_of("mcu"), "1.1.0")
    head = image_head(content)
    assert (head.hardware, head.version) == ("sim-mcu", "1.1.0")
    assert head.size_bytes == len(content) - IMAGE_HEAD_BYTES


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "runs here")
async def test_a_bundle_is_the_same_but_for_its_signature_and_rauc_takes_it(tmp_path: Path) -> None:
    recipe = recipe_of("rootfs")
    assert recipe.hardware == COMPATIBLE
    async with rauc_unit(tmp_path) as unit:
        keys = {"key": tmp_path / "key.pem", "certificate": tmp_path / "cert.pem"}
        first, second = (image(recipe, "1.1.0", **keys) for _ in range(2))
        squashfs_bytes = first.index(b"hsqs") + int.from_bytes(first[40:48], "little")
        assert first[:squashfs_bytes] == second[:squashfs_bytes]
        path = tmp_path / "sample.raucb"
        path.write_bytes(first)
        async with unit.running() as driver:
            await driver.install(Payload(path, "1.1.0"), lambda _: None)
