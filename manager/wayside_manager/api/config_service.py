"""ConfigService: layers go in, one configuration per node comes out."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from wayside.names import config_layer_id, node_id, node_name
from wayside.v1 import config_service_pb2, config_service_pb2_grpc, node_pb2
from wayside_manager.api.config_messages import layer_message, layer_record
from wayside_manager.api.identity import admission
from wayside_manager.api.scopes import Context
from wayside_manager.ports.config import ConfigStore
from wayside_manager.ports.nodes import NodeStore
from wayside_manager.ports.wakeups import Bus, Topic


class ConfigServiceStore(ConfigStore, NodeStore, Protocol):
    """What configuration needs of the store."""


class ConfigService(config_service_pb2_grpc.ConfigServiceServicer):
    """Configuration of nodes."""

    def __init__(self, store: ConfigServiceStore, bus: Bus, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._bus = bus
        self._now = now

    async def ApplyConfigLayer(
        self, request: config_service_pb2.ApplyConfigLayerRequest, context: Context
    ) -> config_service_pb2.ApplyConfigLayerResponse:
        """Creates a layer or replaces it."""
        now = self._now()
        record = layer_record(request.config_layer, tenant_id=admission().tenant_id, now=now)
        applied = await self._store.apply_layer(record, now=now, etag=request.config_layer.etag)
        await self._wake(applied.changed_node_ids)
        return config_service_pb2.ApplyConfigLayerResponse(
            config_layer=layer_message(applied.layer), changed_nodes=map(node_name, applied.changed_node_ids)
        )

    async def GetConfigLayer(
        self, request: config_service_pb2.GetConfigLayerRequest, context: Context
    ) -> config_service_pb2.GetConfigLayerResponse:
        """One layer."""
        layer = await self._store.get_layer(config_layer_id(request.name))
        return config_service_pb2.GetConfigLayerResponse(config_layer=layer_message(layer))

    async def ListConfigLayers(
        self, request: config_service_pb2.ListConfigLayersRequest, context: Context
    ) -> config_service_pb2.ListConfigLayersResponse:
        """A page of layers."""
        page = await self._store.list_layers(
            reach=admission().reach, page_size=request.page_size, page_token=request.page_token
        )
        return config_service_pb2.ListConfigLayersResponse(
            config_layers=map(layer_message, page.items), next_page_token=page.next_page_token
        )

    async def DeleteConfigLayer(
        self, request: config_service_pb2.DeleteConfigLayerRequest, context: Context
    ) -> config_service_pb2.DeleteConfigLayerResponse:
        """Deletes a layer."""
        changed = await self._store.delete_layer(config_layer_id(request.name), now=self._now(), etag=request.etag)
        await self._wake(changed)
        return config_service_pb2.DeleteConfigLayerResponse(changed_nodes=map(node_name, changed))

    async def GetNodeConfig(
        self, request: config_service_pb2.GetNodeConfigRequest, context: Context
    ) -> config_service_pb2.GetNodeConfigResponse:
        """What one node should run, and where it stands."""
        node = await self._store.get_node(node_id(request.node, field="node"))
        config = await self._store.get_node_config(node.node_id)
        response = config_service_pb2.GetNodeConfigResponse(
            config=node_pb2.NodeConfig.FromString(config.content), revision=config.revision
        )
        if node.status.config_report:
            response.report.CopyFrom(node_pb2.ConfigReport.FromString(node.status.config_report))
        return response

    async def _wake(self, node_ids: Iterable[str]) -> None:
        changed = tuple(node_ids)
        await self._bus.publish(Topic.DESIRED, changed)
        await self._bus.publish(Topic.NODE, changed)
