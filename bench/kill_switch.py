"""The kill switch: `StopEverything` over 1,000 units with a session each and a job at work, over mTLS.

The manager runs in a process of its own; this process is all the units and the operator, so that what is measured is
at most what a fleet of real units would see. The figures: until the operator has the answer, and until the first, the
median and the last unit has read that its job is cancelled. There is no peer to hold it against; the floor is one
message to each unit, 157 us of grpc.aio.
"""

import asyncio
import time
from contextlib import AsyncExitStack

import grpc.aio

from bench._harness import Report as Figures
from bench._sessions import Manager, SessionCall, after, channel, enrolled, greet, serving
from wayside.v1 import (
    alarm_pb2,
    alarm_service_pb2,
    alarm_service_pb2_grpc,
    job_pb2,
    job_service_pb2,
    job_service_pb2_grpc,
    node_service_pb2_grpc,
)

SESSION_COUNT = 1_000
MESSAGE_FLOOR_S = 0.000157  # grpcio with TLS, quiet machine


def main() -> None:
    """Runs the benchmark."""
    with serving() as manager:
        asyncio.run(_measure(manager)).print()


async def _measure(manager: Manager) -> Figures:
    figures = Figures("kill-switch")
    async with AsyncExitStack() as stack:
        operator = await stack.enter_async_context(channel(manager.operator_address, manager.ca_pem))
        policy = alarm_pb2.AlarmPolicy(reconnects_per_second=100_000)  # they all come at once here
        request = alarm_service_pb2.UpdateAlarmPolicyRequest(policy=policy)
        alarms = alarm_service_pb2_grpc.AlarmServiceStub(operator)
        await alarms.UpdateAlarmPolicy(request, metadata=manager.metadata)
        sessions = []
        for credential in await enrolled(manager, operator, count=SESSION_COUNT):
            unit = await stack.enter_async_context(channel(manager.device_address, manager.ca_pem, *credential))
            sessions.append(node_service_pb2_grpc.NodeServiceStub(unit).Session(None))
            await greet(sessions[-1])
        await _ask(manager, operator, sessions)
        await _stop(figures, manager, operator, sessions)
        for session in sessions:
            session.cancel()
    return figures


async def _ask(manager: Manager, operator: grpc.aio.Channel, sessions: list[SessionCall]) -> None:
    """A job for every unit, which each has been told."""
    jobs, spec = job_service_pb2_grpc.JobServiceStub(operator), job_pb2.JobSpec(self_test=job_pb2.SelfTestJob())
    for index, session in enumerate(sessions):
        request = job_service_pb2.CreateJobRequest(node=f"nodes/n{index}", spec=spec)
        await jobs.CreateJob(request, metadata=manager.metadata)
        while not (await after(session, "desired_state")).desired_state.jobs:
            pass


async def _stop(figures: Figures, manager: Manager, operator: grpc.aio.Channel, sessions: list[SessionCall]) -> None:
    jobs = job_service_pb2_grpc.JobServiceStub(operator)
    begin_ms, begin_s = manager.cpu_ms(), time.perf_counter()

    async def told(session: SessionCall) -> float:
        while not (await after(session, "desired_state")).desired_state.jobs[0].is_cancelled:
            pass
        return time.perf_counter() - begin_s

    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(told(session)) for session in sessions]
        request = job_service_pb2.StopEverythingRequest(reason="bench")
        answer = await jobs.StopEverything(request, metadata=manager.metadata)
        answer_s = time.perf_counter() - begin_s
    told_s = sorted(task.result() for task in waiting)
    assert (answer.job_count, answer.told_node_count) == (SESSION_COUNT, SESSION_COUNT)
    figures.add("answer, s", answer_s)
    for name, time_s in (("first", told_s[0]), ("median", told_s[SESSION_COUNT // 2]), ("last", told_s[-1])):
        figures.add(f"{name} of {SESSION_COUNT} units told after, s", time_s)
    figures.add("CPU of the manager, ms a unit", (manager.cpu_ms() - begin_ms) / SESSION_COUNT)
    figures.add_ratio("last told / a message each", told_s[-1] / (SESSION_COUNT * MESSAGE_FLOOR_S))


if __name__ == "__main__":
    main()
