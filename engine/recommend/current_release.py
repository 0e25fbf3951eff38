"""The release that is served now, for processes that serve for days: what is published, as long as that is whole.

    current = CurrentRelease(workspace)
    current.get().neighbours("sku-1")

`get` follows the pointer at once, or where a release is so large that opening it takes seconds, as soon as it is open: until then what is open already
is given, with a sentence, and nobody waits for more than a moment. A thread looks at the served release's files every few seconds (their stamps alone), reads
those whose stamps changed, and now and then reads all of them again, slowly. Whatever it finds, what is open stays right: it
lies in private copies (`engine.core.private_copies`). But another process would find the same damage when it opens the
release, so all go to the last good one, and back once the files are mended or a newer release is published.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from contextlib import suppress

from engine.core.errors import NoReleaseError, NoRoomError, ReleaseError
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from engine.release.checksums import read_again
from engine.release.manifest import Manifest, read_manifest
from engine.release.publish import current_release_id, last_good_release, name_of

__all__ = ["CHECK_SECONDS", "CurrentRelease"]

CHECK_SECONDS = 5.0
READ_ALL_SECONDS = 24 * 3600.0
WAIT_SECONDS = 2.0
READ_ALL_SPEED = 20e6  # bytes a second: two gigabytes in under two minutes, at a few hundredths of a core

logger = logging.getLogger(__name__)


class CurrentRelease:
    """One release at a time; safe to share between threads. It is watched from the first `get` on, until nobody holds this.

    Parameters
    ----------
    check_seconds : between two looks at the files.
    read_all_seconds : between two times that all of the served release is read again.
    wait_seconds : for a release that is published while another is open, from when the first one asks; who comes later gets the other.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        check_seconds: float = CHECK_SECONDS,
        read_all_seconds: float = READ_ALL_SECONDS,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._workspace = workspace
        self._seconds, self._read_all_seconds, self._wait_seconds = check_seconds, read_all_seconds, wait_seconds
        self._turn = threading.Lock()  # one thread at a time opens
        self._open: tuple[str | None, Recommender] | None = None  # what the pointer said, and what is served for it
        self._watch: threading.Thread | None = None
        self._asking, self._opening = threading.Lock(), threading.Thread()  # which opens what is published by now
        self._waited_for_until = 0.0
        # What the pointer says, what is open, and the same with a sentence.
        self._until_then: tuple[str | None, Recommender, Recommender] | None = None
        self._read_all_at = time.monotonic()

    def get(self) -> Recommender:
        """The release to serve; its `notice` says why it is not the one that was published last, where it is not.

        Raises `NoReleaseError`, or `ReleaseError` where no release is whole and none is open.
        """
        pointer, served = current_release_id(self._workspace), self._open
        if served is not None and served[0] == pointer:
            return served[1]
        if served is not None:
            self._open_latest()
            served = self._open
            if served is not None:
                return served[1] if served[0] == pointer else self._meanwhile(pointer, served[1])
        with self._turn:
            return self._renewed()

    def next_id(self) -> str | None:
        """The id of what `get` would give, as far as that is known without opening anything; None before the first release."""
        pointer, served = current_release_id(self._workspace), self._open
        return served[1].release_id if served is not None and pointer in (served[0], self.opening) else pointer

    @property
    def opening(self) -> str | None:
        """The id of the release that is published and being opened, while another one is shown; else None."""
        until_then = self._until_then
        return None if until_then is None else until_then[0]

    def check(self) -> None:
        """Look at the files now, and go to another release where they ask for it; errors are logged."""
        if time.monotonic() - self._read_all_at > self._read_all_seconds:
            self._read_all()
        self._look()

    def _open_latest(self) -> None:
        """Have a thread open what is published by now; whoever asks in its first moments waits until these are over."""
        with self._asking:
            if not self._opening.is_alive():
                self._opening = threading.Thread(target=self._look, name="release opening", daemon=True)
                self._opening.start()
                self._waited_for_until = time.monotonic() + self._wait_seconds
            opening, left = self._opening, self._waited_for_until - time.monotonic()
        opening.join(max(left, 0.0))

    def _look(self) -> None:
        try:
            with self._turn:
                if self._open is not None:
                    self._renewed()
        except NoReleaseError:
            self._open = None
        except Exception:
            logger.exception("the files of the served release could not be looked at")

    def _meanwhile(self, pointer: str | None, served: Recommender) -> Recommender:
        """What is open, with a sentence on what is being opened; the same object at every call."""
        with self._asking:
            if self._open is None or self._open[1] is not served:
                return served  # which was given up meanwhile: the next one to ask gets the other
            if self._until_then is None or self._until_then[:2] != (pointer, served):
                self._until_then = pointer, served, served.with_notice(_why_not_yet(pointer, served.manifest))
            return self._until_then[2]

    def _renewed(self) -> Recommender:
        """Choose again; the lock is held."""
        pointer, before = current_release_id(self._workspace), self._open
        served = None if before is None else before[1]
        try:
            fresh = self._chosen(served)
        except NoReleaseError:
            self._open = None
            raise
        except Exception as exc:
            if served is None:
                raise
            if not isinstance(exc, ReleaseError):
                logger.exception("the release that is published now could not be opened")
            fresh = served.with_notice(_why_still(served.manifest, exc))
            fresh = served if served.notice == fresh.notice else fresh
        if fresh is not served:
            _log(fresh)  # first: whoever sees the other release finds the reason in the log
        if served is not None and fresh.edition != served.edition:
            _get_ready(fresh)  # while the other one is shown
        with self._asking:
            self._open, self._until_then = (pointer, fresh), None
        if served is None:
            threading.Thread(target=_get_ready, args=(fresh,), name="release getting ready", daemon=True).start()
        self._start()
        return fresh

    def _chosen(self, served: Recommender | None) -> Recommender:
        release_id, notice = last_good_release(self._workspace)
        if served is not None and served.release_id == release_id:
            digest = read_manifest(self._workspace.releases / release_id).digest
            if digest == served.manifest.digest:
                return served if notice == served.notice else served.with_notice(notice)
        return Recommender.open(self._workspace)

    def _read_all(self) -> None:
        """Read every file of the served release from the disk; what changed is found by the next look."""
        self._read_all_at = time.monotonic()
        if self._open is None:
            return
        release = self._open[1]
        for name in release.manifest.files:
            with suppress(OSError):
                read_again(release.directory / name, READ_ALL_SPEED)

    def _start(self) -> None:
        if self._watch is None:
            arguments = (weakref.ref(self), self._seconds)
            self._watch = threading.Thread(target=_keep_watch, args=arguments, name="release watch", daemon=True)
            self._watch.start()


