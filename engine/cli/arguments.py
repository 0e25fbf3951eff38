"""Every command and its arguments. Nothing heavy is imported here, so that `--help` answers at once."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from engine import __version__

__all__ = ["build_parser", "commands"]

Command = argparse.ArgumentParser


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; the chosen command's function is `(module, name)` in `command_function`."""
    parser = argparse.ArgumentParser(
        prog="python -m engine",
        description="Longtail: similar items for the whole catalogue, bestsellers and never-seen alike.",
        epilog="Settings come from settings.toml in the workspace, LONGTAIL_* variables and --set; see `settings`.",
    )
    parser.add_argument("--version", action="version", version=f"Longtail {__version__}")
    _add_common(parser, suppress=False)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, where: str, text: str, describe: Callable[[Command], None] | None = None) -> None:
        command = subparsers.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        _add_common(command, suppress=True)
        module, _, function = where.partition(":")
        command.set_defaults(command_function=(module, function))
        if describe:
            describe(command)

    add("demo", "shop:demo", "build the demo shop", _describe_demo)
    add(
        "ingest",
        "shop:ingest",
        "load a shop's products and events; they replace what was loaded before, or are added to it with --append",
        _describe_ingest,
    )
    add("train", "training:train", "train a new release and publish it if it is good enough to serve", _describe_train)
    add("evaluate", "training:evaluate", "measure every arm by interaction count, without training", _describe_evaluate)
    add("neighbours", "neighbours:neighbours", "write the neighbours of every product to a file", _describe_neighbours)
    add("similar", "neighbours:similar", "find neighbours for a product the shop does not have", _describe_similar)
    add(
        "drafts",
        "drafts:drafts",
        "new products: add them from a sheet, list, approve or discard them",
        _describe_drafts,
    )
    add("changes", "changes:changes", "products of the shop: change one, list changes, undo them", _describe_changes)
    add(
        "places",
        "places:places",
        "places on lists: give products one for some days, list them, end them",
        _describe_places,
    )
    add("releases", "releases:releases", "list the releases")
    add("publish", "releases:publish", "serve a release", _describe_release)
    add("rollback", "releases:rollback", "go back to the release that was served before")
    add("verify", "releases:verify", "check every file of a release, the current one unless named", _describe_verify)
    add(
        "push",
        "shipping:push",
        "send a release to an object store or a shared disk, for other machines",
        _describe_push,
    )
    add("pull", "shipping:pull", "fetch a release that was sent there, and serve it", _describe_pull)
    add("export", "export:export", "write a table for other programs", _describe_export)
    add("people", "people:people", "who may do what: list people, give a role, take it back", _describe_people)
    add("audit", "people:audit", "who did what: the last of it, or all of it as a file", _describe_audit)
    add(
        "database",
        "database:database",
        "list the versions of the database's tables, or go back to that of an older Longtail",
        _describe_database,
    )
    add(
        "check", "check:check", "check the workspace, its database and this machine, as a dashboard does when it starts"
    )
    add("backup", "backups:backup", "write everything that cannot be made again to one file", _describe_backup)
    add("restore", "backups:restore", "make the workspace what it was when a backup was made", _describe_restore)
    add("settings", "settings:settings", "list every setting with its value and meaning", _describe_set)
    return parser


def commands() -> list[str]:
    """The names of all commands."""
    for action in build_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return list(action.choices)
    raise AssertionError("the parser has no commands")


def _add_common(parser: Command, *, suppress: bool) -> None:
    """Options that may come before or after the command; only the first copy has defaults."""

    def default(value: object) -> object:
        return argparse.SUPPRESS if suppress else value

    parser.add_argument(
        "--workspace",
        "-w",
        type=Path,
        metavar="W",
        default=default(None),
        help="directory that holds the shop (LONGTAIL_WORKSPACE, or ./workspace)",
    )
    parser.add_argument(
        "--json", action="store_true", default=default(False), help="print one JSON object a line, for programs"
    )
    for name, kind in (("--run", str), ("--lease", int)):  # how engine.jobs tells a child which run it is
        parser.add_argument(name, type=kind, default=default(None), help=argparse.SUPPRESS)
    parser.add_argument("--by", nargs=2, default=default(None), help=argparse.SUPPRESS)  # who started it: name, role
    parser.add_argument("--discard", type=Path, default=default(None), help=argparse.SUPPRESS)


