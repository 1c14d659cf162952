"""The manager's parsers of what operators send about rollouts: plans, and releases with the schemas in them."""

import functools
import io
import json

from google.protobuf.message import DecodeError

from tests.fuzz.engine import Target
from tests.releases import archive
from wayside import node_config
from wayside.v1 import rollout_pb2
from wayside_manager.api.release_archive import ArchiveCheck
from wayside_manager.api.rollout_messages import plan_record
from wayside_manager.core.published_schema import checked_schema


def _plan() -> bytes:
    plan = rollout_pb2.RolloutPlan(time_zone="Asia/Shanghai", max_failure_percent=5)
    plan.waves.add(count=1).observation.seconds = 600
    plan.waves.add(percent=12.5, min_success_percent=90)
    plan.waves.add().members.sites.append("sites/k12")
    window = plan.windows.add(weekdays=[1, 7], begin="01:30")
    window.duration.seconds = 3600
    plan.deadline.seconds, plan.deadline.nanos = 86_400, 500_000_000
    return plan.SerializeToString()


def _planned(data: bytes) -> None:
    plan_record(rollout_pb2.RolloutPlan.FromString(data), field="plan")


@functools.cache
def _archives() -> tuple[bytes, ...]:
    """Releases with a schema and without, and with a payload."""
    schema = json.dumps(node_config.schema()).encode()
    return archive("1.1.0"), archive("1.1.0", schema=schema), archive("1.1.0", {"payload/radio.bin": bytes(900)})


TARGETS = (
    Target("RolloutPlan and its checks", _planned, lambda: (_plan(), b""), (DecodeError,)),
    Target(
        "front of a release archive",
        lambda data: ArchiveCheck("1.1.0")(io.BytesIO(data)),
        _archives,
        words=(b"release.json", b"config.schema.json", b"ustar", b"\x1f\x8b\x08", b"PaxHeader"),
    ),
    Target(
        "schema that a release publishes",
        checked_schema,
        lambda: (json.dumps(node_config.schema()).encode(), b'{"$defs": {"a": {"$ref": "#/$defs/a"}}}'),
        words=(b'"$ref":', b'"#/$defs/a"', b'"allOf":[', b'"$id":"x"', b'"pattern":"(a+)+$"', b"{", b"}", b"[" * 50),
    ),
)
