"""Key files with a passphrase: made, read, refused; it comes from a file or a terminal and is never shown."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from wayside.errors import InvalidArgumentError
from wayside_manager.cli.operator import app
from wayside_manager.services.trust_keys import opened_signer

WORDS = "correct horse battery"


def run(*arguments: str | Path, stdin: str | None = None) -> Result:
    done = CliRunner().invoke(app, ["releases", *map(str, arguments)], input=stdin)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert WORDS not in done.stdout + done.stderr
    return done


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words"
    path.write_text(f"{WORDS}\n")
    return path


@pytest.fixture
def key(tmp_path: Path, words: Path) -> Path:
    path = tmp_path / "li.key"
    assert run("keys", "create", path, "--passphrase-file", words).exit_code == 0
    return path


def test_a_key_with_a_passphrase_is_encrypted_and_signs_with_it(key: Path) -> None:
    assert key.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert key.stat().st_mode & 0o777 == 0o600
    asked: list[Path] = []

    def ask(path: Path) -> str:
        asked.append(path)
        return WORDS

    signer = opened_signer(key, ask)
    signer.public_key.verify_signature(signer.sign(b"release"), b"release")
    assert asked == [key]


@pytest.mark.parametrize(
    ("given", "why"), [("wrong words", "is wrong"), ("", "needs a passphrase")], ids=["other", "none"]
)
def test_another_passphrase_is_refused_by_name_of_the_file(key: Path, given: str, why: str) -> None:
    with pytest.raises(InvalidArgumentError, match=why) as caught:
        opened_signer(key, lambda _: given)
    assert (caught.value.reason, str(key) in str(caught.value)) == ("PASSPHRASE_WRONG", True)


def test_people_sign_with_a_passphrase_of_a_file(key: Path, words: Path, tmp_path: Path) -> None:
    for name in ("wang", "manager"):
        assert run("keys", "create", tmp_path / f"{name}.key").exit_code == 0
    public = [f"--key={path.with_suffix('.pub')}" for path in (key, tmp_path / "wang.key")]
    trust = tmp_path / "trust"
    assert run("keys", "init", trust, *public, "--manager-key", tmp_path / "manager.pub").exit_code == 0
    both = (f"--key={tmp_path / 'wang.key'}", f"--key={key}")
    done = run("sign", trust, *both, "--passphrase-file", "-", stdin=f"{WORDS}\n")
    assert (done.exit_code, "complete, signed by" in done.stdout) == (0, True), done.stderr
    unasked = run("sign", trust, *both)
    assert (unasked.exit_code, "give --passphrase-file" in unasked.stderr) == (2, True), unasked.stderr
    spare = run("sign", trust, *both, f"--passphrase-file={words}", f"--passphrase-file={words}")
    assert (spare.exit_code, "is for no key" in spare.stderr) == (2, True), spare.stderr


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (("--passphrase-file", "-"), "short\n", "give at least 12"),
        (("--passphrase-file", "-"), "", "on its only line"),
        (("--ask",), "", "no terminal"),
        (("--ask", "--module", "/lib/x.so"), "", "a PIN and no passphrase"),
    ],
    ids=["short", "empty", "no terminal", "token"],
)
def test_a_key_is_not_made_without_the_passphrase_it_should_have(
    tmp_path: Path, arguments: tuple[str, ...], stdin: str, said: str
) -> None:
    done = run("keys", "create", tmp_path / "zhao.key", *arguments, stdin=stdin)
    assert (done.exit_code, said in done.stderr.replace("\n", " ")) == (2, True), done.stderr
    assert not (tmp_path / "zhao.key").exists()
