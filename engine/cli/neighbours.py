"""`neighbours`, `similar` and `export`: what the served release says, written for people and other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from engine.cli.console import Console
from engine.cli.context import open_settings, open_workspace
from engine.errors import InputError

__all__ = ["export", "neighbours", "similar"]


def neighbours(arguments: argparse.Namespace, console: Console) -> None:
    """Write item_id, rank, neighbour_id and score of every product, or of those in a file."""
    from engine.serving.exports import write_table
    from engine.serving.recommender import Recommender

    recommender = Recommender.open(open_workspace(arguments), arguments.release)
    _leave_out(recommender, arguments)
    _tell_notice(recommender.notice, console)
    wanted = _read_ids(arguments.items) if arguments.items else None
    table = _with_drafts(
        recommender, arguments, recommender.served_all(arguments.arm, arguments.k, wanted), wanted is None
    )
    write_table(table, arguments.out)
    asked, listed = len(recommender.items) if wanted is None else len(wanted), table["item_id"].nunique()
    console.result(
        {"release_id": recommender.release_id, "items": asked, "with_list": listed, "rows": len(table)},
        f"{arguments.out}: {len(table):,} neighbours of {listed:,} products"
        + (f"; {asked - listed:,} products have none by this arm." if listed < asked else "."),
    )


def similar(arguments: argparse.Namespace, console: Console) -> None:
    """Print the neighbours of a product that only the arguments describe."""
    from engine.serving.recommender import Recommender
    from engine.serving.unseen import neighbours_of_unseen
    from engine.shop.images import store_image

    workspace = open_workspace(arguments)
    recommender = Recommender.open(workspace)
    _tell_notice(recommender.notice, console)
    fields = ("title", "description", "brand", "category", "price")
    item: dict[str, Any] = {name: getattr(arguments, name) for name in fields if getattr(arguments, name) is not None}
    item["attributes"] = _attributes(arguments.attribute)
    if arguments.image:
        item["image"] = store_image(workspace, _read_bytes(arguments.image), name=arguments.image.name)
    found = neighbours_of_unseen(recommender, workspace, item, arguments.k, arguments.arm)
    titles = recommender.items["title"]
    rows = [
        [n.rank, n.item_id, f"{n.score:.3f}", titles.iloc[n.row] if isinstance(titles.iloc[n.row], str) else ""]
        for n in found
    ]
    values = [{"rank": n.rank, "item_id": n.item_id, "score": n.score} for n in found]
    console.table(["rank", "item_id", "score", "title"], rows, {"neighbours": values})


def export(arguments: argparse.Namespace, console: Console) -> None:
    """Write a table of the shop: neighbours, judgements, or the irrelevance rate by interaction count."""
    from engine.serving.exports import write_table

    if arguments.what == "qrels":
        from engine.curation.evidence import qrels
        from engine.storage import atomic_write

        text = qrels(_store(arguments).current())
        atomic_write(arguments.out, text)
        console.result({"rows": text.count("\n")}, f"{arguments.out}: {text.count(chr(10)):,} pairs.")
        return
    table = {"neighbours": _neighbours_table, "judgements": _judgements_table, "irrelevance": _irrelevance_table}[
        arguments.what
    ](arguments)
    write_table(table, arguments.out)
    console.result({"rows": len(table)}, f"{arguments.out}: {len(table):,} rows.")


def _neighbours_table(arguments: argparse.Namespace) -> Any:
    from engine.serving.recommender import Recommender

    recommender = Recommender.open(open_workspace(arguments))
    _leave_out(recommender, arguments)
    return _with_drafts(recommender, arguments, recommender.served_all(arguments.arm, arguments.k), True)


def _with_drafts(recommender: Any, arguments: argparse.Namespace, table: Any, own: bool) -> Any:
    """The lists with the approved drafts among them, and with theirs if everything is asked for."""
    settings, workspace = open_settings(arguments), open_workspace(arguments)
    if arguments.arm != "hybrid" or not (settings.database_url or workspace.judgements_file.is_file()):
        return table
    from engine.drafts.served import DraftBuffer
    from engine.drafts.store import SERVED, DraftStore

    approved = DraftStore(_store(arguments), workspace).all(SERVED)
    fresh = tuple(draft for draft in approved if draft.id not in recommender)
    return DraftBuffer(recommender, workspace, fresh).merged_table(table, arguments.k, own=own)


def _leave_out(recommender: Any, arguments: argparse.Namespace) -> None:
    """Leave out what people ruled out, where there is a judgement store at all."""
    from engine.curation.suppression import Suppressed

    settings, workspace = open_settings(arguments), open_workspace(arguments)
    if settings.database_url or workspace.judgements_file.is_file():
        recommender.left_out = Suppressed(_store(arguments), settings.curation.leads).of


def _judgements_table(arguments: argparse.Namespace) -> Any:
    return _store(arguments).log()


def _irrelevance_table(arguments: argparse.Namespace) -> Any:
    from engine.curation.irrelevance import irrelevance_by_count
    from engine.curation.lessons import not_taught

    store = _store(arguments)
    return irrelevance_by_count(store.current(), not_taught(store.seen(), open_workspace(arguments)), k=arguments.k)


def _store(arguments: argparse.Namespace) -> Any:
    from engine.curation.judgements import JudgementStore

    return JudgementStore(open_settings(arguments).database_url or open_workspace(arguments).database_url)


def _read_ids(path: Path) -> list[str]:
    """Item ids of a file: one a line, or the column item_id of a CSV or Parquet table; each once, in order."""
    import pandas as pd

    if path.suffix == ".parquet":
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError) as exc:
            raise InputError(f"not a Parquet file that can be read ({exc}).", file=str(path)) from exc
        if "item_id" not in table:
            raise InputError("there is no such column.", file=str(path), field="item_id")
        ids = [str(value) for value in table["item_id"]]
    else:
        lines = _read_bytes(path).decode("utf-8-sig", errors="replace").splitlines()
        if path.suffix == ".csv":
            import csv

            reader = csv.DictReader(lines)
            if "item_id" not in (reader.fieldnames or []):
                raise InputError("there is no such column.", file=str(path), field="item_id")
            ids = [row["item_id"] for row in reader]
        else:
            ids = [line.strip() for line in lines if line.strip()]
    if not ids:
        raise InputError("it names no products.", file=str(path))
    return list(dict.fromkeys(ids))


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise InputError(f"cannot be read ({exc.strerror}).", file=str(path)) from exc


def _attributes(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Attributes by name; a name that is given several times holds a list."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: several[0] if len(several) == 1 else several for name, several in values.items()}


def _tell_notice(notice: str | None, console: Console) -> None:
    if notice:
        console.note(notice)
