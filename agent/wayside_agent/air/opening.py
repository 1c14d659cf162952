"""The radio behind its envelopes, where the settings ask for it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from wayside.errors import InvalidArgumentError
from wayside_agent.ports.devices import Radio
from wayside_agent.settings import Settings
from wayside_agent.v2x_security_settings import SecuritySettings

if TYPE_CHECKING:
    from wayside_agent.ports.security import SecurityModule
    from wayside_agent.services.v2x_verification import Verification


def secured(
    unit: Settings,
    radio: Radio | None,
    module: "Callable[[SecuritySettings], SecurityModule]",
    *,
    utc_s: Callable[[], float | None],
) -> "tuple[Radio | None, Verification | None]":
    """The radio, and what looks at signatures; the radio itself and `None` where nothing is asked for.

    `module` makes the driver that the settings choose.

    Raises: NotFoundError, InvalidArgumentError: the settings, or what they name. DeviceError: nothing can verify.
    """
    asked = unit.v2x.security
    if asked is None:
        return radio, None
    if radio is None:
        raise InvalidArgumentError("field v2x.security: nothing is heard without a radio; add [radio]")
    from wayside_agent.air.secured import SecuredRadio, verification  # most units verify nothing

    looks = verification(asked, module(asked), utc_s=utc_s)
    return SecuredRadio(radio, looks, asked), looks
