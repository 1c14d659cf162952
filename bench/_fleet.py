"""A fleet of 10,000 nodes at 2,000 sites, written straight into a store's database: `make_fleet(url, START)`.

The nodes are as enrolment leaves them and were heard just now; five stand at a site. With corridors, a hundred sites
each make one. There is one release, `RELEASE`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Table, create_engine, insert

from wayside_manager.store import tables
from wayside_manager.store.moments import as_us

NODE_COUNT = 10_000
SITE_COUNT = 2_000
SITES_PER_CORRIDOR = 100
RELEASE = "2.0.0"
NO_CONFIG_SHA256 = hashlib.sha256(b"{}").hexdigest()
_HEARD_AHEAD_US = 3_600_000_000
"""Nodes send no health reports here; so they are heard throughout."""


def make_fleet(url: str, now: datetime, *, has_corridors: bool = True) -> None:
    """Fills an empty, migrated database."""
    now_us = as_us(now)
    owned = {"create_us": now_us, "update_us": now_us, "revision": 1, "tenant_id": "root", "display_name": ""}
    site_ids = [f"site-{index:04}" for index in range(SITE_COUNT)]
    node_ids = [f"node-{index:05}" for index in range(NODE_COUNT)]
    rows: dict[Table, Iterable[Mapping[str, Any]]] = {
        tables.sites: [_site(site_id) | owned for site_id in site_ids],
        tables.nodes: [_node(node_id, site_ids[index % SITE_COUNT]) | owned for index, node_id in enumerate(node_ids)],
        tables.node_status: [_status(node_id, now_us) for node_id in node_ids],
        tables.node_desired: [_desired(node_id) for node_id in node_ids],
        tables.releases: [_release(now_us)],
    }
    if has_corridors:
        starts = range(0, SITE_COUNT, SITES_PER_CORRIDOR)
        road = {"is_ring": False, "max_in_flight_percent": 20.0}
        rows[tables.corridors] = [{"corridor_id": f"g{start}"} | road | owned for start in starts]
        rows[tables.corridor_sites] = [
            {"corridor_id": f"g{start}", "place": place, "site_id": site_ids[start + place], "stake_m": 500.0 * place}
            for start in starts
            for place in range(SITES_PER_CORRIDOR)
        ]
    engine = create_engine(url)
    with engine.begin() as connection:
        for table, some in rows.items():
            connection.execute(insert(table), list(some))
    engine.dispose()


def _site(site_id: str) -> dict[str, Any]:
    place = {"kind": "", "latitude_deg": None, "longitude_deg": None, "time_zone": ""}
    return {"site_id": site_id, "variables": "{}"} | place


def _node(node_id: str, site_id: str) -> dict[str, Any]:
    keys = {"registered_key_sha256": "", "trusted_sha256": ""}
    return {
        "node_id": node_id,
        "esn": node_id,
        "kind": "rsu",
        "site_id": site_id,
        "variables": "{}",
        "state": "enrolled",
    } | keys


def _status(node_id: str, now_us: int) -> dict[str, Any]:
    return {
        "node_id": node_id,
        "last_report_us": now_us + _HEARD_AHEAD_US,
        "report_period_us": 30_000_000,
        "health": b"",
        "config_report": b"",
        "update_report": b"",
        "running_release": "",
        "running_version": "1.0.0",
        "running_config_revision": 0,
        "update_phase": "",
        "lost_report_count": 0,
        "model": "",
        "running_config_sha256": NO_CONFIG_SHA256,
        "config_outcome": "",
        "config_trial": "",
        "penalty": 0.0,
    }


def _desired(node_id: str) -> dict[str, Any]:
    return {
        "node_id": node_id,
        "revision": 0,
        "config_revision": 0,
        "config_sha256": "",
        "target_config_revision": 0,
        "target_config_sha256": "",
        "config_problem": "",
        "config_trial": "",
        "config_trial_timeout_us": 120_000_000,
        "config_decision": "",
    }


def _release(now_us: int) -> dict[str, Any]:
    return {
        "version": RELEASE,
        "tenant_id": "root",
        "sha256": "0" * 64,
        "size_bytes": 1,
        "notes": "",
        "config_schema": "",
        "state": "active",
        "create_us": now_us,
        "revision": 1,
    }
