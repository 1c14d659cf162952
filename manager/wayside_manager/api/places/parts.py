"""What the parts of SiteService share: the store, who is woken, and the clock."""

from collections.abc import Callable
from datetime import datetime

from wayside_manager.ports.sites import SiteStore
from wayside_manager.ports.wakeups import Bus


class PlaceCalls:
    """A share of SiteService."""

    def __init__(self, store: SiteStore, bus: Bus, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._bus = bus
        self._now = now
