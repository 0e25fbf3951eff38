"""The server killed again and again while people save, approve, withdraw, edit and discard drafts in their browsers.

The server is the real one, `streamlit run app.py` on a copy of the workspace; every time, its whole process group gets SIGKILL
at a random moment after the first request to store something. Several people work at once, each in a browser context of
their own. A version of a draft counts as confirmed once that person's page said so, up to the moment of the kill.
Afterwards a fresh process compares the store and the picture files with what was confirmed.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
import random
import re
import signal
import tempfile
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import new_products_page as on_page
from benchmarks.new_products_collection import sheet_of
from benchmarks.new_products_ledger import Entry, Findings, Ledger, Version, examine_apart
from benchmarks.new_products_photos import garment_photos
from benchmarks.support import copy_workspace, free_port, launch_browser_async, serve_dashboard, wait_for
from engine.core.workspace import Workspace
from engine.edits.collections.rows import read_collection
from engine.recommend.recommender import Recommender

__all__ = ["Killed", "kill_servers"]

EVENTS = 24  # a life ends after 1 to so many requests and confirmations (few more often than many), and a moment more
MOMENT, LONGEST = 0.5, 8.0  # seconds: at most that moment, and a life after its first request
STARTED_MS, PATIENCE_MS = 90_000, 45_000
DELIVERED = 0.2  # seconds in which a page still shows what the dead server had sent
ROWS = 3
PHOTO_SIDE = 400
FLIPS = 5
EDITS, DISCARDS = 0.25, 0.1  # how often a draft in hand is edited, and how often it is discarded
WRITES = 0.4  # how often whoever uses the form writes a product rather than taking a draft in hand
ENOUGH, CLEARED = 40, 0.6  # from so many drafts on they are discarded so often, and fewer are brought
UNEXPECTED = re.compile(
    r"error [0-9a-f]{8} in .*?\n(\w[\w.]*(?:Error|Exception))", re.DOTALL
)  # as ui.app.guard logs it
PLACE = re.compile(r'File "[^"]*", line \d+, in \w+')
PEOPLE = ("collect", "move", "move", "form")


@dataclass(frozen=True)
class Killed:
    """What came of it: operations confirmed by kind, those no page answered though its server lived, pages that ended
    with an error they could not explain (by place in the code), operations in flight at the kills, what was found then.
    """

    kills: int
    confirmed: Counter[str]
    stuck: list[str]
    errors: Counter[str]
    in_flight: int
    findings: Findings


@dataclass
class World:
    """What the people share: the server's present life, the drafts that nobody has in hand, photos, the ledger."""

    recommender: Recommender
    photos: list[bytes]
    folder: Path
    ledger: Ledger = field(default_factory=Ledger)
    free: deque[str] = field(default_factory=deque)
    counted: Counter[str] = field(default_factory=Counter)
    stuck: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    life: int = 0
    address: str = ""
    struck: bool = False  # the kill was sent; what the server had said before is still on its way to the pages
    over: bool = False
    up: asyncio.Event = field(default_factory=asyncio.Event)
    events: int = 0  # requests and confirmations in this life

    def alive(self, life: int) -> bool:
        """Whether the server of this life is there."""
        return self.up.is_set() and self.life == life and not self.over

    def ask(self, draft_ids: list[str], version: Callable[[str], Version]) -> None:
        """These are about to be asked for."""
        for draft_id in draft_ids:
            self.ledger.ask(draft_id, version(draft_id), self.life)
        self.events += 1

    def confirm(self, kind: str, draft_ids: list[str], version: Callable[[str], Version]) -> None:
        """The page said that these are stored."""
        for draft_id in draft_ids:
            self.ledger.confirm(draft_id, version(draft_id), self.life)
        self.counted[kind] += 1
        self.events += 1


def kill_servers(root: Path, kills: int, seed: int) -> Killed:
    """So many lives of the server on a copy of the workspace, and what is left of what was confirmed."""
    with tempfile.TemporaryDirectory(prefix="longtail-killed-") as folder:
        copy = copy_workspace(root, Path(folder) / "workspace")
        photos = list(garment_photos(64, seed, long_side=PHOTO_SIDE))
        world = World(Recommender.open(Workspace(copy)), photos, Path(folder))
        asyncio.run(_lives(world, copy, kills, random.Random(seed)))
        print("  comparing store and files with what was confirmed", flush=True)
        findings = examine_apart(copy, world.ledger)
        return Killed(kills, world.counted, world.stuck, world.errors, world.ledger.in_flight, findings)


async def _lives(world: World, workspace: Path, kills: int, rng: random.Random) -> None:
    port = free_port()  # always the same: what the browser keeps of the page's code makes lives shorter
    async with launch_browser_async() as browser:
        people = [asyncio.create_task(_person(world, browser, kind, number)) for number, kind in enumerate(PEOPLE)]
        try:
            for life in range(1, kills + 1):
                try:
                    await _life(world, workspace, port, life, rng)
                except TimeoutError as exc:
                    world.stuck.append(f"life {life}: {exc}")
                if broken := [one for one in people if one.done()]:
                    broken[0].result()
        finally:
            world.over = True
            world.up.set()
            await asyncio.gather(*people, return_exceptions=True)


