"""A shop and a release whose neighbours are known by construction, made of the parts that production serves.

Products are dresses in families: product j of family f is `f{f}-{j:02d}`. Family members share brand, category, colour and
behaviour, so every product's true neighbours are its family. Product 0 of a family is its bestseller, and clicks halve
every other product, down to none for the last one. The factors of behaviour are planted: noise for products with fewer
than 3 clicks, as it is in life; everything else is fitted as a training fits it, quickly. The bestseller of family 0 has a
title that is HTML, the next one a title that is a formula to a spreadsheet; the product after that has neither title,
price nor picture.

    from tests.support.tiny_release import build_tiny_release
    tiny = build_tiny_release(workspace)                   # a shop and release r0001, published
    build_tiny_release(workspace)                          # the same shop, release r0002

What was built once in a process is copied from then on.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from engine.arms.base import FittedModels
from engine.arms.candidate_mix import CandidateMix
from engine.arms.geometry import ArmVectors
from engine.arms.hybrid_fit import fit_hybrid
from engine.arms.plan import FavourTrial, LongTailTrade, Trials, default_plan
from engine.arms.registry import arm_vectors
from engine.catalogue.images import store_image
from engine.catalogue.interactions import Interactions, read_interactions
from engine.catalogue.snapshot import Shop, read_shop, write_snapshot
from engine.core.errors import NoDataError
from engine.core.settings import Settings
from engine.core.vectors import unit_rows
from engine.core.workspace import Workspace
from engine.models.als import AlsFactors
from engine.models.encoders import content_vectors, encode_catalogue, fit_encoders
from engine.models.predictor import train_predictor
from engine.models.tfidf import fit_tfidf
from engine.models.views import fit_standard
from engine.release.contents import ReleaseContents, write_contents
from engine.release.publish import new_release_id, publish, write_release

FACTORS, MIX = 16, CandidateMix(4.0, 0.7)
KINDS = {"colour": "category", "length_cm": "number", "occasions": "multi", "care": "text"}
COLOURS = ("crimson", "navy", "olive", "gold", "teal", "plum", "coral", "ivory", "black", "sienna")
STYLES = ("Floral midi", "Striped maxi", "Velvet evening", "Linen summer", "Lace wedding", "Denim day")
OCCASIONS = ("party", "office", "wedding", "beach", "everyday")
SHOPPERS_PER_FAMILY = 24
TRADE = LongTailTrade(
    0.05,
    FavourTrial(1.0, 0.3, 0.0, 0.02),
    (FavourTrial(1.0, 0.4, 0.001, 0.05), FavourTrial(2.0, 0.398, 0.06, 0.1), FavourTrial(6.0, 0.3, 0.4, 0.25)),
)
HTML_TITLE, FORMULA_TITLE = '<b>Bold</b> & "quoted" dress', "=HYPERLINK(A1) dress"


@dataclass(frozen=True)
class TinyRelease:
    """What was built.

    Attributes
    ----------
    families : item_id -> number of its family, the known truth.
    counts : item_id -> clicks.
    """

    workspace: Workspace
    snapshot_id: str
    release_id: str
    families: dict[str, int]
    counts: dict[str, int]

    def with_clicks(self, count: int) -> str:
        """The first product with exactly so many clicks."""
        return next(item_id for item_id, clicks in self.counts.items() if clicks == count)


def build_tiny_release(
    workspace: Workspace,
    n_items: int = 60,
    *,
    n_families: int = 6,
    seed: int = 0,
    demo: bool = False,
    publish_it: bool = True,
    settings: Settings | None = None,
) -> TinyRelease:
    """Write a release of the workspace's tiny shop, which is built first where there is none.

    Parameters
    ----------
    n_items : at least 3 per family.
    settings : attributes alone are read unless they ask for text or pictures.
    """
    try:
        shop = read_shop(workspace)
    except NoDataError:
        build_tiny_shop(workspace, n_items, n_families=n_families, seed=seed, demo=demo)
        shop = read_shop(workspace)
    families = {str(item_id): int(item_id[1:].split("-")[0]) for item_id in shop.items["item_id"]}
    chosen = settings or Settings.model_validate({"seed": seed, "text": {"model": "none"}, "image": {"kind": "none"}})
    interactions = read_interactions(workspace, list(shop.items["item_id"]), chosen.interactions)
    release_id = new_release_id(workspace)
    write_release(workspace, release_id, lambda directory: _fill(directory, shop, workspace, interactions, chosen))
    if publish_it:
        publish(workspace, release_id)
    counts = dict(zip(families, interactions.counts.tolist(), strict=True))
    return TinyRelease(workspace, shop.snapshot_id, release_id, families, counts)


def build_tiny_shop(
    workspace: Workspace, n_items: int = 60, *, n_families: int = 6, seed: int = 0, demo: bool = False
) -> str:
    """Write the tiny shop as a snapshot with pictures; its id."""
    built = _built_shop(n_items, n_families, seed, demo)
    for name in ("shop", "images", "thumbnails"):
        shutil.copytree(built.root / name, workspace.root / name, dirs_exist_ok=True)
    return built.current_snapshot().name


@cache
def _built_shop(n_items: int, n_families: int, seed: int, demo: bool) -> Workspace:
    workspace = Workspace(_scratch())
    if n_items < 3 * n_families:
        raise ValueError(f"{n_items} products are too few for {n_families} families of at least 3")
    rng = np.random.default_rng(seed)
    rows = []
    for position in range(n_items):
        family, number = position % n_families, position // n_families
        colour, style = COLOURS[family % len(COLOURS)], STYLES[family % len(STYLES)]
        occasions = [OCCASIONS[family % len(OCCASIONS)], OCCASIONS[(family + number) % len(OCCASIONS)]]
        rows.append(
            {
                "item_id": f"f{family}-{number:02d}",
                "title": f"{style} dress in {colour}, no. {number}",
                "description": f"A {style.lower()} dress, cut for {occasions[0]}.",
                "brand": f"House {family % 4}",
                "category": style.split()[-1].capitalize(),
                "price": round(20.0 + 15 * family + float(rng.uniform(0, 10)), 2),
                "image": _picture(workspace, colour, number),
                "colour": colour,
                "length_cm": 90.0 + 5 * family + number % 3,
                "occasions": list(dict.fromkeys(occasions)),
                "care": "Wash cold" if number % 2 else None,
            }
        )
    rows[0]["title"] = HTML_TITLE
    rows[n_families]["title"] = FORMULA_TITLE
    rows[2 * n_families] |= {"title": None, "price": None, "image": None}
    items = pd.DataFrame(rows)
    truth = pd.DataFrame({"item_id": items["item_id"], "family": [f"family {i % n_families}" for i in range(n_items)]})
    info = {
        "name": "Tiny Dresses",
        "interaction_word": "clicks",
        "currency": "£",
        "demo": demo,
        "attributes": KINDS,
        "preset": None,
    }
    write_snapshot(
        workspace,
        items,
        _events(items["item_id"].tolist(), n_families, rng),
        info,
        {"files": [], "problems": [], "problem_counts": {}},
        truth if demo else None,
    )
    return workspace


def clicks_of(number: int, last: int) -> int:
    """Distinct shoppers of product `number` of a family whose last product is `last`."""
    return 0 if number == last else max(1, round(20 * 0.6**number))


def _events(item_ids: list[str], n_families: int, rng: np.random.Generator) -> pd.DataFrame:
    """Clicks, some repeated and some turned into purchases, by shoppers who stay within their family."""
    events = []
    for position, item_id in enumerate(item_ids):
        family, number = position % n_families, position // n_families
        last = (len(item_ids) - 1 - family) // n_families
        for shopper in rng.permutation(SHOPPERS_PER_FAMILY)[: clicks_of(number, last)]:
            when = 1_700_000_000 + int(rng.integers(0, 300 * 86_400))
            kinds = ("view", "view", "purchase") if rng.random() < 0.2 else ("view",)
            events += [(f"s{family}-{shopper:02d}", item_id, kind, when + step) for step, kind in enumerate(kinds)]
    return pd.DataFrame(events, columns=["user_id", "item_id", "event", "timestamp"])


def _picture(workspace: Workspace, colour: str, number: int) -> str:
    """A dress-like shape in the family's colour."""
    image = Image.new("RGB", (80, 100), (244, 240, 234))
    ImageDraw.Draw(image).polygon([(32, 14), (48, 14), (52 + number % 9, 90), (28 - number % 9, 90)], fill=colour)
    ImageDraw.Draw(image).ellipse((37, 4, 43, 10 + number % 5), fill="tan")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return store_image(workspace, buffer.getvalue(), name="dress.png")


