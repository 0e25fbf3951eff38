from __future__ import annotations

import hashlib
import hmac
import json
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.catalogue.interactions import read_interactions
from engine.catalogue.shopper_ids import shopper_id
from engine.catalogue.snapshot import read_shop
from engine.core.errors import InteractionsError
from engine.core.settings import InteractionSettings
from engine.core.workspace import Workspace
from engine.ingest.pipeline import ingest
from engine.ingest.report import IngestReport


def load(workspace: Workspace, folder: Path, rows: list[dict[str, object]], **options: object) -> IngestReport:
    """Load events (field -> text), with the products a, b and c unless `products` is False."""
    folder.mkdir(exist_ok=True)
    pd.DataFrame(rows).to_csv(folder / "events.csv", index=False)
    if options.pop("products", True):
        (folder / "items.csv").write_text("item_id,title\na,A\nb,B\nc,C\n")
        options["items"] = folder / "items.csv"
    return ingest(workspace, interactions=folder / "events.csv", **options)  # type: ignore[arg-type]


def events(workspace: Workspace) -> pd.DataFrame:
    return pd.read_parquet(workspace.current_snapshot() / "interactions.parquet")


def weights(workspace: Workspace) -> dict[tuple[str, str], float]:
    """(shopper, product) -> weight."""
    ids = read_shop(workspace).items["item_id"].tolist()
    found = read_interactions(workspace, ids, InteractionSettings())
    table = found.user_items.tocoo()
    return {
        (str(found.user_ids[u]), ids[i]): float(w) for u, i, w in zip(table.row, table.col, table.data, strict=True)
    }


def row(user: str, item: str = "a", **more: object) -> dict[str, object]:
    return {"user_id": user, "item_id": item, **more}


def test_words_of_analytics_weigh_what_they_mean(workspace: Workspace, tmp_path: Path) -> None:
    words = [
        "view_item_list",
        "view_item",
        "select_item",
        "add_to_wishlist",
        "add_to_cart",
        "begin_checkout",
        "purchase",
    ]
    load(workspace, tmp_path, [row(f"u{n}", event=word) for n, word in enumerate(words)])
    assert list(weights(workspace).values()) == [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0]


def test_what_is_taken_back_is_no_interest_and_said(workspace: Workspace, tmp_path: Path) -> None:
    steps = ["Product Viewed", "Product Added", "Product Removed"]
    rows = [row("u", event=word, timestamp=1_700_000_000 + n) for n, word in enumerate(steps)]
    report = load(workspace, tmp_path, [*rows, row("v", event="Product Added", timestamp=1_700_000_000)])
    assert weights(workspace) == {("u", "a"): 1.0, ("v", "a"): 3.0}
    assert report.files[1].kept == 4
    assert any(note.startswith("'Product Removed' (1) take interest back") for note in report.files[1].notes)


def test_unknown_words_are_listed_with_how_to_weigh_them(workspace: Workspace, tmp_path: Path) -> None:
    rows = [row("u", event="view"), row("v", event="Big Wink"), row("w", event="Big Wink")]
    report = load(workspace, tmp_path, rows)
    (note,) = report.files[1].notes
    assert note.startswith("not known as kinds of event: 'Big Wink' (2)")
    assert "big_wink = 2.0" in note
    ids = read_shop(workspace).items["item_id"].tolist()
    named = read_interactions(workspace, ids, InteractionSettings(event_weights={"big_wink": 2.0}))
    assert named.user_items[:, 0].toarray().ravel().tolist() == [1.0, 2.0, 2.0]


def test_negative_quantities_are_returns(workspace: Workspace, tmp_path: Path) -> None:
    rows = [row("u", quantity=3, timestamp="2024-01-01"), row("u", quantity=-3, timestamp="2024-01-02")]
    rows += [row("v", quantity=3, timestamp="2024-01-01"), row("v", quantity=-2, timestamp="2024-01-02")]
    report = load(workspace, tmp_path, rows)
    assert weights(workspace) == {("v", "a"): 1.0}
    assert "2 rows with a negative quantity are returns" in report.files[1].notes[0]
    assert report.problem_counts == {}


def test_orders_that_were_refunded_or_cancelled_are_no_interest_and_counted(
    workspace: Workspace, tmp_path: Path
) -> None:
    states = [("paid", ""), ("refunded", ""), ("voided", "2024-05-05"), ("", "2024-05-05"), ("pending", "")]
    rows = [
        row(f"u{n}", financial_status=state, cancelled_at=cancelled, timestamp="2024-05-01")
        for n, (state, cancelled) in enumerate(states)
    ]
    report = load(workspace, tmp_path, rows)
    assert weights(workspace) == {("u0", "a"): 1.0, ("u4", "a"): 1.0}
    assert set(events(workspace)["event"]) == {"purchase", "void"}
    notes = report.files[1].notes
    assert "orders that are 'refunded' (1), 'voided' (1) do not count as interest (rows: 2)" in notes
    assert "rows with a cancelled_at: 2; they do not count as interest" in notes


