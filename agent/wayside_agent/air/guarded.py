"""A radio that hears and says only what the settings let it: by AID, and by the verdict on signatures."""

from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from wayside.errors import PermissionDeniedError
from wayside_agent.core.v2x import RadioCounters, ReceivedMessage, Station, counted
from wayside_agent.ports.devices import DescribedRadio, Radio
from wayside_agent.v2x_settings import V2xSettings

_COUNTS = ("unlisted_count", "unverified_count", "withheld_count")


def guarded(radio: Radio | None, v2x: V2xSettings) -> Radio | None:
    """The radio behind its lists; itself where the settings have none."""
    if radio is None or not (v2x.receive_aids or v2x.send_aids or v2x.require_verified):
        return radio
    return GuardedRadio(radio, v2x)


class GuardedRadio:
    """A radio with lists. Messages without an AID are on none."""

    def __init__(self, radio: Radio, v2x: V2xSettings) -> None:
        self.radio = radio
        """The one behind the lists."""
        self._receive, self._send = frozenset(v2x.receive_aids), frozenset(v2x.send_aids)
        self._require_verified = v2x.require_verified
        self._unlisted: dict[int, int] = {}
        self._withheld: dict[int, int] = {}
        self._counts: Counter[str] = Counter()
        self._bad_count = 0

    async def __aenter__(self) -> Self:
        """Opens the radio; see `ports.devices.Radio`."""
        await self.radio.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes it."""
        await self.radio.__aexit__(kind, error, trace)

    async def read(self) -> ReceivedMessage:
        """See `ports.devices.Radio`; what must not be heard is counted and passed over."""
        while True:
            message = await self.radio.read()
            if self._receive and message.application_id not in self._receive:
                self._counts["unlisted_count"] += 1
                counted(self._unlisted, message.application_id)
            elif self._require_verified and not (message.verdict and message.verdict.verified):
                self._counts["unverified_count"] += 1
                self._bad_count += message.verdict is not None and message.verdict.verified is False
            else:
                return message

    async def send(self, payload: bytes, *, application_id: int) -> None:
        """See `ports.devices.Radio`.

        Raises: PermissionDeniedError: the settings do not have the AID.
        """
        if self._send and application_id not in self._send:
            self._counts["withheld_count"] += 1
            counted(self._withheld, application_id)
            raise PermissionDeniedError(
                f"nothing is sent under AID {application_id}; add it to `v2x.send_aids` of the settings if it shall be"
            )
        await self.radio.send(payload, application_id=application_id)

    @property
    def unverified_count(self) -> int:
        """Messages not let through because nobody found their signature good."""
        return self._counts["unverified_count"]

    @property
    def bad_signature_count(self) -> int:
        """Those of them whose signature was found bad."""
        return self._bad_count

    def counters(self) -> RadioCounters:
        """See `ports.devices.Radio`."""
        return self.radio.counters()

    def station(self) -> Station:
        """See `ports.devices.DescribedRadio`."""
        return self.radio.station() if isinstance(self.radio, DescribedRadio) else Station()

    def picture(self) -> Mapping[str, object]:
        """What was not let through since the start, ready for JSON: counts, and the same by AID."""
        return {
            **{name: self._counts[name] for name in _COUNTS},
            "unlisted_by_aid": {str(aid): count for aid, count in self._unlisted.items()},
            "withheld_by_aid": {str(aid): count for aid, count in self._withheld.items()},
        }

    def figures(self) -> Mapping[str, tuple[float, str]]:
        """For telemetry, with units."""
        return {f"radio.{name}": (float(self._counts[name]), "") for name in _COUNTS}
