"""A radio whose signed messages are taken out of their envelope, and some of them verified."""

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import structs

from wayside.errors import InvalidArgumentError
from wayside.v2x.peek import message_kind
from wayside_agent.core.security.coer import SpduError
from wayside_agent.core.security.signing import Dialect
from wayside_agent.core.security.spdu import is_spdu, spdu
from wayside_agent.core.security.trust import Trust
from wayside_agent.core.v2x import RadioCounters, ReceivedMessage, Station
from wayside_agent.drivers.trust_folder import authorities
from wayside_agent.ports.devices import DescribedRadio, Radio
from wayside_agent.ports.security import SecurityModule
from wayside_agent.services.v2x_verification import Sampling, Verification
from wayside_agent.v2x_security_settings import SecuritySettings

_FIELD = "v2x.security"


def verification(asked: SecuritySettings, module: SecurityModule, *, utc_s: Callable[[], float | None]) -> Verification:
    """What looks at signatures.

    Raises: NotFoundError, InvalidArgumentError: the settings, or what they name. DeviceError: nothing can verify.
    """
    sampling = Sampling(asked.sample_one_in, asked.sample_limit_per_s)
    return Verification(trust(asked, module), sampling, utc_s=utc_s, mono_s=time.monotonic)


def trust(asked: SecuritySettings, module: SecurityModule) -> Trust:
    """Authorities as the settings name them.

    Raises: as `verification`.
    """
    known = authorities(Path(asked.trust_dir), dialect_of(asked), field=f"{_FIELD}.trust_dir")
    for each in known:
        if not module.supports(each.key.algorithm):
            raise InvalidArgumentError(f"field {_FIELD}.module: it cannot verify {each.key.algorithm}; choose another")
    try:
        return Trust(known, module.verify, leap_s=asked.leap_s, max_age_s=asked.max_age_s)
    except SpduError as error:
        raise InvalidArgumentError(f"field {_FIELD}.trust_dir: {error}") from error


def dialect_of(asked: SecuritySettings) -> Dialect:
    """The numbers of SM2 and SM3."""
    return Dialect(asked.sm2_signature, asked.sm2_key, asked.sm3_hash, asked.sm3_issuer)


class SecuredRadio:
    """A radio in front of which envelopes are opened."""

    def __init__(self, radio: Radio, looks: Verification, asked: SecuritySettings) -> None:
        self._radio = radio
        self._looks = looks
        self._dialect = dialect_of(asked)
        self._unwraps = asked.unwrap

    async def __aenter__(self) -> Self:
        """Opens the radio; see `ports.devices.Radio`."""
        await self._radio.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes it."""
        await self._radio.__aexit__(kind, error, trace)

    async def read(self) -> ReceivedMessage:
        """See `ports.devices.Radio`; what is no envelope is handed on as it is."""
        message = await self._radio.read()
        return self._opened(message) if is_spdu(message.payload) else message

    def _opened(self, message: ReceivedMessage) -> ReceivedMessage:
        try:
            found = spdu(message.payload, self._dialect)
        except SpduError:
            return message
        kind = message_kind(found.payload)
        if kind is None:
            return message
        inner = structs.replace(message, payload=found.payload, kind=kind)
        verdict = self._looks.heard(inner, found.signed)
        if inner.application_id is None and found.signed is not None:
            inner = structs.replace(inner, application_id=found.signed.aid)
        opened = inner if self._unwraps else message
        return structs.replace(opened, verdict=message.verdict or verdict)

    async def send(self, payload: bytes, *, application_id: int) -> None:
        """See `ports.devices.Radio`; the radio signs, not the unit."""
        await self._radio.send(payload, application_id=application_id)

    def counters(self) -> RadioCounters:
        """See `ports.devices.Radio`."""
        return self._radio.counters()

    def station(self) -> Station:
        """See `ports.devices.DescribedRadio`."""
        return self._radio.station() if isinstance(self._radio, DescribedRadio) else Station()
