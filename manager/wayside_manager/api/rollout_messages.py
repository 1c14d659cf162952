"""Rollouts and their plans between records and messages.

Usage: `plan_record(request.plan, field="plan")`; `rollout_message(record, counts)` back.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from google.protobuf.duration_pb2 import Duration

from wayside.errors import InvalidArgumentError
from wayside.names import alarm_name, node_name, release_name, rollout_name, site_id, site_name, tenant_name
from wayside.v1 import job_pb2, node_pb2, release_pb2, rollout_pb2
from wayside_manager.api.node_messages import fetch_policy_value, labels, timestamp
from wayside_manager.api.time_zones import checked_zone
from wayside_manager.core.nodes import FetchPolicy
from wayside_manager.core.rollout import (
    RolloutNodeRecord,
    RolloutNodeState,
    RolloutPlan,
    RolloutRecord,
    WaitReason,
    Wave,
    Window,
)
from wayside_manager.core.rollout_checks import checked_plan

Counts = Mapping[tuple[int, RolloutNodeState], int]
"""Nodes per wave and progress."""

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\Z")
_EMPTY_PLAN = RolloutPlan()


def plan_record(message: rollout_pb2.RolloutPlan, *, field: str) -> RolloutPlan:
    """A plan from the wire; an empty message is the plan of the defaults.

    Raises: InvalidArgumentError: a value is malformed or out of range; it names the field and the range.
    """
    plan = RolloutPlan(
        waves=tuple(_wave(one, field=f"{field}.waves[{index}]") for index, one in enumerate(message.waves)),
        max_in_flight_count=message.max_in_flight_count,
        max_failure_count=message.max_failure_count,
        max_failure_percent=message.max_failure_percent,
        node_timeout_s=_seconds(message, "node_timeout", _EMPTY_PLAN.node_timeout_s),
        deadline_s=_seconds(message, "deadline", _EMPTY_PLAN.deadline_s),
        windows=tuple(_window(one, field=f"{field}.windows[{index}]") for index, one in enumerate(message.windows)),
        time_zone=checked_zone(message.time_zone or _EMPTY_PLAN.time_zone, field=f"{field}.time_zone"),
        max_corridor_percent=message.max_corridor_percent,
        is_dynamic=message.is_dynamic,
        trial_timeout_s=_seconds(message, "trial_timeout", _EMPTY_PLAN.trial_timeout_s),
        needs_confirmation=message.needs_confirmation,
        needs_consent=message.needs_consent,
        may_interrupt_broadcast=message.may_interrupt_broadcast,
        fetch_policy=_fetch_policy(message.fetch_policy, field=f"{field}.fetch_policy"),
        reverses_failed_wave=message.reverses_failed_wave,
        retry_count=message.retry_count,
        retry_base_s=_seconds(message, "retry_base", _EMPTY_PLAN.retry_base_s),
        retries_refused_by_gate=message.retries_refused_by_gate,
        begin_time=_begin_time(message, field=f"{field}.begin_time"),
    )
    return checked_plan(plan, field=field)


def _fetch_policy(value: int, *, field: str) -> FetchPolicy:
    known = release_pb2.FetchPolicy.DESCRIPTOR.values_by_number.get(value)
    if known is None:
        raise InvalidArgumentError(f"{field}: {value} is not known", reason="PLAN_INVALID")
    return FetchPolicy[known.name.removeprefix("FETCH_POLICY_")] if value else FetchPolicy.ANY


def plan_message(plan: RolloutPlan) -> rollout_pb2.RolloutPlan:
    """A plan as operators see it, defaults and all."""
    made = rollout_pb2.RolloutPlan(
        waves=map(_wave_message, plan.waves),
        max_in_flight_count=plan.max_in_flight_count,
        max_failure_count=plan.max_failure_count,
        max_failure_percent=plan.max_failure_percent,
        node_timeout=duration(plan.node_timeout_s),
        deadline=duration(plan.deadline_s),
        windows=[
            rollout_pb2.MaintenanceWindow(
                weekdays=sorted(one.weekdays),
                begin=f"{one.begin_minute // 60:02}:{one.begin_minute % 60:02}",
                duration=duration(one.duration_s),
            )
            for one in plan.windows
        ],
        time_zone=plan.time_zone,
        max_corridor_percent=plan.max_corridor_percent,
        is_dynamic=plan.is_dynamic,
        trial_timeout=duration(plan.trial_timeout_s),
        needs_confirmation=plan.needs_confirmation,
        needs_consent=plan.needs_consent,
        may_interrupt_broadcast=plan.may_interrupt_broadcast,
        fetch_policy=fetch_policy_value(plan.fetch_policy),
        reverses_failed_wave=plan.reverses_failed_wave,
        retry_count=plan.retry_count,
        retry_base=duration(plan.retry_base_s),
        retries_refused_by_gate=plan.retries_refused_by_gate,
    )
    if plan.begin_time is not None:
        made.begin_time.CopyFrom(timestamp(plan.begin_time))
    return made


def _begin_time(message: rollout_pb2.RolloutPlan, *, field: str) -> datetime | None:
    if not message.HasField("begin_time"):
        return None
    try:
        return message.begin_time.ToDatetime(tzinfo=UTC)
    except ValueError as exc:
        raise InvalidArgumentError(f"{field}: it is no time: {exc}", reason="PLAN_INVALID") from exc


def rollout_message(rollout: RolloutRecord, counts: Counts, waits: Iterable[WaitReason] = ()) -> rollout_pb2.Rollout:
    """A rollout as operators see it; `waits` has a reason for each node that waits."""
    reasons = tuple(waits)
    states = {state: sum(count for (_, of), count in counts.items() if of is state) for state in RolloutNodeState}
    return rollout_pb2.Rollout(
        name=rollout_name(rollout.rollout_id),
        release=release_name(rollout.version) if rollout.version else "",
        config_cause=rollout.config_cause,
        plan=plan_message(rollout.plan),
        state=rollout_pb2.Rollout.State.Value(f"STATE_{rollout.state.name}"),
        message=rollout.message,
        waves=_waves(rollout, counts),
        counts=[
            rollout_pb2.RolloutCount(state=_state_value(state), node_count=count)
            for state, count in states.items()
            if count
        ],
        waits=[
            rollout_pb2.RolloutWait(reason=_reason_value(reason), node_count=reasons.count(reason))
            for reason in WaitReason
            if reason in reasons and reason is not WaitReason.NONE
        ],
        node_count=sum(counts.values()),
        create_time=timestamp(rollout.create_time),
        update_time=timestamp(rollout.update_time),
        deadline_time=timestamp(rollout.deadline_time),
        etag=rollout.etag,
        tenant=tenant_name(rollout.tenant_id),
        retry_of=rollout_name(rollout.retry_of) if rollout.retry_of else "",
        job=job_pb2.JobSpec.FromString(rollout.job.work.spec) if rollout.job else None,
        storm=alarm_name(rollout.storm_alarm_id) if rollout.storm_alarm_id else "",
    )


def rollout_node_message(
    node: RolloutNodeRecord, *, is_config: bool, site: str = "", wait: WaitReason = WaitReason.NONE
) -> rollout_pb2.RolloutNode:
    """A node of a rollout as operators see it; `site` is its id or empty."""
    message = rollout_pb2.RolloutNode(
        node=node_name(node.node_id),
        state=_state_value(node.state),
        wave=node.wave + 1,
        waits_for=_reason_value(wait),
        site=site_name(site) if site else "",
        message=node.message,
        attempt=node.attempt,
    )
    if node.tell_time is not None:
        message.tell_time.CopyFrom(timestamp(node.tell_time))
    if node.retry_time is not None and node.state is RolloutNodeState.PENDING:
        message.retry_time.CopyFrom(timestamp(node.retry_time))
    if node.report and is_config:
        message.config.CopyFrom(node_pb2.ConfigReport.FromString(node.report))
    elif node.report:
        message.update.CopyFrom(release_pb2.UpdateReport.FromString(node.report))
    return message


def duration(seconds: float) -> Duration:
    """A time span as protobuf has it."""
    whole = int(seconds)
    return Duration(seconds=whole, nanos=round((seconds - whole) * 1e9))


def _waves(rollout: RolloutRecord, counts: Counts) -> Iterable[rollout_pb2.WaveProgress]:
    for index, times in enumerate(rollout.waves):
        progress = rollout_pb2.WaveProgress(
            node_count=sum(count for (wave, _), count in counts.items() if wave == index),
            succeeded_count=counts.get((index, RolloutNodeState.SUCCEEDED), 0),
            failed_count=counts.get((index, RolloutNodeState.FAILED), 0),
        )
        if times.begin_time is not None:
            progress.begin_time.CopyFrom(timestamp(times.begin_time))
        if times.pass_time is not None:
            progress.pass_time.CopyFrom(timestamp(times.pass_time))
        yield progress


def _wave(message: rollout_pb2.RolloutWave, *, field: str) -> Wave:
    sites = {site_id(name, field=f"{field}.members.sites") for name in message.members.sites}
    return Wave(
        count=message.count,
        percent=message.percent,
        labels=labels(message.members.labels, field=f"{field}.members.labels"),
        site_ids=tuple(sorted(sites)),
        min_success_count=message.min_success_count,
        min_success_percent=message.min_success_percent,
        observation_s=_seconds(message, "observation", 0.0),
    )


def _wave_message(wave: Wave) -> rollout_pb2.RolloutWave:
    message = rollout_pb2.RolloutWave(
        min_success_count=wave.min_success_count,
        min_success_percent=wave.min_success_percent,
        observation=duration(wave.observation_s),
    )
    if wave.count:
        message.count = wave.count
    elif wave.percent:
        message.percent = wave.percent
    else:
        message.members.labels.extend(node_pb2.Label(key=label.key, value=label.value) for label in wave.labels)
        message.members.sites.extend(site_name(one) for one in wave.site_ids)
    return message


def _window(message: rollout_pb2.MaintenanceWindow, *, field: str) -> Window:
    clock = _CLOCK.match(message.begin)
    if clock is None:
        raise InvalidArgumentError(
            f"{field}.begin: {message.begin[:80]!r} is no time of day; write it as 01:30", reason="PLAN_INVALID"
        )
    return Window(
        weekdays=frozenset(message.weekdays),
        begin_minute=60 * int(clock[1]) + int(clock[2]),
        duration_s=_seconds(message, "duration", 0.0),
    )


def _seconds(
    message: rollout_pb2.RolloutPlan | rollout_pb2.RolloutWave | rollout_pb2.MaintenanceWindow,
    name: str,
    default: float,
) -> float:
    """A time span of a message; one that is not there is the default."""
    if not message.HasField(name):  # type: ignore[arg-type]  # the stubs know every name, we are given one
        return default
    span: Duration = getattr(message, name)
    return span.seconds + span.nanos / 1e9


def _state_value(state: RolloutNodeState) -> rollout_pb2.RolloutNode.State.ValueType:
    return rollout_pb2.RolloutNode.State.Value(f"STATE_{state.name}")


def _reason_value(reason: WaitReason) -> rollout_pb2.RolloutWait.Reason.ValueType:
    word = "UNSPECIFIED" if reason is WaitReason.NONE else reason.name
    return rollout_pb2.RolloutWait.Reason.Value(f"REASON_{word}")
