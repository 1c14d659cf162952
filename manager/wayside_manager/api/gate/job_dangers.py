"""What makes work of nodes dangerous: a shell always, a pushed file where the policy says so, work of many nodes.

Usage: `if reaches_in(message): ...`, `sentence = shell_danger("CreateJob", message.spec, policy)`.
"""

from google.protobuf.message import Message

from wayside.v1 import job_pb2, job_service_pb2
from wayside_manager.core.approvals import AccessPolicy, Danger
from wayside_manager.core.jobs import REACHING_IN, shells_forbidden


def reaches_in(message: Message) -> bool:
    """Whether a request asks for work that lets a person do anything on a unit."""
    if not isinstance(message, job_service_pb2.CreateJobRequest | job_service_pb2.CreateFleetJobRequest):
        return False
    return message.spec.WhichOneof("work") in REACHING_IN


def shell_danger(verb: str, spec: job_pb2.JobSpec, policy: AccessPolicy) -> str:
    """Why work that reaches into a unit is dangerous, in one sentence without its end; empty: it is not.

    Raises: FailedPreconditionError: it is a shell and the policy allows none, so nobody need be asked.
    """
    match spec.WhichOneof("work"):
        case "shell" if verb != "CreateJob":
            return ""  # there are none for a fleet: the handler says so
        case "shell":
            if not policy.allows_shells:
                raise shells_forbidden()
            return f"{verb} opens a shell, which always needs a second person"
        case "file_push" if Danger.SHELL in policy.four_eyes:
            return f"{verb} puts a file onto a unit and needs a second person (policy: {Danger.SHELL})"
    return ""
