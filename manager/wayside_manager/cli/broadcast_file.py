"""A MAP or RSI as people have it: a document of `wayside-agent v2x decode`, or hex of its bytes.

Usage: `message = message_in(Path("works.json"), "p20")`.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from wayside.errors import InvalidArgumentError
from wayside.v2x.codec import encode
from wayside.v2x.profile import Profile
from wayside.v2x.readable import parsed
from wayside.v2x.uper import EncodeError
from wayside_manager.cli.text_file import read_bytes

FILE_MAX_BYTES = 1 << 20


def message_in(path: Path, profile: str) -> bytes:
    """The UPER bytes of the one message in a file.

    Raises: NotFoundError: no such file; InvalidArgumentError: naming the file and the field.
    """
    if profile not in set(Profile):
        raise InvalidArgumentError(f"--profile: {profile[:20]!r} is none of {', '.join(Profile)}")
    content = read_bytes(path, max_bytes=FILE_MAX_BYTES).strip()
    try:
        if not content.startswith(b"{"):
            return bytes.fromhex(content.decode("ascii"))
        document = json.loads(content)
        inner = document.get("message")  # a document may have the time and AID beside it
        written: Mapping[str, object] = inner if isinstance(inner, dict) else document
        return encode(parsed(written), Profile(profile))
    except EncodeError as exc:
        raise InvalidArgumentError(f"{path}: {exc}") from exc
    except (ValueError, RecursionError) as exc:  # of json, ascii and hex
        raise InvalidArgumentError(
            f"{path}: neither one document of `wayside-agent v2x decode` nor hex; give one message a file"
        ) from exc
