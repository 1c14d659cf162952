"""SiteService: see `site_service.proto`."""

from wayside.v1 import site_service_pb2_grpc


class SiteService(site_service_pb2_grpc.SiteServiceServicer):
    """Sites, corridors, groups and geofences."""
