"""The command line's large requests: the door takes little of a connection that has not logged in."""

from tests.link.manager_api.peer import LocalManager, layer
from wayside.v1 import config_service_pb2
from wayside_manager.cli.client import connected
from wayside_manager.cli.context import read_context

AT_ONCE_S = 5.0  # at the pace of who has not logged in it takes 11 s


async def test_the_first_call_of_a_command_may_be_large(manager: LocalManager) -> None:
    large = layer()
    large.selector.all_nodes = False
    large.selector.nodes.extend(f"nodes/{'n' * 57}{index:06}" for index in range(10_000))
    request = config_service_pb2.ApplyConfigLayerRequest(config_layer=large)
    assert request.ByteSize() > 700_000
    async with connected(read_context(manager.folder.operator / "context.toml")) as client:
        answer = await client.call(client.config.ApplyConfigLayer, request, timeout_s=AT_ONCE_S)
    assert len(answer.config_layer.selector.nodes) == 10_000
