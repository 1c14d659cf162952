"""`tuf-client`: the unit's TUF client behind the command line by which the public conformance suite judges clients.

    tuf_client.py --metadata-dir DIR init ROOT
    tuf_client.py --metadata-dir DIR --metadata-url URL refresh
    tuf_client.py … --target-name NAME --target-dir DIR --target-base-url URL download

The workflow is `wayside_agent.update.trust`'s; only here it fetches over HTTP. Exit status: 0 done, 1 refused.
"""

import argparse
import sys
from pathlib import Path

from tuf.api.exceptions import DownloadError, RepositoryError

from wayside.errors import WaysideError
from wayside_agent.drivers.files import make_private_directory, write_atomic
from wayside_agent.update.trust import DurableUpdater


def main() -> int:
    """Runs one command; what is refused is one sentence on standard error."""
    arguments = _arguments()
    try:
        arguments.command(arguments)
    except (RepositoryError, DownloadError, WaysideError, OSError, ValueError) as error:
        print(f"tuf-client: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201  # a command line
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tuf-client")
    parser.add_argument("--metadata-dir", type=Path, required=True)
    parser.add_argument("--metadata-url", default="")
    parser.add_argument("--target-name", action="append", default=[])
    parser.add_argument("--target-dir", type=Path)
    parser.add_argument("--target-base-url")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    init = commands.add_parser("init", help="start from a trusted root")
    init.add_argument("trusted_root", type=Path)
    init.set_defaults(command=_init)
    commands.add_parser("refresh", help="update the metadata").set_defaults(command=_refresh)
    commands.add_parser("download", help="fetch targets").set_defaults(command=_download)
    return parser.parse_args()


def _init(arguments: argparse.Namespace) -> None:
    make_private_directory(arguments.metadata_dir / "root_history")
    write_atomic(arguments.metadata_dir / "root.json", arguments.trusted_root.read_bytes())


def _refresh(arguments: argparse.Namespace) -> None:
    _updater(arguments).refresh()


def _download(arguments: argparse.Namespace) -> None:
    updater = _updater(arguments)
    for name in arguments.target_name:
        target = updater.get_targetinfo(name)
        if target is None:
            raise FileNotFoundError(f"{name}: no role that may says so")
        if updater.find_cached_target(target) is None:
            updater.download_target(target)


def _updater(arguments: argparse.Namespace) -> DurableUpdater:
    return DurableUpdater(
        arguments.metadata_dir,
        arguments.metadata_url,
        root=None,
        target_dir=arguments.target_dir,
        target_url=arguments.target_base_url,
    )


if __name__ == "__main__":
    sys.exit(main())
