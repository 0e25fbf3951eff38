"""Which encoding a text is in, judged by its bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence

from charset_normalizer import from_bytes

__all__ = ["encoding_of_head", "encoding_title", "guess_encoding"]

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_TITLES = {
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1250": "Windows-1250",
    "cp1251": "Windows-1251",
    "cp1252": "Windows-1252",
    "cp1253": "Windows-1253",
    "cp1254": "Windows-1254",
    "cp1255": "Windows-1255",
    "cp1256": "Windows-1256",
    "cp1257": "Windows-1257",
    "latin_1": "Latin-1",
    "iso8859_2": "Latin-2",
    "mac_roman": "Mac Roman",
    "cp932": "Shift JIS",
    "euc_jp": "EUC-JP",
    "gb18030": "GB 18030",
    "big5": "Big5",
    "cp949": "Korean (949)",
}
# The letters beyond ASCII of each language that is written with an encoding, the likeliest encoding first.
_WESTERN = (
    "äöüßé", "àâæçéèêëîïôœùûüÿ", "áéíóúüñ", "áâãàçéêíóôõú", "àèéìíîòóùú", "äåöé", "æøåé", "éëïóöü", "áðéíóúýþæö", "áéíóú",
)  # fmt: skip
_CENTRAL = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîșțşţ", "äöüß")
_ALPHABETS: dict[str, Sequence[str]] = {
    "cp1252": _WESTERN,
    "latin_1": _WESTERN,
    "cp1250": _CENTRAL,
    "iso8859_2": _CENTRAL,
    "cp1254": ("âçğıîöşüi̇",),
    "cp1257": ("āčēģīķļņšūž", "ąčęėįšųūž", "äõöüšž"),
    "cp850": _WESTERN,
    "mac_roman": _WESTERN,
}
# What encodings of other scripts charset-normalizer may choose from.
_OTHER_SCRIPTS = [
    "cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic", "cp1253", "cp1255", "cp1256",
    "cp932", "euc_jp", "gb18030", "big5", "cp949",
]  # fmt: skip
_HIGH, _HIGH_RUN = re.compile(rb"[\x80-\xff]"), re.compile(rb"[\x80-\xff]+")
_WORD = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
_WITHIN_WORDS = re.compile(r"(?<=[a-z])[^\x00-\x7f\w‘’–—·\xad](?=[a-z])")
_LEAST_FIT = 0.7
# Bytes beyond ASCII that are no Hebrew letter; Russian, which charset-normalizer sees instead, does not do without them.
_NOT_HEBREW = frozenset({*range(0x80, 0xE0), *range(0xFB, 0x100)})
_ENOUGH = 20
# In these, other scripts look like letters of several languages.
_RARE = frozenset({"cp850", "mac_roman"})
_RARE_FIT = 0.95


def encoding_of_head(head: bytes) -> str | None:
    """The encoding that a byte order mark names, or UTF-16 by its zero bytes; None if the head does not say."""
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)
    if marked:
        return marked
    half = max(len(head) // 2, 1)
    even, odd = head[::2].count(0) / half, head[1::2].count(0) / half
    if odd > 0.25 and even < 0.01:
        return "utf-16-le"
    if even > 0.25 and odd < 0.01:
        return "utf-16-be"
    return None


def guess_encoding(samples: Sequence[bytes]) -> str | None:
    """The encoding of a text that is not UTF-8, from pieces of it that hold bytes beyond ASCII; None if nothing fits.

    Where such bytes stand alone between ASCII letters the text is in a Latin script, and the encoding is the one that makes
    them letters of one language: charset-normalizer reads short French texts as Central European. It decides on all others.
    """
    text = b"\n".join(samples)
    if _valid_share(samples) > 0.5:
        return None  # UTF-8 with damage, which another encoding would only hide
    if _is_latin(text):
        fits = {name: _fit(text, name, alphabets) for name, alphabets in _ALPHABETS.items()}
        best = max(fits, key=lambda name: fits[name])  # the first of equals
        if fits[best] >= _LEAST_FIT:
            return best
    if len(set(text) & _NOT_HEBREW) == 0 and len(_HIGH.findall(text)) >= _ENOUGH:
        return "cp1255"
    found = from_bytes(text, cp_isolation=_OTHER_SCRIPTS).best() or from_bytes(text).best()
    return found.encoding if found else None


def encoding_title(encoding: str) -> str:
    """The encoding's name for people."""
    return _TITLES.get(encoding, encoding)


def _is_latin(text: bytes) -> bool:
    """Whether bytes beyond ASCII stand alone, or in words that consist mostly of ASCII letters."""
    runs, words = _HIGH_RUN.findall(text), _WORD.findall(text)
    mixed = sum(2 * len(_HIGH.findall(word)) <= len(word) for word in words)
    return sum(map(len, runs)) <= 1.6 * len(runs) or 2 * mixed >= len(words)


def _valid_share(samples: Iterable[bytes]) -> float:
    """The share of samples that are valid UTF-8; the ends, where a sample may be cut, do not count."""
    good = bad = 0
    for sample in samples:
        try:
            codecs.getincrementaldecoder("utf-8")().decode(sample.lstrip(bytes(range(0x80, 0xC0))))
        except UnicodeDecodeError:
            bad += 1
        else:
            good += 1
    return good / max(good + bad, 1)


def _fit(text: bytes, encoding: str, alphabets: Sequence[str]) -> float:
    """The share of letters beyond ASCII that one language has, less the signs within words; -1 for invalid bytes."""
    try:
        decoded = text.decode(encoding)
    except UnicodeDecodeError:
        return -1.0
    letters = [letter.lower() for letter in decoded if letter > "\x7f" and letter.isalpha() and letter not in "ªºµ"]
    signs = len(_WITHIN_WORDS.findall(decoded.lower()))
    controls = sum("\x80" <= letter < "\xa0" for letter in decoded)
    known = max(sum(letter in alphabet for letter in letters) for alphabet in alphabets)
    total = len(letters) + signs + controls
    fit = known / total if total else 1.0
    return fit if encoding not in _RARE or fit >= _RARE_FIT else 0.0
