"""ConfigService, the half about layers: apply, delete, roll back, and what a change would do.

Usage: `class ConfigService(ConfigLayerCalls): ...`.
"""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from wayside.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError
from wayside.names import config_layer_id
from wayside.v1 import config_service_pb2, config_service_pb2_grpc
from wayside_manager.api.config_messages import (
    comment,
    layer_message,
    layer_record,
    node_names,
    revision_message,
    rollout_of,
)
from wayside_manager.api.config_views import preview_message
from wayside_manager.api.identity import admission, admitted_tenant, calling_holder
from wayside_manager.api.node_messages import selector
from wayside_manager.api.rollout_messages import plan_record
from wayside_manager.api.scopes import Context
from wayside_manager.api.wakes import wake
from wayside_manager.core.configs import ConfigLayerRecord
from wayside_manager.core.missing import hidden
from wayside_manager.core.rollout import RolloutPlan
from wayside_manager.ports.config import ConfigStore
from wayside_manager.ports.releases import ReleaseStore
from wayside_manager.ports.wakeups import Bus


class ConfigServiceStore(ConfigStore, ReleaseStore, Protocol):
    """What configuration needs of the store."""


class ConfigLayerCalls(config_service_pb2_grpc.ConfigServiceServicer):
    """What operators do with layers."""

    def __init__(self, store: ConfigServiceStore, bus: Bus, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._bus = bus
        self._now = now

    async def ApplyConfigLayer(
        self, request: config_service_pb2.ApplyConfigLayerRequest, context: Context
    ) -> config_service_pb2.ApplyConfigLayerResponse:
        """Creates a layer or replaces it."""
        now = self._now()
        applied = await self._store.apply_layer(
            layer_record(request.config_layer, tenant_id=admission().tenant_id, now=now),
            now=now,
            etag=request.config_layer.etag,
            plan=_plan(request),
            author=calling_holder(),
            comment=comment(request.comment),
        )
        await wake(self._bus, applied.effect)
        return config_service_pb2.ApplyConfigLayerResponse(
            config_layer=layer_message(applied.layer),
            rollout=rollout_of(applied.effect),
            changed_node_count=len(applied.effect.changed_node_ids),
            changed_nodes=node_names(applied.effect.changed_node_ids),
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
        deleted = await self._store.delete_layer(
            config_layer_id(request.name),
            now=self._now(),
            etag=request.etag,
            plan=_plan(request),
            author=calling_holder(),
        )
        await wake(self._bus, deleted.effect)
        return config_service_pb2.DeleteConfigLayerResponse(
            rollout=rollout_of(deleted.effect),
            changed_node_count=len(deleted.effect.changed_node_ids),
            changed_nodes=node_names(deleted.effect.changed_node_ids),
        )

    async def ListConfigLayerRevisions(
        self, request: config_service_pb2.ListConfigLayerRevisionsRequest, context: Context
    ) -> config_service_pb2.ListConfigLayerRevisionsResponse:
        """What a layer was."""
        page = await self._store.list_layer_revisions(
            config_layer_id(request.name), page_size=request.page_size, page_token=request.page_token
        )
        return config_service_pb2.ListConfigLayerRevisionsResponse(
            revisions=map(revision_message, page.items), next_page_token=page.next_page_token
        )

    async def RollbackConfigLayer(
        self, request: config_service_pb2.RollbackConfigLayerRequest, context: Context
    ) -> config_service_pb2.RollbackConfigLayerResponse:
        """Makes a layer what it was."""
        layer_id = config_layer_id(request.name)
        if request.revision < 0:
            raise InvalidArgumentError(
                f"revision: {request.revision} is negative; name one of the layer's history, or 0 for the one before",
                reason="REVISION_INVALID",
            )
        applied = await self._store.rollback_layer(
            layer_id,
            now=self._now(),
            revision=request.revision,
            etag=request.etag,
            plan=_plan(request),
            author=calling_holder(),
        )
        await wake(self._bus, applied.effect)
        return config_service_pb2.RollbackConfigLayerResponse(
            config_layer=layer_message(applied.layer),
            rollout=rollout_of(applied.effect),
            changed_node_count=len(applied.effect.changed_node_ids),
            changed_nodes=node_names(applied.effect.changed_node_ids),
        )

    async def PreviewConfig(
        self, request: config_service_pb2.PreviewConfigRequest, context: Context
    ) -> config_service_pb2.PreviewConfigResponse:
        """What would change; nothing does."""
        now = self._now()
        layers = [
            await self._would_be(layer, request.tenant, field=f"config_layers[{index}]", now=now)
            for index, layer in enumerate(request.config_layers)
        ]
        for index, name in enumerate(request.deleted_layers):
            await self._check_seen(config_layer_id(name, field=f"deleted_layers[{index}]"))
        preview = await self._store.preview_config(
            layers,
            [config_layer_id(name) for name in request.deleted_layers],
            reach=admission().reach,
            selector=selector(request.selector, field="selector") if request.HasField("selector") else None,
        )
        return preview_message(preview)

    async def _would_be(
        self, message: config_service_pb2.ConfigLayer, tenant: str, *, field: str, now: datetime
    ) -> ConfigLayerRecord:
        """A layer as it would be: in the tenant of the present one of its name, else in the one that is named."""
        layer_id = config_layer_id(message.name, field=f"{field}.name")
        try:
            present = await self._store.get_layer(layer_id)
        except NotFoundError:
            tenant_id = admitted_tenant(message.tenant or tenant, field=f"{field}.tenant")
            return layer_record(message, tenant_id=tenant_id, now=now, field=field)
        if not admission().reach.covers_tenant(present.tenant_id):
            # as when it is applied: whose it is is not said
            raise AlreadyExistsError(
                f"layer {layer_id}: the name is taken; choose another, or leave the layer's tenant as it is",
                reason="LAYER_EXISTS",
            )
        made = layer_record(message, tenant_id=present.tenant_id, now=now, field=field)
        return replace(made, create_time=present.create_time)

    async def _check_seen(self, layer_id: str) -> None:
        present = await self._store.get_layer(layer_id)
        if not admission().reach.covers_tenant(present.tenant_id):
            raise hidden("configLayers", layer_id)


def _plan(
    request: config_service_pb2.ApplyConfigLayerRequest
    | config_service_pb2.DeleteConfigLayerRequest
    | config_service_pb2.RollbackConfigLayerRequest,
) -> RolloutPlan | None:
    return plan_record(request.plan, field="plan") if request.HasField("plan") else None
