"""What nodes report."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from wayside_manager.core.pages import Page
from wayside_manager.core.reports import LastReport, Recorded, Report, ReportBatch, StoredReport


class ReportStore(Protocol):
    """What nodes report."""

    async def acknowledged_sequence(self, node_id: str, spool_id: str) -> int:
        """Highest sequence of a spool that is written. 0: none."""

    async def record_reports(self, batches: Sequence[ReportBatch]) -> Recorded:
        """Writes reports of many nodes in one transaction.

        A report already written is passed over. Numbers jumped over count as lost. A node that reports another version
        or model is told the configuration for it at once.
        Raises: NotFoundError: a batch names an unknown node; nothing was written.
        """

    async def list_reports(self, node_id: str, *, page_size: int = 0, page_token: str = "") -> Page[StoredReport]:
        """A page of a node's history, newest first.

        Raises: InvalidArgumentError: page size or token.
        """

    async def last_reports(self) -> Mapping[str, LastReport]:
        """Per node in service, when it was last heard."""

    async def prune_reports(self, before: datetime, *, max_count: int) -> int:
        """Drops at most `max_count` rows of history received before a time; how many it dropped."""

    async def prune_config_contents(self) -> int:
        """Drops configurations that no node was ever told and none runs any more; how many it dropped."""


class ReportSink(Protocol):
    """Where sessions put reports."""

    async def submit(self, node_id: str, spool_id: str, reports: Sequence[Report]) -> int:
        """Returns once the reports are committed: the sequence to acknowledge. Waits while the writer is busy.

        Raises: NotFoundError: the node is unknown; UnavailableError: the database does not take writes now.
        """

    async def show(self, node_id: str, report: Report) -> None:
        """Returns once a live report is what the manager shows of the node; it is no history.

        Raises: as `submit`.
        """

    async def note_opened(self, node_id: str) -> None:
        """Notes that a node opened a session; it is written with the next reports."""
