from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import InputError
from engine.ingest.sources import ROW, FileForm, csv_blocks, rewriting
from tests.support.staged_files import staged, written


def values(rows: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [tuple(value for name, value in row.items() if name != ROW) for row in rows]


def test_movielens_is_read_without_its_header(tmp_path: Path) -> None:
    text = '1::Toy Story (1995)::Animation|Children\'s|Comedy\n2::Cité: la (1995)::Drama\n3::"Quoted" One::Action\n'
    source, rows, _ = staged(written(tmp_path, text, "movies.dat", "latin-1"))
    assert (source.columns, source.headerless) == (("1", "2", "3"), True)
    assert values(rows)[1:] == [("2", "Cité: la (1995)", "Drama"), ("3", '"Quoted" One', "Action")]
    assert "the file has no header: its columns are called 1 to 3" in source.notes


def test_a_delimiter_of_two_characters_is_found_across_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewriting, "_COPY", 3)
    text = "".join(f"{n}::{n % 7}::5::97830{n:04}\n" for n in range(300))
    _, rows, problems = staged(written(tmp_path, text, "ratings.dat"))
    assert values(rows) == [(str(n), str(n % 7), "5", f"97830{n:04}") for n in range(300)]
    assert not problems.counts


def test_yoochoose_and_tabbed_numbers_have_no_header(tmp_path: Path) -> None:
    clicks = "1,2014-04-07T10:51:09.277Z,214536502,0\n1,2014-04-07T10:54:09.868Z,214536500,S\n"
    source, rows, _ = staged(written(tmp_path, clicks, "yoochoose-clicks.dat"))
    assert (source.headerless, len(rows), rows[0][ROW]) == (True, 2, 1)
    source, rows, _ = staged(written(tmp_path, "196\t242\t3\t881250949\n186\t302\t3\t891717742\n", "u.data"))
    assert (source.columns, len(rows)) == (("1", "2", "3", "4"), 2)


@pytest.mark.parametrize(
    ("text", "headerless"),
    [
        ("user,item\nu1,a\nu2,b\n", False),
        ("name,colour\nRed Dress,red\nBlue Dress,blue\n", False),
        ("Artikel,Farbe\nKleid,rot\nHose,blau\n", False),
        ("Modell,Jahr\nKleid,2019\nHose,2020\n", False),
        (",0,1\n0,a,b\n1,c,d\n", False),
        ("id,2019,2020\na,1,2\nb,3,4\n", False),
        ("u17,p3\nu18,p4\nu17,p5\n", True),
        ("anna,view,dress\nbert,view,hat\nanna,cart,dress\n", True),
        ("B00ABC1234,Red\nB00XYZ9876,Blue\n", True),
        ("a@shop.example,dress\nb@shop.example,hat\n", True),
        ("1,dress\n", True),
    ],
)
def test_a_header_is_told_by_how_it_differs_from_what_is_below(tmp_path: Path, text: str, headerless: bool) -> None:
    source, rows, _ = staged(written(tmp_path, text, "table.csv"))
    assert source.headerless is headerless
    assert len(rows) == text.count("\n") - (not headerless)


def test_known_names_make_the_first_line_data(tmp_path: Path) -> None:
    source, rows, _ = staged(
        written(tmp_path, "1::7::5\n2::8::4\n", "ratings.dat"), FileForm(header=("user", "item", "rating", "time"))
    )
    assert (source.columns, source.headerless) == (("user", "item", "rating"), False)
    assert len(rows) == 2


def test_known_names_do_not_make_a_plain_header_data(tmp_path: Path) -> None:
    source, rows, _ = staged(
        written(tmp_path, "userId,movieId,rating\n1,7,5\n2,8,4\n", "ratings.csv"), FileForm(header=("user", "item"))
    )
    assert source.columns == ("userId", "movieId", "rating")
    assert len(rows) == 2


def test_the_separator_line_of_excel_is_no_row(tmp_path: Path) -> None:
    text = "\ufeffsep=;\r\nsku;name\r\n1;Men&#39;s &amp; more\r\n2;a;b\r\n"
    source, rows, problems = staged(written(tmp_path, text, "items.csv"))
    assert (source.columns, values(rows)) == (("sku", "name"), [("1", "Men&#39;s &amp; more")])
    assert problems.counts == {"broken_row": 1}


