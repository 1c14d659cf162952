"""What stands between the unit and its radio: who looks at signatures, then the lists of what may be heard and sent."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from wayside.errors import InvalidArgumentError
from wayside_agent.air.guarded import GuardedRadio, guarded
from wayside_agent.ports.devices import Radio
from wayside_agent.v2x_settings import V2xSettings

if TYPE_CHECKING:
    from wayside_agent.services.v2x_verification import Verification


def radio_of(driver: Radio | None, v2x: V2xSettings, *, utc_s: Callable[[], float | None]) -> Radio | None:
    """The radio as the settings want it.

    Raises: InvalidArgumentError: there is nobody to trust, or no radio.
    """
    if v2x.security is not None:
        if driver is None:
            raise InvalidArgumentError("field v2x.security: it needs a radio; add the table [radio], or take it away")
        from wayside_agent.air.secured import secured  # cryptography, that others do without

        driver = secured(driver, v2x.security, utc_s=utc_s)
    return guarded(driver, v2x)


def verification_of(radio: Radio | None) -> "Verification | None":
    """Who looks at signatures of what a radio hears; `None`: nobody."""
    inner = radio.radio if isinstance(radio, GuardedRadio) else radio
    found: Verification | None = getattr(inner, "verification", None)  # its class is loaded only where it is wanted
    return found
