"""A shop and a release whose neighbours are known by construction, made in about a second without training anything.

Products are dresses in families: product j of family f is `f{f}-{j:02d}`. Family members share brand, category, colour and
direction, so every product's true neighbours are its family. Product 0 of a family is its bestseller, and clicks halve
every other product, down to none for the last one. Behaviour is noise for products with fewer than 3 clicks, as it is
in life; content and prediction never are. The bestseller of family 0 has a title that is HTML, the next one a title that
is a formula to a spreadsheet; the product after that has neither title, price nor picture.

    from tests.support.tiny_release import build_tiny_release
    tiny = build_tiny_release(workspace)                   # a shop and release r0001, published
    build_tiny_release(workspace)                          # the same shop, release r0002
    build_tiny_release(workspace, networks=True)           # with real encoders and a real predictor (slower, needs torch)
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw
from scipy import sparse

from engine.arms.fusion import arm_vectors, blend
from engine.arms.plan import default_plan
from engine.catalogue.images import store_image
from engine.catalogue.interactions import Interactions, read_interactions
from engine.catalogue.snapshot import Shop, read_shop, write_snapshot
from engine.core.errors import NoDataError
from engine.core.settings import Settings
from engine.core.vectors import unit_rows
from engine.core.workspace import Workspace
from engine.release.arm_index import write_arms
from engine.release.publish import new_release_id, publish, write_release

FACTORS, CONTENT_DIM, TAU = 16, 32, 4.0
KINDS = {"colour": "category", "length_cm": "number", "occasions": "multi", "care": "text"}
COLOURS = ("crimson", "navy", "olive", "gold", "teal", "plum", "coral", "ivory", "black", "sienna")
STYLES = ("Floral midi", "Striped maxi", "Velvet evening", "Linen summer", "Lace wedding", "Denim day")
OCCASIONS = ("party", "office", "wedding", "beach", "everyday")
SHOPPERS_PER_FAMILY = 24
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
    networks: bool = False,
    publish_it: bool = True,
    settings: Settings | None = None,
) -> TinyRelease:
    """Write a release of the workspace's tiny shop, which is built first where there is none.

    Parameters
    ----------
    n_items : at least 3 per family.
    networks : fit real encoders and a real predictor and take their vectors, instead of planted ones. Attributes alone
        unless `settings` ask for text or pictures.
    """
    try:
        shop = read_shop(workspace)
    except NoDataError:
        build_tiny_shop(workspace, n_items, n_families=n_families, seed=seed, demo=demo)
        shop = read_shop(workspace)
    families = {str(item_id): int(item_id[1:].split("-")[0]) for item_id in shop.items["item_id"]}
    chosen = settings or Settings.model_validate({"seed": seed, "text": {"model": "none"}, "image": {"kind": "none"}})
    interactions = read_interactions(workspace, list(shop.items["item_id"]), chosen.interactions)
    planted = _planted(np.array(list(families.values())), interactions, seed)
    release_id = new_release_id(workspace)

    def fill(directory: Path) -> dict[str, Any]:
        if networks:
            _fit_networks(directory, shop, workspace, interactions, planted, chosen)
        return _fill(directory, shop, workspace, interactions, planted, chosen)

    write_release(workspace, release_id, fill)
    if publish_it:
        publish(workspace, release_id)
    counts = dict(zip(families, interactions.counts.tolist(), strict=True))
    return TinyRelease(workspace, shop.snapshot_id, release_id, families, counts)


def build_tiny_shop(
    workspace: Workspace, n_items: int = 60, *, n_families: int = 6, seed: int = 0, demo: bool = False
) -> str:
    """Write the tiny shop as a snapshot with pictures; its id."""
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
    return write_snapshot(
        workspace,
        items,
        _events(items["item_id"].tolist(), n_families, rng),
        info,
        {"files": [], "problems": [], "problem_counts": {}},
        truth if demo else None,
    )


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


def _planted(families: np.ndarray, interactions: Interactions, seed: int) -> dict[str, np.ndarray]:
    """Factors and content vectors in which families are clusters, and behaviour with under 3 clicks is noise."""
    rng = np.random.default_rng([seed, 1])
    n_families, counts = int(families.max()) + 1, interactions.counts
    centres = np.linalg.qr(rng.normal(size=(max(FACTORS, n_families), FACTORS)))[0][:n_families]
    content_centres = np.linalg.qr(rng.normal(size=(CONTENT_DIM, CONTENT_DIM)))[0][:n_families]

    def near(middle: np.ndarray, spread: float) -> np.ndarray:
        noisy = middle + spread * rng.normal(size=middle.shape) / np.sqrt(middle.shape[1])
        return np.asarray(unit_rows(noisy.astype(np.float32)))

    behaviour = near(centres[families], 0.25)
    noise = unit_rows(rng.normal(size=behaviour.shape).astype(np.float32))
    behaviour = np.where((counts < 3)[:, None], noise, behaviour) * np.log1p(counts)[:, None].astype(np.float32) / 3
    shopper_families = np.array([int(user_id[1:].split("-")[0]) for user_id in interactions.user_ids])
    return {
        "item_factors": behaviour.astype(np.float32),
        "user_factors": near(centres[shopper_families], 0.1),
        "predicted_factors": near(centres[families], 0.3) * np.float32(0.5),
        "content": near(content_centres[families], 0.3),
    }


def _fill(
    directory: Path,
    shop: Shop,
    workspace: Workspace,
    interactions: Interactions,
    vectors: dict[str, np.ndarray],
    settings: Settings,
) -> dict[str, Any]:
    """The files and manifest fields of a release, as `engine.training.pipeline` writes them."""
    counts, factors = interactions.counts, vectors["item_factors"]
    predicted, content = vectors["predicted_factors"], vectors["content"]
    for name, matrix in {**vectors, "hybrid": blend(factors, predicted, counts, TAU)}.items():
        np.save(directory / f"{name}.npy", matrix)
    arms = write_arms(directory, arm_vectors(factors, predicted, content, counts, TAU), 5, settings.seed, 500)
    items = pq.read_table(workspace.snapshots / shop.snapshot_id / "items.parquet")
    pq.write_table(items.append_column("interaction_count", pa.array(counts)), directory / "items.parquet")
    pd.DataFrame({"user_id": interactions.user_ids}).to_parquet(directory / "user_ids.parquet", index=False)
    sparse.save_npz(directory / "user_items.npz", interactions.user_items)
    _maps(shop.items["item_id"], factors, vectors["predicted_factors"], counts).to_parquet(directory / "maps.parquet")
    metrics = _metrics(settings.seed)
    (directory / "metrics.json").write_text(json.dumps(metrics))
    notes = [f"{int((counts == 0).sum())} of {len(counts)} products have no clicks yet."]
    recorded = settings.model_dump(mode="json", exclude={"database_url"})
    (directory / "training.json").write_text(json.dumps(_training(settings, len(shop.items), notes)))
    return {
        "snapshot_id": shop.snapshot_id,
        "seed": settings.seed,
        "settings": recorded,
        "counts": {
            "n_items": len(shop.items),
            "n_users": len(interactions.user_ids),
            "n_interactions": int(interactions.user_items.nnz),
        },
        "dims": {"factors": factors.shape[1]},
        "metrics": {
            "surprise_ndcg": {arm: levels["pooled"]["ndcg"] for arm, levels in metrics["thinning"].items()},
        },
        "shop": {
            "name": shop.name,
            "interaction_word": shop.interaction_word,
            "currency": shop.currency,
            "demo": shop.demo,
            "attributes": shop.attribute_kinds,
        },
        "arms": arms,
        "steps": [{"name": "Reading the shop", "seconds": 0.4}, {"name": "Drawing the maps", "seconds": 61.2}],
        "decision": f"Published: {len(shop.items)} of {len(shop.items)} products have neighbours.",
        "notes": notes,
    }


def _fit_networks(
    directory: Path,
    shop: Shop,
    workspace: Workspace,
    interactions: Interactions,
    vectors: dict[str, np.ndarray],
    settings: Settings,
) -> None:
    """Fit and save real encoders and a real predictor; prediction and content become theirs."""
    from engine.models.encoders import content_vectors, encode_catalogue, fit_encoders, save_encoders
    from engine.models.predictor import train_predictor

    encoders = fit_encoders(shop, workspace, settings, settings.seed)
    features = encode_catalogue(encoders, shop.items, workspace)
    quick = settings.predictor.model_copy(update={"hidden": 32, "layers": 1, "max_epochs": 20, "min_interactions": 1})
    predictor = train_predictor(features, vectors["item_factors"], interactions.counts, quick, settings.seed)
    save_encoders(encoders, directory / "encoders")
    predictor.save(directory / "predictor")
    vectors |= {"predicted_factors": predictor.predict(features), "content": content_vectors(features)}


def _maps(item_ids: pd.Series, behaviour: np.ndarray, predicted: np.ndarray, counts: np.ndarray) -> pd.DataFrame:
    """Two coordinates of each vector; products without clicks have no place on the map of behaviour."""
    als = np.where((counts > 0)[:, None], behaviour[:, :2], np.nan).astype(np.float32)
    return pd.DataFrame(
        {
            "item_id": item_ids,
            "als_x": als[:, 0],
            "als_y": als[:, 1],
            "hybrid_x": predicted[:, 0],
            "hybrid_y": predicted[:, 1],
        }
    )


def _metrics(seed: int) -> dict[str, Any]:
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


def _training(settings: Settings, n_items: int, notes: list[str]) -> dict[str, Any]:
    """training.json with every key that training writes."""
    curves = [{"epoch": e, "train": 1.0 / (1 + e), "validation": 0.2 + 1.0 / (1 + e)} for e in range(1, 9)]
    return {
        "als_losses": [1.0 / (1 + step) for step in range(15)],
        "predictor": {"curves": curves, "best_epoch": 8, "min_interactions": 3},
        "encoders": {"attributes": {"dim": 24, "fingerprint": "planted"}},
        "plan": replace(default_plan(settings, n_items, words=False), known_above=TAU).to_dict(),
        "settings": settings.model_dump(mode="json", exclude={"database_url"}),
        "notes": notes,
    }
