"""`python -m wayside_agent.cli.key_request`: the short-lived process that makes a key and its certificate request.

For the daemon, not for people: see `drivers.key_child`.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec

from wayside.errors import WaysideError
from wayside_agent import registry, settings
from wayside_agent.drivers.files import make_private_directory


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the daemon asks for."""

    driver: str
    options: dict[str, Any]
    folder: str
    common_name: str


def main() -> int:
    """Prints the request; on failure one sentence goes to standard error and the status is 1."""
    try:
        asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
        keys = registry.key_store(settings.IdentitySettings(driver=asked.driver, options=asked.options))
        make_private_directory(Path(asked.folder))
        print(keys.request_pem(Path(asked.folder), asked.common_name), end="")
    except (WaysideError, msgspec.DecodeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