def test_a_refunded_order_leaves_an_earlier_one_alone(workspace: Workspace, tmp_path: Path) -> None:
    rows = [row("u", status="completed", timestamp="2024-05-01"), row("u", status="refunded", timestamp="2024-05-02")]
    load(workspace, tmp_path, rows)
    assert weights(workspace) == {("u", "a"): 1.0}


def test_a_column_of_states_is_read_as_orders_even_where_it_is_called_event(
    workspace: Workspace, tmp_path: Path
) -> None:
    rows = [
        row("u", event="wc-completed", timestamp=1_700_000_000),
        row("u", event="wc-refunded", timestamp=1_700_000_001),
    ]
    report = load(workspace, tmp_path, rows)
    assert events(workspace)["event"].tolist() == ["purchase", "void"]
    assert weights(workspace) == {("u", "a"): 1.0}
    assert "'wc-refunded' (1) do not count as interest" in report.files[1].notes[0]


def test_low_ratings_are_no_interest_and_the_scale_is_said(workspace: Workspace, tmp_path: Path) -> None:
    report = load(workspace, tmp_path, [row(f"u{n}", rating=n) for n in range(1, 6)])
    assert set(weights(workspace)) == {("u3", "a"), ("u4", "a"), ("u5", "a")}
    assert read_shop(workspace).info["min_rating"] == 3.0
    assert report.files[1].notes == [
        "rating runs from 1 to 5; ratings below the middle (3) do not count as interest: 2 of 5. interactions.min_rating sets another"
        " limit"
    ]


def test_thumbs_down_is_no_interest(workspace: Workspace, tmp_path: Path) -> None:
    report = load(workspace, tmp_path, [row("u", rating=-1), row("v", rating=1)])
    assert set(weights(workspace)) == {("v", "a")}
    assert report.problem_counts == {}


def test_ratings_in_words_are_events(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        row("u", rating="like"),
        row("v", rating="dislike"),
        row("w", rating="dislike", timestamp=1_700_000_000),
        row("w", rating="like", timestamp=1_700_000_001),
    ]
    load(workspace, tmp_path, rows)
    assert weights(workspace) == {("u", "a"): 1.0, ("w", "a"): 1.0}


def test_placeholders_are_no_shoppers_and_visitors_stand_in(workspace: Workspace, tmp_path: Path) -> None:
    nobody = ["NA", "(not set)", "undefined", "-1", "Guest", "00000000-0000-0000-0000-000000000000", "anonymous"]
    rows = [row(name, visitor_id="") for name in nobody] + [row("", visitor_id="")]
    rows += [
        row("NA", visitor_id="c1"),
        row("", visitor_id="c2"),
        row("u", visitor_id="c3"),
        row("", visitor_id="null"),
    ]
    report = load(workspace, tmp_path, rows)
    assert events(workspace)["user_id"].tolist() == ["c1", "c2", "u"]
    assert report.problem_counts == {"placeholder_shopper": len(nobody), "missing_shopper": 2}
    assert {problem.value for problem in report.problems} == {*nobody, None}


def test_placeholders_are_no_products_unless_the_shop_has_them(workspace: Workspace, tmp_path: Path) -> None:
    rows = [row("u", "(not set)"), row("u", "undefined"), row("u", "x")]
    report = load(workspace, tmp_path, rows, products=False)
    assert read_shop(workspace).items["item_id"].tolist() == ["x"]
    assert report.problem_counts == {"placeholder_product": 2}
    (tmp_path / "items.csv").write_text("item_id,title\nNA-1,A\nundefined,B\n")
    report = load(workspace, tmp_path, rows, products=False, items=tmp_path / "items.csv")
    assert (report.n_events, report.problem_counts) == (1, {"unknown_item": 2})


def test_one_id_with_a_tenth_of_all_events_is_nobody(workspace: Workspace, tmp_path: Path) -> None:
    rows = [row("0", "abc"[n % 3]) for n in range(60)] + [row(f"u{n % 50}", "abc"[n % 3]) for n in range(200)]
    report = load(workspace, tmp_path, rows)
    assert report.problem_counts == {"placeholder_shopper": 60}
    assert report.n_users == 50
    assert any("'0' has 60 of the events and stands for many people" in note for note in report.files[1].notes)


def test_a_busy_shopper_of_a_small_shop_stays(workspace: Workspace, tmp_path: Path) -> None:
    report = load(workspace, tmp_path, [row(str(n % 4), "abc"[n % 3]) for n in range(400)])
    assert report.n_users == 4


