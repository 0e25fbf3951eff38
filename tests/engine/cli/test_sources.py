from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import psycopg
import pytest

from engine.cli.main import main
from engine.core.workspace import Workspace


def everything_written(workspace: Workspace) -> str:
    return "\n".join(path.read_bytes().decode("latin-1") for path in workspace.root.rglob("*") if path.is_file())


@pytest.mark.parametrize("password", ["geheim", "${SHOP_PASSWORD}", "x@geheim"])
def test_a_run_that_cannot_reach_the_database_is_recorded_without_the_password(
    workspace: Workspace, password: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "geheim")
    url = f"postgresql://ann:{password}@127.0.0.1:1/shop?application_name=geheim"
    assert (
        main(["--workspace", str(workspace.root), "ingest", "--interactions", url, "--interactions-query", "orders"])
        == 2
    )
    said = capfd.readouterr()
    (record,) = workspace.runs.glob("*/status.json")
    assert json.loads(record.read_text())["state"] == "failed"
    for text in (everything_written(workspace), said.out, said.err):
        assert "geheim" not in text
        assert "Traceback" not in text


@pytest.mark.postgres
def test_a_shop_moves_in_from_a_database_and_its_password_stays_outside(
    workspace: Workspace, postgres_url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE products (id text, title text, price numeric(8,2))")
        connection.execute(
            "INSERT INTO products SELECT 'p' || n, 'Product ' || n, n + 0.5 FROM generate_series(1, 5) n"
        )
        connection.execute("CREATE TABLE lines (customer_id int, product text, at timestamptz)")
        connection.execute(
            "INSERT INTO lines SELECT n % 7, 'p' || n % 5 + 1, '2024-01-01'::timestamptz + n * interval '1 hour'"
            " FROM generate_series(1, 40) n"
        )
    monkeypatch.setenv("SHOP_PASSWORD", "very/secret@word")
    url = postgres_url.replace("longtail@", "longtail:${SHOP_PASSWORD}@")
    arguments = ["--workspace", str(workspace.root), "ingest", "--items", url, "--items-query", "products"]
    query = (
        "SELECT customer_id AS user_id, product AS item_id, at AS timestamp FROM lines WHERE at > '2024-01-01 05:00'"
    )
    assert main([*arguments, "--interactions", url, "--interactions-query", query]) == 0
    report = json.loads((workspace.current_snapshot() / "report.json").read_text())
    assert report["n_items"] == 5
    assert report["n_events"] > 30
    assert report["problem_counts"] == {}
    notes = [note for file in report["files"] for note in file["notes"]]
    assert f"5 rows of the table products in {postgres_url}" in notes
    said = capfd.readouterr()
    for text in (everything_written(workspace), said.out, said.err):
        assert "very/secret" not in text
        assert "secret%40word" not in text
    assert not list(workspace.root.glob(".ingest-*"))


def test_a_database_without_a_query_says_what_to_name(
    workspace: Workspace, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE orders (a)")
        connection.execute("CREATE TABLE items (a)")
    arguments = ["--workspace", str(workspace.root), "ingest"]
    assert main([*arguments, "--interactions", f"sqlite:///{tmp_path}/shop.db"]) == 2
    assert "The tables are: items, orders." in capfd.readouterr().err
    assert main([*arguments, "--items-query", "SELECT 1"]) == 2
    assert "--items-query asks a database. Name it" in capfd.readouterr().err
    assert not workspace.snapshots.exists()


def test_a_day_is_appended_with_what_the_shop_was_loaded_with(
    workspace: Workspace, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "items.csv").write_text("code,label\n" + "".join(f"p{n},Dress {n}\n" for n in range(5)))
    (tmp_path / "events.csv").write_text(
        "who,what,date\n" + "".join(f"u{n % 4},p{n % 5},2024-01-01\n" for n in range(20))
    )
    (tmp_path / "day.csv").write_text("who,what,date\nu1,p1,2024-02-01\nu1,p1,2024-01-01\n")
    start = ["--workspace", str(workspace.root), "ingest"]
    mapping = ["--map", "items.item_id=code", "--map", "interactions.item_id=what", "--map", "user_id=who"]
    files = ["--items", str(tmp_path / "items.csv"), "--interactions", str(tmp_path / "events.csv")]
    assert main([*start, *files, *mapping]) == 0
    day = [*start, "--append", "--interactions", str(tmp_path / "day.csv")]
    assert main(day) == 0
    said = "0 new and 0 changed products, 1 events. The shop has 5 products, 21 events of 4 shoppers."
    assert said in capfd.readouterr().out
    assert main(day) == 0
    assert "Nothing was new: the shop still has 5 products, 21 events" in capfd.readouterr().out
    assert main([*day, "--preset", "hm"]) == 2
    assert "Leave --preset out" in capfd.readouterr().err
