"""`people` and `audit`: who may do what, and who did what."""

from __future__ import annotations

import argparse

from engine.access.audit import AuditLog
from engine.access.people import People
from engine.access.roles import Role
from engine.cli.console import Console
from engine.cli.context import open_database, open_settings
from engine.core.errors import InputError

__all__ = ["audit", "people"]


def people(arguments: argparse.Namespace, console: Console) -> None:
    """List people, or give one of them a role, or take it back."""
    known, others = People(open_database(arguments)), open_settings(arguments).auth.admins
    if arguments.what == "list":
        rows = [
            [
                one.name,
                one.role or "",
                one.claimed_role or "",
                f"{one.last_seen:%Y-%m-%d %H:%M}" if one.last_seen else "",
            ]
            for one in known.all()
        ]
        values = [{"name": row[0], "role": row[1] or None, "claimed_role": row[2] or None} for row in rows]
        console.table(["name", "role", "by sign-in", "last here (UTC)"], rows, {"people": values})
        return
    if not arguments.name:
        raise InputError("name the person.", field="name")
    if arguments.what == "remove":
        known.remove(arguments.name, other_admins=others)
        console.result({"name": arguments.name, "role": None}, f"{arguments.name} has no role of their own any more.")
        return
    if not arguments.role:
        raise InputError(f"give a role: {', '.join(Role)}.", field="role")
    known.set_role(arguments.name, Role(arguments.role), other_admins=others)
    result = {"name": arguments.name, "role": arguments.role}
    console.result(result, f"{arguments.name}: {arguments.role} from now on.")


def audit(arguments: argparse.Namespace, console: Console) -> None:
    """Print the last of what was done, or write all of it to a file."""
    from engine.access.audit_table import audit_table

    log = AuditLog(open_database(arguments))
    if arguments.out:
        from engine.core.exports import write_table

        table = audit_table(log.entries(most=None)[::-1])
        write_table(table, arguments.out)
        console.result({"rows": len(table)}, f"{arguments.out}: {len(table):,} rows.")
        return
    found = log.entries(actor=arguments.name, most=arguments.last)
    values = audit_table(found).assign(at=lambda table: table["at"].astype("str")).to_dict("records")
    rows = [[f"{one.at:%Y-%m-%d %H:%M:%S}", one.actor, one.action, one.subject, one.outcome] for one in found]
    console.table(["when (UTC)", "who", "what", "to what", ""], rows, {"audit": values})
