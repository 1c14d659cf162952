"""Which start of the machine this is: a name the kernel makes anew at each.

Usage: `boot_id()`.
Source: proc_sys_kernel(5) (boot_id).
"""

from pathlib import Path

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


def boot_id(file: Path = BOOT_ID_FILE) -> str:
    """Raises: OSError: the kernel does not say."""
    return file.read_text().strip()
