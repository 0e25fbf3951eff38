"""A workspace with a shop and a published release of any size in minutes, without training: for measuring screens.

    python -m benchmarks.made_release FOLDER --products 100000 [--seed 0] [--no-pictures]

Products are dresses in families, `f{family}-{number}`, which share brand, category, style and behaviour; colours, materials and
lengths vary within them. Sales have a long tail, and a tenth of the products has none. The factors of behaviour are planted;
everything else is fitted as a training fits it, with small models, and written through `ReleaseContents`. Pictures are a few
hundred drawn ones, shared.
"""

from __future__ import annotations

import argparse
import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from engine.arms.base import FittedModels
from engine.arms.hybrid_fit import fit_hybrid
from engine.arms.plan import default_plan
from engine.arms.registry import arm_vectors
from engine.catalogue.images import store_image
from engine.catalogue.interactions import Interactions, read_interactions
from engine.catalogue.snapshot import Shop, read_shop, write_snapshot
from engine.core.settings import Settings
from engine.core.vectors import unit_rows
from engine.core.workspace import Workspace
from engine.models.als import AlsFactors
from engine.models.encoders import content_vectors, encode_catalogue, fit_encoders
from engine.models.predictor import train_predictor
from engine.models.smoother import Capacity
from engine.models.tfidf import fit_tfidf
from engine.models.views import fit_standard
from engine.release.contents import ReleaseContents, write_contents
from engine.release.publish import new_release_id, publish, write_release
from tests.support.tiny_release import TRADE, tiny_metrics

__all__ = ["make_release", "make_shop"]

FACTORS, RANK, LANDMARKS = 16, 32, 400
PER_FAMILY, PICTURES = 250, 300
LATEST = 1_750_000_000
MANY = 200_000
COLOURS = (
    ("Crimson", "#a3243b"), ("Navy", "#1f2f56"), ("Olive", "#6b7039"), ("Gold", "#c79a3b"), ("Teal", "#1f7a78"),
    ("Plum", "#6c3461"), ("Coral", "#e07a5f"), ("Ivory", "#e6dcc6"), ("Black", "#26262a"), ("Sienna", "#9a5a35"),
)  # fmt: skip
STYLES = ("Floral", "Striped", "Plain", "Lace", "Pleated", "Dotted", "Embroidered", "Checked", "Sequinned", "Ribbed")
CUTS = ("wrap dress", "shirt dress", "maxi dress", "midi dress", "slip dress", "tea dress", "ball gown", "tunic")
MATERIALS = ("cotton", "linen", "silk", "wool", "viscose", "velvet", "jersey", "satin")
NECKLINES = ("v-neck", "boat neck", "halter", "square neck", "round neck")
OCCASIONS = ("party", "office", "wedding", "beach", "everyday", "holiday")
BRANDS = ("Alder", "Birch", "Cedar", "Damson", "Elder", "Fern", "Gorse", "Hazel", "Iris", "Juniper", "Larch", "Myrtle")
HOUSES = ("& Rose", "Studio", "of London", "Atelier", "& Sons")
KINDS = {
    "colour": "category",
    "material": "category",
    "neckline": "category",
    "length_cm": "number",
    "occasions": "multi",
}


def make_release(
    workspace: Workspace, products: int, seed: int = 0, *, pictures: bool = True, title_length: int = 0
) -> str:
    """Write a shop of so many products and a release of it, and publish it; the release's id.

    Parameters
    ----------
    title_length : how long every title, brand and category is, in characters; 0 for what is usual.
    """
    if not (
        workspace.snapshots / "current"
    ).is_file():  # one that was ended before its release was written goes on from its shop
        make_shop(workspace, products, seed, pictures=pictures, title_length=title_length)
    shop = read_shop(workspace)
    trees = 10 if products <= MANY else 2  # of the index that other programs read: cells are searched
    settings = Settings.model_validate(
        {"seed": seed, "text": {"model": "none"}, "image": {"kind": "none"}, "index": {"trees": trees}}
    )
    interactions = read_interactions(workspace, list(shop.items["item_id"]), settings.interactions)
    contents = _contents(shop, workspace, interactions, settings)
    release_id = new_release_id(workspace)
    write_release(
        workspace,
        release_id,
        lambda directory: write_contents(contents, workspace, directory) | {"snapshot_id": shop.snapshot_id},
    )
    publish(workspace, release_id)
    return release_id


