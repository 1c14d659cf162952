"""Keys in a SoftHSM2 token: nobody gets them out, and trouble with the token is one clear sentence."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.agent_keys import PIN, token
from tests.link.agent_authority import Authority
from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside_agent import registry, settings
from wayside_agent.drivers.files import make_private_directory
from wayside_agent.drivers.identity import IdentityFiles, check_broker_key
from wayside_agent.ports.errors import DeviceAbsentError, DeviceError, DeviceFaultError
from wayside_agent.ports.keys import KeyStore

Options = dict[str, Any]


@pytest.fixture
def options(tmp_path: Path) -> Iterator[Options]:
    with token(tmp_path / "token") as found:
        yield dict(found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "identity"
    make_private_directory(made)
    return made


def store(options: Options, **changes: str) -> KeyStore:
    return registry.key_store(settings.IdentitySettings(driver="key-pkcs11", options=options | changes))


def objects(options: Options) -> list[Any]:
    import pkcs11  # not there where the tests skip

    with pkcs11.lib(options["module"]).get_token(token_label=options["token_label"]).open(user_pin=PIN) as session:
        return [
            (found[pkcs11.Attribute.CLASS].name, found[pkcs11.Attribute.LABEL], _traits(found))
            for found in session.get_objects()
        ]


def _traits(found: Any) -> tuple[bool, ...]:  # noqa: ANN401  # an object of a token, of many kinds
    import pkcs11  # see objects

    if found[pkcs11.Attribute.CLASS] is not pkcs11.ObjectClass.PRIVATE_KEY:
        return ()
    wanted = ("SENSITIVE", "EXTRACTABLE", "NEVER_EXTRACTABLE", "LOCAL")
    return tuple(bool(found[getattr(pkcs11.Attribute, name)]) for name in wanted)


def test_the_key_is_made_in_the_token_and_can_never_be_read(options: Options, folder: Path) -> None:
    store(options, key_label="unit key").public_key_der(folder)
    private = [(label, traits) for kind, label, traits in objects(options) if kind == "PRIVATE_KEY"]
    assert private == [("unit key", (True, False, True, True))]


def test_the_old_key_is_destroyed_in_the_token(options: Options, folder: Path) -> None:
    authority, files = Authority("authority"), IdentityFiles(folder, store(options))
    for target in (files, files.next):
        certificate = authority.for_request(target.request_pem("rsu-1"))
        target.store(node_id="rsu-1", certificate_pem=certificate, authorities_pem=authority.pem)
    assert len(objects(options)) == 4
    files.adopt_next()
    assert len(objects(options)) == 2
    assert files.load().secret


def test_a_successor_that_is_dropped_leaves_no_key_behind(options: Options, folder: Path) -> None:
    files = IdentityFiles(folder, store(options))
    files.next.request_pem("rsu-1")
    files.discard_next()
    assert objects(options) == []


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"module": "/nowhere.so"}, DeviceAbsentError, "identity.options.module"),
        ({"token_label": "another"}, DeviceAbsentError, "identity.options.token_label"),
        ({"pin_file": "/nowhere"}, DeviceAbsentError, "identity.options.pin_file"),
    ],
)
def test_what_is_missing_is_named_by_its_field(
    options: Options, folder: Path, changes: dict[str, str], error: type[DeviceError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        store(options, **changes).public_key_der(folder)
    assert "\n" not in str(caught.value)


def test_a_wrong_pin_is_shown_to_the_token_once(options: Options, folder: Path) -> None:
    keys = store(options)
    Path(options["pin_file"]).write_text("000000")
    with pytest.raises(DeviceFaultError, match="does not take the PIN"):
        keys.public_key_der(folder)
    Path(options["pin_file"]).write_text(PIN)
    with pytest.raises(DeviceFaultError, match="not tried again before the agent starts anew"):
        keys.public_key_der(folder)
    assert store(options).public_key_der(folder)


def test_a_token_without_the_key_says_what_to_do(options: Options, folder: Path) -> None:
    keys = store(options)
    (folder / keys.file_name).write_text("00" * 16)
    (folder / "certificate.pem").write_text(Authority("authority").server()[1].decode())
    with pytest.raises(FailedPreconditionError, match="has no key"):
        keys.secret(folder, folder / "certificate.pem")


@pytest.mark.parametrize("content", ["", "zz", "00"])
def test_a_damaged_name_of_a_key_is_refused(options: Options, folder: Path, content: str) -> None:
    keys = store(options)
    (folder / keys.file_name).write_text(content)
    with pytest.raises(FailedPreconditionError, match="names no key"):
        keys.public_key_der(folder)


def test_a_broker_cannot_be_shown_a_tokens_certificate(options: Options, folder: Path) -> None:
    authority, files = Authority("authority"), IdentityFiles(folder, store(options))
    certificate = authority.for_request(files.request_pem("rsu-1"))
    files.store(node_id="rsu-1", certificate_pem=certificate, authorities_pem=authority.pem)
    check_broker_key(files.load(), is_shown_to_broker=False)
    with pytest.raises(InvalidArgumentError, match=r"mqtt\.use_node_certificate"):
        check_broker_key(files.load(), is_shown_to_broker=True)


def test_relative_paths_are_refused_by_field(options: Options) -> None:
    with pytest.raises(InvalidArgumentError, match=r"identity\.options\.pin_file"):
        store(options, pin_file="pin")
