"""Events in a stock rsyslog, over TLS, as its own parser for RFC 5424 understands them."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pytest

from tests.contract.sink_servers import Tls, made_tls
from tests.unit.event_makers import NOON, event
from tests.unit.event_makers import sink as made_sink
from wayside_manager.core.event_sinks import Attempt, SyslogTarget
from wayside_manager.core.events import Severity
from wayside_manager.services.sinks.senders import Senders

RSYSLOGD = shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin:/sbin")
CONFIG = """
global(processInternalMessages="on" workDirectory="{folder}" maxMessageSize="64k"
       defaultNetstreamDriver="ossl"
       defaultNetstreamDriverCAFile="{tls.ca}" defaultNetstreamDriverCertFile="{tls.certificate}"
       defaultNetstreamDriverKeyFile="{tls.key}")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
template(name="read" type="list") {{
  constant(value="{{") property(name="app-name" format="jsonf" outname="app") constant(value=", ")
  property(name="hostname" format="jsonf" outname="host") constant(value=", ")
  property(name="msgid" format="jsonf" outname="kind") constant(value=", ")
  property(name="pri" format="jsonf" outname="priority") constant(value=", ")
  property(name="timereported" dateFormat="rfc3339" format="jsonf" outname="time") constant(value=", ")
  property(name="structured-data" format="jsonf" outname="data") constant(value=", ")
  property(name="protocol-version" format="jsonf" outname="version") constant(value=", ")
  property(name="msg" format="jsonf" outname="text") constant(value="}}\\n")
}}
input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="{folder}/port")
*.* action(type="ompipe" pipe="{folder}/pipe" template="read")
"""


@dataclass
class Rsyslog:
    """A running one."""

    folder: Path
    tls: Tls
    pipe: TextIO

    async def said(self) -> dict[str, Any]:
        """The next message it has read; its own are passed over."""
        while True:
            line = await asyncio.to_thread(self.pipe.readline)
            message: dict[str, Any] = json.loads(line)
            if message["app"] != "rsyslogd":
                return message


@pytest.fixture
def rsyslog(tmp_path: Path) -> Iterator[Rsyslog]:
    if RSYSLOGD is None or not list(Path("/usr/lib").glob("*/rsyslog/lmnsd_ossl.so")):
        pytest.skip("needs rsyslogd and its driver for TLS: install rsyslog-openssl")
    tls = made_tls(tmp_path / "tls")
    (tmp_path / "rsyslog.conf").write_text(CONFIG.format(folder=tmp_path, tls=tls))
    os.mkfifo(tmp_path / "pipe")
    # for writing, too: so it is open at once, and stays so
    with os.fdopen(os.open(tmp_path / "pipe", os.O_RDWR), encoding="utf-8", closefd=True) as pipe:
        command = [RSYSLOGD, "-n", "-f", str(tmp_path / "rsyslog.conf"), "-i", str(tmp_path / "pid")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            yield Rsyslog(tmp_path, tls, pipe)
        finally:
            process.kill()
            process.communicate()


async def test_a_stock_receiver_reads_what_is_sent(rsyslog: Rsyslog) -> None:
    await asyncio.to_thread(rsyslog.pipe.readline)  # that it has started
    secrets = rsyslog.folder / "secrets"
    secrets.mkdir()
    (secrets / "ca.pem").write_bytes(rsyslog.tls.ca.read_bytes())
    senders = Senders(secrets, host="manager.example", now=lambda: NOON)
    port = (rsyslog.folder / "port").read_text().strip()
    target = made_sink(target=SyslogTarget(f"127.0.0.1:{port}", "ca.pem", 16))
    texts = ['a "quote", a ] and a \\', "日本 " + "x" * 900]
    records = [
        event(cursor, kind="alarm.raised", message=text, subject=f'alarms/{cursor}"]', severity=Severity.MAJOR)
        for cursor, text in enumerate(texts, start=1)
    ]
    assert await senders.send(target, records) == Attempt(2)
    for cursor, text in enumerate(texts, start=1):
        message = await rsyslog.said()
        assert message["text"].removeprefix("\ufeff") == text
        assert message["data"] == (
            f'[wayside@32473 cursor="{cursor}" kind="alarm.raised" severity="major" '
            f'subject="alarms/{cursor}\\"\\]" tenant="root"]'
        )
        assert (message["app"], message["host"], message["kind"]) == (
            "wayside-manager",
            "manager.example",
            "alarm.raised",
        )
        assert (message["priority"], message["version"]) == (str(16 * 8 + 2), "1")
        assert message["time"] == "2026-11-23T12:00:00.000000Z"
