"""What loading a shop read, kept, left out and did not use, and why, as a part of the Data page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from engine.ingest.report import NOT_USED, FileReport, Problem
from ui.widgets.formatting import plain, plural, visible_cells

__all__ = ["LoadingReport", "draw_loading_report", "read_loading_report"]


@dataclass(frozen=True)
class LoadingReport:
    """The part of report.json that people are shown; `problems` holds the first few of each kind, `text` is the whole file."""

    files: list[FileReport]
    problems: list[Problem]
    problem_counts: dict[str, int]
    text: str = "{}"


def read_loading_report(snapshot: Path) -> LoadingReport:
    """The report beside a snapshot; a shop that a program wrote by itself may have an empty one."""
    text = (snapshot / "report.json").read_text("utf-8")
    content = json.loads(text)
    return LoadingReport(
        files=[FileReport(**file) for file in content.get("files", [])],
        problems=[Problem(**problem) for problem in content.get("problems", [])],
        problem_counts=content.get("problem_counts", {}),
        text=text,
    )


def draw_loading_report(report: LoadingReport) -> None:
    """A row per file, what was decided and left unused in each, and what was wrong; nothing without files."""
    if not report.files:
        return
    rejected = sum(file.rejected for file in report.files)
    said = f"{plural(rejected, 'row')} left out" if rejected else "every row was used"
    st.markdown(f"**Loading report:** {said}")
    st.dataframe(visible_cells(_files_table(report.files)), hide_index=True, width="stretch")
    for file in report.files:
        _draw_file(file)
    if report.problems:
        cases = sum(report.problem_counts.values())
        with st.expander(f"Issues ({cases:,} in total, the first ten of each kind shown)"):
            st.dataframe(visible_cells(_problems_table(report)), hide_index=True, width="stretch", row_height=52)
    st.download_button(
        "Download the whole report",
        report.text,
        file_name="loading-report.json",
        mime="application/json",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )


def _draw_file(file: FileReport) -> None:
    """The columns that matter and were not used, and folded away what was decided by itself."""
    for sentence in file.unused:
        st.warning(f"{plain(file.name)}: {plain(_without_command(sentence))}.", icon=":material/warning:")
    lines = [_without_command(file.recognised, "; --preset"), *file.notes]
    unexplained = [name for name in file.unused_columns if file.columns[name] == NOT_USED]
    if unexplained:
        lines.append(f"Columns not used: {', '.join(unexplained)}")
    lines = list(dict.fromkeys(filter(None, lines)))
    if lines:
        with st.expander(f"{plain(file.name)}: {plural(len(lines), 'note')}"):
            st.markdown("\n".join(f"- {plain(line[:1].upper() + line[1:])}" for line in lines))


def _without_command(sentence: str, begins: str = ": --map") -> str:
    """The sentence without what to type on the command line: on the page, columns are chosen in menus."""
    return sentence.split(begins, 1)[0]


def _files_table(files: list[FileReport]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "File": file.name,
                "Contains": file.kind,
                "Rows read": file.read,
                "Kept": file.kept,
                "Left out": file.rejected,
            }
            for file in files
        ]
    )


def _problems_table(report: LoadingReport) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Issue": problem.message,
                "Count": report.problem_counts.get(problem.kind),
                "File": problem.file,
                "Row": problem.row,
                "Column": problem.field,
                "Value": problem.value,
            }
            for problem in report.problems
        ]
    )
