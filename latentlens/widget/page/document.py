"""The HTML around a page's contents."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import Any

from latentlens.widget.state import STATIC

EXPORT = re.compile(r"export\s*\{\s*([\w$]+) as default\s*\};?\s*$")
"""How the widget's bundle ends."""

DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="latentlens">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<button type="button" id="theme" hidden></button>
<p>{line}</p>
</header>
<main id="lens"><p>Unpacking the page.</p></main>
<noscript><p>This page works with JavaScript only; none of it comes from elsewhere.</p></noscript>
<script type="application/json" id="contents">{contents}</script>
{blocks}
<script>{host}</script>
<script type="module">{widget}</script>
</body>
</html>
"""
BLOCK = '<script type="text/plain" id="block-{number}">{text}</script>'


def write_document(title: str, line: str, contents: Mapping[str, Any], texts: Sequence[str]) -> str:
    """Write the file.

    Parameters
    ----------
    title, line : str
        Plain text.
    contents : mapping
        `protocol.page.PageContents`.
    texts : sequence of str
        The blocks' characters.
    """
    style, host, widget = _bundle()
    policy = (
        "default-src 'none'; "
        f"script-src {_fingerprint(host)} {_fingerprint(widget)}; "
        "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    return DOCUMENT.format(
        policy=policy,
        title=escape(title),
        line=escape(line),
        style=style,
        contents=to_json(contents),
        blocks="\n".join(BLOCK.format(number=n, text=text) for n, text in enumerate(texts)),
        host=host,
        widget=widget,
    )


def to_json(value: Any) -> str:
    """Write JSON that can stand in a script element: ASCII, and no tag in it."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def bundle_size() -> int:
    """Tell how large a page is that holds nothing."""
    return sum(map(len, _bundle())) + len(DOCUMENT)


@cache
def _bundle() -> tuple[str, str, str]:
    """Give the style sheets, the host and the widget, which hands itself to the host."""
    files = ("widget.css", "page.css", "page.js", "widget.js")
    missing = [name for name in files if not (STATIC / name).is_file()]
    if missing:
        raise RuntimeError(
            f"latentlens is installed without latentlens/static/{missing[0]}, which pages are made "
            "of. In a checkout run `make setup`; otherwise reinstall latentlens from a wheel."
        )
    style, page_style, host, widget = ((STATIC / name).read_text("utf-8") for name in files)
    found = EXPORT.search(widget)
    if found is None:
        raise RuntimeError("latentlens/static/widget.js does not end as expected; build it again.")
    shown = f"{widget[: found.start()]}latentlens_page({found[1]});"
    return _inside(style + page_style, "style"), _inside(host, "script"), _inside(shown, "script")


def _inside(text: str, element: str) -> str:
    """See that a text does not end the element it stands in."""
    if re.search(rf"</{element}|<!--", text, re.IGNORECASE):
        raise RuntimeError(
            f"The bundle holds what would end its {element} element; build it again."
        )
    return text


def _fingerprint(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
