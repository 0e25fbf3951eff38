from __future__ import annotations

import datetime
import json
import socket
import sqlite3
import traceback
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import InputError, LongtailError, SettingsError
from engine.ingest.locations import Location, database, fetch


def read(url: str, query: str | None, directory: Path) -> pa.Table:
    return pq.read_table(fetch(Location((url,), query), directory, silent).paths[0])


def silent(done: float, message: str) -> None:
    assert 0 <= done <= 1
    assert message


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    path = tmp_path / "a shop #1.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (shopper TEXT, product TEXT, quantity, price REAL, at TEXT, note TEXT)")
        rows = [(f"u{n}", f"p{n % 3}", n, n + 0.5, "2024-01-01 10:00:00", None) for n in range(25)]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.execute("CREATE TABLE products (id TEXT, title TEXT)")
        connection.execute("CREATE VIEW bought AS SELECT shopper, product FROM orders WHERE quantity > 20")
    return path


def test_a_table_of_sqlite_is_read_with_the_types_of_its_values(sqlite_file: Path, tmp_path: Path) -> None:
    fetched = fetch(Location((f"sqlite:///{sqlite_file}",), "Orders"), tmp_path / "new", silent)
    table = pq.read_table(fetched.paths[0])
    assert [path.name for path in fetched.paths] == ["orders.parquet"]
    assert fetched.notes == [f"25 rows of the table orders in {sqlite_file}"]
    assert [str(kind) for kind in table.schema.types] == ["string", "string", "int64", "double", "string", "null"]
    assert table.column("quantity").to_pylist() == list(range(25))


