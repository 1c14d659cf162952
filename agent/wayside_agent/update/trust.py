"""One TUF repository as this unit sees it: python-tuf's client, made durable, over files that somebody else fetched.

    repository = Repository(directory, pinned_root, StagedFetcher(folder), now)
    repository.refresh()                    # raises RefusedError, with its reason
    target = repository.target("1.2.0.tar.gz")

What was verified is kept in `directory` and makes rollbacks visible; it is written whole and synced.
Source: TUF specification 1.0.34, 5; python-tuf 7 (its `Updater` is the workflow, this file never repeats it).
"""

import contextlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from securesystemslib.exceptions import FormatError
from securesystemslib.formats import encode_canonical
from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root, Signed, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface

from wayside_agent.core.agreement import Refusal, RefusedError
from wayside_agent.drivers.files import disk_errors, make_private_directory, write_atomic
from wayside_agent.drivers.roots import MAX_ROOT_BYTES
from wayside_agent.update.plain import NotPlainError, read_plain

MAX_ROOT_ROTATIONS = 256
MAX_TIMESTAMP_BYTES = 16_384
MAX_SNAPSHOT_BYTES = 524_288
MAX_TARGETS_BYTES = 2_097_152
STAGED_URL = "file:///"
TOP_LEVEL = (Root.type, Timestamp.type, Snapshot.type, Targets.type)
NEEDED = "publish the metadata again, whole and signed by those whom the root names"
_REASONS = (
    (exceptions.UnsignedMetadataError, Refusal.SIGNATURE, "is not signed by enough of those who may", "sign it"),
    (exceptions.ExpiredMetadataError, Refusal.EXPIRED, "has ended", "publish it anew, or set the unit's clock"),
    (exceptions.LengthOrHashMismatchError, Refusal.MIX_AND_MATCH, "is not the file that belongs to the others", NEEDED),
)
_WORDS = (
    ("missing info", Refusal.ROLLBACK, "leaves out what was there"),
    ("Snapshot does not contain", Refusal.MIX_AND_MATCH, "does not belong to the others"),
    ("not part of snapshot", Refusal.MIX_AND_MATCH, "does not belong to the others"),
)


class DurableUpdater(Updater):
    """python-tuf's client that survives a power cut and can be told the time."""

    def __init__(
        self,
        directory: Path,
        url: str,
        fetcher: FetcherInterface | None = None,
        *,
        root: bytes | None,
        now: datetime | None = None,
        config: UpdaterConfig | None = None,
        target_dir: Path | None = None,
        target_url: str | None = None,
    ) -> None:
        """Loads the root it starts from.

        Args:
            directory: Where verified metadata is kept.
            url: Where the fetcher finds metadata.
            fetcher: Brings files; python-tuf's own HTTP client by default.
            root: The pinned root; `None`: `root.json` in the directory.
            now: The time to judge expiry by; `None`: the system clock's.
            config: Bounds.
            target_dir: Where targets are downloaded to.
            target_url: Where targets are downloaded from.

        Raises: RepositoryError: the root is none. OSError, DeviceError: the disk.
        """
        folder = str(target_dir) if target_dir else None
        super().__init__(str(directory), url, folder, target_url, fetcher, config, bootstrap=root)
        if now is not None:
            self._trusted_set.reference_time = now

    @property
    def found(self) -> dict[str, Signed]:
        """Verified metadata by role."""
        return {role: self._trusted_set[role] for role in TOP_LEVEL if role in self._trusted_set}

    def _persist_file(self, filename: str, data: bytes) -> None:
        write_atomic(Path(filename), data)

    def _update_root_symlink(self) -> None:
        link = Path(self._dir, "root.json")
        fresh = link.with_name(".root.json.link")
        with disk_errors(link):
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(Path("root_history", f"{self._trusted_set.root.version}.root.json"))
            fresh.replace(link)


