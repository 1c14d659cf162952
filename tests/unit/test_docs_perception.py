"""docs/v2x-perception.md tells every field of a sensor's document, and its examples are good ones."""

import re
import tomllib
from pathlib import Path

import msgspec

from wayside.v1.perception_pb2 import PerceivedClass, PerceivedObject, PerceptionDocument, PerceptionSource
from wayside_agent.core.perception.document import ObjectClass, SeenObject, Source, read_json
from wayside_agent.link.perception_protobuf import read_protobuf
from wayside_agent.v2x_settings import V2xSettings

GUIDE = (Path(__file__).parents[2] / "docs" / "v2x-perception.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def test_the_examples_of_the_settings_are_valid() -> None:
    first, second = (msgspec.convert(tomllib.loads(each)["v2x"], V2xSettings).perception for each in blocks("toml"))
    assert first is not None
    assert (list(first.sensors), first.messages) == (["north-radar"], ("rsm",))
    assert second is not None
    assert second.messages == ("rsm", "ssm")


def test_the_example_of_a_document_is_taken_whole() -> None:
    (example,) = blocks("json")
    found = read_json(example.encode())
    assert (len(found.objects), found.refusals) == (2, ())


def test_the_guide_names_every_field_class_and_source() -> None:
    rows = GUIDE.partition("| field of an object |")[2].partition("\n\n")[0]
    told = set(re.findall(r"`([a-z0-9_-]+)`", rows))
    fields = {each.encode_name for each in msgspec.structs.fields(SeenObject)}
    assert told == fields | set(ObjectClass) | set(Source)


def test_protobuf_has_the_same_fields() -> None:
    fields = {each.name for each in PerceivedObject.DESCRIPTOR.fields} - {"object_class"} | {"class"}
    assert fields == {each.encode_name for each in msgspec.structs.fields(SeenObject)}


def word(name: str, prefix: str) -> str:
    """A name of protobuf as the document has it."""
    short = name.removeprefix(prefix)
    return "unknown" if short == "UNSPECIFIED" else short.lower()


def test_protobuf_has_the_same_classes_and_sources() -> None:
    document = PerceptionDocument(time_ms=1, sensor_id="north")
    for number in PerceivedClass.values():
        document.objects.add(
            tracking_id=str(number), x_m=1.0, y_m=2.0, object_class=number, sources=PerceptionSource.values()
        )
    found = read_protobuf(document.SerializeToString())
    assert found.refusals == ()
    classes = [word(each, "PERCEIVED_CLASS_").replace("_", "-") for each, _ in PerceivedClass.items()]
    assert [each.kind for each in found.objects] == classes
    assert set(classes) == set(ObjectClass)
    sources = [word(each, "PERCEPTION_SOURCE_") for each, _ in PerceptionSource.items()]
    assert list(found.objects[0].sources) == sources
    assert set(sources) == set(Source)
