"""Secrets of sinks: files in the manager's secrets folder, read each time, so that a new one counts at once.

Those of the root tenant lie in the folder itself, those of another in a folder with its id: who may make sinks of one
tenant must not have another's password sent to a server of their own.
Usage: `SecretFolder(path).read("haikou", "hook.key", field="event_sink.webhook.secret")`.
"""

from pathlib import Path

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside_manager.core.access import ROOT_TENANT

SECRET_MAX_BYTES = 1 << 20  # a bundle of authorities has a few hundred kilobytes


class SecretFolder:
    """The secrets folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, tenant_id: str, name: str, *, field: str) -> bytes:
        """What a secret holds, without blanks around it. Blocks for a file.

        Raises: NotFoundError: there is no such file; InvalidArgumentError: it is empty, too large or cannot be read.
        """
        folder = self._path if tenant_id == ROOT_TENANT else self._path / tenant_id
        path = folder / name
        try:
            with path.open("rb") as file:
                content = file.read(SECRET_MAX_BYTES + 1)
        except FileNotFoundError as exc:
            where = "the manager's secrets folder" if tenant_id == ROOT_TENANT else f"its folder {tenant_id}"
            raise NotFoundError(
                f"{field}: there is no file {name} in {where}; put it there", reason="SECRET_NOT_FOUND"
            ) from exc
        except OSError as exc:
            raise InvalidArgumentError(
                f"{field}: the file {name} cannot be read: {exc.strerror}; check it and its owner",
                reason="SECRET_INVALID",
            ) from exc
        secret = content.strip()
        if not secret or len(content) > SECRET_MAX_BYTES:
            raise InvalidArgumentError(
                f"{field}: the file {name} is empty or larger than {SECRET_MAX_BYTES} bytes", reason="SECRET_INVALID"
            )
        return secret