def test_entities_in_names_and_in_rows_that_end_early_keep_their_semicolons(tmp_path: Path) -> None:
    text = "sku;Name &amp; more;note;x\n1;Hat &amp; scarf;;\n2;Caf&eacute;;;\n3;A &lt; B\n"
    source, rows, _ = staged(written(tmp_path, text, "items.csv"))
    assert source.columns == ("sku", "Name &amp; more", "note", "x")
    assert [row["Name &amp; more"] for row in rows] == ["Hat &amp; scarf", "Caf&eacute;", "A &lt; B"]


def test_backslashes_before_quotes_are_understood_wherever_the_first_one_is(tmp_path: Path) -> None:
    lines = [f'"{n}";"Book {n}"\n' for n in range(20_000)]
    lines[15_000] = '"x";"The \\"Good\\"; Book"\n'
    source, rows, problems = staged(written(tmp_path, '"ISBN";"Title"\n' + "".join(lines), "BX-Books.csv"))
    assert (source.n_rows, rows[15_000]["Title"]) == (20_000, 'The "Good"; Book')
    assert not problems.counts


def test_doubled_quotes_beside_backslashes_stay_doubled_quotes(tmp_path: Path) -> None:
    text = 'sku,details\n1,"{""size"": ""5\\"" wide""}"\n2,"C:\\dir"\n'
    _, rows, _ = staged(written(tmp_path, text, "items.csv"))
    assert values(rows) == [("1", '{"size": "5\\" wide"}'), ("2", "C:\\dir")]


def test_marks_that_make_a_spreadsheet_keep_zeros_are_taken_off(tmp_path: Path) -> None:
    text = 'sku,barcode,title\n="0012",\'4001234500000,\'90s coat\n"=""0013""",\'007,=5\n'
    _, rows, _ = staged(written(tmp_path, text, "items.csv"))
    assert values(rows) == [("0012", "4001234500000", "'90s coat"), ("0013", "007", "=5")]


def test_quotes_in_tabbed_text_are_text_unless_they_enclose_cells(tmp_path: Path) -> None:
    text = 'id\ttitle\n1\t"Weird Al" sings\n2\t5" nails\n3\t"open\n'
    assert values(staged(written(tmp_path, text, "items.tsv"))[1])[0] == ("1", '"Weird Al" sings')
    quoted = 'id\ttitle\n1\t"a\tb"\n2\t"say ""hi"""\n'
    assert values(staged(written(tmp_path, quoted, "more.tsv"))[1]) == [("1", "a\tb"), ("2", 'say "hi"')]


@pytest.mark.parametrize("name", ["ml.inter", "ml.item", "x.tab", "artists.dat", "list.txt", "no_ending"])
def test_tabs_are_found_in_files_of_any_name(tmp_path: Path, name: str) -> None:
    source, rows, _ = staged(written(tmp_path, "user_id:token\titem_id:token\n1\t2, 3\n2\t4, 5\n", name))
    assert source.columns == ("user_id:token", "item_id:token")
    assert values(rows)[0] == ("1", "2, 3")


def test_decimal_commas_and_lists_do_not_look_like_delimiters(tmp_path: Path) -> None:
    text = "sku;price;weight\n1;9,90;1,5\n2;8,90;2,5\n"
    assert staged(written(tmp_path, text, "prices.csv"))[0].columns == ("sku", "price", "weight")
    text = "sku,tags\n1,a|b|c\n2,d|e|f\n"
    assert staged(written(tmp_path, text, "tags.csv"))[0].columns == ("sku", "tags")


def test_lines_that_end_with_a_carriage_return_alone_are_lines(tmp_path: Path) -> None:
    _, rows, _ = staged(written(tmp_path, '"sku","name"\r"1","a ""b"""\r"2","c"\r', "mac.csv"))
    assert values(rows) == [("1", 'a "b"'), ("2", "c")]


def test_titles_and_blank_lines_above_the_table_are_left_out_and_said(tmp_path: Path) -> None:
    text = "# Export of May\n\nMy shop\n\nsku,name,price\n1,a,2\n2,b,3\n"
    source, rows, _ = staged(written(tmp_path, text, "export.csv"))
    assert (source.columns, values(rows)[0]) == (("sku", "name", "price"), ("1", "a", "2"))
    assert source.notes == ("lines above the table that are left out: 2, e.g. '# Export of May'",)


