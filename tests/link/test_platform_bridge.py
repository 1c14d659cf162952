"""A roadside unit and a platform of T/ITS 0117 at a real broker."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.link.conftest import Mosquitto
from tests.link.platform_centre import centre, platform, running, settings, until
from tests.unit.test_platform_codec import BSM, MAP
from wayside.errors import InvalidArgumentError, ResourceExhaustedError
from wayside.v1 import job_pb2
from wayside.v1.platform_pb2 import PlatformMessage
from wayside.v2x.peek import MessageKind, message_kind
from wayside_agent.air.platform_bridges import MAX_PACKET_BYTES
from wayside_agent.cli.check import findings
from wayside_agent.core.platform.messages import UNKNOWN_LATITUDE_DEG
from wayside_agent.core.radio_recording import packet
from wayside_agent.v2x_platform_settings import PlatformSettings, UpSettings

pytestmark = pytest.mark.timeout(60)

CONVERSATION = json.loads((Path(__file__).parent / "platform_conversation.json").read_text(encoding="utf-8"))
MAP_DOWN = {"messages": [{"payload": MAP.hex()}], "seqNum": "8", "ack": True, "rsuEsn": "E1"}


@pytest.mark.parametrize("scene", CONVERSATION, ids=lambda scene: scene["name"])
async def test_a_recorded_conversation_goes_as_it_went(mosquitto: Mosquitto, scene: dict[str, Any]) -> None:
    unit = settings(city=platform(mosquitto, ack_timeout_s=60, allow=tuple(scene["allow"])))
    async with centre(mosquitto) as city, running(unit) as rsu:
        await city.hears("INFO/UP")
        for step in scene["steps"]:
            if "down" in step:
                await city.says(step["down"], step["document"])
            else:
                await city.hears(step["up"], **step["document"])
        await until(lambda: scene["counts"].items() <= rsu.counts().items())
        assert [[kind, message.hex()] for kind, message, _ in rsu.air.kept] == scene["broadcast"]


async def test_a_unit_says_who_and_how_it_is(mosquitto: Mosquitto) -> None:
    unit = settings(city=platform(mosquitto, up=(UpSettings(kind="BSM"),), heartbeat_period_s=1))
    async with centre(mosquitto) as city, running(unit):
        info = await city.hears("INFO/UP")
        assert (info["rsuId"], info["rsuEsn"], info["rsuName"], info["version"]) == ("rsu-1", "E1", "rsu-1", "1.4.0")
        assert info["config"] == {"bsmConfig": {"sampleMode": "ByAll", "sampleRate": 1, "upLimit": 10}}
        assert (await city.hears("BaseINFO/UP"))["SoftwareVersion"] == "1.4.0"
        assert (await city.hears("OTA/UP"))["phase"] == "IDLE"
        first = await city.hears("HB/UP")
        assert (await city.hears("RunningInfo/UP"))["runningInfo"] == {
            "cpu": {"uti": 25.0},
            "mem": {"total": 1000, "used": 300},
            "disk": {},
            "temperature": 41.5,
        }
        assert (await city.hears("HB/UP"))["timestamp"] > first["timestamp"]


@pytest.mark.parametrize("codec", ["json", "binary", "protobuf"])
async def test_what_is_heard_goes_up_as_the_platform_reads_it(mosquitto: Mosquitto, codec: str) -> None:
    up = (UpSettings(kind="BSM", limit_per_s=None),)
    unit = settings(city=platform(mosquitto, codec=codec, up=up, rsu_id="uid_i123"))
    async with centre(mosquitto) as city, running(unit):
        payload = await city.raw("BSM/UP")
    if codec == "json":
        messages = [bytes.fromhex(each["payload"]) for each in json.loads(payload)["messages"]]
    elif codec == "binary":
        found = packet(payload, has_count=True)
        messages = list(found.messages)
        assert found.rsu_id == b"uid_i123"
    else:
        messages = [each.payload for each in PlatformMessage.FromString(payload).frames.frames]
    assert messages
    assert {message_kind(each) for each in messages} == {MessageKind.BSM}


async def test_what_the_unit_itself_broadcasts_goes_up_and_is_acknowledged(mosquitto: Mosquitto) -> None:
    up = (UpSettings(kind="MAP", origin="own"), UpSettings(kind="BSM", origin="own"))
    unit = settings(city=platform(mosquitto, up=up, ack_timeout_s=0.1))
    async with centre(mosquitto) as city, running(unit) as rsu:
        located = await city.hears("INFO/UP", rsuStatus=0)
        assert located["location"]["lat"] != UNKNOWN_LATITUDE_DEG
        await rsu.voice.send(MAP, application_id=3618)
        sent = await city.hears("MAP/UP", ack=True)
        assert [each["payload"] for each in sent["messages"]] == [MAP.hex()]
        assert await city.hears("MAP/UP", seqNum=sent["seqNum"]) == sent
        await city.says("MAP/UP/ACK", {"seqNum": sent["seqNum"], "errorCode": 0})
        await rsu.voice.send(BSM, application_id=111)
        assert [each["payload"] for each in (await city.hears("BSM/UP"))["messages"]] == [BSM.hex()]


async def test_what_is_not_acknowledged_is_sent_again_with_its_number_until_it_is(mosquitto: Mosquitto) -> None:
    """OpenV2X asks for acknowledgements and never tries again."""
    unit = settings(city=platform(mosquitto, ack_timeout_s=0.1))
    async with centre(mosquitto) as city, running(unit) as rsu:
        first = await city.hears("INFO/UP")
        assert await city.hears("INFO/UP", seqNum=first["seqNum"]) == first
        await city.says("INFO/UP/ACK", {"seqNum": str(first["seqNum"]), "errorCode": 0})
        await until(lambda: rsu.counts()["sent_count"] >= 5)
        assert rsu.counts()["unacknowledged_count"] == 0


async def test_what_a_platform_does_not_take_is_counted_and_not_sent_again(mosquitto: Mosquitto) -> None:
    unit = settings(city=platform(mosquitto, ack_timeout_s=60))
    async with centre(mosquitto) as city, running(unit) as rsu:
        sent = await city.hears("INFO/UP")
        for _ in range(2):
            await city.says("INFO/UP/ACK", {"seqNum": sent["seqNum"], "errorCode": 1, "errorDesc": "who are you?"})
        await until(lambda: rsu.counts()["rejected_count"] == 1)
        assert rsu.counts()["malformed_count"] == 0


async def test_a_command_that_comes_again_is_answered_again_and_not_done_again(mosquitto: Mosquitto) -> None:
    unit = settings(city=platform(mosquitto, allow=("map",)))
    async with centre(mosquitto) as city, running(unit) as rsu:
        await city.hears("INFO/UP")
        for at in (1, 2, 3):
            await city.says("MAP/DOWN", {**MAP_DOWN, "timestamp": at})
            assert (await city.hears("MAP/DOWN/ACK"))["errorCode"] == 0
        assert rsu.air.kept == [(MessageKind.MAP, MAP, "platform:city")]
        assert rsu.counts()["repeated_count"] == 2


async def test_what_could_not_be_done_now_can_be_asked_again(mosquitto: Mosquitto) -> None:
    unit = settings(city=platform(mosquitto, allow=("map",)))
    async with centre(mosquitto) as city, running(unit) as rsu:
        rsu.air.errors.append(ResourceExhaustedError("the store is full"))
        await city.hears("INFO/UP")
        await city.says("MAP/DOWN", MAP_DOWN)
        refused = await city.hears("MAP/DOWN/ACK")
        assert (refused["seqNum"], refused["errorCode"], refused["errorDesc"]) == ("8", 2, "FAILED: the store is full")
        await city.says("MAP/DOWN", MAP_DOWN)
        assert (await city.hears("MAP/DOWN/ACK"))["errorCode"] == 0


async def test_a_unit_that_broadcasts_nothing_of_others_says_so(mosquitto: Mosquitto) -> None:
    unit = settings(city=platform(mosquitto, allow=("map",)))
    async with centre(mosquitto) as city, running(unit, has_air=False):
        await city.hears("INFO/UP")
        await city.says("MAP/DOWN", MAP_DOWN)
        assert (await city.hears("MAP/DOWN/ACK"))["errorDesc"].startswith("NO_BROADCAST: ")


async def test_two_units_at_a_broker_each_have_their_own(mosquitto: Mosquitto) -> None:
    """OpenV2X files every SPAT under the unit whose id stands in a literal."""
    first = settings(city=platform(mosquitto, allow=("map",)))
    second = settings("rsu-2", "E2", city=platform(mosquitto, allow=("map",)))
    async with centre(mosquitto) as city, running(first) as ours, running(second) as theirs:
        await city.hears("INFO/UP")
        await until(lambda: theirs.counts()["is_reached"])
        await city.says("MAP/DOWN", MAP_DOWN)
        await city.hears("MAP/DOWN/ACK", rsuId="rsu-1")
        assert (len(ours.air.kept), theirs.counts()["commands_count"]) == (1, 0)


async def test_a_message_that_names_another_unit_is_not_taken(mosquitto: Mosquitto) -> None:
    unit = settings(city=platform(mosquitto, allow=("map",)))
    async with centre(mosquitto) as city, running(unit) as rsu:
        await city.hears("INFO/UP")
        for ids in ({"rsuEsn": "E2"}, {"rsuId": "rsu-2"}, {"rsuId": "rsu-2", "rsuEsn": "E1"}):
            await city.says("MAP/DOWN", {**MAP_DOWN, **ids})
        await until(lambda: rsu.counts()["foreign_count"] == 3)
        assert (rsu.air.kept, rsu.counts()["commands_count"]) == ([], 0)


async def test_by_a_shared_topic_a_message_must_name_its_unit(mosquitto: Mosquitto) -> None:
    topics = {"MAP.DOWN": "V2X.RSU.MAP.DOWN"}
    unit = settings(
        city=platform(mosquitto, topic="V2X.RSU.{rsu_id}.{message}", delimiter=".", topics=topics, allow=("map",))
    )
    async with centre(mosquitto, listens="none") as city, running(unit) as rsu:
        await until(lambda: rsu.counts()["is_reached"])
        shared = "V2X.RSU.MAP.DOWN"
        await city.says_by(shared, {"messages": [{"payload": MAP.hex()}]})
        await city.says_by(shared, {"messages": [{"payload": MAP.hex()}], "rsuEsn": "E2"})
        await until(lambda: rsu.counts()["foreign_count"] == 2)
        await city.says_by(shared, {"messages": [{"payload": MAP.hex()}], "rsuEsn": "E1"})
        await until(lambda: rsu.air.kept)


async def test_a_command_the_broker_kept_is_not_obeyed(mosquitto: Mosquitto) -> None:
    unit = settings(city=platform(mosquitto, allow=("reboot", "map")))
    async with centre(mosquitto) as city:
        await city.says("MNG/DOWN", {"reboot": 1, "seqNum": 3}, retain=True)
        await city.says("MAP/DOWN", MAP_DOWN, retain=True)
        async with running(unit) as rsu:
            assert (await city.hears("MNG/DOWN/ACK"))["errorDesc"].startswith("RETAINED: ")
            await until(lambda: rsu.air.kept)
            assert rsu.jobs == []


async def test_a_restart_is_a_job_of_the_unit_that_is_done_once(mosquitto: Mosquitto) -> None:
    unit = settings(city=platform(mosquitto, allow=("reboot",)))
    names = set()
    for _ in range(2):  # the second time it has just been started again
        async with centre(mosquitto) as city, running(unit) as rsu:
            await city.hears("INFO/UP")
            await city.says("MNG/DOWN", {"reboot": 1, "seqNum": 3, "ack": True})
            assert (await city.hears("MNG/DOWN/ACK"))["errorCode"] == 0
            (job,) = rsu.jobs
            assert job.spec.WhichOneof("work") == "reboot"
            names.add(job.job)
    assert len(names) == 1


async def test_a_restart_waits_for_the_road_and_for_the_time(mosquitto: Mosquitto) -> None:
    unit = settings(city=platform(mosquitto, allow=("reboot",)))
    async with centre(mosquitto) as city, running(unit) as rsu:
        await city.hears("INFO/UP")
        rsu.event.append("accident ahead")
        await city.says("MNG/DOWN", {"reboot": 1, "seqNum": 3})
        answer = await city.hears("MNG/DOWN/ACK")
        assert (answer["errorCode"], answer["errorDesc"]) == (2, "FAILED: a road event is on air: accident ahead")
    async with centre(mosquitto) as city, running(unit, utc_s=lambda: None) as rsu:
        assert "timestamp" not in await city.hears("INFO/UP")
        await city.says("MNG/DOWN", {"reboot": 1, "seqNum": 3})
        assert (await city.hears("MNG/DOWN/ACK"))["errorCode"] == 2
        assert rsu.jobs == []


async def test_the_log_goes_up_when_it_is_asked_for_and_allowed(
    mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    unit = settings(city=platform(mosquitto, allow=("log",)))
    async with centre(mosquitto) as city, running(unit):
        await city.hears("INFO/UP")
        await city.says("MNG/DOWN", {"logLevel": "INFO", "seqNum": 3})
        log = await city.hears("Log/UP")
        assert log["logLevel"] == "INFO"
        assert any("Platform city is reached" in line for line in log["logs"])


async def test_a_platform_can_have_less(mosquitto: Mosquitto) -> None:
    unit = settings(city=platform(mosquitto, up=(UpSettings(kind="BSM"),), allow=("sampling",)))
    async with centre(mosquitto) as city, running(unit):
        await city.raw("BSM/UP")
        await city.says("CONFIG/DOWN", {"bsmConfig": {"upLimit": 0}, "seqNum": 1, "ack": True})
        assert (await city.hears("CONFIG/DOWN/ACK"))["errorCode"] == 0
        told = await city.hears("INFO/UP", rsuStatus=0)
        while told["config"]["bsmConfig"]["upLimit"]:
            told = await city.hears("INFO/UP", rsuStatus=0)


async def test_two_platforms_at_once_do_not_know_of_each_other(mosquitto: Mosquitto) -> None:
    province = platform(mosquitto, topic="province/{rsu_id}/{message}", codec="protobuf", allow=("map",))
    unit = settings(city=platform(mosquitto), province=province)
    async with centre(mosquitto, listens="#") as city, running(unit) as rsu:
        await until(lambda: rsu.counts()["is_reached"] and rsu.counts("province")["is_reached"])
        await city.says("MAP/DOWN", MAP_DOWN)
        assert (await city.hears("MAP/DOWN/ACK"))["errorDesc"].startswith("NOT_ALLOWED: ")
        down = PlatformMessage(sequence=5, wants_ack=True)
        down.frames.profile = "p20"
        down.frames.frames.add(payload=MAP)
        await city.says_by("province/rsu-1/MAP/DOWN", down.SerializeToString())
        await until(lambda: rsu.air.kept)
        assert rsu.air.kept == [(MessageKind.MAP, MAP, "platform:province")]


async def test_a_broker_that_comes_back_finds_who_the_unit_is_and_what_it_heard_last(mosquitto: Mosquitto) -> None:
    unit = settings(city=platform(mosquitto, up=(UpSettings(kind="BSM", limit_per_s=None),)))
    mosquitto.stop()
    async with running(unit) as rsu:
        await until(lambda: "retrying by itself" in rsu.counts()["fault"])
        await asyncio.to_thread(mosquitto.start)
        async with centre(mosquitto) as city:
            await until(lambda: rsu.counts()["is_reached"])
            await city.raw("BSM/UP")


async def test_a_broker_is_told_how_long_a_message_may_be(mosquitto: Mosquitto) -> None:
    unit = settings(city=platform(mosquitto), old=platform(mosquitto, mqtt_version="3.1.1", client_id="old"))
    async with centre(mosquitto) as city, running(unit) as rsu:
        await until(lambda: rsu.counts()["is_reached"] and rsu.counts("old")["is_reached"])
        await city.says("MAP/DOWN", b" " * (MAX_PACKET_BYTES + 1))
        assert (await city.hears("MAP/DOWN/ACK"))["errorDesc"].startswith("TOO_LARGE: ")
        await city.says("MAP/DOWN", MAP_DOWN)
        await until(lambda: rsu.counts()["commands_count"] and rsu.counts("old")["commands_count"])
        assert (rsu.counts()["malformed_count"], rsu.counts("old")["malformed_count"]) == (0, 1)


async def test_who_wants_an_update_is_told_that_the_managers_people_decide_and_they_are_told(
    mosquitto: Mosquitto,
) -> None:
    unit = settings(city=platform(mosquitto, allow=("update",)))
    async with centre(mosquitto) as city, running(unit) as rsu:
        await city.hears("INFO/UP")
        for _ in range(2):  # the second is the first once more
            await city.says("OTA/DOWN", {"seqNum": 9, "url": "http://elsewhere/image"})
            answer = await city.hears("OTA/DOWN/ACK", seqNum=9, errorCode=2)
            assert answer["errorDesc"].startswith("PASSED_ON: ")
        [report] = rsu.told
    assert report.job.job.startswith("jobs/platform-city-")
    assert report.job.state == job_pb2.Job.STATE_REFUSED
    assert report.job.message == "platform city wants an update (seqNum 9); create a rollout, or leave it"


async def test_a_wish_that_the_disk_did_not_take_may_be_said_again(mosquitto: Mosquitto) -> None:
    unit = settings(city=platform(mosquitto, allow=("update",)))
    async with centre(mosquitto) as city, running(unit, takes_reports=False):
        await city.hears("INFO/UP")
        await city.says("OTA/DOWN", {"seqNum": 9})
        assert (await city.hears("OTA/DOWN/ACK", errorCode=2))["errorDesc"].startswith("FAILED: ")


async def test_telemetry_tells_whether_a_platform_is_reached(mosquitto: Mosquitto) -> None:
    async with centre(mosquitto) as city, running(settings(city=platform(mosquitto))) as rsu:
        assert rsu.made["city"].figures()["v2x.platform.city.reached"] == (0.0, "")
        await city.hears("INFO/UP")
        await city.says("OTA/DOWN", {"seqNum": 1})
        await city.hears("OTA/DOWN/ACK")
        figures = rsu.made["city"].figures()
        assert figures["v2x.platform.city.reached"] == (1.0, "")
        assert figures["v2x.platform.city.refused_count"] == (1.0, "")


@pytest.mark.parametrize("payload", [b"{", b" " * 200_000], ids=["messages", "bytes"])
async def test_a_flood_is_not_looked_into(mosquitto: Mosquitto, payload: bytes) -> None:
    unit = settings(city=platform(mosquitto, allow=("map",)))
    async with centre(mosquitto) as city, running(unit) as rsu:
        await city.hears("INFO/UP")
        while not rsu.counts()["flooded_count"]:
            async with asyncio.TaskGroup() as group:
                for _ in range(10):
                    group.create_task(city.says("MAP/DOWN", payload))
        assert rsu.air.kept == []


async def test_a_check_tries_every_platform_beside_a_running_agent(mosquitto: Mosquitto) -> None:
    gone = PlatformSettings(host="127.0.0.1", port=1, tls=False)
    unit = settings(city=platform(mosquitto), gone=gone)
    async with running(unit) as rsu:
        await until(lambda: rsu.counts()["is_reached"])
        found = {each.message.partition(":")[0]: each for each in await findings(unit)}
        assert found["platform city"].message == "platform city: answers"
        assert found["platform gone"].message.startswith("platform gone: not reachable now (")
        assert rsu.counts()["is_reached"]
    wrong = await findings(settings(city=platform(mosquitto, codec="binary")))
    assert [each for each in wrong if "rsu_id 'rsu-1' has not 8" in each.message and not each.is_ok]


@pytest.mark.parametrize(
    ("fields", "kind", "said"),
    [
        ({"codec": "binary"}, "rsu", r"field v2x\.platforms\.city: rsu_id 'rsu-1' has not 8"),
        ({"rsu_id": "a/b"}, "rsu", r"field v2x\.platforms\.city: id 'a/b' cannot stand in a topic"),
        ({}, "obu", r"field v2x\.platforms: only an RSU"),
    ],
    ids=["binary", "id", "obu"],
)
async def test_settings_that_cannot_work_are_refused_at_load(fields: dict[str, Any], kind: str, said: str) -> None:
    unit = settings(city=PlatformSettings(host="127.0.0.1", port=1, **fields))
    changed = replace(unit, node=replace(unit.node, kind=kind))
    with pytest.raises(InvalidArgumentError, match=said):
        async with running(changed):
            pass


def test_the_samples_are_what_they_are_called() -> None:
    assert (message_kind(BSM), message_kind(MAP)) == (MessageKind.BSM, MessageKind.MAP)
