"""One new product on screen: from a photo and a title given in Chromium to the ten cards that are its neighbours.

The photos were never seen by the shop, the server is the real one on a copy of the workspace. What the cards must be is
worked out beforehand from the same photo and title, in a workspace that the server does not see; they count as this
product's when nine of the ten are those, while the photo alone gives mostly others: cards of an earlier product, or of
the photo before the title was read, are never taken for them. The title is typed once the upload field names the photo, as
a person would: a title confirmed in the moment before that makes Streamlit's field forget the photo.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.new_products_page import CARDS_SHOWN, FORM, as_upload, curator_cookie, picture_files, title_field
from benchmarks.new_products_photos import garment_photos
from benchmarks.support import copy_workspace, free_port, launch_browser, serve_dashboard, wait_for
from engine.catalogue.product import Product
from engine.core.workspace import Workspace
from engine.recommend.recommender import Recommender
from engine.recommend.unseen import neighbours_of_unseen
from engine.untrusted.uploads import picture_children, store_upload

__all__ = ["on_screen"]

K = 10
SAME, OTHER = 9, 6  # of ten: so many for the lists to be the same product's, and at most so many for them to tell apart
WARM_UP = 2
PHOTO = "photo.jpg"
PATIENCE_MS = 90_000
ARE_SHOWN = """
([ids, least]) => {
  const shown = (CARDS_SHOWN)();
  return shown.length === ids.length && shown.filter((one) => ids.includes(one)).length >= least;
}
""".replace("CARDS_SHOWN", CARDS_SHOWN)


@dataclass(frozen=True)
class GivenProduct:
    """A product to give to the form, and the ids of its neighbours."""

    photo: bytes
    title: str
    neighbours: tuple[str, ...]


@dataclass(frozen=True)
class Times:
    """Seconds until the ten cards: since the page was asked for, the photo handed over, the title confirmed."""

    opened: float
    handed: float
    confirmed: float


def on_screen(root: Path, colds: int, products: int, seed: int) -> tuple[list[Times], list[Times]]:
    """Times of the very first product of so many servers just started, and of so many products of a warm one."""
    with tempfile.TemporaryDirectory(prefix="longtail-screen-") as folder:
        copy = copy_workspace(root, Path(folder) / "workspace")
        given = list(made_up(copy, Path(folder) / "scratch", colds + WARM_UP + products, seed))
        with launch_browser() as browser:
            cold = []
            for number in range(colds):
                with opened(browser, copy, Path(folder) / "server.log") as (context, address):
                    cold.append(timed(context, address, given[number]))
                print(f"  first product of server {number + 1}: {_told(cold[-1])}", flush=True)
            with opened(browser, copy, Path(folder) / "server.log") as (context, address):
                warm = []
                for number, product in enumerate(given[colds:]):
                    warm.append(timed(context, address, product))
                    print(f"  product {number + 1} of a warm server: {_told(warm[-1])}", flush=True)
    return cold, warm[WARM_UP:]


@contextmanager
def opened(browser: Any, workspace: Path, log: Path) -> Iterator[tuple[Any, str]]:
    """A server that was just started, and a browser context without a past."""
    port = free_port()
    address = f"http://localhost:{port}"
    with serve_dashboard(workspace, port, log):
        wait_for(address)
        context = browser.new_context(viewport={"width": 1360, "height": 860})
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies([curator_cookie(address)])
        try:
            yield context, address
        finally:
            context.close()


def timed(context: Any, address: str, product: GivenProduct) -> Times:
    """Give a product on a page of its own once the form is there; `RuntimeError` where its cards do not come."""
    page = context.new_page()
    opened = time.perf_counter()
    page.goto(f"{address}{FORM}")
    title_field(page).wait_for()
    handed = time.perf_counter()
    picture_files(page).set_input_files(as_upload(PHOTO, product.photo))
    page.get_by_text(PHOTO).wait_for()
    title_field(page).fill(product.title)
    confirmed = time.perf_counter()
    title_field(page).press("Enter")
    _wait_for_cards(page, product)
    done = time.perf_counter()
    page.close()
    return Times(done - opened, done - handed, done - confirmed)


def made_up(root: Path, scratch: Path, count: int, seed: int) -> Iterator[GivenProduct]:
    """Products of a photo and a title of the shop's kind, with the neighbours that the engine names for them."""
    workspace, recommender = Workspace(scratch), Recommender.open(Workspace(root))
    rng = np.random.default_rng(seed)
    titles = recommender.items["title"].dropna().drop_duplicates().to_numpy()
    made = 0
    with picture_children() as children:
        for number, photo in enumerate(garment_photos(10 * count, seed)):
            image = store_upload(workspace, photo, name=f"{number}.jpg", children=children)
            title = f"{rng.choice(titles)}, new in"
            whole, bare = (
                tuple(one.item_id for one in neighbours_of_unseen(recommender, workspace, product, K))
                for product in (Product(title=title, image=image), Product(image=image))
            )
            if len(set(whole) & set(bare)) <= OTHER:
                yield GivenProduct(photo, title, whole)
                made += 1
            if made == count:
                return
    raise RuntimeError(f"of {10 * count} photos only {made} get other neighbours with a title than without")


def _wait_for_cards(page: Any, product: GivenProduct) -> None:
    from playwright.sync_api import Error

    try:
        page.wait_for_function(ARE_SHOWN, arg=[list(product.neighbours), SAME], polling="raf", timeout=PATIENCE_MS)
    except Error as exc:
        raise RuntimeError(
            f"the cards of {product.title!r} did not come within {PATIENCE_MS / 1000:.0f} s.\n"
            f"expected {product.neighbours}\nshown    {tuple(page.evaluate(CARDS_SHOWN))}\n"
            f"the page says: {page.inner_text('body')[:1500]}"
        ) from exc


def _told(times: Times) -> str:
    return f"{times.confirmed:.2f} s from the title, {times.handed:.2f} s from the photo, {times.opened:.2f} s from opening"
