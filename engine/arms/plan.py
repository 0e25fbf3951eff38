"""What a catalogue is trained with: `engine.selection` makes a plan, `engine.evaluation` measures one, training follows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

from engine.arms.candidate_mix import CandidateMix
from engine.core.settings import AlsSettings, Settings
from engine.models.recipe import Recipe, default_recipe
from engine.models.smoother import Capacity
from engine.models.user_scoring import UserScoring

__all__ = ["QuietTrial", "TrainingPlan", "Trial", "Trials", "default_plan"]

T = TypeVar("T")


@dataclass(frozen=True)
class Trial(Generic[T]):
    """Something that was compared, and how well it did: mean NDCG@10, 0 to 1."""

    tried: T
    ndcg: float


@dataclass(frozen=True)
class QuietTrial:
    """A treatment of products that behaviour hardly knows: mean NDCG@10 on thinned products and in hidden neighbourhoods
    (None where there are none), and the share of ten neighbours that content alone would give, 0 to 1 each."""

    tried: Recipe
    thinned: float
    niches: float | None
    agreement: float


@dataclass(frozen=True)
class FavourTrial:
    """Lists of ten with so much favour for the long tail: their mean NDCG@10 over all products, the share of their places that long-tail
    products have, and the share of the long-tail products shoppers went on to choose that are in them; 0 to 1 each."""

    favour: float
    ndcg: float
    share: float
    found: float


@dataclass(frozen=True)
class LongTailTrade:
    """What favour for the long tail costs and brings, on shoppers a part of whose history was hidden.

    Attributes
    ----------
    chosen_share : share of what was hidden that long-tail products are: what shoppers choose by themselves.
    behaviour : lists by ALS, without favour.
    tried : lists by the hybrid, the smallest favour first.
    """

    chosen_share: float
    behaviour: FavourTrial
    tried: tuple[FavourTrial, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"tried": [asdict(one) for one in self.tried]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LongTailTrade:
        """What `to_dict` gave."""
        tried = tuple(FavourTrial(**one) for one in values["tried"])
        return cls(values["chosen_share"], FavourTrial(**values["behaviour"]), tried)


@dataclass(frozen=True)
class Trials:
    """Everything that was compared before a plan was made, in the order in which it was; empty where nothing was.

    `als`, `mixes` and `recipes` are compared on thinned products, `silences` on hidden neighbourhoods as well,
    `user_scorings` on shoppers: from a shopper to products with little traffic. `modalities` says what the smoother reaches
    without each part of the content, and with all of them (""). `long_tail` is None where no shoppers were looked at.
    """

    als: tuple[Trial[AlsSettings], ...] = ()
    mixes: tuple[Trial[CandidateMix], ...] = ()
    recipes: tuple[Trial[Recipe], ...] = ()
    silences: tuple[QuietTrial, ...] = ()
    modalities: tuple[Trial[str], ...] = ()
    user_scorings: tuple[Trial[UserScoring], ...] = ()
    long_tail: LongTailTrade | None = None


@dataclass(frozen=True)
class TrainingPlan:
    """How a catalogue is trained.

    Attributes
    ----------
    als : what the `als` arm is fitted with. The predictor learns from factors fitted with the same settings, but for their
        number (`engine.models.als.settings_for_prediction`).
    recipe : what the hybrid is made of, and how shoppers are served.
    mix : what candidates of the `predicted` arm are found by.
    trials : what was compared to arrive at this.
    problem : a sentence saying why nothing was compared, where the shop is too small for it.
    """

    als: AlsSettings
    recipe: Recipe
    mix: CandidateMix = field(default_factory=CandidateMix)
    trials: Trials = field(default_factory=Trials)
    problem: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "als": self.als.model_dump(),
            "recipe": self.recipe.to_dict(),
            "mix": asdict(self.mix),
            "trials": {
                "als": _listed(self.trials.als, AlsSettings.model_dump),
                "mixes": _listed(self.trials.mixes, asdict),
                "recipes": _listed(self.trials.recipes, Recipe.to_dict),
                "silences": [asdict(one) | {"tried": one.tried.to_dict()} for one in self.trials.silences],
                "modalities": _listed(self.trials.modalities, str),
                "user_scorings": _listed(self.trials.user_scorings, asdict),
                "long_tail": None if self.trials.long_tail is None else self.trials.long_tail.to_dict(),
            },
            "problem": self.problem,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingPlan:
        """What `to_dict` gave."""
        trials = values["trials"]
        return cls(
            AlsSettings.model_validate(values["als"]),
            Recipe.from_dict(values["recipe"]),
            CandidateMix(**values["mix"]),
            Trials(
                _trials(trials["als"], AlsSettings.model_validate),
                _trials(trials["mixes"], lambda one: CandidateMix(**one)),
                _trials(trials["recipes"], Recipe.from_dict),
                tuple(QuietTrial(**{**one, "tried": Recipe.from_dict(one["tried"])}) for one in trials["silences"]),
                _trials(trials["modalities"], str),
                _trials(trials["user_scorings"], UserScoring.from_dict),
                None if trials["long_tail"] is None else LongTailTrade.from_dict(trials["long_tail"]),
            ),
            values["problem"],
        )


def default_plan(settings: Settings, n_items: int, *, words: bool, problem: str | None = None) -> TrainingPlan:
    """The plan where nothing is compared: the settings as they are, and the recipe that did well on several shops.

    Parameters
    ----------
    words : whether products have word vectors.
    """
    views = ("content", "prediction", "words") if words else ("content", "prediction")
    half_known = settings.predictor.half_known
    mix = CandidateMix() if half_known is None else CandidateMix(half_known)
    capacity = Capacity(settings.smoother.exact, settings.smoother.landmarks)
    return TrainingPlan(settings.als, default_recipe(views, n_items, capacity), mix, problem=problem)


def _listed(trials: tuple[Trial[T], ...], as_json: Callable[[T], Any]) -> list[dict[str, Any]]:
    return [{"tried": as_json(one.tried), "ndcg": one.ndcg} for one in trials]


def _trials(values: list[dict[str, Any]], read: Callable[[Any], T]) -> tuple[Trial[T], ...]:
    return tuple(Trial(read(one["tried"]), one["ndcg"]) for one in values)
