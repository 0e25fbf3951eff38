"""Model: what is live, how good it is, what training did, and training again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from engine.core.errors import LongtailError
from engine.curation.flags import flag_report, flag_sentence
from engine.jobs import active_run, list_runs
from engine.release.publish import Manifest, list_releases, publish, published_releases, rollback
from ui.app import notices, resources
from ui.runs.run_view import follow_run, runs_table, start
from ui.widgets.charts import is_dark
from ui.widgets.formatting import day_phrase, duration_phrase, plain, plural
from ui.widgets.model_charts import (
    als_table,
    lessons_sentence,
    loss_chart,
    quality_chart,
    quality_headline,
    quality_table,
    share_sentences,
    task_table,
)

__all__ = ["page"]


def page() -> None:
    """Live release, its quality, its training, all releases and runs."""
    st.title("Model")
    _training()
    if resources.has_release():
        release = resources.recommender()
        _quality(release.metrics, resources.shop().interaction_word)
        _shares(release.training, resources.shop().interaction_word)
        _history(release.training, release.metrics, release.manifest)
    _releases()
    if runs := list_runs(resources.workspace()):
        st.subheader("Runs")
        st.dataframe(runs_table(runs), hide_index=True, width="stretch")


def _training() -> None:
    run_id = active_run(resources.workspace())
    if run_id is not None:
        with st.container(border=True):
            follow_run(run_id)
    elif resources.has_shop():
        verb = "Train again" if resources.has_release() else "Train"
        st.button(verb, type="primary", icon=":material/refresh:", on_click=start, args=("train",))
        st.caption("Training runs beside the dashboard; what is served changes only when the new release is published.")
    else:
        st.info("There is no shop yet. Load one on the Data page.", icon=":material/info:")


def _quality(metrics: Mapping[str, Any], word: str) -> None:
    table = quality_table(metrics)
    if table.empty:
        st.subheader("Quality")
        st.info(
            metrics.get("problem", "This release was trained without measuring its quality."), icon=":material/info:"
        )
        return
    st.subheader(quality_headline(table, word))
    st.caption(
        f"Well-known products had their {word} hidden, all but a few. A list is good when it names the products that the "
        "hidden shoppers bought together more often than chance. 1 is the best possible list; the band holds 95 % of the "
        "uncertainty. The dashed line is the ceiling: the best list that behaviour alone gives the same products once half of "
        f"the hidden {word} are known."
    )
    st.altair_chart(quality_chart(table, word, dark=is_dark()), width="stretch")
    with st.expander("The figures"):
        st.dataframe(
            table.replace({"kept": {"pooled": "1 to 5 together"}}).rename(
                columns={
                    "arm": "List",
                    "kept": f"{word.capitalize()} kept",
                    "ndcg": "Surprise NDCG@10",
                    "low": "95 % from",
                    "high": "to",
                    "average_precision": "AP@10",
                    "coverage": "Products with a list",
                    "targets": "Products measured",
                }
            ),
            hide_index=True,
            width="stretch",
            column_config={
                "Products with a list": st.column_config.NumberColumn(format="percent"),
                **{
                    name: st.column_config.NumberColumn(format="%.3f")
                    for name in ("Surprise NDCG@10", "95 % from", "to", "AP@10")
                },
            },
        )
        tasks = task_table(metrics)
        if not tasks.empty:
            st.markdown("**From a shopper to products with little traffic** (a fifth of each shopper's history hidden)")
            st.dataframe(
                tasks.rename(
                    columns={"candidates": "Products", "arm": "List", "ndcg": "NDCG@10", "average_precision": "AP@10"}
                ),
                hide_index=True,
                width="stretch",
                column_config={name: st.column_config.NumberColumn(format="%.3f") for name in ("NDCG@10", "AP@10")},
            )


def _shares(training: Mapping[str, Any], word: str) -> None:
    if sentences := share_sentences(training, word):
        st.markdown("**Whose behaviour speaks for a product**")
        st.markdown("\n".join(f"- {sentence}" for sentence in sentences))


def _history(training: Mapping[str, Any], metrics: Mapping[str, Any], manifest: Manifest) -> None:
    with st.expander("What the last training did"):
        if decision := manifest.extra.get("decision"):
            st.markdown(f"**Decision:** {decision}")
        if lessons := lessons_sentence(training.get("judgements") or {}):
            st.markdown(f"**Judgements:** {lessons}")
        if flags := _flags():
            st.markdown(f"**Flags:** {flags}.")
        tried = als_table(metrics)
        if len(tried) > 1:
            st.markdown("**Ways to learn from behaviour that were compared**")
            st.dataframe(
                tried.rename(
                    columns={
                        "factors": "Factors",
                        "regularization": "Regularization",
                        "alpha": "Alpha",
                        "ndcg": "Quality",
                        "used": "Used",
                    }
                ),
                hide_index=True,
                column_config={"Quality": st.column_config.NumberColumn(format="%.3f")},
            )
        if steps := manifest.steps:
            st.dataframe(
                pd.DataFrame([{"Step": name, "Took": duration_phrase(seconds)} for name, seconds in steps.items()]),
                hide_index=True,
            )
        left, right = st.columns(2)
        if losses := training.get("als_losses"):
            left.markdown("**Learning from behaviour**")
            left.altair_chart(loss_chart({"All interactions": losses}, "Round"), width="stretch")
        if curves := training.get("predictor", {}).get("curves"):
            right.markdown("**Predicting behaviour from content**")
            right.altair_chart(
                loss_chart(
                    {
                        "Products it learns from": [epoch["train"] for epoch in curves],
                        "Products held back": [epoch["validation"] for epoch in curves],
                    },
                    "Round",
                ),
                width="stretch",
            )
        for note in training.get("notes", []):
            st.caption(note)


def _flags() -> str:
    """What became of the neighbours people ruled out, since the release that was served before."""
    out, now = resources.suppressed().all(), resources.recommender()
    before = [one for one in published_releases(resources.workspace()) if one != now.release_id]
    if not out or not before:
        return ""
    try:
        earlier = resources.release(before[-1])
    except LongtailError:
        return ""  # gone or damaged: there is nothing to compare with
    report = flag_report(out, earlier, now, k=resources.settings().serving.neighbours)
    return flag_sentence(report, earlier.manifest.label, now.manifest.label)


def _releases() -> None:
    releases = list_releases(resources.workspace())
    if not releases:
        return
    st.subheader("Releases")
    live = resources.recommender().release_id if resources.has_release() else None
    older = [manifest for manifest in releases if manifest.release_id != live and manifest.damage is None]
    for manifest in releases:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(_release_line(manifest, live))
            if manifest in older:
                st.button(
                    "Publish",
                    key=f"publish_{manifest.release_id}",
                    on_click=_publish,
                    args=(manifest.release_id,),
                    help="Everybody sees this release from then on. The one that is live now stays and can be brought back.",
                )
    if live is not None and older:
        st.button(
            "Roll back",
            icon=":material/history:",
            on_click=_roll_back,
            help="Bring back the release that was live before this one.",
        )


def _release_line(manifest: Manifest, live: str | None) -> str:
    if manifest.damage is not None:
        return f"**Release {manifest.number}** · :red[damaged] · {manifest.damage}"
    state = " · :green[live]" if manifest.release_id == live else ""
    when = day_phrase(datetime.fromisoformat(manifest.created_at))
    return f"**Release {manifest.number}**{state} · trained {when} · {plural(manifest.n_items, 'product')}"


def _publish(release_id: str) -> None:
    try:
        publish(resources.workspace(), release_id)
    except LongtailError as exc:
        notices.say(plain(exc), ":material/error:")
    else:
        notices.say("Published", ":material/check:")


def _roll_back() -> None:
    try:
        release_id = rollback(resources.workspace())
    except LongtailError as exc:
        notices.say(plain(exc), ":material/error:")
    else:
        notices.say(f"Back to release {release_id}", ":material/history:")