def test_a_view_and_a_query_are_read_too(sqlite_file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{sqlite_file}"
    assert read(url, "bought", tmp_path).num_rows == 4
    query = "SELECT product, count(*) AS n FROM orders WHERE note IS NULL AND product LIKE 'p%' AND 'a:b' = 'a:b' GROUP BY 1;"
    assert read(url, query, tmp_path).to_pydict() == {"product": ["p0", "p1", "p2"], "n": [9, 8, 8]}


def test_columns_whose_type_changes_on_the_way_hold_every_value(
    sqlite_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BATCH", 4)
    with sqlite3.connect(sqlite_file) as connection:
        connection.execute("UPDATE orders SET quantity = 'ten', price = NULL, note = 'late' WHERE shopper = 'u10'")
        connection.execute("UPDATE orders SET price = 7 WHERE shopper = 'u3'")
    table = read(f"sqlite:///{sqlite_file}", "orders", tmp_path)
    assert table.column("quantity").to_pylist() == [str(n) if n != 10 else "ten" for n in range(25)]
    assert table.column("price").to_pylist() == [None if n == 10 else 7.0 if n == 3 else n + 0.5 for n in range(25)]
    assert table.column("note").to_pylist() == [None] * 10 + ["late"] + [None] * 14
    assert [path.name for path in tmp_path.glob("*orders*")] == ["orders.parquet"]


def test_a_database_that_is_only_read_stays_as_it_was(sqlite_file: Path, tmp_path: Path) -> None:
    before = sqlite_file.read_bytes()
    for query in ("DELETE FROM orders", "UPDATE orders SET price = 1", "CREATE TABLE a (b)"):
        with pytest.raises(InputError, match=r"would change the database|is no SELECT"):
            read(f"sqlite:///{sqlite_file}", query, tmp_path)
    assert sqlite_file.read_bytes() == before
    with pytest.raises(InputError, match="there is no such database file"):
        read(f"sqlite:///{tmp_path}/other.db", "orders", tmp_path)
    assert not (tmp_path / "other.db").exists()


def test_what_cannot_be_read_is_refused_in_a_sentence(sqlite_file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{sqlite_file}"
    refused = {
        None: r"which table\?.*The tables are: bought, orders, products",
        "order": r"there is no table 'order'. Did you mean 'orders'\?",
        "SELECT * FROM absent": r"no such table: absent",
        "SELECT shopper AS a, product AS a FROM orders": r"field 'a': two columns of the result have this name",
        "SELECT * FROM products": r"has no rows",
        "SELECT shopper, x'00ff' AS photo FROM orders": r"field 'photo': this column holds bytes",
    }
    for query, sentence in refused.items():
        with pytest.raises(InputError, match=sentence) as caught:
            read(url, query, tmp_path)
        assert caught.value.file == str(sqlite_file)


@pytest.mark.postgres
def test_every_type_of_postgresql_comes_as_what_it_is(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute(
            """CREATE TABLE "Order Lines" (id bigint, shopper uuid, sku varchar, paid numeric(10,2), long numeric(20,0),
            at timestamptz, local timestamp, day date, gift boolean, tags text[], extra jsonb, weight real, nothing text)"""
        )
        connection.execute(
            """INSERT INTO "Order Lines" VALUES (1, '0b6d8a3e-6c1e-4a86-9f3c-111111111111', '007', 9.90, 12345678901234567890,
            '2024-05-31 14:00:00+02', '2024-05-31 14:00:00', '2024-05-31', true, '{a,b}', '{"size": "M"}', 0.5, NULL)"""
        )
        connection.execute('INSERT INTO "Order Lines" (id) VALUES (2)')
    table = read(postgres_url, "Order Lines", tmp_path)
    first, second = table.to_pylist()
    assert first == {
        "id": 1,
        "shopper": "0b6d8a3e-6c1e-4a86-9f3c-111111111111",
        "sku": "007",
        "paid": 9.9,
        "long": "12345678901234567890",
        "at": datetime.datetime(2024, 5, 31, 12, tzinfo=datetime.UTC),
        "local": datetime.datetime(2024, 5, 31, 14),
        "day": datetime.date(2024, 5, 31),
        "gift": True,
        "tags": '["a", "b"]',
        "extra": '{"size": "M"}',
        "weight": 0.5,
        "nothing": None,
    }
    assert json.loads(first["extra"]) == {"size": "M"}
    assert set(second.values()) == {2, None}


@pytest.mark.postgres
def test_postgresql_streams_what_it_sends(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BATCH", 1_000)
    told: list[str] = []
    query = "SELECT n AS id, 'p' || n % 10 AS sku, '100%' AS share FROM generate_series(1, 3500) n"
    fetched = fetch(Location((postgres_url,), query), tmp_path, lambda done, message: told.append(message))
    assert [message.split()[0] for message in told] == ["1,000", "2,000", "3,000", "3,500"]
    table = pq.read_table(fetched.paths[0])
    assert table.column("id").to_pylist() == list(range(1, 3501))
    assert set(table.column("share").to_pylist()) == {"100%"}
    assert pq.read_metadata(fetched.paths[0]).num_row_groups == 4


@pytest.mark.postgres
def test_postgresql_cannot_be_changed_by_a_query(postgres_url: str, tmp_path: Path) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE orders AS SELECT 1 AS id")
    for query in (
        "DELETE FROM orders",
        "WITH gone AS (DELETE FROM orders RETURNING id) SELECT * FROM gone",
        "SELECT 1; COMMIT; DROP TABLE orders",
        "SELECT nextval('s'), lo_create(7)",
    ):
        with pytest.raises(InputError):
            read(postgres_url, query, tmp_path)
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone() == (0,)


@pytest.mark.postgres
def test_a_query_that_takes_too_long_ends_in_a_sentence(postgres_url: str, tmp_path: Path) -> None:
    url = f"{postgres_url}?options=-c%20statement_timeout%3D50"
    with pytest.raises(InputError, match=r"stopped the query, which took too long.*statement timeout"):
        read(url, "SELECT pg_sleep(5)", tmp_path)


@pytest.mark.postgres
@pytest.mark.parametrize(
    "query", ["SELECT '\\xff'::bytea AS photo", "SELECT 1 AS id, NULL::bytea AS photo UNION ALL SELECT 2, 'a'"]
)
def test_bytes_of_postgresql_are_refused_by_name(postgres_url: str, tmp_path: Path, query: str) -> None:
    with pytest.raises(InputError, match="field 'photo': this column holds bytes"):
        read(postgres_url, query, tmp_path)


@pytest.mark.postgres
@pytest.mark.parametrize(
    "password", ["geheim", "p%40ss%2Fw%3Ard", "${SHOP_PASSWORD}"], ids=["plain", "with signs", "in a variable"]
)
def test_a_password_is_told_to_nobody(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "p@ss/w:rd")
    host = postgres_url.partition("@")[2]
    url = f"postgresql://longtail:{password}@{host}"
    fetched = fetch(Location((url,), "SELECT 1 AS id"), tmp_path, silent)
    said = [*fetched.notes, fetched.paths[0].read_bytes().decode("latin-1")]
    for bad in (f"{url}_not_there", f"postgresql://longtail:{password}@127.0.0.1:1/shop", f"{url}?sslmode={password}"):
        with pytest.raises(InputError) as caught:
            fetch(Location((bad,), "SELECT 1 AS id"), tmp_path, silent)
        said.append(str(caught.value))
        assert len(str(caught.value).splitlines()) == 1
    for secret in ("geheim", "p@ss", "p%40ss", "w:rd"):
        assert not [text for text in said if secret in text]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:geheim@127.0.0.1:1/shop",
        "postgres://127.0.0.1:1/shop?user=ann&password=geheim",
        "postgresql://ann:x@geheim@127.0.0.1:1/shop",
        "postgresql://ann:geheim@127.0.0.1:port/shop",
        "nosuchdb://ann:geheim@127.0.0.1/shop",
        "mysql+pymysql://ann:geheim@127.0.0.1:1/shop",
    ],
)
def test_no_error_shows_a_password_in_any_form_of_url(url: str, tmp_path: Path) -> None:
    with pytest.raises(LongtailError) as caught:
        read(url, "orders", tmp_path)
    assert "geheim" not in str(caught.value)
    assert "geheim" not in "".join(traceback.format_exception(caught.value))
    assert "Traceback" not in str(caught.value)


def test_a_server_that_does_not_answer_is_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        with pytest.raises(InputError, match=f"postgresql://ann@127.0.0.1:{port}/shop: the database cannot be reached"):
            read(f"postgresql://ann@127.0.0.1:{port}/shop", "orders", tmp_path)


def test_a_variable_that_is_not_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_PASSWORD", raising=False)
    with pytest.raises(SettingsError, match="NO_SUCH_PASSWORD is not set"):
        read("postgresql://ann:${NO_SUCH_PASSWORD}@127.0.0.1/shop", "orders", tmp_path)


def test_a_whole_url_may_be_in_a_variable(sqlite_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_URL", f"sqlite:///{sqlite_file}")
    assert read("${SHOP_URL}", "orders", tmp_path).num_rows == 25
