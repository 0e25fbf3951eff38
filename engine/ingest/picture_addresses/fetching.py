"""Fetching the pictures that products name: the first of each product's addresses that works."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.core.errors import ImageError
from engine.core.progress import Progress
from engine.ingest.picture_addresses.asking import Answer, ask
from engine.ingest.picture_addresses.connections import Connections
from engine.ingest.picture_addresses.failure import FetchError
from engine.ingest.picture_addresses.guard import AddressGuard
from engine.ingest.picture_addresses.kept import Kept, KeptPictures
from engine.ingest.picture_addresses.queue import AddressQueue, Task

__all__ = ["STEP", "Fetched", "PictureFetch", "fetch_pictures"]

STEP = "Fetching the pictures"
_TELL_SECONDS = 1.0
_MOST_SILENT = 8
# An interrupted run lets those pictures be completed that take no longer.
_LEAVING_SECONDS = 2.0


@dataclass(frozen=True)
class PictureFetch:
    """How pictures are fetched.

    Attributes
    ----------
    allow_hosts : hosts that may be anywhere, private networks too, and answer on any port.
    connections, per_host : the most pictures that are fetched at a time, in all and from one host.
    seconds, stall_seconds : the longest that one picture may take with all its redirects, and the longest wait for its next bytes.
    attempts : how often a picture is asked for before it is given up.
    most_pause : the longest pause that a server gets when it asks for one, in seconds.
    most_bytes : the most that is fetched in one run.
    keep_others : whether pictures of addresses that are not asked for stay for another run.
    """

    allow_hosts: tuple[str, ...] = ()
    connections: int = 8
    per_host: int = 4
    seconds: float = 60.0
    stall_seconds: float = 10.0
    attempts: int = 4
    most_pause: float = 60.0
    most_bytes: int = 64 * 1024**3
    keep_others: bool = False


@dataclass(frozen=True)
class Fetched:
    """What came of n products' addresses.

    Attributes
    ----------
    files : (n,) the picture of every product, or None.
    addresses : (n,) the address that it is from, or "".
    failures : (n,) for products without a picture, each of their addresses with the reason; empty for others.
    asked, changed, unchanged : addresses that were asked, new or changed pictures, and pictures that were still current.
    from_before : pictures that could not be asked for now and are those of an earlier run.
    """

    files: list[Path | None]
    addresses: list[str]
    failures: list[list[tuple[str, str]]]
    asked: int = 0
    changed: int = 0
    unchanged: int = 0
    from_before: int = 0


@dataclass
class _State:
    """What the threads share; counts are changed by the thread that gathers results alone."""

    kept: KeptPictures
    guard: AddressGuard
    connections: Connections
    how: PictureFetch
    results: queue.SimpleQueue[tuple[str, str]] = field(default_factory=queue.SimpleQueue)
    lock: threading.Lock = field(default_factory=threading.Lock)
    bytes: int = 0
    changed: int = 0
    unchanged: int = 0
    from_before: int = 0
    capped: bool = False
    error: Exception | None = None


def fetch_pictures(folder: Path, addresses: Sequence[Sequence[str]], how: PictureFetch, progress: Progress) -> Fetched:
    """Fetch the first picture of every product that can be had.

    Parameters
    ----------
    folder : where pictures are kept from run to run.
    addresses : (n,) the addresses of every product, the best first.

    An interrupted call leaves what it got, and the next one goes on from there. Raises `ImageError` if the disk is full.
    """
    if not any(addresses):
        return Fetched([None] * len(addresses), [""] * len(addresses), [[] for _ in addresses])
    kept, guard = KeptPictures(folder), AddressGuard(how.allow_hosts)
    connections = Connections(guard, most=how.connections, stall_seconds=how.stall_seconds)
    state = _State(kept, guard, connections, how)
    outcomes: dict[str, str] = {}
    kept.begin()
    try:
        for place in range(max(map(len, addresses), default=0)):
            open_ones = (each for each in addresses if len(each) > place and all(outcomes[one] for one in each[:place]))
            wanted = [one for one in dict.fromkeys(each[place] for each in open_ones) if one not in outcomes]
            # Most pictures come with the first addresses; further ones are what is left of the bar.
            _fetch_all(state, wanted, outcomes, _within(progress, 1 - 0.1**place, 1 - 0.1 ** (place + 1)))
    finally:
        connections.close()
    progress(STEP, 1.0, f"{sum(not failure for failure in outcomes.values()):,} pictures")
    if not state.capped:
        failed = [address for address, failure in outcomes.items() if failure]
        kept.end(failed, None if how.keep_others else outcomes.keys() - set(failed))
    return _fetched(state, addresses, outcomes)


def _within(progress: Progress, low: float, high: float) -> Progress:
    """Shows what is done, from 0 to 1, as a part of the step."""

    def tell(step: str, done: float, message: str = "") -> None:
        progress(step, low + done * (high - low), message)

    return tell


def _fetched(state: _State, addresses: Sequence[Sequence[str]], outcomes: dict[str, str]) -> Fetched:
    found = [next((one for one in each if outcomes.get(one) == ""), "") for each in addresses]
    files = [state.kept.file(address) if address else None for address in found]
    failures = [
        [] if address else [(one, outcomes[one]) for one in each]
        for each, address in zip(addresses, found, strict=True)
    ]
    return Fetched(files, found, failures, len(outcomes), state.changed, state.unchanged, state.from_before)


def _fetch_all(state: _State, wanted: list[str], outcomes: dict[str, str], progress: Progress) -> None:
    """Add what came of each address: "" or why there is no picture."""
    waiting = AddressQueue(wanted, per_host=state.how.per_host, most_silent=_MOST_SILENT)
    # Daemons: whoever interrupts the run does not wait for servers.
    threads = [threading.Thread(target=_work, args=(state, waiting), daemon=True) for _ in range(state.how.connections)]
    for thread in threads[: len(wanted)]:
        thread.start()
    done = failed = 0
    told = 0.0
    try:
        while done < len(wanted):
            if time.monotonic() - told >= _TELL_SECONDS:
                told = time.monotonic()
                missing = f", {failed:,} could not be had" if failed else ""
                message = f"{done:,} of {len(wanted):,} addresses, {state.bytes / 1e6:,.0f} MB{missing}"
                progress(STEP, done / len(wanted), message)
            try:
                address, failure = state.results.get(timeout=_TELL_SECONDS)
            except queue.Empty:
                continue
            if isinstance(state.error, OSError):
                raise ImageError(
                    f"the pictures cannot be kept ({state.error}). Make room and try again."
                ) from state.error
            if state.error is not None:
                raise state.error
            outcomes[address] = failure
            done += 1
            failed += bool(failure)
    finally:
        waiting.stop()
        until = time.monotonic() + _LEAVING_SECONDS
        for thread in threads[: len(wanted)]:
            thread.join(max(until - time.monotonic(), 0.0))


def _work(state: _State, waiting: AddressQueue) -> None:
    """Take addresses and fetch them until there are no more."""
    while (task := waiting.take()) is not None:
        try:
            failure = _try(state, task)
        except Exception as exc:
            # Raised again by the thread that waits for results; what servers do wrong are failures.
            state.error = exc
            state.results.put((task.address, str(exc)))
            waiting.stop()
            return
        if failure is None:
            waiting.done(task)
            state.results.put((task.address, ""))
        elif _again(state.how, task, failure):
            pause = failure.pause or 0.0
            after = max(pause, 2.0**task.attempts / 2)
            waiting.again(task, after=after, pause=pause if failure.pause is not None else 0.0, silent=failure.silent)
        else:
            _give_up(state, waiting, task, failure)


def _again(how: PictureFetch, task: Task, failure: FetchError) -> bool:
    """A server that does not answer at all is asked twice, others more often."""
    attempts = min(how.attempts, 2) if failure.silent else how.attempts
    return failure.again and task.attempts + 1 < attempts and (failure.pause or 0.0) <= how.most_pause


def _give_up(state: _State, waiting: AddressQueue, task: Task, failure: FetchError) -> None:
    later = (
        f"; it wants to be asked in {failure.pause:,.0f} s again" if (failure.pause or 0) > state.how.most_pause else ""
    )
    for each in (task, *waiting.done(task, silent=failure.silent)):
        said = failure.message + later if each is task else "its host does not answer, so it was not asked"
        before = state.kept.find(each.address) if failure.again else None
        if before is not None:
            with state.lock:
                state.from_before += 1
        state.results.put((each.address, "" if before is not None else said))


def _try(state: _State, task: Task) -> FetchError | None:
    """Fetch one picture and keep it; returns why that failed."""
    before = state.kept.find(task.address)
    if before is not None and state.kept.is_fresh(before):
        _count(state, Answer(None))
        return None
    try:
        answer = _ask(state, task.address, before)
    except FetchError as failure:
        return failure
    state.kept.keep(task.address, answer)
    _count(state, answer)
    return None


def _ask(state: _State, address: str, before: Kept | None) -> Answer:
    if state.bytes > state.how.most_bytes:
        state.capped = True
        raise FetchError(f"more than {state.how.most_bytes / 1e9:,.0f} GB were fetched. Run it again to go on")
    with state.connections.within(state.how.seconds):
        known = (before.etag, before.last_modified) if before is not None else ("", "")
        answer = ask(state.connections, state.guard, address, *known)
    if answer.data is None and before is None:
        raise FetchError("the server says that it has not changed, but it was never fetched")
    return answer


def _count(state: _State, answer: Answer) -> None:
    with state.lock:
        state.bytes += len(answer.data or b"")
        state.changed += answer.data is not None
        state.unchanged += answer.data is None
