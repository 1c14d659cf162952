"""`wayside-agent key show`: the public key, for an operator who registers the unit before it calls."""

import base64
import hashlib
import textwrap
from pathlib import Path

from wayside_agent.cli.enroll import identity_files
from wayside_agent.drivers.files import make_private_directory
from wayside_agent.settings import Settings

PEM_LINE_CHARS = 64


def shown(unit: Settings) -> dict[str, str]:
    """Public key, PEM, and its SHA-256; the key is made if there is none.

    Raises: WaysideError: the key driver, the disk, or the token.
    """
    files = identity_files(unit)
    make_private_directory(Path(unit.state_dir))
    make_private_directory(files.directory)
    files.load_next()  # brings a change-over that was cut short to its end
    der = files.keys.public_key_der(files.directory)
    lines = textwrap.wrap(base64.b64encode(der).decode(), PEM_LINE_CHARS)
    pem = "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])
    return {"public_key_pem": pem, "key_sha256": hashlib.sha256(der).hexdigest()}
