"""Our stylesheet, put on the page once per run."""

from __future__ import annotations

import functools
from pathlib import Path

import streamlit as st

__all__ = ["add_style"]

STYLESHEET = Path(__file__).resolve().parents[2] / "assets" / "style.css"


def add_style() -> None:
    """Add assets/style.css to the page."""
    st.html(_style())


@functools.cache
def _style() -> str:
    return f"<style>{STYLESHEET.read_text('utf-8')}</style>"
