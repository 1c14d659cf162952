"""`wayside-agent conformance run SUITE`: judges recordings by the rules of the standards, and writes a report.

Exit status: 0 nothing was found; 1 something was; 2 suite, key or folder cannot be used.
"""

import argparse
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from wayside.errors import InvalidArgumentError, NotFoundError
from wayside.v2x.profile import Profile
from wayside_agent.core.conformance.expected import documents_of
from wayside_agent.core.conformance.judging import judged
from wayside_agent.core.conformance.page import LANGUAGES, page
from wayside_agent.core.conformance.report import canonical, report_of
from wayside_agent.core.conformance.suite import FILE, suite_of
from wayside_agent.core.v2x_files import MAX_FILE_BYTES

MAX_SUITE_BYTES = 1024 * 1024
MAX_KEY_BYTES = 64 * 1024
MOST_SHOWN = 20


def run(arguments: argparse.Namespace) -> int:
    """Judges, says what was found, and writes what was asked for.

    Raises: InvalidArgumentError, NotFoundError: nothing can be said.
    """
    if arguments.key and not arguments.output:
        raise InvalidArgumentError("--key signs the report; say with --output where it shall be")
    sign = _signer(arguments.key) if arguments.key else None
    report = judged_suite(arguments.suite)
    for line in _summary(report):
        print(line)
    if arguments.output:
        content = canonical(report)
        written = {"report.json": content}
        digest = sha256(content).hexdigest()
        written |= {
            f"report.{name}.html": page(report, digest=digest, language=name).encode("utf-8", "backslashreplace")
            for name in LANGUAGES
        }
        if sign is not None:
            written["report.json.sig"] = sign(content)
        _write(arguments.output, written)
    return 1 if report["findings"] else 0


def judged_suite(folder: Path) -> dict[str, Any]:
    """The report of a suite.

    Raises: InvalidArgumentError, NotFoundError: a file is not there, not as the suite says, or too large.
    """
    contents = {FILE: _content(folder / FILE, MAX_SUITE_BYTES)}
    suite = suite_of(_text(contents[FILE], FILE))
    results = []
    for recording in suite.recordings:
        content = _content(folder / recording.file, MAX_FILE_BYTES)
        if recording.sha256 not in {None, sha256(content).hexdigest()}:
            raise InvalidArgumentError(f"{recording.file}: it is not the file the suite was made for (sha256)")
        contents[recording.file] = content
        documents = []
        if recording.expected is not None:
            contents[recording.expected] = _content(folder / recording.expected, MAX_FILE_BYTES)
            documents = documents_of(_text(contents[recording.expected], recording.expected), recording.expected)
        results.append(judged(recording, content, documents, suite.profile))
    return report_of(suite, contents, results, _versions(suite.profile))


def _versions(profile: Profile) -> dict[str, str]:
    """What judged: releases, and the very bytes of the codec."""
    package = files("wayside.v2x")
    parts = ("uper.py", "plausibility.py", *(f"generated/{name}.py" for name in ("messages", "shared", profile.value)))
    digest = sha256(b"".join(package.joinpath(part).read_bytes() for part in parts)).hexdigest()
    return {"agent": version("wayside-agent"), "codec": version("wayside-proto"), "codec_sha256": digest}


def _summary(report: dict[str, Any]) -> Iterator[str]:
    suite = report["suite"]
    counts = f"{report['checked']} checks, {report['findings']} findings"
    yield f"{report['verdict']}: {suite['name']} {suite['version']}, profile {suite['profile']}: {counts}"
    told = [(result["file"], each) for result in report["recordings"] for each in result["findings"]]
    for name, each in told[:MOST_SHOWN]:
        yield f"  {name}, record {each['record']}: {each['rule']}: {each['text']}"
    if report["findings"] > MOST_SHOWN:
        yield f"  and {report['findings'] - min(len(told), MOST_SHOWN)} more; see the report (--output)"


def _signer(path: Path) -> Callable[[bytes], bytes]:
    """Signs with a private key in PEM: Ed25519, or ECDSA with SHA-256.

    Raises: InvalidArgumentError, NotFoundError.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # here: who does not sign does not pay for it
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_content(path, MAX_KEY_BYTES), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidArgumentError(f"{path}: it is no private key in PEM without a passphrase") from error
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return lambda content: key.sign(content, ec.ECDSA(SHA256()))
    raise InvalidArgumentError(f"{path}: give an Ed25519 or an elliptic-curve key")


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise InvalidArgumentError(f"{folder}: the report cannot be written: {error.strerror}") from error


def _content(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise NotFoundError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise InvalidArgumentError(f"{path}: more than {most} bytes; cut it")
    return content


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(f"{name}: it is no text in UTF-8") from error
