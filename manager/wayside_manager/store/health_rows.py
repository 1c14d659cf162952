"""Rows of the history between tables and records.

Usage: `history_row(row)`; `quantities_text(row.quantities)` is what the table keeps.
"""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from wayside_manager.core.history import HistoryRow, Quantity


def history_row(row: Row[Any]) -> HistoryRow:
    """One minute or hour of a node."""
    return HistoryRow(
        heard_us=row.heard_us,
        ok_us=row.ok_us,
        degraded_us=row.degraded_us,
        failed_us=row.failed_us,
        report_count=row.report_count,
        quantities={name: Quantity(*values) for name, values in json.loads(row.quantities).items()},
    )


def history_columns(row: HistoryRow) -> dict[str, Any]:
    """The columns of it."""
    return {
        "heard_us": row.heard_us,
        "ok_us": row.ok_us,
        "degraded_us": row.degraded_us,
        "failed_us": row.failed_us,
        "report_count": row.report_count,
        "quantities": _text(row.quantities),
    }


def _text(quantities: Mapping[str, Quantity]) -> str:
    found = {name: [one.low, one.total, one.high, one.count] for name, one in sorted(quantities.items())}
    return json.dumps(found, separators=(",", ":"))
