"""What all sessions share: the workspace, its settings, the shop as it is served, the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import streamlit as st

from engine.catalogue.snapshot import ShopFacts, read_facts
from engine.catalogue.traffic import Traffic
from engine.core.settings import Settings, load_settings, workspace_path
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.recommend.current_release import CurrentRelease
from engine.recommend.listed_release import ListedRelease
from engine.recommend.recommender import Recommender
from engine.release.publish import current_release_id, outdated_release
from engine.serving.current_shop import CurrentShop
from engine.serving.served_shop import ServedShop
from engine.store import Database, database_url
from ui.app.one_run import OnceARun
from ui.widgets.cards import CardMaker
from ui.widgets.formatting import day_phrase, plural

__all__ = [
    "ShopWords",
    "card_maker",
    "database",
    "has_release",
    "has_shop",
    "judgements",
    "known_values",
    "listed_release",
    "published_id",
    "recommender",
    "release",
    "release_sentence",
    "served",
    "settings",
    "shop",
    "shop_words",
    "shown_id",
    "traffic",
    "words_of",
    "workspace",
]

_RUNS: OnceARun[ServedShop] = OnceARun()


@dataclass(frozen=True)
class ShopWords:
    """The shop as the release was trained on it: what it is called, what it counts, and how its attributes are written."""

    name: str
    interaction_word: str
    currency: str | None
    attribute_kinds: Mapping[str, str]


def workspace() -> Workspace:
    """The workspace that this server shows."""
    return Workspace(workspace_path())


def settings() -> Settings:
    """The current settings; read again when settings.toml changes."""
    place = workspace()
    try:
        changed_at = place.settings_file.stat().st_mtime_ns
    except OSError:
        changed_at = 0
    return _settings(place.root, changed_at)


def has_shop() -> bool:
    """Whether a shop was loaded or drawn."""
    return (workspace().snapshots / "current").is_file()


def has_release() -> bool:
    """Whether a training run has published anything that this version of Longtail can show."""
    return current_release_id(workspace()) is not None and outdated_release(workspace()) is None


def shop() -> ShopFacts:
    """What the shop data in use says of itself; raises `NoDataError` when there is none."""
    return _shop(workspace(), workspace().current_snapshot().name)


def shop_words() -> ShopWords:
    """The words of the shop that the release was trained on, which may not be the one that was loaded last."""
    return words_of(recommender())


def words_of(facade: ListedRelease) -> ShopWords:
    """The words of the shop that a release was trained on."""
    facts = facade.manifest.extra["shop"]
    return ShopWords(facts["name"], facts["interaction_word"], facts["currency"], facts["attributes"])


def served() -> ServedShop:
    """The shop as it is shown, the same one for all of a page's run; raises `NoReleaseError` when nothing was published, `ReleaseError` where nothing can be opened."""
    return _RUNS.get(lambda: _current_shop(workspace(), database_url(workspace(), settings())).get())


def recommender() -> Recommender:
    """The release with products as people changed them, before drafts and rulings; errors as `served`."""
    return served().release


def release(release_id: str) -> Recommender:
    """One release, published or not; raises `NotFoundError`, `NoRoomError` or `ReleaseError` where it is gone, too large or damaged."""
    return _served(release_id) or _release(workspace(), release_id)


def listed_release(release_id: str) -> ListedRelease:
    """The lists of one release, which is little of it; errors as `release`."""
    return _served(release_id) or _listed_release(workspace(), release_id)


def _served(release_id: str) -> Recommender | None:
    """This release where it is the one that is served, which is open: what is worked out once for it need not be again."""
    place = workspace()
    if release_id != current_release_id(place):
        return None
    shown = _current_release(place).get()
    return shown if shown.release_id == release_id else None


def published_id() -> str:
    """Id of the release that is live: the one that pages show, or will once it is open."""
    return _current_release(workspace()).opening or recommender().release_id


def shown_id() -> str | None:
    """Id of the release that a page would show that began now; None before the first. Opens nothing."""
    return _current_release(workspace()).next_id()


def traffic() -> Traffic:
    """Where head, middle and long tail of the release's catalogue begin."""
    facade = recommender()
    return _traffic(workspace(), facade.edition, facade)


def card_maker() -> CardMaker:
    """Makes cards of the release's products."""
    facade = recommender()
    words = words_of(facade)
    return CardMaker(facade.items, traffic(), words.interaction_word, words.currency)


def known_values(column: str) -> list[str]:
    """The values of a column of the release's catalogue, most frequent first; do not change the list."""
    facade = recommender()
    return _known_values(workspace(), facade.version, column, facade)


def database() -> Database:
    """The database of judgements, drafts and changes, migrated."""
    return _database(database_url(workspace(), settings()))


def judgements() -> JudgementStore:
    """The judgement store."""
    return JudgementStore(database())


def release_sentence() -> str:
    """`Release 12, trained today 09:14, 2,000 products`."""
    manifest = recommender().manifest
    return (
        f"Release {manifest.number}, trained {day_phrase(datetime.fromisoformat(manifest.created_at))}, "
        f"{plural(manifest.n_items, 'product')}"
    )


@st.cache_resource(show_spinner=False, max_entries=4)
def _settings(root: Path, changed_at: int) -> Settings:
    return load_settings(root)


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs={Workspace: lambda w: str(w.root)})
def _shop(workspace: Workspace, snapshot_id: str) -> ShopFacts:
    return read_facts(workspace)


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs={Workspace: lambda w: str(w.root)})
def _current_release(workspace: Workspace) -> CurrentRelease:
    return CurrentRelease(workspace)


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs={Workspace: lambda w: str(w.root)})
def _current_shop(workspace: Workspace, url: str) -> CurrentShop:
    return CurrentShop(workspace, settings(), release=_current_release(workspace), open_database=database)


@st.cache_resource(show_spinner="Opening the release…", max_entries=3, hash_funcs={Workspace: lambda w: str(w.root)})
def _release(workspace: Workspace, release_id: str) -> Recommender:
    return Recommender.open(workspace, release_id)


@st.cache_resource(show_spinner="Opening the release…", max_entries=3, hash_funcs={Workspace: lambda w: str(w.root)})
def _listed_release(workspace: Workspace, release_id: str) -> ListedRelease:
    return ListedRelease.open(workspace, release_id)


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs={Workspace: lambda w: str(w.root)})
def _traffic(workspace: Workspace, edition: str, _facade: Recommender) -> Traffic:
    return Traffic.of(_facade.items["interaction_count"])


@st.cache_resource(show_spinner=False, max_entries=100, hash_funcs={Workspace: lambda w: str(w.root)})
def _known_values(workspace: Workspace, version: str, column: str, _facade: Recommender) -> list[str]:
    values = _facade.items[column].explode()
    return [str(value) for value in values.dropna().value_counts().index]


@st.cache_resource(show_spinner=False, max_entries=4)
def _database(url: str) -> Database:
    return Database(url)
