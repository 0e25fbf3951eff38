"""The shop as it is served now, for programs that serve for days: `ServedShop` of whichever release is published and whole.

current = CurrentShop(workspace, settings)
shop = current.get()                       # once for each request: everything it answers is of one release
shop.neighbours("sku-1", "hybrid", 10)
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.core.settings import Settings
from engine.core.workspace import Workspace
from engine.recommend.current_release import CurrentRelease
from engine.serving.served_shop import ServedShop
from engine.store import Database

__all__ = ["CurrentShop"]


class CurrentShop:
    """Gives the `ServedShop` of the current release; safe to share between threads.

    Parameters
    ----------
    release : the current release, where the caller shares one.
    open_database : gives the database where the caller has one open already.
    in_background : as for `ServedShop`.
    """

    def __init__(
        self,
        workspace: Workspace,
        settings: Settings,
        *,
        release: CurrentRelease | None = None,
        open_database: Callable[[], Database] | None = None,
        in_background: bool = True,
    ) -> None:
        self._workspace, self._settings = workspace, settings
        self._release = release or CurrentRelease(workspace)
        self._open_database, self._in_background = open_database, in_background
        self._lock = threading.Lock()
        self._shop: ServedShop | None = None

    def get(self) -> ServedShop:
        """The shop to answer one request with; errors as `CurrentRelease.get`."""
        release = self._release.get()
        with self._lock:
            if self._shop is None or self._shop.as_trained is not release:
                self._shop = ServedShop(
                    release,
                    self._workspace,
                    self._settings,
                    open_database=self._open_database,
                    in_background=self._in_background,
                )
            return self._shop
