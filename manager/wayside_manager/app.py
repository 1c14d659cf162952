"""Joins the manager: the only file that knows which store, bus and services it gets.

Usage: `async with running(DataFolder(path), settings) as endpoints: ...` in a test; `await serve(...)` as a program.
"""

import asyncio
import faulthandler
import gc
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Never

from wayside_manager.api.calls import Calls
from wayside_manager.api.clones import Clones
from wayside_manager.api.door.door import Door
from wayside_manager.api.server import Server, authority
from wayside_manager.api.sessions import Sessions
from wayside_manager.api.shell_bridge import ShellBridge
from wayside_manager.api.tls import LiveTls, TlsFiles
from wayside_manager.artifact_settings import read_places
from wayside_manager.parts import Parts, gate, loops, services
from wayside_manager.services.artifact_collection import collect_artifacts
from wayside_manager.services.audit_seals import AuditSeals
from wayside_manager.services.authorities import Authorities
from wayside_manager.services.denial_log import DenialLog
from wayside_manager.services.release_trust import ReleaseTrust, made_key
from wayside_manager.services.report_writer import ReportWriter
from wayside_manager.services.revocation_list import RevocationList
from wayside_manager.services.sinks.senders import Senders
from wayside_manager.services.trust import Shown, TrustKeeper
from wayside_manager.settings import DataFolder, Settings, held, release_key_file, secrets_folder, write_whole
from wayside_manager.store.artifacts import ArtifactDirectory
from wayside_manager.store.bus import LocalBus
from wayside_manager.store.job_files import JobFileDirectory
from wayside_manager.store.sql import open_store

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_STOP_MARGIN_S = 9.5  # the server's own margin is 3 s, the database's 3 s, too
logger = logging.getLogger(__name__)


class ServiceEndedError(Exception):
    """A service returned, or was cancelled by nobody: a bug. The program ends and is started anew."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a running manager is reached, as clients write it: `host:port`."""

    device_address: str
    operator_address: str


def utc_now() -> datetime:
    """The manager's clock."""
    return datetime.now(UTC)


@asynccontextmanager
async def running(
    folder: DataFolder, settings: Settings, *, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[Endpoints]:
    """A manager that serves while inside; leaving stops it with UNAVAILABLE to whoever is connected.

    Raises: WaysideError: the data folder cannot be used, or a port is taken.
    """
    with held(folder):
        async with _running(folder, settings, now) as endpoints:
            logger.info("serving", extra=asdict(endpoints))
            yield endpoints
        logger.info("stopped")


@asynccontextmanager
async def _running(folder: DataFolder, settings: Settings, now: Callable[[], datetime]) -> AsyncIterator[Endpoints]:
    authorities = read_authorities(folder)
    trust = _trust_keeper(folder, authorities, settings, now)
    tls = LiveTls(_tls_files(trust.look()))
    trust.on_change(lambda shown: tls.replace(_tls_files(shown)))
    release_key = made_key(release_key_file(folder, settings), write=write_whole)
    async with (
        open_store(settings.database_url or folder.database_url) as store,
        ArtifactDirectory(folder.artifacts) as artifacts,
        JobFileDirectory(folder.artifacts / "jobs") as job_files,
    ):
        await collect_artifacts(store, artifacts)
        bus, calls = LocalBus(), Calls()
        writer, sessions = ReportWriter(store, bus, now=now), Sessions(calls, bus, Clones(store, bus, now=now))
        shells = ShellBridge(store, job_files, bus, calls, now=now)
        await shells.recover()
        authorities.on_change(sessions.tell_trust)
        if len(authorities.members) == 1:
            await store.claim_certificates(authorities.signing.sha256)
        seals = AuditSeals(store, lambda: authorities.signing, lambda: authorities.every_pem, now=now)
        denials = DenialLog(store)
        revoked = RevocationList(store, authorities, folder.revoked, write=write_whole, now=now)
        parts = Parts(
            store=store,
            artifacts=artifacts,
            places=read_places(settings.artifact_places, folder.path),
            delta_folder=folder.deltas,
            job_files=job_files,
            bus=bus,
            writer=writer,
            authorities=authorities,
            trust=trust,
            release_trust=ReleaseTrust(
                store, release_key, now=now, life=timedelta(days=settings.release_metadata_days)
            ),
            revoked=revoked,
            calls=calls,
            sessions=sessions,
            shells=shells,
            denials=denials,
            seals=seals,
            sender=Senders(secrets_folder(folder, settings), host=settings.hostnames[0], now=now),
            settings=settings,
            now=now,
        )
        door = Door(settings.door.limits(), visitors_max=settings.door.connections)
        server = Server(services(parts), gate(parts), calls, door)
        gc.freeze()  # what is loaded stays: the collector of garbage need not look at it in the middle of a call
        endpoints = await _listening(server, tls, folder, settings)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_endless(name, run), name=name) for name, run in loops(parts)]
                try:
                    yield endpoints
                finally:
                    folder.endpoints.unlink(missing_ok=True)
                    await server.stop(grace_s=settings.stop_grace_s)
                    for task in tasks:
                        task.cancel()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None  # one fails, the others are only cancelled


async def serve(folder: DataFolder, settings: Settings, *, announce: Callable[[Endpoints], None]) -> None:
    """Runs until SIGTERM or SIGINT; the process then ends within `stop_grace_s` and 10 s, at a second signal at once.

    Raises: WaysideError: it cannot start; ServiceEndedError: a bug.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, _stop, loop, stop, settings.stop_grace_s)
    async with running(folder, settings) as endpoints:
        announce(endpoints)
        await stop.wait()


def _stop(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, grace_s: float) -> None:
    stop.set()
    for number in _STOP_SIGNALS:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)
    # Should a bug keep the process from its end: says where every thread stands, and ends it with status 1.
    faulthandler.dump_traceback_later(grace_s + _STOP_MARGIN_S, exit=True)


def read_authorities(folder: DataFolder) -> Authorities:
    """The authorities of a data folder.

    Raises: NotFoundError: there is none; InvalidArgumentError: one cannot be used.
    """
    return Authorities.opened(folder.authorities, write=write_whole, adopted=folder.authority)


def _trust_keeper(
    folder: DataFolder, authorities: Authorities, settings: Settings, now: Callable[[], datetime]
) -> TrustKeeper:
    return TrustKeeper(
        authorities,
        hostnames=settings.hostnames,
        server=folder.server,
        authority_files=(folder.trusted, folder.operator / "ca.pem"),
        write=write_whole,
        now=now,
    )


def _tls_files(shown: Shown) -> TlsFiles:
    return TlsFiles(shown.certificate_pem, shown.key_pem, shown.authorities_pem)


async def _listening(server: Server, tls: LiveTls, folder: DataFolder, settings: Settings) -> Endpoints:
    device_port, operator_port = await server.start(
        tls,
        listen_address=settings.listen_address,
        device_port=settings.device_port,
        operator_port=settings.operator_port,
    )
    host = settings.hostnames[0]
    endpoints = Endpoints(authority(host, device_port), authority(host, operator_port))
    write_whole(folder.endpoints, json.dumps(asdict(endpoints) | {"pid": os.getpid()}) + "\n")
    return endpoints


async def _endless(name: str, run: Callable[[], Awaitable[None]]) -> Never:
    """A service that must not end. Closing things in grpc.aio can throw a CancelledError nobody asked for."""
    try:
        await run()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
    raise ServiceEndedError(f"{name} ended by itself")