def planted_behaviour(families: np.ndarray, interactions: Interactions, seed: int) -> AlsFactors:
    """Factors in which families are clusters, and behaviour with under 3 clicks is noise."""
    rng = np.random.default_rng([seed, 1])
    n_families, counts = int(families.max()) + 1, interactions.counts
    centres = np.linalg.qr(rng.normal(size=(max(FACTORS, n_families), FACTORS)))[0][:n_families]

    def near(middle: np.ndarray, spread: float) -> np.ndarray:
        noisy = middle + spread * rng.normal(size=middle.shape) / np.sqrt(middle.shape[1])
        return np.asarray(unit_rows(noisy.astype(np.float32)))

    behaviour = near(centres[families], 0.25)
    noise = unit_rows(rng.normal(size=behaviour.shape).astype(np.float32))
    behaviour = np.where((counts < 3)[:, None], noise, behaviour) * np.log1p(counts)[:, None].astype(np.float32) / 3
    shopper_families = np.array([int(user_id[1:].split("-")[0]) for user_id in interactions.user_ids])
    losses = [1.0 / (1 + step) for step in range(15)]
    return AlsFactors(near(centres[shopper_families], 0.1), behaviour.astype(np.float32), losses)


def tiny_contents(shop: Shop, workspace: Workspace, interactions: Interactions, settings: Settings) -> ReleaseContents:
    """What a training would put into a release of this shop, on planted factors."""
    families = np.array([int(item_id[1:].split("-")[0]) for item_id in shop.items["item_id"]])
    counts, seed = interactions.counts, settings.seed
    behaviour = planted_behaviour(families, interactions, seed)
    encoders = fit_encoders(shop, workspace, settings, seed)
    features = encode_catalogue(encoders, shop.items, workspace)
    quick = settings.predictor.model_copy(update={"hidden": 32, "layers": 1, "max_steps": 300})
    predictor = train_predictor(features, behaviour.item_factors, counts, quick, seed)
    predicted = predictor.predict(features)
    words = fit_tfidf(shop.items, shop.attribute_kinds)
    standard = fit_standard(features)
    views = standard.views(features, predicted, words.encode(shop.items))
    plan = default_plan(settings, len(counts), words=True)
    plan = replace(plan, recipe=replace(plan.recipe, noise=3.0, favour=2.0), mix=MIX, trials=Trials(long_tail=TRADE))
    hybrid = fit_hybrid(interactions.user_items, counts, standard, views, plan.recipe, seed)
    fitted = FittedModels(
        counts,
        behaviour.item_factors,
        behaviour.item_factors,
        predicted,
        content_vectors(features),
        plan.mix,
        hybrid,
    )
    arms = arm_vectors(fitted)
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
        arms=arms,
        maps=_maps(shop.items["item_id"], arms),
        metrics=tiny_metrics(seed),
        plan=plan,
        notes=[f"{int((counts == 0).sum())} of {len(counts)} products have no clicks yet."],
        decision=f"Published: {len(shop.items)} of {len(shop.items)} products have neighbours.",
        steps=[{"name": "Reading the shop", "seconds": 0.4}, {"name": "Drawing the maps", "seconds": 61.2}],
    )