async def _life(world: World, workspace: Path, port: int, life: int, rng: random.Random) -> None:
    """Start the server, let people work, and kill it at a random point of their work."""
    events, moment = math.exp(rng.uniform(0, math.log(EVENTS))), rng.uniform(0, MOMENT)
    began, before = time.monotonic(), sum(world.counted.values())
    with serve_dashboard(workspace, port, world.folder / "server.log", own_group=True) as server:
        await asyncio.to_thread(wait_for, f"http://localhost:{port}")
        world.struck, world.life, world.address = False, life, f"http://localhost:{port}"
        world.events = 0
        world.up.set()
        await _until(lambda: world.events > 0, STARTED_MS / 1000)
        await _until(lambda: world.events >= events, LONGEST, late=True)
        await asyncio.sleep(moment)
        if server.poll() is not None:
            raise RuntimeError(f"the server ended by itself:\n{(world.folder / 'server.log').read_text()[-2000:]}")
        world.struck = True
        os.killpg(server.pid, signal.SIGKILL)
        await asyncio.sleep(DELIVERED)
        world.up.clear()
        world.ledger.killed(life)
        world.errors.update(_errors(world.folder / "server.log"))
    print(
        f"  life {life}: {time.monotonic() - began:.1f} s, {sum(world.counted.values()) - before} operations confirmed, "
        f"{len(world.free)} drafts at hand, {len(world.ledger.wrong)} wrong, {len(world.stuck)} stuck",
        flush=True,
    )


def _errors(log: Path) -> list[str]:
    """Where pages ended with an error that they could not explain, once for each that the log has."""
    found = UNEXPECTED.finditer(log.read_text("utf-8", "replace"))
    return [f"{PLACE.findall(one.group())[-1]}: {one.group(1)}" for one in found if PLACE.search(one.group())]


