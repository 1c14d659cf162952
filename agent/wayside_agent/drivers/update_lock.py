"""The update lock: a file that an application of the unit holds with `flock` while nothing may be installed.

**Tested with:** flock(1) of util-linux, on ext4 and tmpfs.
**Source:** flock(2).
"""

import fcntl
from pathlib import Path

MAX_REASON_BYTES = 200


def held(path: str) -> str:
    """Why the lock is held, as its first line says; empty: it is not, or there is no such file."""
    if not path:
        return ""
    try:
        with Path(path).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                lines = file.read(MAX_REASON_BYTES).decode(errors="replace").splitlines()
                said = "".join(each for each in (lines or [""])[0] if each.isprintable()).strip()
                return said or f"an application holds {path}"
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{path} cannot be read ({error.strerror}), so nobody can tell whether it is held"
    return ""
