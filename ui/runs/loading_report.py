"""What loading a shop read, kept and left out, and why, as a part of the Data page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from engine.ingest.report import FileReport, Problem
from ui.widgets.formatting import plural

__all__ = ["LoadingReport", "draw_loading_report", "read_loading_report"]


@dataclass(frozen=True)
class LoadingReport:
    """The part of report.json that people are shown; `problems` holds the first few of each kind."""

    files: list[FileReport]
    problems: list[Problem]
    problem_counts: dict[str, int]


def read_loading_report(snapshot: Path) -> LoadingReport:
    """The report beside a snapshot; a shop that a program wrote by itself may have an empty one."""
    content = json.loads((snapshot / "report.json").read_text("utf-8"))
    return LoadingReport(
        files=[FileReport(**file) for file in content.get("files", [])],
        problems=[Problem(**problem) for problem in content.get("problems", [])],
        problem_counts=content.get("problem_counts", {}),
    )


def draw_loading_report(report: LoadingReport) -> None:
    """A line and a row per file, what was noted, and what was wrong; nothing without files."""
    if not report.files:
        return
    rejected = sum(file.rejected for file in report.files)
    said = f"{plural(rejected, 'row')} left out" if rejected else "every row was used"
    st.markdown(f"**Loading report:** {said}")
    st.dataframe(_files_table(report.files), hide_index=True, width="stretch")
    for note in dict.fromkeys(note for file in report.files for note in file.notes):
        st.caption(note)
    if report.problems:
        cases = sum(report.problem_counts.values())
        with st.expander(f"Issues ({cases:,} in total, the first ten of each kind shown)"):
            st.dataframe(_problems_table(report), hide_index=True, width="stretch")


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
                "Field": problem.field,
                "Value": problem.value,
            }
            for problem in report.problems
        ]
    )
