"""Every write by every role: done and recorded where the table allows it, refused without a trace where it does not."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from sqlalchemy import inspect, text

from engine.access.acting import Actor, acting
from engine.access.audit import AuditLog
from engine.access.roles import Role, may
from engine.core.errors import NotAllowedError
from engine.core.workspace import Workspace
from engine.curation.judgements import JudgementStore
from engine.curation.votes import Source
from engine.release.publish import current_release_id
from engine.store import Database
from tests.support.code_graph import modules, tree
from tests.support.writes import WRITES, WritableShop, Write


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> WritableShop:
    return WritableShop.of(Workspace(tmp_path_factory.mktemp("writes") / "shop"))


@pytest.mark.parametrize("write", WRITES, ids=[write.name for write in WRITES])
@pytest.mark.parametrize("role", Role)
def test_a_write_is_done_and_recorded_or_refused(shop: WritableShop, write: Write, role: Role) -> None:
    name = f"{role} who wants to {write.name}"
    with acting(Actor(name, Role.ADMIN, "sign-in")):
        prepared = write.prepare(shop)
    before, served, log = contents(shop.database), current_release_id(shop.workspace), AuditLog(shop.database)
    last = log.entries(most=1)[0].id
    with acting(Actor(name, role, "sign-in")):
        if not may(role, write.action):
            with pytest.raises(NotAllowedError, match=f"You are here as {name}"):
                write.do(shop, prepared)
            assert contents(shop.database) == before
            assert current_release_id(shop.workspace) == served
            return
        write.do(shop, prepared)
    new = [entry for entry in log.entries(actor=name) if entry.id > last]
    assert len(new) == write.rows
    assert all((one.role, one.via, one.action) == (role, "sign-in", write.action) for one in new)
    assert all(one.subject and one.at for one in new)


def test_nobody_judges_in_anothers_name(shop: WritableShop) -> None:
    with acting(Actor("Bo", Role.CURATOR, "sign-in")):
        of_bo = shop.judgement(Source.SIMILAR_ITEMS)
    with acting(Actor("Ada", Role.ADMIN, "sign-in")), pytest.raises(NotAllowedError, match="cannot judge as Bo"):
        JudgementStore(shop.database).add([of_bo])


# What writes without anybody's doing, and why.
UNASKED = {
    "engine.curation.campaigns.everyday_campaign": "the standing campaign of a release, made when it is first looked at",
}


def test_nothing_in_the_engine_opens_a_transaction_without_asking_who_acts() -> None:
    asked = {"deed", "require", "_add_recorded"}
    offences = [
        f"{module}.{function.name}"
        for module in modules()
        if module.startswith("engine.") and not module.startswith(("engine.store", "engine.access"))
        for function in functions(module)
        if "transaction" in called(function)
        and not asked & called(function)
        and f"{module}.{function.name}" not in UNASKED
    ]
    helpers = {"_row", "_move"}  # private methods of stores, whose callers ask
    assert [one for one in offences if one.rpartition(".")[2] not in helpers] == []


def functions(module: str) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef))


def called(function: ast.FunctionDef) -> set[str]:
    names = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            names.add(node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""))
    return names


def contents(database: Database) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    with database.reading() as session:
        names = inspect(database.engine).get_table_names()
        return {name: sorted(map(repr, session.execute(text(f"SELECT * FROM {name}")))) for name in names}
