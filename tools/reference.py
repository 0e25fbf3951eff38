"""`make docs`: the reference of every module, made by pdoc from docstrings and signatures, in build/docs."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pdoc

__all__ = ["as_markdown", "main", "module_names"]

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "docs"
# Alembic and `python -m` run these; importing them does work. "!" is pdoc's word for leaving out.
LEFT_OUT = (r"!engine\.store\.migrations", r"!engine\.__main__")


def main() -> None:
    """Write the pages. A module that cannot be imported or a docstring that cannot be read is an error."""
    pdoc.render.configure(docformat="markdown", footer_text="Longtail")
    pdoc.render.env.filters["to_markdown"] = as_markdown
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        # A package that says what it offers hides its modules from pdoc, so each is named, and some are found twice.
        warnings.filterwarnings("ignore", "The module specification .* has already been added", UserWarning)
        pdoc.pdoc(*module_names(), *LEFT_OUT, output_directory=OUT)
    print(f"written to {OUT / 'index.html'}")


def module_names() -> list[str]:
    """Every module of the project by its dotted name, packages before what they hold."""
    files = [file for folder in ("engine", "ui", "pages") for file in (ROOT / folder).rglob("*.py")]
    return sorted(".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files)


def as_markdown(docstring: str) -> str:
    """A docstring with its NumPy-style sections as Markdown; ours say `name : meaning`, where pdoc expects a type."""
    sections = re.sub(r"^([A-Z][A-Za-z ]+)\n-{3,}$", r"**\1**\n", docstring, flags=re.MULTILINE)
    return re.sub(r"^(\w[^:\n]*?) : ", r"- `\1`: ", sections, flags=re.MULTILINE)


if __name__ == "__main__":
    main()
