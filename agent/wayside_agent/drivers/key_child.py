"""Makes a key and a certificate request in a child process, so that the daemon stays without `cryptography`: 12 MB.

The child is `python -m wayside_agent.cli.key_request`; it hears one JSON document and prints the request.

**Tested with:** keys in files and in SoftHSM2.
**Source:** `drivers.certificate_request`.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from wayside_agent.ports.errors import DeviceFaultError, DeviceTimeoutError

MODULE = "wayside_agent.cli.key_request"
TIMEOUT_S = 120.0  # a token may take half a minute for a key


async def request_pem(driver: str, options: Mapping[str, object], folder: Path, common_name: str) -> str:
    """A PKCS#10 request for the key of a folder, which is made first if there is none.

    Raises: DeviceFaultError: it did not work, with the child's words. DeviceTimeoutError: the token is silent.
    """
    asked = {"driver": driver, "options": dict(options), "folder": str(folder), "common_name": common_name}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        MODULE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            output, errors = await process.communicate(json.dumps(asked).encode())
    except TimeoutError as error:
        raise DeviceTimeoutError(f"no key was made within {TIMEOUT_S:g} s; look after the token") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        lines = errors.decode(errors="replace").strip().splitlines()
        raise DeviceFaultError(lines[-1] if lines else f"the maker of keys ended with status {process.returncode}")
    return output.decode("ascii", errors="replace")
