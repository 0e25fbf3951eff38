"""The warm-up of a newcomer: a few products that others judged to the end, with what they said as answers."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from engine.core.errors import NotFoundError
from engine.curation.queue import Card
from engine.curation.votes import SURE, Source
from ui.app.resources import card_maker, judgements, recommender
from ui.review.cards import ReviewCard, review_card

__all__ = ["CARDS", "answered_lists", "warmup_cards"]

CARDS = 3
SIZE = 10
ANY = "any"  # the answer on which others disagree
LEAST_OF_EACH = 3  # an example shows both what fits and what does not
NEVER = 1e12  # a warm-up card is nobody's, so no lease of it ends


def warmup_cards(rater: str) -> list[ReviewCard]:
    """Cards with answers; none where others have not judged enough, or this person has judged cards before.

    Nothing about them is stored.
    """
    current = judgements().current()
    if ((current["rater"] == rater) & (current["source"] == Source.REVIEW)).any():
        return []
    facade, maker = recommender(), card_maker()
    cards: list[ReviewCard] = []
    for anchor, answers in answered_lists(current[current["rater"] != rater]).items():
        try:
            cards.append(review_card(Card(f"warmup-{anchor}", anchor, tuple(answers), NEVER), facade, maker, answers))
        except NotFoundError:
            continue  # judged in an earlier catalogue
        if len(cards) == CARDS:
            break
    return cards


def answered_lists(current: pd.DataFrame) -> dict[str, Mapping[str, str]]:
    """Products whose judged neighbours make an example: anchor -> {neighbour: "irrelevant" | "relevant" | "any"}.

    Where people disagree, or could not tell, any answer is right. Lists on which people are most of one mind come
    first; a list is the ten judged first, ordered by id, which says nothing about who returned them.

    Parameters
    ----------
    current : votes as `JudgementStore.current` gives them.
    """
    lists: dict[str, dict[str, str]] = {}
    columns = (current[name].tolist() for name in ("anchor_id", "neighbour_id", "verdict"))
    for anchor, neighbour, verdict in zip(*columns, strict=True):
        answers = lists.setdefault(anchor, {})
        agreed = verdict in SURE and answers.get(neighbour, verdict) == verdict
        if neighbour in answers or len(answers) < SIZE:
            answers[neighbour] = verdict if agreed else ANY
    good = {
        anchor: dict(sorted(answers.items()))
        for anchor, answers in lists.items()
        if len(answers) == SIZE and all(list(answers.values()).count(word) >= LEAST_OF_EACH for word in SURE)
    }
    return dict(sorted(good.items(), key=lambda entry: (list(entry[1].values()).count(ANY), entry[0])))