def _get_ready(release: Recommender) -> None:
    try:
        release.get_ready()
    except Exception:
        # It is tried again where it is needed, and the person is told.
        logger.warning("could not get %s ready", release.manifest.label, exc_info=True)


def _why_not_yet(pointer: str | None, shown: Manifest) -> str:
    return f"{name_of(pointer or '')} is opening. You see {shown.label.lower()} until it is ready."


def _why_still(shown: Manifest, exc: Exception) -> str:
    """The sentence for the page; the same one at every look, or each would be logged."""
    if isinstance(exc, NoRoomError):
        return (
            f"There is not enough memory to open the latest release beside {shown.label.lower()}, which is still shown. "
            "Close other programs, or restart Longtail."
        )
    if not isinstance(exc, ReleaseError):
        return f"The latest release could not be opened; the log says why. What is shown is {shown.label.lower()}."
    return f"{exc} What is shown is {shown.label}, as it was before the damage."


def _keep_watch(watched: weakref.ref[CurrentRelease], seconds: float) -> None:
    """Check every few seconds until nobody holds the object any more; after all other threads of the process."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)
    while True:
        time.sleep(seconds)
        release = watched()
        if release is None:
            return
        release.check()
        del release


def _log(release: Recommender) -> None:
    if release.notice:
        logger.error("%s is served: %s", release.manifest.label, release.notice)
    else:
        logger.info("%s is served", release.manifest.label)
