"""What the compiler of our ASN.1 modules reads, and what it refuses rather than make wrong bits of it."""

from pathlib import Path

import pytest

from uper_compiler.grammar import read
from uper_compiler.model import CompileError, ObjectSet, Reference, Unstated

CLASS = "KIND ::= CLASS { &id INTEGER (0..9) UNIQUE, &Type } WITH SYNTAX { &Type IDENTIFIED BY &id }"


def module(tmp_path: Path, text: str) -> list[Path]:
    (tmp_path / "Some.asn").write_text(f"Some DEFINITIONS AUTOMATIC TAGS ::= BEGIN\n{text}\nEND\n")
    return [tmp_path]


def test_a_set_of_objects_says_which_type_has_which_number(tmp_path: Path) -> None:
    kinds = "Kinds KIND ::= { {One IDENTIFIED BY 1} | {Two IDENTIFIED BY 7}, ... }"
    types = read(module(tmp_path, f"{CLASS}\n{kinds}\nOne ::= NULL\nTwo ::= NULL"))
    assert types["Kinds"] == ObjectSet(((1, Reference("One")), (7, Reference("Two"))))
    assert (types["One"], "KIND" in types) == (Unstated(), False)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("A ::= SEQUENCE (SIZE(1..65536)) OF B", "Some.asn: a size of 65536 comes in fragments, which are not read"),
        ("A ::= OCTET STRING (SIZE(0..70000))", "Some.asn: a size of 70000 comes in fragments, which are not read"),
        ("A ::= INTEGER (5..1)", "Some.asn: there is nothing between 5 and 1"),
        ("A ::= number", "Some.asn: number is no type"),
        ("A ::= SEQUENCE { a BOOLEAN, ..., b BOOLEAN }", "Some.asn: additions of a SEQUENCE are not read yet: b"),
        (f"{CLASS} A KIND ::= {{ {{B IDENTIFIED BY 1}} | {{C IDENTIFIED BY 1}}, ... }}", "Some.asn: 1 names two types"),
        (f"{CLASS} A KIND ::= {{ {{B IDENTIFIED BY 1}} }}", "Some.asn: , is missing before }"),
    ],
    ids=["list", "bytes", "range", "type", "addition", "number", "closed"],
)
def test_what_it_would_make_wrong_bits_of_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(CompileError) as caught:
        read(module(tmp_path, text))
    assert str(caught.value).startswith(sentence)
