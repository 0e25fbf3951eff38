"""Why a picture could not be fetched."""

from __future__ import annotations

__all__ = ["FetchError"]


class FetchError(Exception):
    """Becomes a problem of the product; nothing but this package sees it.

    Parameters
    ----------
    message : what is wrong and what to do, without the full stop.
    again : whether another attempt may go better.
    pause : seconds for which the server wants to be left alone.
    silent : whether the server did not answer at all.
    """

    def __init__(self, message: str, *, again: bool = False, pause: float | None = None, silent: bool = False) -> None:
        self.message, self.again, self.pause, self.silent = message, again, pause, silent
        super().__init__(message)
