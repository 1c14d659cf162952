"""What the parts of SiteService share: the store and the clock."""

from collections.abc import Callable
from datetime import datetime

from wayside_manager.ports.sites import SiteStore


class PlaceCalls:
    """A share of SiteService."""

    def __init__(self, store: SiteStore, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