def test_remarks_that_outnumber_the_rows_are_left_out(tmp_path: Path) -> None:
    text = "# ------\n# Items\n# Shop: a, b\n#\nItem name,Items viewed\nHat,10\nScarf,20\n"
    source, rows, _ = staged(written(tmp_path, text, "ga4.csv"))
    assert (source.columns, values(rows)) == (("Item name", "Items viewed"), [("Hat", "10"), ("Scarf", "20")])
    assert source.notes == ("lines above the table that are left out: 4, e.g. '# ------'",)


@pytest.mark.parametrize("mark", ["^", "~", " ", "\x01"])
def test_rare_delimiters_are_found(tmp_path: Path, mark: str) -> None:
    text = "".join(mark.join(row) + "\n" for row in [("user", "item", "rating"), ("1", "2", "5"), ("2", "3", "4")])
    assert staged(written(tmp_path, text, "ratings.txt"))[0].columns == ("user", "item", "rating")


def test_a_delimiter_at_the_end_of_every_row_is_no_column_too_many(tmp_path: Path) -> None:
    source, rows, problems = staged(written(tmp_path, "sku,name\n1,a,\n2,b,\n", "items.csv"))
    assert (source.columns, values(rows)[1][:2], problems.counts) == (("sku", "name", ""), ("2", "b"), {})


def test_rows_may_end_before_columns_that_are_often_empty(tmp_path: Path) -> None:
    text = "sku,title,price,sale,note\na,Hat,5,4,\nb,Scarf,6,,\nc,Coat,7\nd,Belt,8,,\ne,Cap\nf,Tie,9,2\n"
    source, rows, problems = staged(written(tmp_path, text, "items.csv"))
    assert sorted(tuple(row.values())[:5] for row in rows) == [
        (1, "a", "Hat", "5", "4"),
        (2, "b", "Scarf", "6", ""),
        (3, "c", "Coat", "7", ""),
        (4, "d", "Belt", "8", ""),
        (6, "f", "Tie", "9", "2"),
    ]
    assert (source.n_rows, [problem.row for problem in problems.shown]) == (6, [5])


@pytest.mark.parametrize("header", ['"sku,title,price"', "sku,title,price"])
def test_rows_that_excel_put_in_quotes_are_taken_apart(tmp_path: Path, header: str) -> None:
    text = header + '\n"a,""Hat, red"",5"\nb,Scarf,6\n"c,""Belt"",7"\n'
    source, rows, problems = staged(written(tmp_path, text, "items.csv"))
    assert source.columns == ("sku", "title", "price")
    assert sorted(values(rows)) == [("a", "Hat, red", "5"), ("b", "Scarf", "6"), ("c", "Belt", "7")]
    assert not problems.counts


def test_a_header_that_comes_again_is_no_row(tmp_path: Path) -> None:
    text = "Modell,Farbe\nKleid,rot\nModell,Farbe\nHose,blau\nModell,grau\n"
    source, rows, problems = staged(written(tmp_path, text, "items.csv"))
    assert [(row[ROW], row["Modell"]) for row in rows] == [(1, "Kleid"), (3, "Hose"), (4, "Modell")]
    assert (source.n_rows, source.n_rejected) == (4, 1)
    assert "the header once more" in problems.shown[0].message


def test_row_numbers_without_a_name_shift_no_column(tmp_path: Path) -> None:
    source, rows, _ = staged(written(tmp_path, '"sku","name"\n"1","a","Hat"\n"2","b","Scarf"\n', "items.csv"))
    assert (source.columns, values(rows)[1]) == (("", "sku", "name"), ("2", "b", "Scarf"))


def test_a_row_without_end_is_refused_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_blocks, "_BLOCK", 1_000)
    text = "sku,name\n1,a\n2," + "b" * 3_000 + "\n"
    with pytest.raises(InputError, match=r"items\.csv, row 2: the row is longer than"):
        staged(written(tmp_path, text, "items.csv"))


def test_a_delimiter_that_separates_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="separates no cells"):
        staged(written(tmp_path, "a,b\n1,2\n", "items.csv"), FileForm(delimiter=""))


def test_rows_that_an_unquoted_comma_made_longer_are_broken_and_not_shifted(tmp_path: Path) -> None:
    text = "ID,Name,Gewicht\n10,Stuhl,1,5\n11,Tisch,2,5\n12,Bank,3,5\n"
    _, rows, log = staged(written(tmp_path, text, "artikel.csv"))
    assert rows == []
    assert log.counts == {"broken_row": 3}
