"""Components whose script the browser gets once, from an address of ours, and keeps.

Streamlit sends a component's script and styles with every run of a page, uncompressed, through the session's socket: tens of kilobytes for each click. What is sent here
instead is a few lines that import the script from `/script/<digest>.js`, where it can never change.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from ui.widgets.addresses import base_path

__all__ = ["script", "served_component"]

ASSETS = Path(__file__).resolve().parents[2] / "assets"
_LOADER = """
const ready = import(location.origin + %s);
export default function (component) {
  const root = component.parentElement;
  let end = null, gone = false;
  ready.then(
    (script) => {
      if (gone) return;
      if (!root.querySelector("style.served")) {
        const style = document.createElement("style");
        style.className = "served";
        style.textContent = script.STYLE;
        root.querySelector(".loading")?.remove();
        root.prepend(style);
      }
      end = script.default(component);
    },
    () => (root.textContent = "This part of the page could not be loaded. Reload the page to try again."),
  );
  return () => ((gone = true), end?.());
}
"""
_scripts: dict[str, str] = {}


@functools.cache
def served_component(
    name: str, scripts: tuple[str, ...], styles: str | tuple[str, ...], html: str = ""
) -> Callable[..., Any]:
    """A component of `scripts`, joined, and `styles`, files in assets/.

    Parameters
    ----------
    html : what stands there until the script has come, in an element of the class "loading", as large as what comes.
    """
    sheets = (styles,) if isinstance(styles, str) else styles
    style = json.dumps("\n".join((ASSETS / file).read_text("utf-8") for file in sheets))
    text = "\n".join([*((ASSETS / file).read_text("utf-8") for file in scripts), f"export const STYLE = {style};"])
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    _scripts[digest] = text
    address = json.dumps(f"{base_path()}/script/{digest}.js")
    return st.components.v2.component(name, html=html or None, js=_LOADER % address)


def script(digest: str) -> str | None:
    """The script at `/script/<digest>.js`; None where no page has drawn such a component since the server started."""
    return _scripts.get(digest)
