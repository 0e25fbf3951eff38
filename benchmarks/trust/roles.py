"""The matrix of roles: every write of the engine and every command that writes, by every role, allowed and refused as the table says.

Pages and routes call these same functions; that a page or a route cannot act for anybody else is in the tests of sign-in.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.trust import Figures
from engine.access.acting import Actor, acting
from engine.access.audit import AuditLog
from engine.access.roles import Action, Role, may
from engine.cli.main import main as command_line
from engine.core.errors import NotAllowedError
from engine.core.workspace import Workspace
from tests.support.writes import WRITES, WritableShop

__all__ = ["COMMANDS", "Command", "measure", "refused_by_command"]


@dataclass(frozen=True)
class Command:
    """A command that writes; `arguments` gives its words for a shop."""

    name: str
    action: Action
    arguments: Callable[[WritableShop], list[str]]


COMMANDS = (
    Command("train", Action.TRAIN, lambda shop: ["train", "--workspace", str(shop.workspace.root / "empty")]),
    Command("demo", Action.LOAD_SHOP, lambda shop: ["demo", "--items", "20", "--shoppers", "40", "--processes", "1"]),
    Command("ingest", Action.LOAD_SHOP, lambda shop: ["ingest", "--interactions", _events(shop)]),
    Command("drafts add", Action.EDIT_DRAFTS, lambda shop: ["drafts", "add", "--sheet", _sheet(shop)]),
    Command("drafts approve", Action.EDIT_DRAFTS, lambda shop: ["drafts", "approve", shop.fresh_draft()]),
    Command("drafts discard", Action.EDIT_DRAFTS, lambda shop: ["drafts", "discard", shop.fresh_draft()]),
    Command("changes set", Action.CHANGE_PRODUCTS, lambda shop: ["changes", "set", "f1-02", "--brand", _new()]),
    Command("changes undo", Action.CHANGE_PRODUCTS, lambda shop: ["changes", "undo", "f1-02"]),
    Command("publish", Action.PUBLISH, lambda shop: ["publish", "r0001"]),
    Command("rollback", Action.PUBLISH, lambda shop: ["rollback"]),
    Command("people set", Action.SET_ROLES, lambda shop: ["people", "set", _new(), "viewer"]),
    Command("people remove", Action.SET_ROLES, lambda shop: ["people", "remove", "nobody"]),
)
_counter = iter(range(10**9))


def measure(_arguments: argparse.Namespace) -> Figures:
    """Try all of it on a shop of 60 products."""
    with tempfile.TemporaryDirectory() as folder:
        shop = WritableShop.of(Workspace(Path(folder) / "shop"))
        tried, wrong, recorded, done = 0, [], 0, 0
        for write in WRITES:
            for role in Role:
                name = f"{role} {write.name}"
                with acting(Actor(name, Role.ADMIN, "sign-in")):
                    prepared = write.prepare(shop)
                before = len(AuditLog(shop.database).entries(actor=name, most=None))
                with acting(Actor(name, role, "sign-in")):
                    allowed = _allowed(lambda write=write, prepared=prepared: write.do(shop, prepared))
                tried += 1
                if allowed != may(role, write.action):
                    wrong.append(name)
                if allowed:
                    done += 1
                    new = len(AuditLog(shop.database).entries(actor=name, most=None)) - before
                    recorded += new == write.rows
        commands, wrong_commands = _commands(shop)
        shop.database.close()
    return {
        "roles_writes_tried": (tried, "-"),
        "roles_writes_not_as_the_table_says": (len(wrong), "0", {"which": wrong}),
        "roles_writes_in_the_audit": (recorded / done, "1.0"),
        "roles_commands_tried": (commands, "-"),
        "roles_commands_not_as_the_table_says": (len(wrong_commands), "0", {"which": wrong_commands}),
    }


def refused_by_command(shop: WritableShop, command: Command, role: Role) -> bool:
    """Whether the command line refuses this person's command, and for that reason."""
    words = command.arguments(shop)
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = command_line(["--workspace", str(shop.workspace.root), "--by", f"{role} on the line", str(role), *words])
    return code == 2 and "may" in said.getvalue() and "Only a" in said.getvalue()


def _commands(shop: WritableShop) -> tuple[int, list[str]]:
    wrong = [
        f"{role} {command.name}"
        for command in COMMANDS
        for role in Role
        if refused_by_command(shop, command, role) == may(role, command.action)
    ]
    return len(COMMANDS) * len(Role), wrong


def _allowed(write: Callable[[], object]) -> bool:
    try:
        write()
    except NotAllowedError:
        return False
    return True


def _new() -> str:
    return f"n{next(_counter)}"


def _events(shop: WritableShop) -> str:
    file = shop.workspace.root / "events.csv"
    file.write_text("user_id,item_id\nu1,a\nu1,b\nu2,a\n", "utf-8")
    return str(file)


def _sheet(shop: WritableShop) -> str:
    file = shop.workspace.root / "sheet.csv"
    file.write_text(f"id,title\n{_new()},A dress\n", "utf-8")
    return str(file)
