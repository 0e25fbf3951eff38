"""What became of flags between two releases."""

from __future__ import annotations

from dataclasses import dataclass

from engine.curation.flags import FlagReport, flag_report, flag_sentence


@dataclass(frozen=True)
class Listed:
    item_id: str


class Lists:
    """A release that returns given lists."""

    def __init__(self, lists: dict[str, list[str]]) -> None:
        self.lists = lists

    def __contains__(self, item_id: str) -> bool:
        return item_id in self.lists

    def neighbours(self, item_id: str, arm: str, k: int) -> list[Listed]:
        return [Listed(one) for one in self.lists[item_id][:k]]


def test_flags_are_fixed_remaining_or_new_by_what_each_release_returns():
    earlier, later = Lists({"a": ["x", "y"], "gone": ["x"]}), Lists({"a": ["y", "z"]})
    out = {"a": frozenset("xyzw"), "gone": frozenset("x")}
    report = flag_report(out, earlier, later)
    assert report == FlagReport((("a", "x"), ("gone", "x")), (("a", "y"),), (("a", "z"),))
    sentence = flag_sentence(report, "Release 1", "Release 2")
    assert "Of 4 neighbours" in sentence
    assert "Release 2 drops 2 that Release 1 had, keeps 1 and brings in 1" in sentence


def test_nothing_flagged_is_nothing_said():
    lists = Lists({"a": ["x"]})
    assert flag_sentence(flag_report({"a": frozenset("q")}, lists, lists), "1", "2") == ""
