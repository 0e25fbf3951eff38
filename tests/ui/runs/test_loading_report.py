from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.ingest.report import FileReport, IngestReport, Problem


@pytest.fixture
def drawn(tmp_path: Path) -> AppTest:
    report = IngestReport(
        files=[
            FileReport(
                name="orders.csv",
                kind="events",
                read=10,
                kept=7,
                rejected=3,
                columns={"who": "user_id", "when": "not used", "till": "not used"},
                notes=["dates were read with the day first"],
                recognised="recognised as Shopify; --preset none reads it by the names of its columns instead",
                unused=["'when' looks like the time of the events and is not used: --map timestamp=when"],
            )
        ],
        problems=[Problem("orders.csv", 4, "who", "missing_shopper", "the shopper has no id. Fill it in.", "")],
        problem_counts={"missing_shopper": 3},
        attribute_kinds={},
        n_items=1,
        n_events=7,
        n_users=2,
        snapshot_id="s",
    )
    (tmp_path / "report.json").write_text(json.dumps(report.to_dict()), "utf-8")

    def script(folder: str) -> None:
        from pathlib import Path

        from ui.runs.loading_report import draw_loading_report, read_loading_report

        draw_loading_report(read_loading_report(Path(folder)))

    return AppTest.from_function(script, args=(str(tmp_path),), default_timeout=30).run()


def test_a_column_that_matters_and_is_not_used_comes_first_without_words_for_the_command_line(drawn: AppTest) -> None:
    assert not drawn.exception
    (warning,) = drawn.warning
    assert "'when' looks like the time of the events and is not used." in warning.value
    assert "--map" not in warning.value


def test_what_was_decided_and_every_unused_column_are_listed_by_file(drawn: AppTest) -> None:
    listed = drawn.expander[0].markdown[0].value
    assert drawn.expander[0].label == "orders.csv: 3 notes"
    assert "Recognised as Shopify\n" in listed
    assert "Dates were read with the day first" in listed
    assert "Columns not used: when, till" in listed


def test_issues_name_file_row_column_and_value(drawn: AppTest) -> None:
    (issues,) = (frame.value for frame in drawn.dataframe if "Issue" in frame.value)
    assert issues.loc[0, ["Count", "File", "Row", "Column"]].tolist() == [3, "orders.csv", 4, "who"]
