"""What the helper agrees to, and what it refuses and why. Every case is a request through its door."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from tests.contract.helper_door import HARDWARE, NODE, Unit
from tests.releases import archive
from tests.signed_repository import NOW, SHORT
from wayside_agent.core.installing import Agreed, Failed, Refused

RELEASE = archive("1.1.0")


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    made = Unit(tmp_path)
    made.order(RELEASE)
    return made


def test_what_both_repositories_say_is_an_agreement(unit: Unit) -> None:
    agreed = unit.agreed()
    assert (agreed.version, agreed.sha256, agreed.size_bytes) == ("1.1.0", unit.sha256(), len(RELEASE))
    assert agreed.counter == 1_001_000
    assert agreed.end_s == (NOW + SHORT).timestamp()


def test_asking_again_is_agreed_again(unit: Unit) -> None:
    assert unit.agreed() == unit.agreed()


def test_a_unit_without_roots_refuses(unit: Unit) -> None:
    (unit.state / "roots" / "director" / "root.json").unlink()
    assert unit.refusal(unit.agree()) == "NO_ROOT"


def test_a_damaged_pinned_root_is_none(unit: Unit) -> None:
    (unit.state / "roots" / "image" / "root.json").write_bytes(b"{}")
    assert unit.refusal(unit.agree()) == "NO_ROOT"


def test_somebody_elses_root_is_no_way_in(unit: Unit, tmp_path: Path) -> None:
    other = Unit(tmp_path / "other")
    other.order(RELEASE)
    other.signed.stage(unit.staged)
    assert unit.refusal(unit.agree()) == "SIGNATURE"


def test_without_a_time_nothing_is_in_date(unit: Unit) -> None:
    unit.now_s = None
    assert unit.refusal(unit.agree()) == "TIME"


@pytest.mark.parametrize("days", [15, 366, 20_000])
def test_what_has_ended_is_refused(unit: Unit, days: int) -> None:
    unit.now_s = (NOW + timedelta(days=days)).timestamp()
    assert unit.refusal(unit.agree()) == "EXPIRED"


def test_a_clock_that_falls_back_brings_nothing_to_life(unit: Unit) -> None:
    unit.now_s = (NOW + timedelta(days=13)).timestamp()
    unit.agreed()
    for each in (unit.signed.image, unit.signed.director):
        each.timestamp.expires = NOW + timedelta(days=12)
        each.renew()
    unit.signed.stage(unit.staged)
    unit.now_s = 0.0
    assert unit.refusal(unit.agree()) == "EXPIRED"


def test_a_unit_that_was_away_for_two_months_catches_up(unit: Unit) -> None:
    unit.agreed()
    for each in (unit.signed.image, unit.signed.director):
        each.rotate()
        each.rotate()
        each.snapshot.expires = each.timestamp.expires = NOW + timedelta(days=70)
        each.renew()
    unit.now_s = (NOW + timedelta(days=60)).timestamp()
    unit.signed.stage(unit.staged)
    unit.agreed()


def test_one_signature_of_two_is_not_enough(unit: Unit) -> None:
    unit.signed.image.people.pop()
    unit.signed.image.renew()
    unit.signed.stage(unit.staged)
    assert unit.refusal(unit.agree()) == "SIGNATURE"


def test_one_person_who_signs_twice_is_one(unit: Unit) -> None:
    people = unit.signed.image.people
    people[1] = people[0]
    unit.signed.image.renew()
    unit.signed.stage(unit.staged)
    assert unit.refusal(unit.agree()) == "SIGNATURE"


@pytest.mark.parametrize("which", ["image", "director"])
@pytest.mark.parametrize("role", ["timestamp.json", "snapshot.json", "targets.json"])
def test_a_stripped_signature_is_refused(unit: Unit, which: str, role: str) -> None:
    repository = getattr(unit.signed, which)
    if role == "snapshot.json":  # the timestamp holds its hash, so the key is another one
        repository.online = CryptoSigner.generate_ed25519()
        repository.renew()
        signer = repository.online
        repository.root.revoke_key(next(iter(repository.root.roles["timestamp"].keyids)), "timestamp")
        repository.root.add_key(signer.public_key, "timestamp")
        repository.root.version += 1
        repository.sign_root()
        unit.signed.stage(unit.staged)
    else:
        unit.signed.stage(
            unit.staged, lambda name, content: stripped(content) if name.startswith(which) and role in name else content
        )
    assert unit.refusal(unit.agree()) == "SIGNATURE"


def stripped(content: bytes) -> bytes:
    from tuf.api.metadata import Metadata

    metadata = Metadata.from_bytes(content)
    metadata.signatures.clear()
    return metadata.to_bytes()


def test_a_revoked_key_signs_nothing(unit: Unit) -> None:
    image = unit.signed.image
    before = image.people
    image.rotate()
    image.people, after = before, image.people
    image.renew()
    unit.signed.stage(unit.staged)
    assert unit.refusal(unit.agree()) == "SIGNATURE"
    image.people = after
    image.renew()
    unit.signed.stage(unit.staged)
    unit.agreed()


def test_a_root_that_the_old_people_did_not_sign_is_refused(unit: Unit) -> None:
    image = unit.signed.image
    image.rotate()
    image.files["2.root.json"] = image.signed(image.root, list(image.people))
    unit.signed.stage(unit.staged)
    assert unit.refusal(unit.agree()) == "SIGNATURE"


@pytest.mark.parametrize("which", ["image", "director"])
def test_older_metadata_than_was_seen_is_refused(unit: Unit, which: str) -> None:
    repository = getattr(unit.signed, which)
    before = dict(repository.newest)
    repository.renew()
    unit.signed.stage(unit.staged)
    unit.agreed()
    for name, content in before.items():
        (unit.staged / which / name).write_bytes(content)
    assert unit.refusal(unit.agree()) == "ROLLBACK"


def test_an_older_root_under_a_newer_name_is_refused(unit: Unit) -> None:
    (unit.staged / "image" / "2.root.json").write_bytes(unit.signed.image.files["1.root.json"])
    assert unit.refusal(unit.agree()) == "ROLLBACK"


def test_older_targets_in_a_newer_snapshot_are_refused(unit: Unit) -> None:
    unit.agreed()
    image = unit.signed.image
    image.targets.version -= 1
    image.snapshot.version += 1
    image.timestamp.version += 1
    image.sign_others()
    unit.signed.stage(unit.staged)
    assert unit.refusal(unit.agree()) == "ROLLBACK"


def test_files_of_different_days_do_not_go_together(unit: Unit) -> None:
    image = unit.signed.image
    name = f"{image.snapshot.version}.snapshot.json"
    unit.signed.stage(unit.staged)
    image.snapshot.expires += timedelta(days=1)
    image.sign_others()
    (unit.staged / "image" / name).write_bytes(image.files[name])
    assert unit.refusal(unit.agree()) == "MIX_AND_MATCH"


def test_targets_of_another_version_do_not_go_with_the_snapshot(unit: Unit) -> None:
    image = unit.signed.image
    name = f"{image.targets.version}.targets.json"
    image.targets.version += 1
    (unit.staged / "image" / name).write_bytes(image.signed(image.targets, image.people))
    assert unit.refusal(unit.agree()) == "MIX_AND_MATCH"


BROKEN: dict[str, Callable[[bytes], bytes | None]] = {
    "nothing": lambda _: b"",
    "no JSON": lambda _: b"\xff\xfe",
    "a list": lambda _: b"[]",
    "an abyss": lambda _: b"[" * 100_000,
    "no metadata": lambda _: b'{"signed": {}, "signatures": []}',
    "half of it": lambda content: content[: len(content) // 2],
    "too much": lambda content: content + b" " * 3_000_000,
    "missing": lambda _: None,
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("role", ["timestamp.json", "targets.json"])
def test_what_is_no_metadata_is_refused(unit: Unit, role: str, how: str) -> None:
    unit.signed.stage(unit.staged, lambda name, content: BROKEN[how](content) if role in name else content)
    assert unit.refusal(unit.agree()) == "MALFORMED"


def test_a_link_or_a_pipe_is_no_metadata(unit: Unit) -> None:
    import os

    path = unit.staged / "director" / "timestamp.json"
    content = path.read_bytes()
    path.unlink()
    os.mkfifo(path)
    assert unit.refusal(unit.agree()) == "MALFORMED"
    path.unlink()
    (unit.staged / "elsewhere").write_bytes(content)
    path.symlink_to(unit.staged / "elsewhere")
    assert unit.refusal(unit.agree()) == "MALFORMED"


def test_directions_for_another_unit_are_not_followed(unit: Unit) -> None:
    unit.signed.direct("nodes/u2", "1.1.0")
    unit.signed.stage(unit.staged)
    assert unit.refusal(unit.agree()) == "NOT_DIRECTED"


def test_what_the_director_does_not_name_is_not_installed(unit: Unit) -> None:
    unit.signed.publish(archive("1.2.0"), "1.2.0")
    unit.signed.direct(NODE, "1.1.0")
    unit.signed.stage(unit.staged)
    assert unit.refusal(unit.agree("1.2.0")) == "NOT_DIRECTED"


def test_what_people_did_not_sign_is_not_installed(unit: Unit) -> None:
    content = archive("9.9.9")
    unit.signed.direct(NODE, "9.9.9", content)
    unit.signed.stage(unit.staged)
    target = unit.signed.director.targets.targets["9.9.9.tar.gz"]
    request = unit.agree("9.9.9", sha256=target.hashes["sha256"], size_bytes=target.length)
    assert unit.refusal(request) == "NOT_IN_IMAGES"


def test_a_director_that_names_other_bytes_is_not_followed(unit: Unit) -> None:
    unit.signed.direct(NODE, "1.1.0", archive("1.1.0", {"site/x": b"evil"}))
    unit.signed.stage(unit.staged)
    assert unit.refusal(unit.agree()) == "DISAGREEMENT"


def test_an_order_for_other_bytes_than_both_name_is_not_followed(unit: Unit) -> None:
    assert unit.refusal(unit.agree(sha256="a" * 64)) == "DISAGREEMENT"
    assert unit.refusal(unit.agree(size_bytes=1)) == "DISAGREEMENT"


@pytest.mark.parametrize("hardware_id", ["obu-1", ""])
def test_other_hardware_is_refused(unit: Unit, hardware_id: str) -> None:
    unit.order(archive("1.2.0", hardware_ids=(HARDWARE,)), "1.2.0")
    unit.agreed("1.2.0")
    unit.hardware_id = hardware_id
    assert unit.refusal(unit.agree("1.2.0")) == "WRONG_HARDWARE"


def test_a_smaller_counter_than_was_committed_is_refused(unit: Unit) -> None:
    unit.installed(archive("1.2.0"), "1.2.0")
    unit.order(RELEASE, "1.1.0")
    assert unit.refusal(unit.agree("1.1.0")) == "DOWNGRADE"


def test_the_counter_is_remembered_when_its_slot_is_gone(unit: Unit) -> None:
    unit.installed(archive("1.2.0"), "1.2.0")
    unit.agreed("1.2.0")
    (unit.slots / "boot.json").unlink()
    unit.order(RELEASE, "1.1.0")
    assert unit.refusal(unit.agree("1.1.0")) == "DOWNGRADE"


@pytest.mark.parametrize(("permitted", "outcome"), [(1_002_000, Agreed), (1_001_999, Refused)])
def test_a_way_back_that_people_signed_is_open(unit: Unit, permitted: int, outcome: type) -> None:
    unit.installed(archive("1.2.0"), "1.2.0")
    unit.order(archive("1.1.1", downgrade_from_counter=permitted), "1.1.1")
    assert isinstance(unit.ask(unit.agree("1.1.1")), outcome)


@pytest.mark.parametrize(("return_to", "outcome"), [(1_001_000, Agreed), (1_001_001, Refused), (0, Refused)])
def test_a_release_that_may_be_undone_is_undone(unit: Unit, return_to: int, outcome: type) -> None:
    unit.installed(archive("1.2.0", return_to_counter=return_to), "1.2.0")
    unit.order(RELEASE, "1.1.0")
    assert isinstance(unit.ask(unit.agree("1.1.0")), outcome)


@pytest.mark.parametrize(
    ("requirement", "reason"),
    [("radio", "REQUIREMENT"), ("agent>=9000000", "REQUIREMENT"), ("agent", ""), ("agent>=1001000", "")],
)
def test_what_a_release_needs_must_be_there(unit: Unit, requirement: str, reason: str) -> None:
    unit.installed(RELEASE)
    unit.order(archive("1.2.0", requires=(requirement,)), "1.2.0")
    last = unit.ask(unit.agree("1.2.0"))
    assert (last.reason if isinstance(last, Refused) else "") == reason


def test_signed_nonsense_about_a_release_is_refused(unit: Unit) -> None:
    unit.signed.publish(RELEASE, "1.1.0", counter="many")
    unit.signed.direct(NODE, "1.1.0")
    unit.signed.stage(unit.staged)
    assert unit.refusal(unit.agree()) == "MALFORMED"


def test_a_line_that_is_no_request_is_answered_in_one_sentence(unit: Unit) -> None:
    for line in (b"", b"{}\n", b"[" * 70_000, b'{"type":"agree"}\n', b"\xff\n"):
        answers, errors = unit.process(line)
        assert [type(each) for each in answers] == [Failed]
        assert errors == ""


def test_memory_that_was_cut_off_is_fetched_again(unit: Unit) -> None:
    unit.agreed()
    for path in (unit.state / "trust").rglob("*.json"):
        if not path.is_symlink():
            path.write_bytes(path.read_bytes()[:100])
    unit.agreed()