def _describe_set(parser: Command) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_pair("setting=value"),
        metavar="KEY=VALUE",
        help="change a setting for this command, e.g. als.factors=128; see `settings`",
    )


def _describe_demo(parser: Command) -> None:
    parser.add_argument("--seed", type=int, default=0, help="another number draws another shop (default 0)")
    parser.add_argument("--items", type=int, default=2000, metavar="N", help="dresses (default 2000)")
    parser.add_argument("--shoppers", type=int, default=6000, metavar="N", help="shoppers (default 6000)")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="processes that draw (default 2)")
    parser.add_argument("--train", action="store_true", help="train on it afterwards and publish")
    _describe_set(parser)


def _describe_ingest(parser: Command) -> None:
    for name, what in (("items", "products"), ("interactions", "events: clicks, orders or ratings")):
        parser.add_argument(
            f"--{name}",
            nargs="+",
            action="extend",
            metavar="PLACE",
            help=f"{what}: files, quoted patterns such as 'orders-*.csv.gz', folders of Parquet, addresses such as"
            " s3://bucket/folder, or the URL of a database",
        )
        parser.add_argument(
            f"--{name}-query",
            metavar="SQL|TABLE",
            help=f"of a database: which table, view or query holds the {what.partition(':')[0]}",
        )
    parser.add_argument("--images", type=Path, metavar="DIR|ZIP", help="pictures, named by product id or by a column")
    parser.add_argument(
        "--fetch-pictures", action="store_true", help="get the pictures that products name by web addresses"
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="of --fetch-pictures: a host that may be in a private network, on any port",
    )
    parser.add_argument("--preset", metavar="NAME", help="columns of a known data set, e.g. movielens")
    parser.add_argument("--from", dest="from_dir", type=Path, metavar="DIR", help="the folder of the preset's data set")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        type=_pair("field=column"),
        metavar="FIELD=COLUMN",
        help="which column holds a field, e.g. item_id=sku",
    )
    parser.add_argument("--name", help="what the shop is called on screen")
    parser.add_argument(
        "--append",
        action="store_true",
        help="add these events, and new or changed products, to the shop in use; what it has already counts once",
    )
    parser.add_argument("--strict", action="store_true", help="refuse everything if any row is bad")
    parser.add_argument("--train", action="store_true", help="train on it afterwards and publish")
    _describe_set(parser)


def _describe_train(parser: Command) -> None:
    parser.add_argument("--release", metavar="ID", help="the new release's id (its time of training unless given)")
    parser.add_argument("--no-publish", action="store_true", help="keep serving the current release")
    _describe_set(parser)


def _describe_evaluate(parser: Command) -> None:
    parser.add_argument(
        "--out", type=Path, metavar="F.json", help="also write the figures, and what was chosen, to a file"
    )
    _describe_set(parser)


def _describe_neighbours(parser: Command) -> None:
    _add_lists(parser)
    parser.add_argument("--items", type=Path, metavar="F", help="only these: one id a line, or a column item_id")
    _add_out(parser)
    parser.add_argument("--release", metavar="ID", help="from this release, not the current one")


def _describe_drafts(parser: Command) -> None:
    parser.add_argument("what", choices=("add", "list", "approve", "discard"))
    parser.add_argument("ids", nargs="*", metavar="ID", help="of `approve` and `discard`")
    parser.add_argument("--sheet", type=Path, metavar="F", help="of `add`: products as .csv, .xlsx or .parquet")
    parser.add_argument("--pictures", type=Path, metavar="DIR|ZIP", help="of `add`: the pictures that the sheet names")
    parser.add_argument("--approve", action="store_true", help="of `add`: serve them at once")
    parser.add_argument(
        "--to-fix", type=Path, metavar="F.csv", help="of `add`: write the rows that need fixing to a file"
    )


def _describe_changes(parser: Command) -> None:
    parser.add_argument("what", choices=("set", "list", "undo"))
    parser.add_argument("ids", nargs="*", metavar="ID", help="of `set` (one) and `undo`")
    _describe_product(parser)


