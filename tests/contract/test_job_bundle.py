"""The debug bundle: everything that explains a unit, and nothing that is secret."""

import json
import tarfile
from pathlib import Path

import pytest

from tests.contract.job_worker import worked
from wayside.errors import ResourceExhaustedError
from wayside_agent.core.job_work import DebugBundle
from wayside_agent.core.redaction import redacted, scrubbed
from wayside_agent.drivers.job_bundle import FILE, DebugBundleWorker

PASSWORD, PIN, TOKEN = "hunter2-broker", "74190263", "tok-5f2d9e"
KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrYSS\n-----END EC PRIVATE KEY-----"
LEAKS = (PASSWORD, PIN, TOKEN, "MHcCAQEEIIrYSS", "PRIVATE KEY")


@pytest.fixture
def worker(tmp_path: Path) -> DebugBundleWorker:
    state, secrets = tmp_path / "state", tmp_path / "secrets"
    (state / "identity").mkdir(parents=True)
    secrets.mkdir()
    (state / "identity" / "key.pem").write_text(KEY)
    (secrets / "broker").write_text(f"{PASSWORD}\n")
    log = tmp_path / "log.sh"
    log.write_text(f"#!/bin/sh\ncat <<'EOF'\nconnected\npassword={TOKEN}\nlost {PASSWORD}\n{KEY}\nEOF\necho \"$@\"\n")
    log.chmod(0o755)
    return DebugBundleWorker(
        {
            "status.json": lambda: {"node": "rsu-1", "note": f"broker said {PASSWORD}"},
            "settings.json": lambda: {"identity": {"options": {"pin": PIN, "module": "/usr/lib/p11.so"}}},
            "configuration.json": lambda: {"telemetry": {"password_secret": "broker", "token": TOKEN}},
        },
        state_dir=state,
        secrets_dir=secrets,
        log_command=(str(log),),
        kernel_command=("wayside-no-such-program",),
    )


async def test_it_holds_what_explains_the_unit(worker: DebugBundleWorker, tmp_path: Path) -> None:
    found = await worked(worker, DebugBundle(log_age_s=3600), tmp_path / "work")
    assert found.files == (FILE,)
    with tarfile.open(tmp_path / "work" / FILE) as archive:
        texts = {name: (archive.extractfile(name) or pytest.fail(name)).read().decode() for name in archive.getnames()}
    assert json.loads(texts["debug/status.json"])["node"] == "rsu-1"
    assert "connected" in texts["debug/log.txt"]
    assert "--since -3600s" in texts["debug/log.txt"]
    assert "no such program" in texts["debug/kernel.txt"]
    assert "lo" in texts["debug/proc/net_dev"]
    assert json.loads(texts["debug/versions.json"])["packages"]["wayside-agent"]
    assert json.loads(texts["debug/disk.json"])["files"]["identity/key.pem"] == len(KEY)
    assert "/usr/lib/p11.so" in texts["debug/settings.json"]
    assert json.loads(texts["debug/configuration.json"])["telemetry"]["password_secret"] == "broker"


async def test_no_secret_is_in_it(worker: DebugBundleWorker, tmp_path: Path) -> None:
    await worked(worker, DebugBundle(log_age_s=3600), tmp_path / "work")
    with tarfile.open(tmp_path / "work" / FILE) as archive:
        everything = b"".join((archive.extractfile(name) or pytest.fail(name)).read() for name in archive.getnames())
    assert [leak for leak in LEAKS if leak.encode() in everything] == []


async def test_one_that_would_be_too_large_is_an_error(worker: DebugBundleWorker, tmp_path: Path) -> None:
    with pytest.raises(ResourceExhaustedError, match="100 bytes"):
        await worked(worker, DebugBundle(log_age_s=3600), tmp_path / "work", max_bytes=100)


@pytest.mark.parametrize(
    "text",
    [
        "password=s3cret",
        'password: "s3cret"',
        '{"token":"s3cret"}',
        "Authorization: Bearer s3cret",
        "mqtt://user:s3cret@broker",
        "-----BEGIN PRIVATE KEY-----\ns3cret",
        "pin = s3cret",
    ],
)
def test_texts_are_scrubbed(text: str) -> None:
    assert "s3cret" not in scrubbed(text)


@pytest.mark.parametrize("secret", ['hun"ter\\2', "pässwörd", "密码一二三", "tab\there"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_secrets_are_found_as_json_writes_them(secret: str, ascii_only: bool) -> None:
    written = json.dumps({"note": f"broker said {secret}!"}, ensure_ascii=ascii_only)
    assert json.loads(scrubbed(written, (secret,))) == {"note": "broker said [removed]!"}


def test_fields_are_removed_by_their_names_and_names_of_things_stay() -> None:
    document = {"a": [{"psk": "x"}], "snmp_community": "y", "secrets_dir": "/etc/s", "pin": "", "pinned": "z"}
    assert redacted(document) == {
        "a": [{"psk": "[removed]"}],
        "snmp_community": "[removed]",
        "secrets_dir": "/etc/s",
        "pin": "",
        "pinned": "z",
    }
