"""Where texts on screen come from, read from the code: which expressions can hold a stranger's words as they are.

Streamlit takes labels, messages and help texts for Markdown. A text is ours if the code spells it out, if it is a number or a
time, or if `plain` made it. It is followed through variables, functions of the dashboard and their arguments; what cannot be
followed counts as a stranger's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from tests.support.code_graph import modules, tree, within

__all__ = ["Finding", "bare_tables", "foreign_html", "foreign_markdown"]

# What renders Markdown, and the positions of the arguments that are rendered.
BODIES = (
    "badge", "caption", "error", "header", "info", "markdown", "subheader", "success", "title", "toast", "warning", "write",
)  # fmt: skip
LABELS = (
    "button", "camera_input", "checkbox", "color_picker", "date_input", "dialog", "download_button", "expander",
    "file_uploader", "form_submit_button", "link_button", "menu_button", "multiselect", "number_input", "pills", "popover",
    "radio", "segmented_control", "select_slider", "selectbox", "slider", "spinner", "status", "tabs", "text_area",
    "text_input", "time_input", "toggle",
)  # fmt: skip
POSITIONS: dict[str, tuple[int, ...]] = dict.fromkeys((*BODIES, *LABELS), (0,)) | {
    "metric": (0, 1, 2), "progress": (1,), "page_link": (), "say": (0,),
}  # fmt: skip
NAMED = ("label", "body", "text", "help", "caption", "captions", "delta")
SHOWS_OPTIONS = ("pills", "segmented_control", "radio")
NO_SCREEN = ("logger", "alt")  # what has methods of these names and draws nothing
# Functions whose result is ours whatever they are given, and those whose result is what they are given from a place on.
PLAIN = (
    "len", "int", "float", "round", "sum", "abs", "range", "day_phrase", "duration_phrase", "release_phrase",
    "token_hex", "title_of", "logged_detail", "only",
)  # fmt: skip
AS_GIVEN = {"plural": 1, "count_phrase": 1, "price_phrase": 1} | dict.fromkeys(
    (
        "join", "str", "next", "filter", "max", "min", "sorted", "list", "zip", "enumerate", "reversed", "tuple", "singular",
        "lower",
    ),
    0,
)  # fmt: skip
# Methods that add nothing to the text they are called on.
ADDS_NOTHING = (
    "capitalize", "lower", "upper", "strip", "split", "items", "values", "keys", "tolist", "count", "get", "replace",
)  # fmt: skip
# What the code spells out elsewhere: words of verdicts, names of lists, releases and formats.
OURS = re.compile(
    r".*\.words|CSV\.name|registry\.title_of|(?:.*manifest|Manifest\(.*\))\.(?:label|number)|entry\.title"
)
NUMBERS = re.compile(r"[^{}]*[dfge%,]|%.*")
HARMLESS_TYPES = re.compile(r"(int|float|bool|datetime|date|Path|Literal\[.*\]|Verdict|Role|Action)( \| None)?")


@dataclass(frozen=True)
class Finding:
    """A text that is rendered although it may be a stranger's."""

    module: str
    line: int
    sink: str
    text: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line} st.{self.sink} renders {self.text}"


@dataclass(frozen=True)
class Scope:
    """A place in the code: its module, the functions around it, the outermost first, and what makes a text ours there."""

    module: str
    around: tuple[ast.AST, ...]
    cleaners: tuple[str, ...]

    def within(self, inner: ast.AST) -> Scope:
        return Scope(self.module, (*self.around, inner), self.cleaners)

    def at(self, module: str, *around: ast.AST) -> Scope:
        return Scope(module, around, self.cleaners)


def foreign_markdown() -> list[Finding]:
    """Every text that Streamlit renders as Markdown and that can be a stranger's."""
    return _foreign(_rendered, ("plain",))


def foreign_html() -> list[Finding]:
    """Every text that is put on a page as HTML and that can be a stranger's."""
    return _foreign(_as_html, ("html_text", "thumb_url", "picture_url", "_style", "_logo"))


def bare_tables() -> list[Finding]:
    """Every table that is shown without `visible_cells`."""
    return [
        Finding(name, call.lineno, "dataframe", ast.unparse(call.args[0]))
        for name, call, _ in _dashboard_calls()
        if _last(call.func) in ("dataframe", "table", "data_editor") and isinstance(call.func, ast.Attribute)
        if ast.unparse(call.func.value) == "st"
        and call.args
        and not ast.unparse(call.args[0]).startswith("visible_cells(")
    ]


def _foreign(rendered: Callable[[ast.Call], Iterable[ast.expr]], cleaners: tuple[str, ...]) -> list[Finding]:
    return [
        Finding(name, part.lineno, _last(call.func), ast.unparse(part))
        for name, call, around in _dashboard_calls()
        if name != "ui.app.notices"  # what `say` is given is looked at where it is called
        for part in rendered(call)
        if not _is_ours(part, Scope(name, around, cleaners), frozenset())
    ]


