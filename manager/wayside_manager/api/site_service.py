"""SiteService: where nodes are, and how they belong together; see `site_service.proto`."""

from wayside.v1 import site_service_pb2_grpc
from wayside_manager.api.places.corridors import CorridorCalls
from wayside_manager.api.places.geofences import GeofenceCalls
from wayside_manager.api.places.groups import GroupCalls
from wayside_manager.api.places.maps import MapCalls
from wayside_manager.api.places.sites import SiteCalls


class SiteService(
    SiteCalls, CorridorCalls, GroupCalls, GeofenceCalls, MapCalls, site_service_pb2_grpc.SiteServiceServicer
):
    """All of it."""
