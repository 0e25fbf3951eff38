"""A vote: what a person says about one neighbour of a product; and a judgement: a vote with where and by whom it was given.

The verdicts, reasons and sources are listed here and nowhere else, with the words they have on screen: pages, the
Review page's script, the tables and the commands all take them from here. A new reason is one line. A new verdict or
source is one line too, and a verdict also needs a migration of the check on `judgements.verdict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self, TypeVar

from engine.core.errors import InputError
from engine.core.identifiers import check_storable, check_uuid

if TYPE_CHECKING:
    from engine.recommend.recommender import Recommender

__all__ = ["GIVEN", "SURE", "Judgement", "Reason", "Source", "Verdict", "Vote", "judgement_in_release"]

E = TypeVar("E", bound=StrEnum)


class _Worded(StrEnum):
    """A stored value and `words`, what it is called on screen."""

    words: str

    def __new__(cls, value: str, words: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.words = words
        return member


class Verdict(_Worded):
    """What is said about a neighbour. "withdrawn" takes the rater's earlier vote on the pair back."""

    IRRELEVANT = "irrelevant", "irrelevant"
    RELEVANT = "relevant", "fits"
    UNSURE = "unsure", "can't tell"
    WITHDRAWN = "withdrawn", "taken back"


class Reason(_Worded):
    """Why a neighbour is irrelevant."""

    WRONG_KIND = "wrong_kind", "wrong kind of product"
    WRONG_STYLE = "wrong_style", "wrong style"
    WRONG_OCCASION = "wrong_occasion", "wrong occasion"
    WRONG_PRICE = "wrong_price", "wrong price level"
    DUPLICATE = "duplicate", "duplicate"


class Source(StrEnum):
    """Where a judgement was given.

    REPEAT is a card shown again to see how consistent a rater is: it is in the log alone. DEMO are sample judgements.
    """

    SIMILAR_ITEMS = "similar_items"
    REVIEW = "review"
    REPEAT = "repeat"
    ADJUDICATION = "adjudication"
    DEMO = "demo"


SURE = (Verdict.IRRELEVANT, Verdict.RELEVANT)  # what counts in rates
GIVEN = (*SURE, Verdict.UNSURE)  # what a person may say of a neighbour on a card


@dataclass(frozen=True, kw_only=True)
class Vote:
    """What a person says about one neighbour; raises `InputError` naming the field when it cannot be said.

    Parameters
    ----------
    client_id : a UUID made where the vote was given; the same id is stored once.
    implied : True where the rater did not point at this neighbour, but said that the rest of the list fits.
    """

    client_id: str
    neighbour_id: str
    verdict: Verdict
    implied: bool = False
    reason: Reason | None = None

    def __post_init__(self) -> None:
        check_uuid(self.client_id, "client_id")
        check_storable(self.neighbour_id, "neighbour_id")
        object.__setattr__(self, "verdict", _member(Verdict, self.verdict, "verdict"))
        if self.reason is not None:
            object.__setattr__(self, "reason", _member(Reason, self.reason, "reason"))

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Vote:
        """A vote as the browser sends it: client_id, neighbour, verdict, implied, reason."""
        return cls(
            client_id=str(entry.get("client_id")),
            neighbour_id=str(entry.get("neighbour")),
            verdict=_member(Verdict, entry.get("verdict"), "verdict"),
            implied=bool(entry.get("implied")),
            reason=entry.get("reason"),
        )


@dataclass(frozen=True, kw_only=True)
class Judgement(Vote):
    """A vote with the product it is about and where it was given; raises `InputError` naming the field that is wrong.

    Parameters
    ----------
    anchor_id : the product beside which the neighbour was shown.
    anchor_count : interactions of that product at the moment.
    ranks : arm -> rank (the first is 1) of the neighbour, for every arm that returned it in that release, whichever the
        rater was looking at.
    card_id : the review card it was given on.
    """

    anchor_id: str
    rater: str
    source: Source
    release_id: str
    anchor_count: int
    ranks: Mapping[str, int]
    card_id: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in ("anchor_id", "rater", "release_id"):
            check_storable(getattr(self, field), field)
        object.__setattr__(self, "source", _member(Source, self.source, "source"))
        if self.anchor_id == self.neighbour_id:
            raise InputError(f"product {self.anchor_id!r} is not its own neighbour", field="neighbour_id")
        if self.anchor_count < 0:
            raise InputError(f"{self.anchor_count} is below 0", field="anchor_count")
        if any(rank < 1 for rank in self.ranks.values()):
            raise InputError("the first rank of a list is 1", field="ranks")


def judgement_in_release(
    vote: Vote, recommender: Recommender, anchor_id: str, *, rater: str, source: Source, k: int
) -> Judgement:
    """A judgement of what a release shows, with the ranks at which its arms return the neighbour now.

    Raises `NotFoundError` where it has not both products.

    Parameters
    ----------
    k : how far down the lists to look.
    """
    recommender.row(vote.neighbour_id)
    return Judgement(
        **vars(vote),
        anchor_id=anchor_id,
        rater=rater,
        source=source,
        release_id=recommender.release_id,
        anchor_count=int(recommender.items["interaction_count"].iloc[recommender.row(anchor_id)]),
        ranks=recommender.arms_returning(anchor_id, k).get(vote.neighbour_id, {}),
    )


def _member(kind: type[E], value: object, field: str) -> E:
    try:
        return kind(str(value))
    except ValueError as exc:
        raise InputError(f"{value!r} is none of {', '.join(kind)}", field=field) from exc
