"""A radio whose signed messages are taken out of their envelopes, and looked at by samples."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from wayside.errors import InvalidArgumentError, WaysideError
from wayside_agent.core.spdu.certificate import parsed_certificate
from wayside_agent.core.spdu.coer import SpduError
from wayside_agent.core.spdu.hearing import is_signed, taken_out
from wayside_agent.core.spdu.judging import Judge
from wayside_agent.core.spdu.model import SpduCertificate
from wayside_agent.core.v2x import RadioCounters, ReceivedMessage, Station
from wayside_agent.drivers.security_openssl import OpenSslModule
from wayside_agent.ports.devices import DescribedRadio, Radio
from wayside_agent.services.v2x_verification import Sampling, Verification
from wayside_agent.v2x_security_settings import SecuritySettings

MAX_CERTIFICATE_BYTES = 65_535


class SecuredRadio:
    """A radio that hands over envelopes."""

    def __init__(self, radio: Radio, verification: Verification) -> None:
        self._radio = radio
        self.verification = verification

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
        """See `ports.devices.Radio`; an envelope that is not understood stays as it is."""
        message = await self._radio.read()
        inner, spdu = taken_out(message)
        if spdu is None:
            self.verification.not_understood_count += inner is not message and is_signed(message.payload)
            return inner
        self.verification.offer(spdu)
        return replace(inner, verdict=message.verdict or self.verification.verdict(spdu))

    async def send(self, payload: bytes, *, application_id: int) -> None:
        """See `ports.devices.Radio`; the radio signs."""
        await self._radio.send(payload, application_id=application_id)

    def counters(self) -> RadioCounters:
        """See `ports.devices.Radio`."""
        return self._radio.counters()

    def station(self) -> Station:
        """See `ports.devices.DescribedRadio`."""
        return self._radio.station() if isinstance(self._radio, DescribedRadio) else Station()


def secured(radio: Radio, asked: SecuritySettings, *, utc_s: Callable[[], float | None]) -> SecuredRadio:
    """The radio behind what looks at signatures.

    Raises: InvalidArgumentError: there is no certificate to trust, or one cannot be read.
    """
    if not asked.sm2_id.isascii():
        raise InvalidArgumentError("field v2x.security.sm2_id: it must be ASCII")
    try:
        judge = Judge(OpenSslModule(asked.sm2_id.encode()), _anchors(Path(asked.trust_dir)), max_age_s=asked.max_age_s)
    except WaysideError as error:
        raise InvalidArgumentError(f"field v2x.security.trust_dir: {error}") from error
    return SecuredRadio(radio, Verification(judge, Sampling(asked.sample_one_in, asked.limit_per_s), utc_s=utc_s))


def _anchors(folder: Path) -> list[SpduCertificate]:
    """Raises: InvalidArgumentError."""
    found = []
    try:
        for path in sorted(folder.glob("*.oer")):
            with path.open("rb") as file:
                found.append(parsed_certificate(file.read(MAX_CERTIFICATE_BYTES + 1)))
    except OSError as error:
        raise InvalidArgumentError(f"{error.filename} cannot be read ({error.strerror})") from error
    except SpduError as error:
        raise InvalidArgumentError(f"{path.name} is no certificate that is understood: {error}") from error
    if not found:
        raise InvalidArgumentError(f"{folder} has no certificate; put those of who issues them there, as NAME.oer")
    return found