def make_shop(
    workspace: Workspace, products: int, seed: int = 0, *, pictures: bool = True, title_length: int = 0
) -> str:
    """Write the shop alone; its snapshot's id. Parameters as for `make_release`."""
    rng = np.random.default_rng([seed, 17])
    families = np.arange(products) % _n_families(products)
    items = _items(families, rng)
    if title_length:
        for column in ("title", "brand", "category"):
            items[column] = [_lengthened(text, title_length) for text in items[column]]
    if pictures:
        stored = [_picture(workspace, number) for number in range(min(PICTURES, products))]
        by_colour = {name: stored[place :: len(COLOURS)] or stored for place, (name, _) in enumerate(COLOURS)}
        drawn = rng.integers(0, 1 << 30, products)
        items["image"] = [
            by_colour[colour][int(draw) % len(by_colour[colour])]
            for colour, draw in zip(items["colour"], drawn, strict=True)
        ]
    info = {"name": f"{products:,} Dresses", "interaction_word": "clicks", "currency": "£", "attributes": KINDS}
    report: dict[str, Any] = {"files": [], "problems": [], "problem_counts": {}}
    return write_snapshot(workspace, items, _events(items["item_id"].to_numpy(), families, rng), info, report)


def _n_families(products: int) -> int:
    return max(4, min(400, products // PER_FAMILY))


def _items(families: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    n = len(families)

    def picked(names: tuple[str, ...]) -> np.ndarray:
        return np.asarray(names, dtype=object)[rng.integers(0, len(names), n)]

    colours, materials, necklines = picked(tuple(name for name, _ in COLOURS)), picked(MATERIALS), picked(NECKLINES)
    styles = [STYLES[family % len(STYLES)] for family in families]
    cuts = [CUTS[family // len(STYLES) % len(CUTS)] for family in families]
    brands = [f"{BRANDS[f % len(BRANDS)]} {HOUSES[f // len(BRANDS) % len(HOUSES)]}" for f in families]
    titles = [
        f"{colour} {style.lower()} {material} {cut}"
        for colour, style, material, cut in zip(colours, styles, materials, cuts, strict=True)
    ]
    first, second = rng.integers(0, len(OCCASIONS), (2, n))
    return pd.DataFrame(
        {
            "item_id": [f"f{family}-{position:06d}" for position, family in enumerate(families)],
            "title": titles,
            "description": [
                f"{title} with a {neckline}, by {brand}."
                for title, neckline, brand in zip(titles, necklines, brands, strict=True)
            ],
            "brand": brands,
            "category": [cut.capitalize() for cut in cuts],
            "price": np.round(20 + families % 7 * 15 + rng.uniform(0, 40, n), 2),
            "colour": colours,
            "material": materials,
            "neckline": necklines,
            "length_cm": 80.0 + families % 9 * 5 + rng.integers(0, 4, n),
            "occasions": [sorted({OCCASIONS[a], OCCASIONS[b]}) for a, b in zip(first, second, strict=True)],
        }
    )


def _lengthened(text: str, length: int) -> str:
    """The text again and again, with a word that cannot be broken in the middle."""
    times = length // (2 * len(text)) + 1
    return f"{(text + ' ') * times}{text.replace(' ', '') * 3} {(text + ' ') * times}"[:length].strip()


def _events(item_ids: np.ndarray, families: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Clicks that fall off as rank ** -0.9, about 20 a product; seven in ten by shoppers of the product's own family."""
    n, n_families = len(item_ids), int(families.max()) + 1
    shoppers = max(20, n // n_families // 2)
    counts = rng.permutation(np.arange(1, n + 1) ** -0.9)
    counts = np.minimum(np.rint(counts * 20 * n / counts.sum()), n_families * shoppers // 2).astype(int)
    counts[rng.permutation(n)[: n // 10]] = 0
    rows = np.repeat(np.arange(n), counts)
    family = np.where(rng.random(len(rows)) < 0.7, families[rows], rng.integers(0, n_families, len(rows)))
    users = family * shoppers + rng.integers(0, shoppers, len(rows))
    pairs = np.unique(rows.astype(np.int64) * (n_families * shoppers) + users)
    rows, users = pairs // (n_families * shoppers), pairs % (n_families * shoppers)
    names = np.array([f"s{user // shoppers}-{user % shoppers:03d}" for user in range(n_families * shoppers)], object)
    times = LATEST - rng.integers(0, 300 * 86_400, len(rows))
    return pd.DataFrame({"user_id": names[users], "item_id": item_ids[rows], "event": "view", "timestamp": times})


def _picture(workspace: Workspace, number: int) -> str:
    """A dress in one of the colours, of a shape of its own."""
    image = Image.new("RGB", (240, 300), (244, 240, 234))
    pen, wide, long = ImageDraw.Draw(image), 8 + number % 13 * 5, 180 + number // 13 % 9 * 12
    pen.polygon([(96, 50), (144, 50), (150 + wide, long), (90 - wide, long)], fill=COLOURS[number % len(COLOURS)][1])
    pen.ellipse((108, 14, 132, 44), fill="tan")
    for stripe in range(number % 4):
        pen.line([(92, 90 + 25 * stripe), (148, 90 + 25 * stripe)], fill=(255, 255, 255), width=3)
    pen.point((number % 240, number // 240), fill="black")  # no two files are equal
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80, comment=hashlib.sha256(bytes([number % 256, number // 256])).digest())
    return store_image(workspace, buffer.getvalue(), name="dress.jpg")


def _contents(shop: Shop, workspace: Workspace, interactions: Interactions, settings: Settings) -> ReleaseContents:
    families = np.array([int(item_id[1:].split("-")[0]) for item_id in shop.items["item_id"]])
    counts, seed = interactions.counts, settings.seed
    behaviour = _behaviour(families, interactions, seed)
    encoders = fit_encoders(shop, workspace, settings, seed)
    features = encode_catalogue(encoders, shop.items, workspace)
    quick = settings.predictor.model_copy(update={"hidden": 32, "layers": 1, "max_steps": 200})
    predictor = train_predictor(features, behaviour.item_factors, counts, quick, seed)
    predicted = predictor.predict(features)
    words = fit_tfidf(shop.items, shop.attribute_kinds)
    standard = fit_standard(features)
    views = standard.views(features, predicted, words.encode(shop.items))
    plan = default_plan(settings, len(counts), words=True)
    recipe = replace(plan.recipe, noise=3.0, favour=2.0, rank=RANK, capacity=Capacity(LANDMARKS, LANDMARKS))
    plan = replace(plan, recipe=recipe, trials=replace(plan.trials, long_tail=TRADE))
    hybrid = fit_hybrid(interactions.user_items, counts, standard, views, recipe, seed)
    fitted = FittedModels(
        counts,
        behaviour.item_factors,
        behaviour.item_factors,
        predicted,
        content_vectors(features),
        plan.mix,
        hybrid,
    )
    return ReleaseContents(
        shop=shop,
        interactions=interactions,
        settings=settings,
        behaviour=behaviour,
        encoders=encoders,
        predictor=predictor,
        words=words,
        fitted=fitted,
        hybrid=hybrid,
        arms=arm_vectors(fitted),
        maps=_maps(shop.items["item_id"], families, counts, seed),
        metrics=tiny_metrics(seed),
        plan=plan,
        notes=[f"{int((counts == 0).sum()):,} of {len(counts):,} products have no clicks yet."],
        decision="Published: made for measuring.",
        steps=[{"name": "Reading the shop", "seconds": 1.0}],
    )


def _behaviour(families: np.ndarray, interactions: Interactions, seed: int) -> AlsFactors:
    """Factors in which families are clusters, and behaviour with under 3 clicks is noise."""
    rng, counts = np.random.default_rng([seed, 18]), interactions.counts
    centres = unit_rows(rng.normal(size=(int(families.max()) + 1, FACTORS)).astype(np.float32))

    def near(own: np.ndarray, spread: float) -> np.ndarray:
        noise = rng.normal(size=(len(own), FACTORS)).astype(np.float32)
        return np.asarray(unit_rows(centres[own] + np.float32(spread) * noise / np.float32(4)))

    noise = unit_rows(rng.normal(size=(len(families), FACTORS)).astype(np.float32))
    items = np.where((counts < 3)[:, None], noise, near(families, 0.25)) * np.log1p(counts)[:, None] / 3
    shoppers = np.array([int(user_id[1:].split("-")[0]) for user_id in interactions.user_ids])
    return AlsFactors(near(shoppers, 0.1), items.astype(np.float32), [1.0 / (1 + step) for step in range(15)])


def _maps(item_ids: pd.Series, families: np.ndarray, counts: np.ndarray, seed: int) -> pd.DataFrame:
    """Families as round clusters; by behaviour, products with under 3 clicks lie anywhere and those without nowhere."""
    rng = np.random.default_rng([seed, 19])
    centres = rng.uniform(-1, 1, (int(families.max()) + 1, 2))
    hybrid = centres[families] + 0.03 * rng.normal(size=(len(families), 2))
    als = np.where((counts < 3)[:, None], rng.uniform(-1, 1, hybrid.shape), hybrid)
    als[counts == 0] = np.nan
    points = {"hybrid_x": hybrid[:, 0], "hybrid_y": hybrid[:, 1], "als_x": als[:, 0], "als_y": als[:, 1]}
    return pd.DataFrame({"item_id": item_ids} | {name: values.astype(np.float32) for name, values in points.items()})


def main() -> None:
    """Make a workspace."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-pictures", action="store_true")
    arguments = parser.parse_args()
    workspace = Workspace(arguments.folder)
    print(make_release(workspace, arguments.products, arguments.seed, pictures=not arguments.no_pictures))


if __name__ == "__main__":
    main()
