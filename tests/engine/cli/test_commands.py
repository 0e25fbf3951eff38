from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from engine.catalogue.snapshot import read_shop
from engine.core.exports import FORMATS
from engine.core.workspace import Workspace
from engine.jobs import list_runs
from tests.engine.cli.conftest import Command
from tests.support.tiny_release import TinyRelease, build_tiny_release, build_tiny_shop

FAST = [
    part
    for setting in (
        "als.factors=8",
        "als.iterations=5",
        "text.model=none",
        "image.kind=none",
        "predictor.hidden=32",
        "predictor.max_steps=100",
        "evaluation.max_targets=20",
    )
    for part in ("--set", setting)
]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """items.csv with a bad row and events.csv with an unknown product."""
    items = [f"sku{n},Dress {n},{'red' if n % 2 else 'blue'},{10 + n}" for n in range(30)]
    (tmp_path / "items.csv").write_text("\n".join(["sku,title,colour,price", *items, "sku3,Twin,red,5"]) + "\n")
    events = [f"u{n % 13},sku{n * 7 % 30}" for n in range(200)]
    (tmp_path / "events.csv").write_text("\n".join(["user_id,sku", *events, "u1,nonesuch"]) + "\n")
    return tmp_path


def test_a_shop_is_loaded_with_a_report_and_trained(command: Command, files: Path, workspace: Workspace) -> None:
    arguments = ["--items", files / "items.csv", "--interactions", files / "events.csv", "--map", "item_id=sku"]
    outcome = command("ingest", *arguments, "--name", "Corner shop", "--train", *FAST)
    assert outcome.code == 0, outcome.err
    assert "items.csv: 31 rows read, 30 kept, 1 rejected" in outcome.err
    assert "row 31" in outcome.err
    assert "attribute 'colour': category" in outcome.err
    assert "Loaded 30 products, 200 events of 13 shoppers." in outcome.out
    assert "Release r0001: Published: 30 of 30 products have neighbours." in outcome.out
    assert read_shop(workspace).name == "Corner shop"
    (run,) = list_runs(workspace)
    assert (run.kind, run.state, run.release_id) == ("ingest", "done", "r0001")


def test_strict_refuses_what_has_a_bad_row_and_changes_nothing(
    command: Command, files: Path, workspace: Workspace
) -> None:
    arguments = ["--items", files / "items.csv", "--interactions", files / "events.csv", "--map", "item_id=sku"]
    outcome = command("ingest", *arguments, "--strict")
    assert outcome.code == 2
    assert "row 31" in outcome.err
    assert not (workspace.snapshots / "current").exists()


def test_the_demo_shop_is_built_small(command: Command, workspace: Workspace) -> None:
    outcome = command("--json", "demo", "--items", "40", "--shoppers", "60", "--processes", "1", "--seed", "3")
    assert outcome.code == 0, outcome.err
    assert outcome.result["n_items"] == 40
    assert {line["step"] for line in outcome.lines if line["event"] == "progress"}
    shop = read_shop(workspace)
    assert (shop.demo, len(shop.items)) == (True, 40)


def test_train_then_evaluate_print_what_came_of_it(command: Command, workspace: Workspace, tmp_path: Path) -> None:
    build_tiny_shop(workspace)
    trained = command("train", "--json", "--no-publish", *FAST)
    assert trained.code == 0, trained.err
    assert (trained.result["release_id"], trained.result["published"]) == ("r0001", False)
    measured = command("evaluate", "--out", tmp_path / "metrics.json", *FAST)
    assert measured.code == 0, measured.err
    figures = json.loads((tmp_path / "metrics.json").read_text())
    assert figures["thinning"].keys() == {"als", "predicted", "content", "hybrid"}
    rows = {tuple(line.split()[:2]) for line in measured.out.splitlines()}
    assert {("hybrid", "surprise"), ("als", "AP@10"), ("content", "coverage")} <= rows


