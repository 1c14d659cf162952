"""ConfigService: layers go in, one configuration per node comes out, and every node proves it.

This is the half about nodes; layers are in `config_layers`. Usage: `ConfigService(store, bus, now=now)`.
"""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from datetime import timedelta

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.names import node_id
from wayside.v1 import config_service_pb2
from wayside_manager.api.config_layers import ConfigLayerCalls
from wayside_manager.api.config_messages import trial, trial_timeout
from wayside_manager.api.config_views import (
    drift_message,
    explanation_message,
    node_revision_message,
    state_message,
)
from wayside_manager.api.identity import admission
from wayside_manager.api.node_messages import selector
from wayside_manager.api.scopes import Context
from wayside_manager.core.missing import hidden
from wayside_manager.core.nodes import ConfigDecision
from wayside_manager.ports.wakeups import Topic

PATH_MAX_CHARS = 1_000
VERSION_MAX_CHARS = 80


class ConfigService(ConfigLayerCalls):
    """Configuration of nodes."""

    async def GetNodeConfig(
        self, request: config_service_pb2.GetNodeConfigRequest, context: Context
    ) -> config_service_pb2.GetNodeConfigResponse:
        """A configuration of one node, and where it stands."""
        if request.revision < 0:
            raise InvalidArgumentError(
                f"revision: {request.revision} is negative; name one, or 0 for what the layers ask for",
                reason="REVISION_INVALID",
            )
        state = await self._store.node_config_state(node_id(request.node, field="node"), revision=request.revision)
        return state_message(state)

    async def ListNodeConfigs(
        self, request: config_service_pb2.ListNodeConfigsRequest, context: Context
    ) -> config_service_pb2.ListNodeConfigsResponse:
        """The configurations of one node."""
        page = await self._store.list_node_configs(
            node_id(request.node, field="node"), page_size=request.page_size, page_token=request.page_token
        )
        return config_service_pb2.ListNodeConfigsResponse(
            configs=map(node_revision_message, page.items), next_page_token=page.next_page_token
        )

    async def ExplainNodeConfig(
        self, request: config_service_pb2.ExplainNodeConfigRequest, context: Context
    ) -> config_service_pb2.ExplainNodeConfigResponse:
        """Where values come from."""
        explained = node_id(request.node, field="node")
        return explanation_message(await self._store.explain_node_config(explained, _path(request.path)))

    async def ListConfigDrift(
        self, request: config_service_pb2.ListConfigDriftRequest, context: Context
    ) -> config_service_pb2.ListConfigDriftResponse:
        """Nodes that run something else than they should."""
        page = await self._store.list_drift(
            reach=admission().reach,
            selector=selector(request.selector, field="selector") if request.HasField("selector") else None,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return config_service_pb2.ListConfigDriftResponse(
            drifts=map(drift_message, page.items), next_page_token=page.next_page_token
        )

    async def ExtendConfigTrial(
        self, request: config_service_pb2.ExtendConfigTrialRequest, context: Context
    ) -> config_service_pb2.ExtendConfigTrialResponse:
        """Gives a trial more time."""
        await self._decide(request.node, request.trial, longest=trial_timeout(request.timeout))
        return config_service_pb2.ExtendConfigTrialResponse()

    async def ConfirmConfigTrial(
        self, request: config_service_pb2.ConfirmConfigTrialRequest, context: Context
    ) -> config_service_pb2.ConfirmConfigTrialResponse:
        """Makes a trial final."""
        await self._decide(request.node, request.trial, decision=ConfigDecision.CONFIRM)
        return config_service_pb2.ConfirmConfigTrialResponse()

    async def CancelConfigTrial(
        self, request: config_service_pb2.CancelConfigTrialRequest, context: Context
    ) -> config_service_pb2.CancelConfigTrialResponse:
        """Ends a trial."""
        await self._decide(request.node, request.trial, decision=ConfigDecision.CANCEL)
        return config_service_pb2.CancelConfigTrialResponse()

    async def GetConfigSchema(
        self, request: config_service_pb2.GetConfigSchemaRequest, context: Context
    ) -> config_service_pb2.GetConfigSchemaResponse:
        """The schema of a version."""
        if len(request.version) > VERSION_MAX_CHARS or not request.version.isprintable():
            raise InvalidArgumentError(
                f"version: {request.version[:VERSION_MAX_CHARS]!r} is not a version as nodes report it",
                reason="VERSION_INVALID",
            )
        await self._check_seen_version(request.version)
        schema_json, version = await self._store.find_config_schema(request.version)
        return config_service_pb2.GetConfigSchemaResponse(schema_json=schema_json, version=version)

    async def _check_seen_version(self, version: str) -> None:
        """A schema that a release publishes is for those who may see the release."""
        try:
            release = await self._store.get_release(version)
        except NotFoundError:
            return
        if not admission().reach.uses_releases_of(release.tenant_id):
            raise hidden("configSchemas", version)

    async def _decide(
        self, name: str, trial_id: str, *, decision: ConfigDecision | None = None, longest: timedelta | None = None
    ) -> None:
        decided_id = node_id(name, field="node")
        is_changed = await self._store.decide_trial(
            decided_id, trial(trial_id), now=self._now(), decision=decision, timeout=longest
        )
        if is_changed:
            await self._bus.publish(Topic.DESIRED, (decided_id,))
            await self._bus.publish(Topic.NODE, (decided_id,))


def _path(text: str) -> str:
    if len(text) > PATH_MAX_CHARS or not text.isprintable():
        raise InvalidArgumentError(
            f"path: give names joined by dots, at most {PATH_MAX_CHARS} characters", reason="PATH_INVALID"
        )
    return text