def _as_html(call: ast.Call) -> list[ast.expr]:
    return call.args[:1] if isinstance(call.func, ast.Attribute) and call.func.attr == "html" else []


def _calls(node: ast.AST, around: tuple[ast.AST, ...]) -> Iterator[tuple[ast.Call, tuple[ast.AST, ...]]]:
    if isinstance(node, ast.Call):
        yield node, around
    inner = (
        (*around, node)
        if isinstance(node, ast.FunctionDef | ast.Lambda | ast.ListComp | ast.GeneratorExp | ast.DictComp | ast.SetComp)
        else around
    )
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, inner)


def _last(func: ast.AST) -> str:
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _rendered(call: ast.Call) -> Iterator[ast.expr]:
    """The arguments of a call that Streamlit renders."""
    sink = _last(call.func)
    base = ast.unparse(call.func).split(".")
    if isinstance(call.func, ast.Name) and sink != "say":
        return
    if isinstance(call.func, ast.Attribute) and (
        base[0] in NO_SCREEN or {"database", "board", "board()"} & set(base) or not (call.args or call.keywords)
    ):
        return
    column = "column_config" in base[:-1] or base == ["column"]
    if sink not in POSITIONS and not column:
        return
    for position in POSITIONS.get(sink, (0,)):
        if position < len(call.args):
            yield call.args[position]
    named = {one.arg: one.value for one in call.keywords}
    yield from (value for name, value in named.items() if name in NAMED)
    if sink in SHOWS_OPTIONS:
        yield named.get("format_func") or call.args[1]


def _is_ours(part: ast.AST, scope: Scope, seen: frozenset[tuple[str, int]]) -> bool:
    """Whether an expression cannot hold a stranger's text; `seen` are the names and functions that are being followed."""
    if isinstance(part, ast.Constant | ast.Compare):
        return True
    if isinstance(part, ast.JoinedStr):
        return all(_is_ours(one, scope, seen) for one in part.values)
    if isinstance(part, ast.FormattedValue):
        spec = ast.unparse(part.format_spec)[2:-1] if part.format_spec else ""
        return bool(NUMBERS.fullmatch(spec)) or _is_ours(part.value, scope, seen)
    if isinstance(part, ast.IfExp):
        return _is_ours(part.body, scope, seen) and _is_ours(part.orelse, scope, seen)
    if isinstance(part, ast.BoolOp | ast.List | ast.Tuple | ast.Set):
        return all(_is_ours(one, scope, seen) for one in getattr(part, "values", getattr(part, "elts", ())))
    if isinstance(part, ast.Dict):
        return all(_is_ours(one, scope, seen) for one in part.values)
    if isinstance(part, ast.BinOp):
        return _is_ours(part.left, scope, seen) and _is_ours(part.right, scope, seen)
    if isinstance(part, ast.ListComp | ast.GeneratorExp | ast.SetComp):
        return _is_ours(part.elt, scope.within(part), seen)
    if isinstance(part, ast.DictComp):
        return _is_ours(part.value, scope.within(part), seen)
    if isinstance(part, ast.Lambda):
        return _is_ours(part.body, scope.within(part), seen)
    if isinstance(part, ast.Starred | ast.Subscript | ast.NamedExpr | ast.UnaryOp):
        return _is_ours(part.operand if isinstance(part, ast.UnaryOp) else part.value, scope, seen)
    if isinstance(part, ast.Call):
        return _call_is_ours(part, scope, seen)
    if isinstance(part, ast.Attribute):
        return bool(OURS.fullmatch(ast.unparse(part))) or (
            part.attr == "__getitem__" and _is_ours(part.value, scope, seen)
        )
    return isinstance(part, ast.Name) and _name_is_ours(part.id, scope, seen)


def _call_is_ours(call: ast.Call, scope: Scope, seen: frozenset[tuple[str, int]]) -> bool:
    name = _last(call.func)
    if name in PLAIN or name in scope.cleaners:
        return True
    if name == "map" and _last(call.args[0]) in (*PLAIN, *scope.cleaners):
        return True
    if name in AS_GIVEN:
        return all(_is_ours(one, scope, seen) for one in call.args[AS_GIVEN[name] :])
    if isinstance(call.func, ast.Attribute) and name == "format":
        return all(
            _is_ours(one, scope, seen) for one in (call.func.value, *call.args, *(one.value for one in call.keywords))
        )
    if isinstance(call.func, ast.Attribute) and name in ADDS_NOTHING:
        fallbacks = call.args[1:] if name == "get" else call.args
        return _is_ours(call.func.value, scope, seen) and all(_is_ours(one, scope, seen) for one in fallbacks)
    found = _definition(scope.module, name)
    if found is None or not isinstance(found[1], ast.FunctionDef):
        return False
    return _result_is_ours(found[0], found[1], scope, seen)


def _result_is_ours(module: str, function: ast.FunctionDef, scope: Scope, seen: frozenset[tuple[str, int]]) -> bool:
    mark = (module, id(function))
    if mark in seen or (function.returns is not None and HARMLESS_TYPES.fullmatch(ast.unparse(function.returns))):
        return True
    returns = [one for one in ast.walk(function) if isinstance(one, ast.Return | ast.Yield) and one.value is not None]
    return bool(returns) and all(
        _is_ours(one.value, scope.at(module, function), seen | {mark}) for one in returns if one.value
    )