@pytest.mark.parametrize("name", ["n.parquet", "n.csv"])
def test_neighbours_of_every_product_are_written(
    command: Command, tiny: TinyRelease, tmp_path: Path, name: str
) -> None:
    outcome = command("neighbours", "--k", "5", "--out", tmp_path / name, workspace=tiny.workspace)
    assert outcome.code == 0, outcome.err
    table = pd.read_parquet(tmp_path / name) if name.endswith("parquet") else pd.read_csv(tmp_path / name)
    assert list(table.columns) == ["item_id", "rank", "neighbour_id", "score"]
    assert (table.groupby("item_id")["rank"].max() == 5).all()
    assert table["item_id"].nunique() == 60
    assert (table["item_id"] != table["neighbour_id"]).all()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ids.txt", b"f1-02\n\nf0-03\nf1-02\n"),
        ("ids.csv", b"\xef\xbb\xbftitle,item_id\na,f1-02\nb,f0-03\n"),
        ("ids.parquet", b""),
    ],
)
def test_neighbours_of_named_products_come_in_their_order(
    command: Command, tiny: TinyRelease, tmp_path: Path, name: str, content: bytes
) -> None:
    file = tmp_path / name
    if name.endswith("parquet"):
        pd.DataFrame({"item_id": ["f1-02", "f0-03"]}).to_parquet(file)
    else:
        file.write_bytes(content)
    out = tmp_path / "n.parquet"
    outcome = command("--json", "neighbours", "--items", file, "--out", out, workspace=tiny.workspace)
    assert outcome.result == {"event": "result", "release_id": "r0001", "items": 2, "with_list": 2, "rows": 20}
    assert list(dict.fromkeys(pd.read_parquet(out)["item_id"])) == ["f1-02", "f0-03"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone.txt", None, "gone.txt: cannot be read"),
        ("empty.txt", b"\n", "it names no products"),
        ("other.csv", b"sku\n1\n", "it has no such column"),
        ("not.parquet", b"PAR1", "not a Parquet file"),
        ("unknown.txt", b"f9-99\n", "There is no product 'f9-99'"),
    ],
)
def test_a_list_of_products_that_cannot_be_used_is_named(
    command: Command, tiny: TinyRelease, tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    outcome = command("neighbours", "--items", tmp_path / name, "--out", tmp_path / "n.csv", workspace=tiny.workspace)
    assert outcome.code == 2
    assert words in outcome.err
    assert not (tmp_path / "n.csv").exists()


def test_an_arm_says_how_many_products_it_has_nothing_for(command: Command, tiny: TinyRelease, tmp_path: Path) -> None:
    outcome = command("neighbours", "--arm", "als", "--out", tmp_path / "n.csv", workspace=tiny.workspace)
    assert "6 products have none by this arm" in outcome.out


def test_a_product_nobody_has_seen_gets_neighbours_of_its_kind(command: Command, tiny: TinyRelease) -> None:
    attributes = ["--attribute", "colour=navy", "--attribute", "occasions=office", "--attribute", "length_cm=95"]
    described = ["--title", "Striped maxi", "--brand", "House 1", "--category", "Maxi", "--price", "40", *attributes]
    outcome = command("--json", "similar", *described, "--k", "4", workspace=tiny.workspace)
    assert outcome.code == 0, outcome.err
    neighbours = outcome.result["neighbours"]
    assert [neighbour["rank"] for neighbour in neighbours] == [1, 2, 3, 4]
    assert sum(neighbour["item_id"].startswith("f1-") for neighbour in neighbours) >= 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Nothing is said about the product"),
        (["--attribute", "size=9"], "no such attribute"),
        (["--attribute", "length_cm=long"], "not a number"),
        (["--image", "/nonesuch.jpg"], "cannot be read"),
        (["--image", __file__], "test_commands.py"),
    ],
)
def test_a_description_that_cannot_be_used_is_refused(
    command: Command, tiny: TinyRelease, arguments: list[str], words: str
) -> None:
    outcome = command("similar", *arguments, workspace=tiny.workspace)
    assert outcome.code == 2
    assert words in outcome.err