_written: dict[str, tuple[Path, dict[str, Any]]] = {}


def _fill(
    directory: Path, shop: Shop, workspace: Workspace, interactions: Interactions, settings: Settings
) -> dict[str, Any]:
    """A release's files and manifest fields; copied where the same shop was trained before with the same settings."""
    snapshot = workspace.snapshots / shop.snapshot_id
    files = [(snapshot / name).read_bytes() for name in ("items.parquet", "interactions.parquet", "shop.json")]
    key = hashlib.sha256(b"".join([*files, settings.model_dump_json().encode()])).hexdigest()
    if key not in _written:
        scratch = _scratch()
        _written[key] = (
            scratch,
            write_contents(tiny_contents(shop, workspace, interactions, settings), workspace, scratch),
        )
    template, fields = _written[key]
    shutil.copytree(template, directory, dirs_exist_ok=True)
    return fields | {"snapshot_id": shop.snapshot_id}


@cache
def _scratch_root() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="longtail-tiny-")


def _scratch() -> Path:
    return Path(tempfile.mkdtemp(dir=_scratch_root().name))


def _maps(item_ids: pd.Series, arms: dict[str, ArmVectors]) -> pd.DataFrame:
    """Two coordinates of each vector; products without clicks have no place on the map of behaviour."""
    maps: dict[str, Any] = {"item_id": item_ids}
    for name in ("als", "hybrid"):
        points = np.where(arms[name].has_list[:, None], np.asarray(arms[name].query)[:, :2], np.nan).astype(np.float32)
        maps |= {f"{name}_x": points[:, 0], f"{name}_y": points[:, 1]}
    return pd.DataFrame(maps)


def tiny_metrics(seed: int) -> dict[str, Any]:
    """metrics.json with every key that evaluation writes, and figures in which Longtail wins."""
    quality = {"als": 0.1, "predicted": 0.4, "content": 0.35, "hybrid": 0.5}

    def figure(mean: float | None, n: int = 40) -> dict[str, Any]:
        if mean is None:
            return {"mean": None, "low": None, "high": None, "n": 0}
        return {"mean": mean, "low": round(mean * 0.8, 4), "high": round(mean * 1.2, 4), "n": n}

    def level(mean: float, coverage: float) -> dict[str, Any]:
        figures = {"ndcg": figure(mean), "binary_ndcg": figure(mean), "average_precision": figure(mean / 2)}
        return {**figures, "coverage": coverage, "targets": 40}

    thinning = {
        arm: {
            "pooled": level(mean, 1.0),
            **{str(m): level(0.0 if arm == "als" and m == 0 else mean + m / 100, 1.0 if m else float(arm != "als"))
               for m in (0, 1, 2, 3, 5, 10)},
        }
        for arm, mean in quality.items()
    }  # fmt: skip
    task = {arm: {"ndcg": figure(mean / 5), "average_precision": figure(mean / 8)} for arm, mean in quality.items()}
    served = {arm: task[arm] for arm in ("als", "hybrid")}
    return {
        "seed": seed,
        "k": 10,
        "n_targets": 240,
        "without_relevant": 12,
        "thinning": thinning,
        "published_task": {
            "low_traffic": {"candidates": 24, **served},
            "fewest_bought": {"candidates": 48, **served},
        },
    }
