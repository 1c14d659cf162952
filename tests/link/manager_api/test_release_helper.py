"""What the manager sends is what the unit's helper agrees to and installs."""

import io
from pathlib import Path

from tests.link.manager_api.peer import LocalManager, Peer, Session
from tests.releases import archive
from wayside.v1 import node_pb2, node_service_pb2, release_service_pb2, rollout_service_pb2
from wayside_agent.core.installing import Agree, Agreed, Answer, Done, Install, Request, answered, encoded
from wayside_agent.update.helper import answer
from wayside_agent.update.place import Place

RELEASE = archive("1.1.0")


async def test_a_unit_agrees_to_what_the_manager_sends_and_installs_it(
    operator: Peer, manager: LocalManager, rsu_peer: Peer, tmp_path: Path
) -> None:
    release = (await operator.publish(RELEASE)).release
    await rolled_out(operator, rsu_peer)
    trust = (await operator.call(operator.release.GetReleaseTrust, release_service_pb2.GetReleaseTrustRequest())).trust
    sent = await rsu_peer.call(
        rsu_peer.node.FetchTrust, node_service_pb2.FetchTrustRequest(image_root_version=1, director_root_version=1)
    )
    put(tmp_path / "roots" / "image" / "root.json", trust.image_root)
    put(tmp_path / "roots" / "director" / "root.json", trust.director_root)
    for repository, files in (("image", sent.image), ("director", sent.director)):
        for file in files:
            put(tmp_path / "staged" / repository / file.name, file.content)
    put(tmp_path / "artifact", RELEASE)
    (tmp_path / "slots").mkdir()
    now_s = manager.clock().timestamp()
    agreed = asked(
        tmp_path,
        Agree(
            node="nodes/rsu-1",
            now_s=now_s,
            version="1.1.0",
            sha256=release.sha256,
            size_bytes=release.size_bytes,
            staged=str(tmp_path / "staged"),
        ),
    )
    assert isinstance(agreed, Agreed), agreed
    assert (agreed.counter, agreed.tree_sha256) == (release.counter, release.tree_sha256)
    install = Install(now_s=now_s, sha256=release.sha256, artifact=str(tmp_path / "artifact"), is_delta=False, slot="a")
    assert asked(tmp_path, install) == Done()


def asked(state: Path, request: Request) -> Answer:
    out = io.BytesIO()
    answer(Place(state), io.BytesIO(encoded(request)), out)
    return answered(out.getvalue().splitlines()[-1])


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


async def rolled_out(operator: Peer, peer: Peer) -> None:
    """Makes 1.1.0 what the node should run."""
    session = await Session(peer).opened()
    await session.report(1)
    chosen = node_pb2.NodeSelector(nodes=["nodes/rsu-1"])
    request = rollout_service_pb2.CreateRolloutRequest(release="releases/1.1.0", selector=chosen)
    await operator.call(operator.rollout.CreateRollout, request)
    while not (await session.until("desired_state")).HasField("release"):
        pass
    session.call.cancel()
