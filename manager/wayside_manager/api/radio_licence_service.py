"""RadioLicenceService: radio licences of roadside units, and which units do not keep to them.

Usage: `RadioLicenceService(store, now=now)`.
"""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from collections.abc import Callable
from datetime import datetime

from wayside.names import node_name, radio_licence_id, radio_licence_name
from wayside.v1 import node_pb2, radio_licence_service_pb2, radio_licence_service_pb2_grpc, site_pb2
from wayside_manager.api.identity import admission
from wayside_manager.api.radio_licence_messages import licence_message, licence_record
from wayside_manager.api.scopes import Context
from wayside_manager.core.pages import checked_page_size, page_token, position
from wayside_manager.core.radio_licences import Mismatch, RadioUnit, Running, mismatches
from wayside_manager.ports.sites import RadioLicenceStore

_QUESTION = "radio_mismatches"
_READ_SIZE = 500  # units looked at in one read of the database


class RadioLicenceService(radio_licence_service_pb2_grpc.RadioLicenceServiceServicer):
    """Radio licences of roadside units."""

    def __init__(self, store: RadioLicenceStore, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def ApplyRadioLicence(
        self, request: radio_licence_service_pb2.ApplyRadioLicenceRequest, context: Context
    ) -> radio_licence_service_pb2.ApplyRadioLicenceResponse:
        """Creates a licence or replaces it."""
        now = self._now()
        record = licence_record(request.radio_licence, tenant_id=admission().tenant_id, now=now)
        applied = await self._store.apply_licence(record, now=now, etag=request.radio_licence.etag)
        return radio_licence_service_pb2.ApplyRadioLicenceResponse(radio_licence=licence_message(applied))

    async def GetRadioLicence(
        self, request: radio_licence_service_pb2.GetRadioLicenceRequest, context: Context
    ) -> radio_licence_service_pb2.GetRadioLicenceResponse:
        """One licence."""
        licence = await self._store.get_licence(radio_licence_id(request.name))
        return radio_licence_service_pb2.GetRadioLicenceResponse(radio_licence=licence_message(licence))

    async def ListRadioLicences(
        self, request: radio_licence_service_pb2.ListRadioLicencesRequest, context: Context
    ) -> radio_licence_service_pb2.ListRadioLicencesResponse:
        """A page of licences."""
        page = await self._store.list_licences(
            reach=admission().reach, page_size=request.page_size, page_token=request.page_token
        )
        return radio_licence_service_pb2.ListRadioLicencesResponse(
            radio_licences=map(licence_message, page.items), next_page_token=page.next_page_token
        )

    async def DeleteRadioLicence(
        self, request: radio_licence_service_pb2.DeleteRadioLicenceRequest, context: Context
    ) -> radio_licence_service_pb2.DeleteRadioLicenceResponse:
        """Deletes a licence."""
        await self._store.delete_licence(radio_licence_id(request.name), now=self._now(), etag=request.etag)
        return radio_licence_service_pb2.DeleteRadioLicenceResponse()

    async def ListRadioMismatches(
        self, request: radio_licence_service_pb2.ListRadioMismatchesRequest, context: Context
    ) -> radio_licence_service_pb2.ListRadioMismatchesResponse:
        """Units whose radio is not what their licence says; everything that is wrong with one is on one page."""
        size, now = checked_page_size(request.page_size), self._now()
        after = position(request.page_token, _QUESTION)
        seen_id = str(after[0]) if after else ""
        found: list[tuple[Mismatch, ...]] = []
        while len(found) <= size:
            units = await self._store.radio_units(reach=admission().reach, after=seen_id, limit=_READ_SIZE)
            found += filter(None, (mismatches(unit, _running(unit), now=now) for unit in units))
            if len(units) < _READ_SIZE:
                break
            seen_id = units[-1].node_id
        shown = found[:size]
        return radio_licence_service_pb2.ListRadioMismatchesResponse(
            mismatches=[_mismatch(each) for of_unit in shown for each in of_unit],
            next_page_token=page_token(_QUESTION, (shown[-1][0].node_id,)) if len(found) > size else "",
        )


def _running(unit: RadioUnit) -> Running | None:
    health = node_pb2.HealthReport.FromString(unit.health)
    if not health.HasField("radio"):
        return None
    radio = health.radio
    return Running(
        center_hz=radio.center_frequency_hertz if radio.HasField("center_frequency_hertz") else None,
        power_dbm=radio.transmit_power_dbm if radio.HasField("transmit_power_dbm") else None,
    )


def _mismatch(mismatch: Mismatch) -> site_pb2.RadioMismatch:
    return site_pb2.RadioMismatch(
        node=node_name(mismatch.node_id),
        cause=site_pb2.RadioMismatch.Cause.Value(f"CAUSE_{mismatch.cause.name}"),
        radio_licence=radio_licence_name(mismatch.licence_id) if mismatch.licence_id else "",
        message=mismatch.message,
    )