def test_releases_are_listed_published_rolled_back_and_verified(command: Command, workspace: Workspace) -> None:
    build_tiny_release(workspace)
    build_tiny_release(workspace)
    listed = command("--json", "releases").result
    assert (listed["current"], [row["release_id"] for row in listed["releases"]]) == ("r0002", ["r0002", "r0001"])
    assert all(row["change"] is None for row in listed["releases"])  # nobody has worked it out yet
    back = command("--json", "rollback").result
    assert (back["current"], back["change"]["lists"]["compared"]) == ("r0001", 60)
    assert command("publish", "r0002").out == "Release r0002 is served now. No list changed.\n"
    assert command("verify").out == "Release r0002 is whole.\n"
    line = next(line for line in command("releases").out.splitlines() if "r0002" in line)
    assert "served" in line
    assert "No list changed." in line
    (workspace.releases / "r0002" / "als.ann").write_bytes(b"x")
    damaged = command("verify", "r0002")
    assert damaged.code == 2
    assert "als.ann" in damaged.err
    assert "damaged" in command("releases").out
    assert command("verify", "r0001").code == 0
    refused = command("publish", "r0009")
    assert refused.code == 2
    assert "r0009" in refused.err


def test_a_damaged_release_is_told_and_the_last_good_one_answers(
    command: Command, workspace: Workspace, tmp_path: Path
) -> None:
    build_tiny_release(workspace)
    build_tiny_release(workspace)
    shutil.rmtree(workspace.releases / "r0002" / "predictor", ignore_errors=True)
    (workspace.releases / "r0002" / "maps.parquet").unlink()
    outcome = command("neighbours", "--out", tmp_path / "n.csv")
    assert outcome.code == 0
    assert "showing release 1" in outcome.err


@pytest.mark.parametrize(("what", "rows"), [("neighbours", 600), ("judgements", 0), ("irrelevance", 0)])
def test_tables_are_exported(command: Command, tiny: TinyRelease, tmp_path: Path, what: str, rows: int) -> None:
    outcome = command("--json", "export", what, "--out", tmp_path / "t.parquet", workspace=tiny.workspace)
    assert outcome.code == 0, outcome.err
    assert outcome.result["rows"] == rows == len(pd.read_parquet(tmp_path / "t.parquet"))


def test_a_table_of_an_unknown_format_is_refused(command: Command, tiny: TinyRelease, tmp_path: Path) -> None:
    for words in (("export", "neighbours"), ("neighbours",)):
        outcome = command(*words, "--out", tmp_path / "t.xlsx", workspace=tiny.workspace)
        assert outcome.code == 2
        assert all(ending in outcome.err for one in FORMATS for ending in one.endings)


def test_every_format_is_written_by_the_ending_of_the_name(command: Command, tiny: TinyRelease, tmp_path: Path) -> None:
    for one in FORMATS:
        out = tmp_path / f"t{one.endings[-1]}"
        assert command("neighbours", "--k", "2", "--out", out, workspace=tiny.workspace).code == 0
        assert out.stat().st_size > 1000


def test_an_arm_that_is_not_there_is_named_with_those_that_are(
    command: Command, tiny: TinyRelease, tmp_path: Path
) -> None:
    outcome = command("neighbours", "--arm", "odd", "--out", tmp_path / "t.csv", workspace=tiny.workspace)
    assert outcome.code == 2
    assert "There is no arm 'odd'" in outcome.err
    assert "hybrid" in outcome.err


def test_as_many_neighbours_as_pages_show_unless_told_otherwise(
    command: Command, tiny: TinyRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGTAIL_SERVING__NEIGHBOURS", "4")
    assert command("neighbours", "--out", tmp_path / "t.csv", workspace=tiny.workspace).code == 0
    assert pd.read_csv(tmp_path / "t.csv")["rank"].max() == 4


def test_settings_are_listed_with_type_default_meaning_and_value(command: Command, workspace: Workspace) -> None:
    workspace.root.mkdir()
    (workspace.root / "settings.toml").write_text("[als]\nfactors = 8\n")
    outcome = command("settings", "--set", "als.alpha=2")
    assert "* als.factors = 8\n      int, default 64: " in outcome.out
    assert "* als.alpha = 2.0\n" in outcome.out
    assert "  als.iterations = 15\n" in outcome.out
    listed = {line["name"]: line for line in command("--json", "settings").result["settings"]}
    assert listed["als.factors"]["value"] == "8"
