"""Radio licences between records and messages.

Usage: `licence_record(message, tenant_id=admission().tenant_id, now=now)`; `licence_message(record)` back.
"""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from wayside.errors import InvalidArgumentError
from wayside.names import node_id, node_name, radio_licence_id, radio_licence_name, tenant_name
from wayside.v1 import site_pb2
from wayside_manager.api.node_messages import timestamp
from wayside_manager.core.sites import RadioLicenceRecord

NUMBER_MAX_CHARS = 200
FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ = 1e6, 300e9
BANDWIDTH_MIN_HZ, BANDWIDTH_MAX_HZ = 1e3, 10e9
POWER_MIN_DBM, POWER_MAX_DBM = -50.0, 60.0
_FIELD = "radio_licence"
_YEAR_MAX = 9998  # a day past the last year overflows in some zones


def licence_record(message: site_pb2.RadioLicence, *, tenant_id: str, now: datetime) -> RadioLicenceRecord:
    """A licence from the wire, of the tenant the gate found.

    Raises: InvalidArgumentError: a field is malformed or out of range, or it names another tenant.
    """
    if message.tenant not in {"", tenant_name(tenant_id)}:
        raise InvalidArgumentError(
            f"{_FIELD}.tenant: the licence belongs to {tenant_name(tenant_id)} and stays there; leave the field out",
            reason="TENANT_FIXED",
        )
    if not 0 < len(message.number) <= NUMBER_MAX_CHARS or not message.number.isprintable():
        raise InvalidArgumentError(
            f"{_FIELD}.number: give the number on the licence, 1 to {NUMBER_MAX_CHARS} printable characters",
            reason="NUMBER_INVALID",
        )
    return RadioLicenceRecord(
        licence_id=radio_licence_id(message.name, field=f"{_FIELD}.name"),
        tenant_id=tenant_id,
        number=message.number,
        node_id=node_id(message.node, field=f"{_FIELD}.node"),
        center_hz=_within(
            message.center_frequency_hertz, FREQUENCY_MIN_HZ, FREQUENCY_MAX_HZ, "center_frequency_hertz", "Hz"
        ),
        bandwidth_hz=_within(message.bandwidth_hertz, BANDWIDTH_MIN_HZ, BANDWIDTH_MAX_HZ, "bandwidth_hertz", "Hz"),
        max_power_dbm=_within(
            message.max_transmit_power_dbm, POWER_MIN_DBM, POWER_MAX_DBM, "max_transmit_power_dbm", "dBm"
        ),
        expire_time=_end(message.expire_time),
        create_time=now,
        update_time=now,
    )


def licence_message(licence: RadioLicenceRecord) -> site_pb2.RadioLicence:
    """A licence as operators see it."""
    return site_pb2.RadioLicence(
        name=radio_licence_name(licence.licence_id),
        number=licence.number,
        tenant=tenant_name(licence.tenant_id),
        node=node_name(licence.node_id),
        center_frequency_hertz=licence.center_hz,
        bandwidth_hertz=licence.bandwidth_hz,
        max_transmit_power_dbm=licence.max_power_dbm,
        expire_time=timestamp(licence.expire_time),
        create_time=timestamp(licence.create_time),
        update_time=timestamp(licence.update_time),
        etag=licence.etag,
    )


def _within(value: float, low: float, high: float, field: str, unit: str) -> float:
    if not low <= value <= high:  # not a number is not within either
        raise InvalidArgumentError(
            f"{_FIELD}.{field}: {value:g} is not within {low:g} to {high:g} {unit}", reason="OUT_OF_RANGE"
        )
    return value


def _end(stamp: Timestamp) -> datetime:
    try:
        end = stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        end = datetime.min.replace(tzinfo=UTC)
    if not 1970 < end.year <= _YEAR_MAX:  # noqa: PLR2004  # not set
        raise InvalidArgumentError(
            f"{_FIELD}.expire_time: say when the licence ends, as on its paper", reason="EXPIRE_TIME_INVALID"
        )
    return end
