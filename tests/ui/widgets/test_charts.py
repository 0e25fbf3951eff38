"""Charts: an arm has one colour everywhere."""

from __future__ import annotations

import pytest

from engine.arms.registry import arm, arms
from ui.widgets.charts import arm_colour


def test_every_arm_has_a_title_a_help_and_colours_of_its_own():
    for of in ("title", "help", "colour", "dark_colour"):
        said = [getattr(one, of) for one in arms().values()]
        assert all(said)
        assert len(set(said)) == len(said)


@pytest.mark.parametrize(("dark", "shade"), [(False, "colour"), (True, "dark_colour")])
def test_an_arm_keeps_its_colour_whichever_others_are_drawn(dark, shade):
    scale = arm_colour(["als", "content"], dark=dark).to_dict()["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == {
        "Behaviour": getattr(arm("als"), shade),
        "Text and picture": getattr(arm("content"), shade),
    }
