"""Charts: an arm has one colour everywhere."""

from __future__ import annotations

import pytest

from ui.widgets.charts import ARM_COLOURS, DARK_ARM_COLOURS, arm_colour
from ui.widgets.formatting import ARM_NAMES


def test_every_arm_has_a_colour_of_its_own_in_light_and_dark():
    for colours in (ARM_COLOURS, DARK_ARM_COLOURS):
        assert set(colours) == set(ARM_NAMES)
        assert len(set(colours.values())) == len(ARM_NAMES)


@pytest.mark.parametrize(("dark", "colours"), [(False, ARM_COLOURS), (True, DARK_ARM_COLOURS)])
def test_an_arm_keeps_its_colour_whichever_others_are_drawn(dark, colours):
    scale = arm_colour(["als", "content"], dark=dark).to_dict()["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == {
        "Behaviour": colours["als"],
        "Text and picture": colours["content"],
    }
