"""A browser that looks for what became of payloads on a page: text, as it must be, or anything else.

Every text on a page that holds a payload's word must hold the whole payload, letter by letter, in one piece: Markdown, HTML or LaTeX
that was rendered would have taken signs away or cut the text apart. No address on the page may be a payload's, no request may leave
for another server than ours, no script of a payload may run, and nothing may open.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Route

from engine.core.visible_text import visible
from tests.support.payloads import HOST, MARK, shown_as

__all__ = ["NO_NAMES", "PayloadWatch", "word_of"]

NO_NAMES = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
"""Keeps Chromium from asking for any other host's address."""
CUT = 40  # some places show only the beginning of a text
_HIDDEN = re.compile("[\u2060\u2068\u2069]")
_PLACE = re.compile(r"-?\d.*$|(?<=^st-emotion-cache)-.*$")
_SCAN = """(host) => {
  const mark = /zq\\d{3}/i;
  const addresses = ["href", "src", "srcset", "action", "formaction", "poster", "data", "srcdoc", "style", "xlink:href", "ping", "cite", "background"];
  const embedded = "a, iframe, object, embed, math, marquee, dialog, template, script, style";
  const formats = "code, pre, blockquote, del, em, i, u, s, sub, sup, mark, iframe, object, embed, math, marquee, dialog, template, script, style, .katex, " +
    "[class*=stMarkdownColored], [class*=stMarkdownBadge], [class*=stMarkdownShimmer], [role=img]:not(svg)";
  const found = { texts: [], offences: [], ran: window.zqRan === 1 };
  // A card's own address, and the place of a heading on its page.
  const ours = (element, name, value) => name === "href" && /^#[a-z0-9-]*$/.test(value) || element.matches("a.open, .lookup a.button") && name === "href" && /^(\\.\\/similar_items\\?item=|new_product\\?view=drafts&draft=)/.test(value) || element.matches("[data-testid=stPageLink-NavLink]") && name === "href" && /^compare\\?item=[^/<>]*$/.test(value);
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      if (mark.test(node.nodeValue)) {
        const parent = node.parentElement ?? node.getRootNode().host;
        const place = parent?.closest("[data-testid], [class]");
        // Guidelines are Markdown on purpose, for emphasis and lists; file names are cut in the middle by Streamlit.
        const guided = parent?.closest(".guidelines");
        const format = parent?.closest(guided ? embedded : formats);
        found.texts.push({
          text: node.nodeValue,
          place: (place?.dataset?.testid || (typeof place?.className === "string" && place.className.split(" ")[0]) || parent?.tagName || "").toLowerCase(),
          format: format ? format.outerHTML.slice(0, 200) : "",
          spoken: Boolean(guided || parent?.closest("[data-testid=stFileChipName]")),
        });
      }
      return;
    }
    if (node.nodeType === Node.ELEMENT_NODE) {
      for (const { name, value } of node.attributes) {
        const leads = addresses.includes(name) || name.startsWith("on");
        if (leads && (mark.test(value) || value.includes(host)) && !ours(node, name, value))
          found.offences.push(`${node.tagName} ${name}=${value.slice(0, 100)}`);
        if (["title", "aria-label", "alt"].includes(name) && mark.test(value)) found.texts.push({ text: value, place: name, format: "", spoken: true });
      }
      if (node.shadowRoot) walk(node.shadowRoot);
    }
    for (const child of node.childNodes) walk(child);
  };
  walk(document.documentElement);
  return found;
}"""
_LISTEN = """document.addEventListener("securitypolicyviolation", (event) => {
  (window.zqViolations ??= []).push(`${event.violatedDirective} ${event.blockedURI}`);
});"""


@dataclass
class PayloadWatch:
    """What was seen of some payloads, by their words.

    Attributes
    ----------
    shown : (page, place, word) of every payload that was shown as text.
    rendered : sentences on what was more than text.
    foreign : addresses that were asked for beside our own.
    """

    address: str
    payloads: Iterable[str]
    shown: set[tuple[str, str, str]] = field(default_factory=set)
    rendered: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._expected = {word_of(payload): _forms(payload) for payload in self.payloads}

    def follow(self, context: BrowserContext) -> None:
        """Watch everything that pages of this context ask for and open."""
        context.add_init_script(_LISTEN)
        context.route(re.compile("."), self._through)
        context.on("request", lambda request: self._asked(request.url))
        context.on(
            "dialog", lambda dialog: (self.rendered.append(f"a dialog opened: {dialog.message}"), dialog.dismiss())
        )
        context.on("page", lambda page: page.opener() and self.rendered.append(f"a window opened: {page.url}"))

    def look(self, page: Page, name: str) -> int:
        """Look at a page as it is; returns how many payloads it shows."""
        found = page.evaluate(_SCAN, HOST)
        self.rendered += [f"{name}: {offence}" for offence in found["offences"]]
        self.rendered += [f"{name}: blocked {one}" for one in page.evaluate("window.zqViolations ?? []") if HOST in one]
        if found["ran"]:
            self.rendered.append(f"{name}: a script ran")
        words: set[str] = set()
        for one in found["texts"]:
            here = {word.lower() for word in MARK.findall(one["text"])}
            # Text of an attribute is never rendered; Streamlit writes labels there as they came, with their backslashes.
            whole = here if one["spoken"] else {word for word in here if self._is_whole(word, one["text"])}
            if one["format"]:
                self.rendered.append(f"{name}: {one['text'][:80]!r} in {one['format']}")
            self.rendered += [f"{name}, {one['place']}: {word} as {one['text'][:160]!r}" for word in here - whole]
            self.shown |= {(name, _PLACE.sub("", one["place"]), word) for word in whole}
            words |= here
        return len(words)

    def _is_whole(self, word: str, text: str) -> bool:
        forms = self._expected.get(word, ())
        seen = _normal(text)
        return any(form in seen or (len(form) > CUT and form[:CUT] in seen) for form in forms)

    def _through(self, route: Route) -> None:
        if self._is_ours(route.request.url):
            route.continue_()
        else:
            route.abort()

    def _asked(self, url: str) -> None:
        if not self._is_ours(url):
            self.foreign.append(url)

    def _is_ours(self, url: str) -> bool:
        return (
            url.startswith((self.address, "data:", "blob:", "about:"))
            or urlsplit(url).netloc == urlsplit(self.address).netloc
        )


def word_of(payload: str) -> str:
    """The word by which a payload is found."""
    found = MARK.search(payload)
    assert found is not None, payload
    return found.group().lower()


def _forms(payload: str) -> tuple[str, ...]:
    """How a payload may be written: as it is, or within quotation marks as Python and JSON write texts."""
    quoted = (
        repr(payload)[1:-1],
        ascii(payload)[1:-1],
        repr(f'"{payload}')[2:-1],
        repr(f"'{payload}\"")[3:-3],
        json.dumps(payload, ensure_ascii=False)[1:-1],
    )
    return tuple(dict.fromkeys(_normal(form) for form in (shown_as(payload), *map(visible, quoted))))


def _normal(text: str) -> str:
    return " ".join(_HIDDEN.sub("", text).replace("_", " ").split()).casefold()