def _name_is_ours(name: str, scope: Scope, seen: frozenset[tuple[str, int]]) -> bool:
    module, around = scope.module, scope.around
    for place in range(len(around) - 1, -1, -1):
        owner = around[place]
        values = list(_bound(owner, name))
        here = scope.at(module, *around[: place + 1])
        mark = (name, id(owner))
        if values:
            return mark in seen or all(_is_ours(value, here, seen | {mark}) for value in values)
        arguments = getattr(owner, "args", None)
        if isinstance(arguments, ast.arguments) and (found := _argument(arguments, name)) is not None:
            if mark in seen:
                return True
            return _argument_is_ours(owner, found, scope, seen | {mark})
    found_definition = _definition(module, name)
    if found_definition is None:
        return False
    home, node = found_definition
    if isinstance(node, ast.FunctionDef):
        return _result_is_ours(home, node, scope, seen)
    return isinstance(node, ast.expr) and (
        (home, id(node)) in seen or _is_ours(node, scope.at(home), seen | {(home, id(node))})
    )


def _bound(owner: ast.AST, name: str) -> Iterator[ast.expr]:
    """Every value that a name is given within a function or comprehension."""
    for node in ast.walk(owner):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if (
                    isinstance(target, ast.Tuple)
                    and isinstance(node.value, ast.Tuple)
                    and len(target.elts) == len(node.value.elts)
                ):
                    yield from (v for t, v in zip(target.elts, node.value.elts, strict=True) if _names(t, name))
                elif not isinstance(target, ast.Attribute | ast.Subscript) and _names(target, name):
                    yield node.value
        elif isinstance(node, ast.For | ast.comprehension):
            yield from _looped(node.target, node.iter, name)


def _looped(target: ast.expr, values: ast.expr, name: str) -> Iterator[ast.expr]:
    """What a name of a loop is given; rows that the code spells out are taken apart."""
    if not _names(target, name):
        return
    if isinstance(target, ast.Tuple) and isinstance(values, ast.Tuple | ast.List):
        for row in values.elts:
            if isinstance(row, ast.Tuple) and len(row.elts) == len(target.elts):
                yield from (v for t, v in zip(target.elts, row.elts, strict=True) if _names(t, name))
            else:
                yield row
    elif (
        isinstance(target, ast.Tuple)
        and isinstance(values, ast.Call)
        and _last(values.func) == "zip"
        and len(values.args) == len(target.elts)
    ):
        yield from (v for t, v in zip(target.elts, values.args, strict=True) if _names(t, name))
    elif isinstance(target, ast.Tuple) and isinstance(values, ast.Call) and _last(values.func) == "enumerate":
        yield from _looped(target.elts[1], values.args[0], name)
        if _names(target.elts[0], name):
            yield ast.Constant(0)
    else:
        yield values


def _names(target: ast.AST, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(target))


def _argument(arguments: ast.arguments, name: str) -> ast.arg | None:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return next((one for one in every if one.arg == name), None)


def _argument_is_ours(owner: ast.AST, argument: ast.arg, scope: Scope, seen: frozenset[tuple[str, int]]) -> bool:
    """Whether no caller gives a stranger's text."""
    if argument.annotation is not None and HARMLESS_TYPES.fullmatch(ast.unparse(argument.annotation)):
        return True
    if not isinstance(owner, ast.FunctionDef):
        return False
    given = list(_given(owner, argument.arg))
    return bool(given) and all(_is_ours(value, scope.at(module, *around), seen) for value, module, around in given)


def _given(function: ast.FunctionDef, name: str) -> Iterator[tuple[ast.expr, str, tuple[ast.AST, ...]]]:
    """What every call of a function in the dashboard gives one of its arguments."""
    positions = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    for module, call, around in _dashboard_calls():
        found = _definition(module, _last(call.func)) if _last(call.func) == function.name else None
        if found is None or found[1] is not function:
            continue
        if name in positions and positions.index(name) < len(call.args):
            yield call.args[positions.index(name)], module, around
        yield from ((one.value, module, around) for one in call.keywords if one.arg == name)


@cache
def _dashboard_calls() -> tuple[tuple[str, ast.Call, tuple[ast.AST, ...]], ...]:
    homes = [name for name in modules() if within(name, "ui") or within(name, "pages")]
    return tuple((name, call, around) for name in homes for call, around in _calls(tree(name), ()))


@cache
def _definition(module: str, name: str) -> tuple[str, ast.AST] | None:
    """The function or constant that a name stands for in a module, and where it is defined."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return module, node
    for node in tree(module).body:
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets):
            return module, node.value
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.target.id == name
            and node.value
        ):
            return module, node.value
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (alias.asname or alias.name) == name and node.module in modules():
                    return _definition(node.module, alias.name)
    return None
