"""What a catalogue is trained with: `engine.selection` makes a plan, `engine.evaluation` measures one, training follows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

from engine.core.settings import AlsSettings, Settings
from engine.models.recipe import Recipe, default_recipe
from engine.models.user_scoring import UserScoring

__all__ = ["DEFAULT_KNOWN_ABOVE", "TrainingPlan", "Trial", "Trials", "default_plan"]

DEFAULT_KNOWN_ABOVE = 16.0
"""`TrainingPlan.known_above` where nothing was compared and nothing is set."""

T = TypeVar("T")


@dataclass(frozen=True)
class Trial(Generic[T]):
    """Something that was compared, and how well it did: mean NDCG@10, 0 to 1."""

    tried: T
    ndcg: float


@dataclass(frozen=True)
class Trials:
    """Everything that was compared before a plan was made, in the order in which it was; empty where nothing was.

    `als`, `known_above` and `recipes` are compared on thinned products, `user_scorings` on shoppers: from a shopper to
    products with little traffic.
    """

    als: tuple[Trial[AlsSettings], ...] = ()
    known_above: tuple[Trial[float], ...] = ()
    recipes: tuple[Trial[Recipe], ...] = ()
    user_scorings: tuple[Trial[UserScoring], ...] = ()


@dataclass(frozen=True)
class TrainingPlan:
    """How a catalogue is trained.

    Attributes
    ----------
    als : what the `als` arm is fitted with. The predictor always learns from factors fitted with `settings.als`.
    recipe : what the hybrid is made of, and how shoppers are served.
    known_above : a candidate of the `predicted` arm with more interactions than this is found by its real factors, any
        other by its predicted ones.
    trials : what was compared to arrive at this.
    problem : a sentence saying why nothing was compared, where the shop is too small for it.
    """

    als: AlsSettings
    recipe: Recipe
    known_above: float = DEFAULT_KNOWN_ABOVE
    trials: Trials = field(default_factory=Trials)
    problem: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "als": self.als.model_dump(),
            "recipe": self.recipe.to_dict(),
            "known_above": self.known_above,
            "trials": {
                "als": _listed(self.trials.als, AlsSettings.model_dump),
                "known_above": _listed(self.trials.known_above, float),
                "recipes": _listed(self.trials.recipes, Recipe.to_dict),
                "user_scorings": _listed(self.trials.user_scorings, asdict),
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
            float(values["known_above"]),
            Trials(
                _trials(trials["als"], AlsSettings.model_validate),
                _trials(trials["known_above"], float),
                _trials(trials["recipes"], Recipe.from_dict),
                _trials(trials["user_scorings"], UserScoring.from_dict),
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
    set_above = settings.predictor.known_above
    known_above = DEFAULT_KNOWN_ABOVE if set_above is None else set_above
    return TrainingPlan(settings.als, default_recipe(views, n_items), known_above, problem=problem)


def _listed(trials: tuple[Trial[T], ...], as_json: Callable[[T], Any]) -> list[dict[str, Any]]:
    return [{"tried": as_json(one.tried), "ndcg": one.ndcg} for one in trials]


def _trials(values: list[dict[str, Any]], read: Callable[[Any], T]) -> tuple[Trial[T], ...]:
    return tuple(Trial(read(one["tried"]), one["ndcg"]) for one in values)
