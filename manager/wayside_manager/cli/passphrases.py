"""Passphrases of people's key files: from files or the terminal, never from the command line.

Usage: `ask = Passphrases(files)`, then `opened_signer(path, ask)` for each key.
"""

from collections.abc import Sequence
from pathlib import Path

from wayside.errors import InvalidArgumentError
from wayside_manager.cli.password_input import password

MIN_CHARS = 12
"""Whoever finds the file tries at leisure."""
WHAT = "passphrase"


class Passphrases:
    """Answers for one encrypted key after the other: from the next file, else from who sits at the terminal."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = list(files)

    def __call__(self, key: Path) -> str:
        """The passphrase of a key.

        Raises: NotFoundError, InvalidArgumentError: the file of the passphrase; there is no terminal.
        """
        file = self._files.pop(0) if self._files else None
        return password(file, question=f"Passphrase of {key}", what=WHAT)

    def check_used(self) -> None:
        """Raises InvalidArgumentError if there are more files than keys with a passphrase."""
        if self._files:
            raise InvalidArgumentError(
                f"--passphrase-file: {self._files[0]} is for no key; give one for each --key that has a passphrase, "
                "in their order"
            )


def new_passphrase(file: Path | None, key: Path) -> str:
    """A passphrase for a key that is made.

    Raises: NotFoundError, InvalidArgumentError: the file; there is no terminal; it is too short.
    """
    found = password(file, question=f"Passphrase of {key}", is_new=True, what=WHAT)
    if len(found) < MIN_CHARS:
        raise InvalidArgumentError(f"passphrase: it has {len(found)} characters; give at least {MIN_CHARS}")
    return found
