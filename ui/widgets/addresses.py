"""Our own addresses beside the dashboard, as pages write them; `ui.app.routes` answers them."""

from __future__ import annotations

import streamlit as st

__all__ = ["base_path", "picture_url", "review_urls", "thumb_url"]


def thumb_url(image: str) -> str:
    """Address of the thumbnail (long side at most 320 pixels) of the picture with this content hash."""
    return f"{base_path()}/thumb/{image}"


def picture_url(image: str) -> str:
    """Address of the picture (long side at most 640 pixels) with this content hash."""
    return f"{base_path()}/picture/{image}"


def review_urls() -> dict[str, str]:
    """Where the Review page asks for cards and sends decisions."""
    return {"cards": f"{base_path()}/review/cards", "decisions": f"{base_path()}/review/decisions"}


def base_path() -> str:
    """The path under which the dashboard is served: empty, or /something."""
    path = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""
