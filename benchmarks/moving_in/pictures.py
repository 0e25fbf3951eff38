"""Pictures find their products: how long it takes for 100,000, and whether names as shops write them are matched right.

Nothing is decoded. Each form of names is a small shop of its own, with pictures of products that it does not have beside
those that it has; a picture that is given to another product is counted as guessed wrong.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

from benchmarks.moving_in import Figures
from engine.ingest.pictures.matching import match_pictures

__all__ = ["FORMS", "Form", "measure"]

N_PRODUCTS = 100_000
N_SHOP = 9
N_MISSING = 3


@dataclass(frozen=True)
class Form:
    """How a shop calls things: its ids, its pictures, and the cells of its products file, by a product's number `{n}`.

    Of every product there is `picture`, which must be found, and `further`, which must not. `found` is False where nothing
    can tell whose the picture is.
    """

    item_id: str
    picture: str
    cell: str | None = None
    further: tuple[str, ...] = ()
    found: bool = True


_ADDRESS = "https://img.example.com/media/"
FORMS = (
    Form("{n}", "{n}.JPG"),
    Form("{n}", "{n}_1.jpg", further=("{n}_2.jpg", "{n}_10.jpg")),
    Form("{n}", "{n}-front.jpeg", further=("{n}-back.jpeg", "{n}-detail.jpeg")),
    Form("{n}", "{n}/front.jpg", further=("{n}/back.jpg",)),
    Form("{n}", "1/{n}/1.jpg", further=("1/{n}/2.jpg", "1/{n}/10.jpg")),
    Form("{n}", "{n}.jpg.jpg"),
    Form("{n}", "{n} (1).jpg", further=("{n} (2).jpg",)),
    Form("{n}", "0{n}.jpg"),
    Form("{n}", "product-{n}.webp"),
    Form("{n}", "p{n}.jpg", found=False),
    Form("{n}", "{n}"),
    Form("{n}", "{n}.v2.jpg"),
    Form("SKU {n}", "SKU_{n}.jpg"),
    Form("A/{n}", "A-{n}.jpg"),
    Form("A/{n}", "A/{n}.jpg"),
    Form("A:{n}", "A_{n}_1.jpg", further=("A_{n}_2.jpg",)),
    Form("Café {n}", "Cafe\u0301-{n}.jpg"),
    Form("hat-{n}", "hat-{n}.jpg", further=("hat-{n}-side.jpg",)),
    Form("hat-{n}", "hat-{n}-1024x768.jpg", further=("hat-{n}-150x150.jpg",)),
    Form("x{n}", "shoes/S{n}/main.jpg", "catalog/shoes/S{n}/main.jpg"),
    Form("x{n}", "shoes/S{n}/main.jpg", "shoes\\S{n}\\main.jpg"),
    Form("x{n}", "shoes/S{n}/main.jpg", "shoes/S{n}/main.png"),
    Form("x{n}", "shoes/S{n}/main.jpg", f"{_ADDRESS}shoes/S{{n}}/main.jpg?width=800"),
    Form("x{n}", "shoes/S{n}/main.jpg", "main.jpg", found=False),
    Form("x{n}", "S{n}-a.jpg", "S{n}-a.jpg, S{n}-b.jpg", further=("S{n}-b.jpg",)),
    Form("x{n}", "S{n}-b.jpg", f"{_ADDRESS}gone-{{n}}.jpg|{_ADDRESS}S{{n}}-b.jpg"),
    Form("x{n}", "2024/01/S{n}.jpg", f'["{_ADDRESS}2024/01/S{{n}}.jpg", "{_ADDRESS}2024/02/S{{n}}.jpg"]'),
    Form("x{n}", "p/a/b/S{n}.jpg", "/a/b/S{n}.jpg", further=("p/cache/0f1e/a/b/S{n}.jpg",)),
    Form("{n}", "large/{n}.jpg", further=("medium/{n}.jpg", "thumbs/{n}.jpg")),
    Form("x{n}", "S{n}.jpg", f"{_ADDRESS}2024/01/S{{n}}-1024x768.jpg"),
    Form("x{n}", "S{n}.jpg", "https://cdn.shopify.com/s/files/1/0001/products/S{n}_600x.jpg?v=1600"),
    Form("x{n}", "1/{n}.jpg", f"{_ADDRESS}img/p/1/{{n}}.jpg"),
    Form("x{n}", "a/b/S{n} red, large.jpg", "/a/b/S{n} red, large.jpg"),
    Form("x{n}", "Stra\u00dfe {n}.jpg", f"{_ADDRESS}Stra%C3%9Fe%20{{n}}.jpg"),
)


def measure(arguments: argparse.Namespace) -> Figures:
    """Seconds for 100,000 products and pictures of three kinds, and the share of the forms' products matched right."""
    seconds = {kind: _seconds(form) for kind, form in _large().items()}
    right, wrong, n_products = 0, 0, 0
    for form in FORMS:
        matched, mistaken = _matched(form)
        right, wrong, n_products = right + matched, wrong + mistaken, n_products + N_SHOP
        if matched < N_SHOP or mistaken:
            print(f"  {form}: {matched} of {N_SHOP} right, {mistaken} wrong")
    return {
        "pictures_matched_seconds": (round(max(seconds.values()), 1), "<= 60", {"seconds": seconds}),
        "pictures_matched_right": (round(right / n_products, 4), ">= 1.0", {"forms": len(FORMS)}),
        "pictures_guessed_wrong": (wrong, "<= 0"),
    }


def _matched(form: Form) -> tuple[int, int]:
    """How many of a form's products got what they should, and how many another product's picture."""
    # The last products of the shop have no picture, and there are pictures of products that the shop does not have.
    numbers = [101 + 7 * place for place in range(N_SHOP + N_MISSING)]
    shop, pictured = numbers[:N_SHOP], numbers[N_MISSING:]
    paths = [name.format(n=n) for n in pictured for name in (form.picture, *form.further)]
    cells = [form.cell and form.cell.format(n=n) for n in shop]
    found = match_pictures(sorted(paths), [form.item_id.format(n=n) for n in shop], cells).paths
    wanted = [form.picture.format(n=n) if form.found and n in pictured else None for n in shop]
    right = sum(one == other for one, other in zip(found, wanted, strict=True))
    return right, sum(one is not None and one != other for one, other in zip(found, wanted, strict=True))


def _large() -> dict[str, Form]:
    return {
        "by id": Form("{n}", "{n}_1.jpg"),
        "by address": Form("x{n}", "shoes/S{n}/main.jpg", f"{_ADDRESS}shoes/S{{n}}/main.jpg?width=800"),
        "refused": Form("x{n}", "shoes/S{n}/main.jpg", "main.jpg", found=False),
    }


def _seconds(form: Form) -> float:
    numbers = range(10**6, 10**6 + N_PRODUCTS)
    paths = [form.picture.format(n=n) for n in numbers]
    ids, cells = [form.item_id.format(n=n) for n in numbers], [form.cell and form.cell.format(n=n) for n in numbers]
    began = time.monotonic()
    found = match_pictures(paths, ids, cells).paths
    seconds = time.monotonic() - began
    if sum(path is not None for path in found) != form.found * N_PRODUCTS:
        raise AssertionError(f"{form} was not matched")
    return round(seconds, 1)