async def _until(true: Callable[[], bool], seconds: float, *, late: bool = False) -> None:
    """Wait for it; `TimeoutError` where it takes longer, unless being late is no fault."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            if late:
                return
            raise TimeoutError(f"nobody asked for anything within {seconds:.0f} s")
        await asyncio.sleep(0.02)


async def _person(world: World, browser: Any, kind: str, number: int) -> None:
    """Do one thing after the other; when the server dies, close the page and go on with the next server."""
    from playwright.async_api import Error

    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    await context.add_cookies([on_page.curator_cookie("http://localhost")])
    rng = random.Random(number)
    act = {"collect": _bring, "move": _move, "form": _form}[kind]
    while True:
        await world.up.wait()
        if world.over:
            return
        if world.struck:
            await asyncio.sleep(DELIVERED)
            continue
        life, page = world.life, await context.new_page()
        work = asyncio.create_task(_work(world, page, rng, act))
        while not work.done() and world.alive(life):
            await asyncio.wait([work], timeout=0.05)
        if world.alive(life) and not world.struck and work.done() and work.exception() is not None:
            world.stuck.append(f"life {life}, {kind}: {work.exception()}\n{await _told(page)}")
        with suppress(Error):
            await page.close()
        with suppress(Error):
            await work


async def _work(world: World, page: Any, rng: random.Random, act: Callable[..., Awaitable[None]]) -> None:
    life = world.life
    while world.alive(life):
        await act(world, page, rng)


async def _bring(world: World, page: Any, rng: random.Random) -> None:
    await (_collect if len(world.free) < ENOUGH or rng.random() < 0.5 else _move)(world, page, rng)


async def _form(world: World, page: Any, rng: random.Random) -> None:
    await (_write if rng.random() < WRITES else _move)(world, page, rng)


async def _collect(world: World, page: Any, rng: random.Random) -> None:
    """Save a small collection, at times shown in the shop at once."""
    number = len(world.ledger.collections)
    photos = rng.sample(world.photos, ROWS)
    names = [f"{number}-{place}.jpg" for place in range(ROWS)]
    table = sheet_of(world.recommender, names, number, f"c{number}")
    kinds = world.recommender.manifest.extra["shop"]["attributes"]
    rows = read_collection(table, names, kinds)
    ids = [str(row.product_id) for row in rows]
    for row, photo in zip(rows, photos, strict=True):
        facts = {name: value for name, value in row.product.to_json().items() if name != "title"}
        world.ledger.entries[str(row.product_id)] = Entry(facts, (hashlib.sha256(photo).hexdigest(),))
    world.ledger.collections.append(ids)
    titles = {str(row.product_id): row.product.title for row in rows}
    await page.goto(f"{world.address}{on_page.collection_address()}")
    sheet = on_page.as_upload("sheet.csv", table.to_csv(index=False).encode(), "text/csv")
    await on_page.collection_sheet_file(page).set_input_files(sheet)
    await page.get_by_text("sheet.csv").first.wait_for()
    uploads = [on_page.as_upload(name, photo) for name, photo in zip(names, photos, strict=True)]
    await on_page.collection_picture_files(page).set_input_files(uploads)
    await on_page.collection_ready(page, ROWS).wait_for()
    state = "draft"
    if rng.random() < 0.2:
        state = "approved"
        await on_page.collection_shown_at_once(page).click()
        await page.wait_for_timeout(300)
        await page.locator(on_page.AT_REST).wait_for(state="attached")
    world.ask(ids, lambda one: Version(state, titles[one]))
    await on_page.collection_save(page, ROWS).click()
    await on_page.collection_saved(page, ROWS).wait_for()
    world.confirm("collection", ids, lambda one: Version(state, titles[one]))
    world.free.extend(ids)


async def _write(world: World, page: Any, rng: random.Random) -> None:
    """Save one product of the form, as a draft or shown in the shop."""
    number = len(world.ledger.entries)
    draft_id, title, photo = f"w{number}", f"Written dress {number}", rng.choice(world.photos)
    state, button = rng.choice([("draft", on_page.SAVE), ("approved", on_page.RELEASE)])
    world.ledger.entries[draft_id] = Entry({}, (hashlib.sha256(photo).hexdigest(),))
    await page.goto(f"{world.address}{on_page.FORM}")
    await on_page.title_field(page).wait_for()
    await on_page.picture_files(page).set_input_files(on_page.as_upload("photo.jpg", photo))
    await page.get_by_text("photo.jpg").wait_for()
    for field_of, text in ((on_page.title_field, title), (on_page.id_field, draft_id)):
        await field_of(page).fill(text)
        await field_of(page).press("Enter")
    await page.locator(".lt-upload").wait_for()
    world.ask([draft_id], lambda _one: Version(state, title))
    await on_page.button(page, button).click()
    await on_page.draft_line(page, draft_id).wait_for()
    await _move_button(page, state).wait_for()
    world.confirm("product", [draft_id], lambda _one: Version(state, title))
    world.free.append(draft_id)


async def _move(world: World, page: Any, rng: random.Random) -> None:
    """Take a draft in hand: show it in the shop and take it out again, a few times; edit it, or throw it away, at times."""
    if not world.free:  # nobody has saved any yet
        await _collect(world, page, rng)
        return
    draft_id = world.free.popleft()
    try:
        version = await _open_draft(world, page, draft_id)
        if rng.random() < EDITS:
            version = await _edit(world, page, rng, draft_id, version)
        for _ in range(rng.randrange(1, FLIPS)):
            version = await _flip(world, page, draft_id, version)
        if rng.random() < (DISCARDS if len(world.free) < ENOUGH else CLEARED):
            gone = Version("discarded", version.title)
            world.ask([draft_id], lambda _one: gone)
            await on_page.button(page, on_page.DISCARD).click()
            await on_page.discarded_line(page).wait_for()
            world.confirm("discarded", [draft_id], lambda _one: gone)
    finally:
        if all(one.state != "discarded" for one in world.ledger.entries[draft_id].allowed()):
            world.free.append(draft_id)


async def _flip(world: World, page: Any, draft_id: str, version: Version) -> Version:
    """Into the shop, or out of it."""
    there = version.state == "approved"
    wanted = Version("draft" if there else "approved", version.title)
    world.ask([draft_id], lambda _one: wanted)
    await _move_button(page, version.state).click()
    await _move_button(page, wanted.state).wait_for()
    world.confirm(wanted.state, [draft_id], lambda _one: wanted)
    return wanted


async def _edit(world: World, page: Any, rng: random.Random, draft_id: str, before: Version) -> Version:
    """Give a draft another title, in the form."""
    wanted = Version(before.state, f"Edited dress {rng.getrandbits(32):08x}")
    await on_page.button(page, on_page.CHANGE).click()
    await on_page.changing_line(page, draft_id).wait_for()
    await on_page.title_field(page).fill(wanted.title)
    await on_page.title_field(page).press("Enter")
    await page.wait_for_timeout(300)
    world.ask([draft_id], lambda _one: wanted)
    await on_page.button(page, on_page.SAVE).click()
    await on_page.draft_line(page, draft_id).wait_for()
    await page.locator(".card .title", has_text=wanted.title).first.wait_for()
    world.confirm("edit", [draft_id], lambda _one: wanted)
    return wanted


async def _open_draft(world: World, page: Any, draft_id: str) -> Version:
    """Open a draft's page and believe what it says: after a kill it may be what was confirmed, or what was asked for."""
    await page.goto(f"{world.address}{on_page.draft_address(draft_id)}")
    await on_page.draft_line(page, draft_id).wait_for()
    title = await page.locator(".card .title").first.inner_text()
    release, withdraw = _move_button(page, "draft"), _move_button(page, "approved")
    await release.or_(withdraw).first.wait_for()
    version = Version("approved" if await withdraw.count() else "draft", title)
    world.ledger.confirm(draft_id, version, world.life)
    return version


def _move_button(page: Any, state: str) -> Any:
    """The button that a draft in this state has, and in the other one has not."""
    return on_page.button(page, on_page.WITHDRAW if state == "approved" else on_page.RELEASE)


async def _told(page: Any) -> str:
    with suppress(Exception):
        return " ".join((await page.inner_text("body")).split())[-600:]
    return "(the page does not answer)"
