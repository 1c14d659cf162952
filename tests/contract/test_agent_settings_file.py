"""Where a mistake in a settings file is, and what no parser should choke on."""

from pathlib import Path

import msgspec
import pytest

from wayside.errors import InvalidArgumentError
from wayside.settings_file import decoded, read


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    size: int = 0


class Bus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    inner: Inner = Inner()
    more: tuple[Inner, ...] = ()


class Root(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    size: int = 0
    bus: tuple[Bus, ...] = ()
    inner: Inner = Inner()


def mistake(text: str) -> str:
    with pytest.raises(InvalidArgumentError) as caught:
        decoded(text, Root, source="x.toml")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("x.toml")
    return message


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        ("size = 'a'", 1, "size"),
        ("# size = 1\n\n  size = 'a'", 3, "size"),
        ("[inner]\nsize = 'a'", 2, "inner.size"),
        ("[ inner ]\n'size' = 'a'", 2, "inner.size"),
        ('["inner"]\n"size" = \'a\'', 2, "inner.size"),
        ("inner.size = 'a'", 1, "inner.size"),
        ("inner . size = 'a'", 1, "inner.size"),
        ("size = 1\ninner = { size = 'a' }", 2, "inner.size"),
        ("[inner]\nsize = 1\ncolour = 2", 3, "inner.colour"),
        ("[[bus]]\nname = 'a'\n[[bus]]\nname = 2", 4, "bus[1].name"),
        ("[[bus]]\nname = 'a'\n\n[[bus]]\n", 4, "bus[1].name"),
        ("[[bus]]\nname = 'a'\n[[bus]]\nname = 'b'\n[bus.inner]\nsize = 'a'", 6, "bus[1].inner.size"),
        (
            "[[bus]]\nname = 'a'\n[bus.inner]\nsize = 1\n[[bus]]\nname = 'b'\ninner = {size = 'a'}",
            7,
            "bus[1].inner.size",
        ),
        (
            (
                "[[bus]]\nname = 'a'\n[[bus.more]]\nsize = 1\n"
                "[[bus]]\nname='b'\n[[bus.more]]\nsize=1\n[[bus.more]]\nsize='a'"
            ),
            10,
            "bus[1].more[1].size",
        ),
        ("bus = [\n  {name = 'a'},\n  {name = 2},\n]", 1, "bus[1].name"),
        ("size = 1\n[[bus]]\nname = 'a'\nmore = [{size = 1}, {size = 'a'}]", 4, "bus[0].more[1].size"),
    ],
)
def test_a_mistake_is_placed(text: str, line: int, field: str) -> None:
    assert mistake(text).startswith(f"x.toml: line {line}: field {field}: ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("size = 1\nsize = 2\n", "line 2"),
        ("[inner]\n[inner]", "line 2"),
        ("size = " + "[" * 100_000, "nest too deeply"),
        ("inner = " + "{a=" * 100_000, "nest too deeply"),
        ("size = " + "9" * 5000, "not valid TOML"),
        ("size = nan", "size"),
        ("\u202esize = 1", "line 1"),
        ('"si\\nze" = 1', "unknown field"),
        ('"\\u202e\U0001f600" = 1', "unknown field"),
        ("size = 2026-13-45", "not valid TOML"),
        ("\0", "line 1"),
    ],
)
def test_what_is_no_settings_file_is_one_sentence(text: str, words: str) -> None:
    assert words in mistake(text)


def test_a_byte_order_mark_and_a_huge_file_are_no_surprise(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("size = 3", encoding="utf-8-sig")
    assert read(path, Root).size == 3
    path.write_bytes(b"#" * 10_000_000)
    with pytest.raises(InvalidArgumentError, match="no settings file has"):
        read(path, Root)


def test_a_table_may_be_keyed_by_numbers() -> None:
    class Phases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        ids: dict[int, int]

    assert decoded("ids = { 2 = 21, 4 = 41 }", Phases, source="x.toml").ids == {2: 21, 4: 41}
