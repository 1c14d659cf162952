"""RadioLicenceService: see `radio_licence_service.proto`."""

from wayside.v1 import radio_licence_service_pb2_grpc


class RadioLicenceService(radio_licence_service_pb2_grpc.RadioLicenceServiceServicer):
    """Radio licences of roadside units."""
