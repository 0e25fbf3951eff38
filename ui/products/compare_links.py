"""From a product's page to its lists before and after: behaviour beside Longtail, and the release before beside this one."""

from __future__ import annotations

from engine.arms.registry import SERVED
from engine.release.manifest import Manifest
from engine.serving.what_changes import replaced_by
from ui.app.navigation import link_to
from ui.app.resources import recommender, workspace
from ui.comparison.sides import side_address

__all__ = ["draw_compare_links"]


def draw_compare_links(item_id: str, *, trained: bool = True) -> None:
    """Draw the links; with the release before only for a product that was `trained`, since no release has the others."""
    link_to("compare", "Compare with behaviour", ":material/compare:", {"item": item_id})
    live = recommender().release_id
    before = replaced_by(workspace(), live)
    if trained and before is not None and (workspace().releases / before).is_dir():
        sides = {"before": side_address(before, SERVED), "after": side_address(live, SERVED)}
        link_to(
            "compare",
            f"Compare with {Manifest(before).label.lower()}",
            ":material/history:",
            {"item": item_id, **sides},
        )