def _describe_places(parser: Command) -> None:
    parser.add_argument("what", choices=("list", "give", "end"))
    parser.add_argument("ids", nargs="*", metavar="ID", help="of `give` and `end`: products, or approved drafts")
    parser.add_argument(
        "--lists", type=_positive, default=20, metavar="N", help="of `give`: on how many lists (default 20)"
    )
    parser.add_argument(
        "--days", type=_positive, default=14, metavar="N", help="of `give`: for how many days (default 14)"
    )
    parser.add_argument(
        "--boost", action="store_true", help="of `give`: no fixed place, but a head start of 15%% on every list"
    )


def _describe_similar(parser: Command) -> None:
    _describe_product(parser)
    _add_lists(parser)


def _describe_product(parser: Command) -> None:
    parser.add_argument("--title", default=None, help="the product's title")
    parser.add_argument("--description", default=None)
    parser.add_argument("--brand", default=None)
    parser.add_argument("--category", default=None)
    parser.add_argument("--price", type=float, default=None)
    parser.add_argument("--image", type=Path, metavar="F", help="its picture")
    parser.add_argument(
        "--attribute",
        action="append",
        default=[],
        type=_pair("name=value"),
        metavar="NAME=VALUE",
        help="any other attribute; repeat it for several values of one",
    )


def _describe_release(parser: Command) -> None:
    parser.add_argument("release_id", metavar="ID", help="see `releases`")


def _describe_verify(parser: Command) -> None:
    parser.add_argument("release_id", metavar="ID", nargs="?", help="see `releases`")


def _describe_push(parser: Command) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="s3://bucket/folder, gs://..., az://..., or a folder")
    parser.add_argument("release_id", metavar="ID", nargs="?", help="the one that is served unless named")


def _describe_pull(parser: Command) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="where it was sent")
    parser.add_argument("release_id", metavar="ID", nargs="?", help="the one that was sent last unless named")
    parser.add_argument("--keep", action="store_true", help="fetch it, and go on serving what is served")


def _describe_people(parser: Command) -> None:
    parser.add_argument("what", choices=("list", "set", "remove"))
    parser.add_argument("name", nargs="?", metavar="NAME", help="of `set` and `remove`: as sign-in names the person")
    parser.add_argument(
        "role", nargs="?", choices=("viewer", "curator", "merchandiser", "lead", "admin"), help="of `set`"
    )


def _describe_audit(parser: Command) -> None:
    parser.add_argument("--name", metavar="NAME", help="only what this person did")
    parser.add_argument("--last", type=_positive, default=50, metavar="N", help="how many lines (default 50)")
    parser.add_argument("--out", type=Path, metavar="F", help="write all of it to a file, e.g. audit.csv")


def _describe_export(parser: Command) -> None:
    parser.add_argument("what", choices=("neighbours", "judgements", "irrelevance", "qrels"), help="the table")
    _add_lists(parser)
    _add_out(parser)


def _describe_database(parser: Command) -> None:
    parser.add_argument("--downgrade", metavar="VERSION", help="the version to go back to, e.g. 0004")
    parser.add_argument(
        "--accept-loss", action="store_true", help="of --downgrade: delete what the older version has no place for"
    )


def _describe_backup(parser: Command) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a new file, .tar or .tar.zst")
    parser.add_argument("--all-releases", action="store_true", help="also releases that were never published")


def _describe_restore(parser: Command) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="from `backup`")
    parser.add_argument(
        "--replace", action="store_true", help="where there is data: move it aside, where it stays until you remove it"
    )
    parser.add_argument(
        "--database", metavar="URL", help="restore to this database; it is written to the restored settings.toml"
    )


def _add_lists(parser: Command) -> None:
    parser.add_argument("--arm", metavar="NAME", help="whose lists, e.g. als; those that shoppers see unless given")
    parser.add_argument("--k", type=_positive, help="neighbours of each product; serving.neighbours unless given")


def _add_out(parser: Command) -> None:
    parser.add_argument(
        "--out", type=Path, required=True, metavar="F", help="the file; its ending names the format, e.g. .parquet"
    )


def _pair(form: str) -> Callable[[str], tuple[str, str]]:
    def parse(text: str) -> tuple[str, str]:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise argparse.ArgumentTypeError(f"{text!r} does not look like {form}")
        return name, value

    return parse


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is below 1")
    return number