class StagedFetcher(FetcherInterface):
    """Reads metadata that lies in a folder, and nothing but plain files of bounded size."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.newest = ("", b"")
        """Name and content of the file that was read last."""

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.removeprefix(STAGED_URL)
        if "/" in name or name.startswith("."):
            raise exceptions.DownloadError(f"{name[:80]!r} is no name of metadata")
        try:
            content = read_plain(self._folder / name, max_bytes=MAX_TARGETS_BYTES)
        except FileNotFoundError as error:
            self.newest = (name, b"")
            raise exceptions.DownloadHTTPError(f"{name} was not sent", 404) from error
        except NotPlainError as error:
            self.newest = (name, b"")
            raise exceptions.DownloadError(str(error)) from error
        self.newest = (name, content)
        if _is_odd(content):
            raise exceptions.DownloadError(f"{name} says something in another way than it was signed")
        yield content

    def fetch(self, url: str) -> Iterator[bytes]:
        """The content of a file, read at once.

        Raises: DownloadError: it is not there, or no plain file.
        """
        return iter(tuple(super().fetch(url)))


class Repository:
    """One repository: the pinned root, what was verified before, and what was sent now."""

    def __init__(self, name: str, directory: Path, root: bytes, staged: Path, now: datetime) -> None:
        """Loads the pinned root.

        Args:
            name: For messages: `image` or `director`.
            directory: Where verified metadata is kept.
            root: The pinned root.
            staged: Folder of the files that were sent.
            now: The time to judge expiry by.

        Raises: RefusedError: NO_ROOT: the pinned root is none. DeviceError, ResourceExhaustedError: the disk.
        """
        self._name = name
        self._directory = directory
        self._fetcher = StagedFetcher(staged)
        config = UpdaterConfig(
            max_root_rotations=MAX_ROOT_ROTATIONS,
            root_max_length=MAX_ROOT_BYTES,
            timestamp_max_length=MAX_TIMESTAMP_BYTES,
            snapshot_max_length=MAX_SNAPSHOT_BYTES,
            targets_max_length=MAX_TARGETS_BYTES,
            prefix_targets_with_hash=False,
        )
        make_private_directory(directory / "root_history")
        try:
            with disk_errors(directory):
                self._updater = DurableUpdater(directory, STAGED_URL, self._fetcher, root=root, now=now, config=config)
        except exceptions.RepositoryError as error:
            raise RefusedError(
                Refusal.NO_ROOT, f"the pinned root of the {name} repository is damaged ({error}); pin it again"
            ) from error

    def refresh(self) -> None:
        """Verifies root, timestamp, snapshot and targets, in this order; what is verified is durable.

        Raises: RefusedError: with the reason. DeviceError, ResourceExhaustedError: the disk.
        """
        with self._judged():
            self._updater.refresh()

    def target(self, path: str) -> TargetFile | None:
        """What the repository says of a file; `None`: it has none of that name.

        Raises: RefusedError: a delegated role does not verify. DeviceError, ResourceExhaustedError: the disk.
        """
        with self._judged():
            return self._updater.get_targetinfo(path)

    @property
    def targets(self) -> Targets:
        """The verified targets of the top level."""
        found = self._updater.found[Targets.type]
        assert isinstance(found, Targets)  # noqa: S101  # by the role's name
        return found

    @property
    def end(self) -> datetime:
        """When the first of the four ends [UTC]."""
        return min(signed.expires for signed in self._updater.found.values())

    @contextlib.contextmanager
    def _judged(self) -> Iterator[None]:
        """Turns what python-tuf says into a refusal with its reason."""
        try:
            with disk_errors(self._directory):
                yield
        except exceptions.DownloadLengthMismatchError as error:
            raise self._refused(Refusal.MALFORMED, f"is larger than it may be ({error})", NEEDED) from error
        except exceptions.DownloadError as error:
            raise self._refused(Refusal.MALFORMED, f"cannot be read ({error})", NEEDED) from error
        except exceptions.RepositoryError as error:
            raise self._refused(*self._reason(error)) from error
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise self._refused(Refusal.MALFORMED, f"is no metadata ({error})"[:300], NEEDED) from error

    def _reason(self, error: exceptions.RepositoryError) -> tuple[Refusal, str, str]:
        if isinstance(error, exceptions.BadVersionNumberError):
            is_older = self._is_older()
            what = "is older than what the unit has seen" if is_older else "does not belong to the others"
            return Refusal.ROLLBACK if is_older else Refusal.MIX_AND_MATCH, f"{what} ({error})", "send the newest"
        for kind, refusal, what, remedy in _REASONS:
            if isinstance(error, kind):
                return refusal, f"{what} ({error})", remedy
        for words, refusal, what in _WORDS:  # python-tuf has no type of its own for these
            if words in str(error):
                return refusal, f"{what} ({error})", NEEDED
        return Refusal.MALFORMED, f"is no metadata ({error})"[:300], NEEDED

    def _is_older(self) -> bool:
        """Whether a wrong version is an older one. A snapshot that the timestamp names may list older targets."""
        name, content = self._fetcher.newest
        if name.endswith(("root.json", "timestamp.json")):
            return True
        timestamp = self._updater.found.get(Timestamp.type)
        if not name.endswith("snapshot.json") or not isinstance(timestamp, Timestamp):
            return False
        return bool(Metadata[Snapshot].from_bytes(content).signed.version == timestamp.snapshot_meta.version)

    def _refused(self, refusal: Refusal, what: str, remedy: str) -> RefusedError:
        name = self._fetcher.newest[0] or "metadata"
        return RefusedError(refusal, f"{self._name} repository: {name} {what}; {remedy}")


def _is_odd(content: bytes) -> bool:
    """Whether python-tuf reads something else than is there: `12t00` as `12T00` in a time, `AB` as `ab` in hex."""
    try:
        stated = json.loads(content)
        read: Metadata[Root] = Metadata.from_bytes(content)
        is_signed_so = str(encode_canonical(stated["signed"])).encode() == read.signed_bytes
        return not is_signed_so or any(each["sig"] != each["sig"].lower() for each in stated["signatures"])
    except (exceptions.RepositoryError, FormatError, ValueError, TypeError, LookupError, RecursionError):
        return False  # no metadata at all: python-tuf says so, better
