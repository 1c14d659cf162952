"""The whole store over one SQL database.

Usage: `async with open_store(url) as store: ...`, after `migrate(url)`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wayside_manager.store.alarms import SqlAlarms
from wayside_manager.store.approvals import SqlApprovals
from wayside_manager.store.audit import SqlAudit
from wayside_manager.store.broadcast_moves import SqlBroadcastMoves
from wayside_manager.store.broadcasts import SqlBroadcasts
from wayside_manager.store.configs import SqlConfigs
from wayside_manager.store.credentials import SqlCredentials
from wayside_manager.store.database import Database
from wayside_manager.store.deltas import SqlDeltas
from wayside_manager.store.desired import SqlDesired
from wayside_manager.store.enrollment import SqlEnrollment
from wayside_manager.store.event_delivery import SqlEventDelivery
from wayside_manager.store.event_sinks import SqlEventSinks
from wayside_manager.store.events import SqlEvents
from wayside_manager.store.health import SqlHealth
from wayside_manager.store.health_history import SqlHistory
from wayside_manager.store.job_artifacts import SqlJobArtifacts
from wayside_manager.store.job_stop import SqlJobStop
from wayside_manager.store.jobs import SqlJobs
from wayside_manager.store.licences import SqlLicences
from wayside_manager.store.migrate import check_schema
from wayside_manager.store.neighbours import SqlNeighbours
from wayside_manager.store.nodes import SqlNodes
from wayside_manager.store.operators import SqlOperators
from wayside_manager.store.places import SqlPlaces
from wayside_manager.store.policy import SqlPolicy
from wayside_manager.store.release_trust import SqlReleaseTrust
from wayside_manager.store.releases import SqlReleases
from wayside_manager.store.reports import SqlReports
from wayside_manager.store.rollout_steps import SqlRolloutSteps
from wayside_manager.store.rollouts import SqlRollouts
from wayside_manager.store.sites import SqlSites
from wayside_manager.store.tenants import SqlTenants


class SqlStore(
    SqlNodes,
    SqlEnrollment,
    SqlReports,
    SqlHealth,
    SqlHistory,
    SqlConfigs,
    SqlReleases,
    SqlReleaseTrust,
    SqlDeltas,
    SqlNeighbours,
    SqlRollouts,
    SqlRolloutSteps,
    SqlJobs,
    SqlJobStop,
    SqlJobArtifacts,
    SqlBroadcasts,
    SqlBroadcastMoves,
    SqlDesired,
    SqlSites,
    SqlLicences,
    SqlCredentials,
    SqlOperators,
    SqlTenants,
    SqlPlaces,
    SqlApprovals,
    SqlPolicy,
    SqlAudit,
    SqlAlarms,
    SqlEvents,
    SqlEventSinks,
    SqlEventDelivery,
):
    """Satisfies `ports.Store`."""


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[SqlStore]:
    """The store over a database whose schema is this program's.

    Raises: FailedPreconditionError: the schema is older or newer, or there is none.
    """
    await check_schema(url)
    async with Database(url) as database:
        yield SqlStore(database)