def test_robots_are_named_and_stay(workspace: Workspace, tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    rows = [row(f"u{n % 400}", f"p{draw.integers(10)}") for n in range(4000)]
    rows += [row("crawler", f"p{n}") for n in range(39)] * 6 + [row("regular", "p1")] * 234
    report = load(workspace, tmp_path, rows, products=False)
    (note,) = [note for note in report.files[0].notes if "robots" in note]
    assert "'crawler' (234 events, 39 products)" in note
    assert "regular" not in note
    assert "crawler" in set(events(workspace)["user_id"])


def test_emails_are_kept_as_keyed_hashes_alone(workspace: Workspace, tmp_path: Path) -> None:
    long = f"{'x' * 250}@example.com"
    rows = [row("Ada@Example.com"), row("ada@example.com", "b"), row("u"), row("bo\u200b@example.com"), row(long)]
    report = load(workspace, tmp_path, rows)
    key = workspace.shopper_key.read_bytes()
    assert stat.S_IMODE(workspace.shopper_key.stat().st_mode) == 0o600
    ada = hmac.new(key, b"ada@example.com", hashlib.sha256).hexdigest()
    assert events(workspace)["user_id"].tolist()[:3] == [ada, ada, "u"]
    assert shopper_id(workspace, " Ada@example.COM ") == ada
    assert any("e-mail address" in note and "HMAC-SHA-256" in note for note in report.files[1].notes)
    assert "@" not in json.dumps(report.to_dict())
    for file in workspace.root.rglob("*"):
        assert not file.is_file() or b"@example" not in file.read_bytes().lower()
    load(workspace, tmp_path, rows[:1])
    assert events(workspace)["user_id"].tolist() == [ada]


def test_a_broken_row_shows_no_address(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id\na\n")
    (tmp_path / "events.csv").write_text("user_id,item_id\nu,a\nada@example.com,a,b,c\n")
    report = ingest(workspace, items=tmp_path / "items.csv", interactions=tmp_path / "events.csv")
    assert [problem.kind for problem in report.problems] == ["broken_row"]
    assert "@" not in json.dumps(report.to_dict())


def test_a_refused_ingest_makes_no_key(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InteractionsError, match="none of the 1 events") as caught:
        load(workspace, tmp_path, [row("ada@example.com", "zzz")])
    assert "ids in the events look like 'zzz'; ids of the products like 'a', 'b', 'c'" in str(caught.value)
    assert "ada" not in str(caught.value)
    assert not workspace.root.exists()


def test_ids_of_shoppers_are_not_merged_beyond_how_numbers_and_accents_are_written(
    workspace: Workspace, tmp_path: Path
) -> None:
    load(workspace, tmp_path, [row(name) for name in ["42", "42.0", "00042", "Jos\u00e9", "Jose\u0301"]])
    assert events(workspace)["user_id"].tolist() == ["42", "42", "00042", "Jos\u00e9", "Jos\u00e9"]


def test_an_event_whose_price_cannot_be_read_stands_without_it(workspace: Workspace, tmp_path: Path) -> None:
    report = load(workspace, tmp_path, [row("u", price="on request"), row("v", price="-3"), row("w", price="2")])
    assert (report.n_events, report.problem_counts) == (3, {"unreadable_price": 2})
    assert [problem.value for problem in report.problems] == ["on request", "-3"]


def test_ids_of_events_are_matched_by_one_rule(workspace: Workspace, tmp_path: Path) -> None:
    report = load(workspace, tmp_path, [row("u", "A"), row("v", "B")])
    assert events(workspace)["item_id"].tolist() == ["a", "b"]
    assert "capital letters do not count" in report.files[1].notes[0]


def test_numbers_and_times_of_parquet_are_what_they_are(workspace: Workspace, tmp_path: Path) -> None:
    """1.299 beside 2.049 is no thousand where the column holds numbers, and NaN is no value."""
    table = pd.DataFrame(
        {
            "user_id": ["u", "v", "w"],
            "item_id": ["a", "b", "a"],
            "price": [1.299, 2.049, np.nan],
            "quantity": [1.0, np.nan, 2.0],
            "timestamp": [1_700_000_000.0, np.nan, -5.5],
        }
    )
    table.to_parquet(tmp_path / "events.parquet")
    report = ingest(workspace, interactions=tmp_path / "events.parquet")
    assert read_shop(workspace).items["price"].tolist() == [1.299, 2.049]
    assert events(workspace)["value"].fillna(-1).tolist() == [1.0, -1.0, 2.0]
    assert report.problem_counts == {"unreadable_time": 1}
    assert [problem.value for problem in report.problems] == ["-5.5"]
