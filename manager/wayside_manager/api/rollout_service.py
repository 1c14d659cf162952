"""RolloutService: see `rollout_service.proto`."""

from wayside.v1 import rollout_service_pb2_grpc


class RolloutService(rollout_service_pb2_grpc.RolloutServiceServicer):
    """Rollouts of releases and of configuration."""
