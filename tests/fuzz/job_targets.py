"""The manager's parsers of jobs: what operators ask for, what units say of it and bring."""

from dataclasses import replace
from datetime import UTC, datetime

from google.protobuf.message import DecodeError

from tests.fuzz.engine import Target
from wayside.v1 import job_pb2, node_service_pb2
from wayside_manager.api.job_messages import job_message, job_targets, job_work
from wayside_manager.api.job_uploads import checked_begin
from wayside_manager.api.report_messages import stored_form
from wayside_manager.core.job_life import heard
from wayside_manager.core.jobs import new_job
from wayside_manager.core.reports import JobFacts

_NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def _specs() -> tuple[bytes, ...]:
    specs = (
        job_pb2.JobSpec(reboot=job_pb2.RebootJob(), artifact_max_bytes=1 << 20),
        job_pb2.JobSpec(packet_capture=job_pb2.PacketCaptureJob(interface="eth0", snap_bytes=128, port=7443)),
        job_pb2.JobSpec(network_probe=job_pb2.NetworkProbeJob(host="fe80::1%eth0", count=3)),
        job_pb2.JobSpec(file_push=job_pb2.FilePushJob(path="/etc/wayside/x", content=b"x")),
        job_pb2.JobSpec(log_level=job_pb2.LogLevelJob(level="DEBUG")),
        job_pb2.JobSpec(can_snapshot=job_pb2.CanSnapshotJob(bus="can0")),
    )
    for spec in specs:
        spec.ttl.seconds, spec.timeout.nanos = 60, 1_500_000_000
    return tuple(spec.SerializeToString() for spec in specs)


def _asked(data: bytes) -> None:
    work = job_work(job_pb2.JobSpec.FromString(data))
    again = job_work(job_pb2.JobSpec.FromString(work.spec))
    if again != work:
        raise AssertionError("what has its defaults filled in is asked for otherwise the second time")
    job = new_job(job_id="j1", node_id="rsu-1", work=work, now=_NOW)
    job_message(job).SerializeToString()
    job_targets([replace(job, is_cancelling=True)])[0].SerializeToString()


def _reports() -> tuple[bytes, ...]:
    said = job_pb2.JobReport(
        job="jobs/j1",
        state=job_pb2.Job.STATE_SUCCEEDED,
        progress_percent=100,
        message="all well",
        result_json=b'{"a": [1, {"b": null}], "c": "\\ud83d\\ude00", "d": 1e308}',
    )
    said.begin_time.seconds = 1_700_000_000
    running = job_pb2.JobReport(job="jobs/j1", state=job_pb2.Job.STATE_RUNNING, progress_percent=-7)
    return tuple(node_service_pb2.Report(sequence=1, job=each).SerializeToString() for each in (said, running))


_WAITING = new_job(job_id="j1", node_id="rsu-1", work=job_work(job_pb2.JobSpec(reboot=job_pb2.RebootJob())), now=_NOW)


def _said(data: bytes) -> None:
    report = stored_form(node_service_pb2.Report.FromString(data))
    if isinstance(report.facts, JobFacts):
        job_message(heard(_WAITING, report.facts, now=_NOW)).SerializeToString()


def _begun(data: bytes) -> None:
    checked_begin(node_service_pb2.UploadBegin.FromString(data))


def _begins() -> tuple[bytes, ...]:
    begin = node_service_pb2.UploadBegin(job="jobs/j1", file="log.tar.gz", size_bytes=10, sha256="a" * 64)
    return (begin.SerializeToString(), b"")


TARGETS = (
    Target("JobSpec and its checks", _asked, _specs, (DecodeError,), words=(b"/../", b"-w", b"\x00", b"DEBUG")),
    Target(
        "JobReport, and the job as it is shown",
        _said,
        _reports,
        (DecodeError,),
        words=(b'{"a":' * 30, b"[" * 60, b"\\ud800", b"1e999", b"-0", b'"', b"}", b"NaN"),
    ),
    Target("begin of an upload", _begun, _begins, (DecodeError,), words=(b"..", b"/", b".", b"session.log")),
)
