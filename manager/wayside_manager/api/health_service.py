"""HealthService: how nodes are, were, and why.

Usage: `HealthService(store, now=now, minutes=timedelta(days=14))`.
"""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from wayside.errors import InvalidArgumentError
from wayside.names import node_id
from wayside.v1 import health_pb2, health_service_pb2, health_service_pb2_grpc
from wayside_manager.api.health_views import availability_message, health_message, sample_message
from wayside_manager.api.identity import admission
from wayside_manager.api.node_messages import selector
from wayside_manager.api.places.messages import moment
from wayside_manager.api.scopes import Context
from wayside_manager.core.availability import availability
from wayside_manager.core.history import HOUR_S, MINUTE_S, HistoryRow
from wayside_manager.core.node_health import HealthState
from wayside_manager.ports.health import GroupBy, HealthStore

SAMPLES_MAX = 10_000  # as ListHealthHistory says
_SPAN_MAX = timedelta(days=366 * 100)
_STATES = {
    health_pb2.HEALTH_STATE_OK: HealthState.OK,
    health_pb2.HEALTH_STATE_DEGRADED: HealthState.DEGRADED,
    health_pb2.HEALTH_STATE_FAILED: HealthState.FAILED,
    health_pb2.HEALTH_STATE_UNKNOWN: HealthState.UNKNOWN,
}
_GROUPINGS = {
    health_service_pb2.AVAILABILITY_GROUPING_UNSPECIFIED: GroupBy.ALL,
    health_service_pb2.AVAILABILITY_GROUPING_SITE: GroupBy.SITE,
    health_service_pb2.AVAILABILITY_GROUPING_MODEL: GroupBy.MODEL,
    health_service_pb2.AVAILABILITY_GROUPING_EXPOSURE: GroupBy.EXPOSURE,
}
_STEPS_S = {health_service_pb2.HISTORY_CLASS_MINUTES: MINUTE_S, health_service_pb2.HISTORY_CLASS_HOURS: HOUR_S}


class HealthService(health_service_pb2_grpc.HealthServiceServicer):
    """The operators' view of health."""

    def __init__(self, store: HealthStore, *, now: Callable[[], datetime], minutes: timedelta) -> None:
        """`minutes`: how long minutes are kept."""
        self._store = store
        self._now = now
        self._minutes = minutes

    async def GetNodeHealth(
        self, request: health_service_pb2.GetNodeHealthRequest, context: Context
    ) -> health_service_pb2.GetNodeHealthResponse:
        """The health of one node."""
        record = await self._store.get_health(node_id(request.node, field="node"))
        return health_service_pb2.GetNodeHealthResponse(health=health_message(record, self._now()))

    async def ListNodeHealth(
        self, request: health_service_pb2.ListNodeHealthRequest, context: Context
    ) -> health_service_pb2.ListNodeHealthResponse:
        """A page of nodes."""
        states = []
        for value in request.states:
            if value not in _STATES:
                raise InvalidArgumentError(f"states: {value} is not set or not known; give ok, degraded, ...")
            states.append(_STATES[value])
        now = self._now()
        page = await self._store.list_health(
            states, reach=admission().reach, now=now, page_size=request.page_size, page_token=request.page_token
        )
        return health_service_pb2.ListNodeHealthResponse(
            health=[health_message(record, now) for record in page.items], next_page_token=page.next_page_token
        )

    async def ListHealthHistory(
        self, request: health_service_pb2.ListHealthHistoryRequest, context: Context
    ) -> health_service_pb2.ListHealthHistoryResponse:
        """Samples of a node."""
        begin, end = self._span(request)
        history_class = request.history_class
        if history_class == health_service_pb2.HISTORY_CLASS_UNSPECIFIED:
            is_kept = begin >= self._now() - self._minutes and (end - begin).total_seconds() <= SAMPLES_MAX * MINUTE_S
            history_class = (
                health_service_pb2.HISTORY_CLASS_MINUTES if is_kept else health_service_pb2.HISTORY_CLASS_HOURS
            )
        if history_class not in _STEPS_S:
            raise InvalidArgumentError(f"history_class: {history_class} is not known to this manager")
        step = timedelta(seconds=_STEPS_S[history_class])
        first = _floor(begin, step)
        count = -((first - end) // step)
        if count > SAMPLES_MAX:
            raise InvalidArgumentError(
                f"end_time: {count} samples are more than {SAMPLES_MAX}; ask for less time, or for hours"
            )
        rows = dict(
            await self._store.list_history(
                node_id(request.node, field="node"), step_s=_STEPS_S[history_class], begin=first, end=end
            )
        )
        times = [first + step * index for index in range(count)]
        return health_service_pb2.ListHealthHistoryResponse(
            samples=[sample_message(time, rows.get(time, HistoryRow())) for time in times],
            history_class=history_class,
        )

    async def GetAvailability(
        self, request: health_service_pb2.GetAvailabilityRequest, context: Context
    ) -> health_service_pb2.GetAvailabilityResponse:
        """Availability by group."""
        begin, end = self._span(request)
        if request.grouping not in _GROUPINGS:
            raise InvalidArgumentError(f"grouping: {request.grouping} is not known to this manager")
        chosen = selector(request.selector, field="selector") if request.HasField("selector") else None
        end = min(end, self._now())  # nobody knows what is to come
        stretches, group_of = await self._store.list_stretches(
            _GROUPINGS[request.grouping], chosen, reach=admission().reach, begin=begin, end=end
        )
        groups = await asyncio.to_thread(availability, stretches, group_of, begin=begin, end=end)
        return health_service_pb2.GetAvailabilityResponse(groups=map(availability_message, groups))

    def _span(
        self, request: health_service_pb2.ListHealthHistoryRequest | health_service_pb2.GetAvailabilityRequest
    ) -> tuple[datetime, datetime]:
        """First and last instant of a request.

        Raises: InvalidArgumentError: they are absent, impossible or in the wrong order.
        """
        if not request.HasField("begin_time"):
            raise InvalidArgumentError("begin_time: give the first instant")
        begin = moment(request.begin_time, field="begin_time")
        end = moment(request.end_time, field="end_time") if request.HasField("end_time") else self._now()
        if not timedelta() < end - begin <= _SPAN_MAX:
            raise InvalidArgumentError("end_time: give one after begin_time, within a hundred years")
        return begin, end


def _floor(time: datetime, step: timedelta) -> datetime:
    return time - (time - datetime.min.replace(tzinfo=time.tzinfo)) % step
