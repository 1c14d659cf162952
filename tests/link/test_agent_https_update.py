"""A release over real HTTPS through the update of a unit: every life of its process goes on at the byte on the disk."""

from dataclasses import replace
from pathlib import Path
from random import Random

from tests.contract.sink_servers import made_tls
from tests.contract.update_unit import NEW, EndedError, Unit, target_of
from tests.link.https_place import static_server
from wayside_agent.core.update import Phase, UpdateStatus
from wayside_agent.link.https import HttpsPlace


async def test_a_download_goes_on_at_any_byte_across_restarts_and_servers(tmp_path: Path) -> None:
    tls = made_tls(tmp_path / "tls")
    chance = Random(6)  # noqa: S311  # repeatable cuts, no secrets
    cuts = [1, 2, 4095, *(chance.randrange(1, 9000) for _ in range(5))]
    unit = Unit(tmp_path / "unit")
    unit.root.mkdir()
    unit.places = {"https": HttpsPlace(str(tls.ca))}
    unit.manager.cut_after = [0] * 1000  # the manager brings nothing
    async with static_server(tls, NEW) as first, static_server(tls, NEW) as second:
        target, done = target_of(NEW, "1.2.0"), 0
        for each, server in zip(cuts, (first, second) * 4, strict=True):
            server.die_after = [each]
            target = replace(target, urls=(server.url,))
            done += each

            def is_there(status: UpdateStatus, size: int = done) -> bool:
                return status.downloaded_bytes == size

            unit.until = is_there
            try:
                await unit.start(target)
            except EndedError:
                continue
        unit.manager.offsets.clear()
        assert (await unit.ended(target, Phase.STAGED)).phase is Phase.STAGED
        asked = sorted(offset for _, offset in first.asked + second.asked)
    assert asked == [sum(cuts[:count]) for count in range(len(cuts) + 1)]
    assert unit.manager.offsets == []
