"""AlarmService: what is wrong, what explains it, and who takes care.

Usage: `AlarmService(store, bus, now=now)`.
"""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from collections.abc import Callable
from datetime import datetime

from wayside.names import alarm_id
from wayside.v1 import alarm_service_pb2, alarm_service_pb2_grpc
from wayside_manager.api.alarm_messages import (
    alarm_message,
    note_of,
    policy_message,
    policy_record,
    question_of,
    report_message,
    shelving,
)
from wayside_manager.api.identity import admission
from wayside_manager.api.scopes import Context
from wayside_manager.ports.alarms import AlarmStore
from wayside_manager.ports.wakeups import Bus, Topic


class AlarmService(alarm_service_pb2_grpc.AlarmServiceServicer):
    """The operators' view of alarms."""

    def __init__(self, store: AlarmStore, bus: Bus, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._bus = bus
        self._now = now

    async def GetAlarm(
        self, request: alarm_service_pb2.GetAlarmRequest, context: Context
    ) -> alarm_service_pb2.GetAlarmResponse:
        """One alarm."""
        alarm = await self._store.get_alarm(alarm_id(request.name))
        return alarm_service_pb2.GetAlarmResponse(alarm=alarm_message(alarm))

    async def ListAlarms(
        self, request: alarm_service_pb2.ListAlarmsRequest, context: Context
    ) -> alarm_service_pb2.ListAlarmsResponse:
        """A page of alarms, worst first."""
        parent_id = alarm_id(request.parent, field="parent") if request.parent else ""
        page = await self._store.list_alarms(
            question_of(request, parent_id),
            reach=admission().reach,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return alarm_service_pb2.ListAlarmsResponse(
            alarms=map(alarm_message, page.items), next_page_token=page.next_page_token
        )

    async def AcknowledgeAlarm(
        self, request: alarm_service_pb2.AcknowledgeAlarmRequest, context: Context
    ) -> alarm_service_pb2.AcknowledgeAlarmResponse:
        """Takes an alarm on."""
        alarm = await self._store.acknowledge_alarm(
            alarm_id(request.name), actor=admission().holder, note=note_of(request.note), now=self._now()
        )
        await self._bus.publish(Topic.EVENT, [""])
        return alarm_service_pb2.AcknowledgeAlarmResponse(alarm=alarm_message(alarm))

    async def ShelveAlarm(
        self, request: alarm_service_pb2.ShelveAlarmRequest, context: Context
    ) -> alarm_service_pb2.ShelveAlarmResponse:
        """Keeps an alarm quiet for a time."""
        alarm = await self._store.shelve_alarm(
            alarm_id(request.name),
            actor=admission().holder,
            duration=shelving(request),
            note=note_of(request.note),
            now=self._now(),
        )
        await self._bus.publish(Topic.EVENT, [""])
        return alarm_service_pb2.ShelveAlarmResponse(alarm=alarm_message(alarm))

    async def GetRestoreReport(
        self, request: alarm_service_pb2.GetRestoreReportRequest, context: Context
    ) -> alarm_service_pb2.GetRestoreReportResponse:
        """Who of an area came back when."""
        alarm, members = await self._store.restore_report(alarm_id(request.name))
        return alarm_service_pb2.GetRestoreReportResponse(report=report_message(alarm, members))

    async def GetAlarmPolicy(
        self, request: alarm_service_pb2.GetAlarmPolicyRequest, context: Context
    ) -> alarm_service_pb2.GetAlarmPolicyResponse:
        """What becomes an alarm."""
        policy = await self._store.get_alarm_policy()
        return alarm_service_pb2.GetAlarmPolicyResponse(policy=policy_message(policy))

    async def UpdateAlarmPolicy(
        self, request: alarm_service_pb2.UpdateAlarmPolicyRequest, context: Context
    ) -> alarm_service_pb2.UpdateAlarmPolicyResponse:
        """Changes what becomes an alarm; the engine judges by it from its next look on."""
        policy = await self._store.update_alarm_policy(
            policy_record(request.policy), now=self._now(), etag=request.policy.etag
        )
        return alarm_service_pb2.UpdateAlarmPolicyResponse(policy=policy_message(policy))
