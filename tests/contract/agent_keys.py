"""Key stores of every kind, for the suite they share: files, and a SoftHSM2 token of its own."""

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from wayside_agent.drivers.key_file import KeyFile
from wayside_agent.ports.keys import KeyStore

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/lib/pkcs11/libsofthsm2.so")
PIN = "567890"


@contextmanager
def token(folder: Path) -> Iterator[dict[str, object]]:
    """Options of the PKCS#11 driver for a fresh token; skips where there is no SoftHSM2."""
    pytest.importorskip("pkcs11", reason="needs python-pkcs11: the extra `pkcs11` of wayside-agent")
    module = next((name for name in MODULES if Path(name).exists()), None)
    if shutil.which("softhsm2-util") is None or module is None:
        pytest.skip("needs SoftHSM2: apt-get install softhsm2")
    (folder / "tokens").mkdir(parents=True)
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\n")
    (folder / "pin").write_text(f"{PIN}\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    label = f"unit-{uuid.uuid4().hex[:16]}"
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "1234", "--pin", PIN]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield {"module": module, "token_label": label, "pin_file": str(folder / "pin")}
    finally:
        if before is None:
            del os.environ["SOFTHSM2_CONF"]
        else:
            os.environ["SOFTHSM2_CONF"] = before


@contextmanager
def key_file(_folder: Path) -> Iterator[KeyStore]:
    yield KeyFile(KeyFile.Options())


@contextmanager
def key_pkcs11(folder: Path) -> Iterator[KeyStore]:
    with token(folder / "token") as options:
        from wayside_agent.drivers.key_pkcs11 import KeyPkcs11  # only where python-pkcs11 is

        yield KeyPkcs11(KeyPkcs11.Options(**options))  # type: ignore[arg-type]  # options as settings would give them


STORES: dict[str, Callable[[Path], AbstractContextManager[KeyStore]]] = {
    "key-file": key_file,
    "key-pkcs11": key_pkcs11,
}
