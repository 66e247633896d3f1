"""Pages that stand elsewhere in the project: README, changelog, the lessons and their lenses."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))

from lessons import BUILT, EXPORTS, as_markdown, exported, lesson_names  # noqa: E402

TEXTS = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
NOT_BUILT = "*Not built here: its lesson has not run.*"
FILE_WORKER = ROOT / "docs" / "file-worker.js"
HERE = {page: name for name, page in TEXTS.items()}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what does not stand in the pages' folder."""
    for name, source in TEXTS.items():
        files.append(File.generated(config, name, content=as_page((ROOT / source).read_text())))
    picture = ROOT / "notebooks" / "lens.png"
    files.append(File.generated(config, "assets/lens.png", abs_src_path=str(picture)))
    for name in lesson_names():
        text, pictures = as_markdown(name)
        files.append(File.generated(config, f"lessons/{name}.md", content=text))
        for path, content in pictures.items():
            files.append(File.generated(config, f"lessons/{path}", content=content))
    for name in (f"{export.name}.{kind}" for export in exported() for kind in ("html", "png")):
        path = str(BUILT / name)
        files.append(File.generated(config, f"gallery/{name}", abs_src_path=path))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the lenses that were built into the gallery."""
    return markdown.replace("<!-- lenses -->", gallery())


def on_page_content(html: str, *, page: Page, **_: Any) -> str:
    """Put the drawing into its page, and read references in docstrings."""
    if page.file.src_uri.startswith("api/"):
        return re.sub(r"(\.\. )?(\[\d\])(?:_(?!\w))?", r"\2", html)
    drawing = ROOT / "docs" / "pages" / "assets" / "drawing.svg"
    # In the page itself, so that it follows the page's colours and not only the system's.
    return re.sub(r'<img [^>]*src="assets/drawing\.svg"[^>]*>', lambda _: drawing.read_text(), html)


def on_post_page(output: str, **_: Any) -> str:
    """Ask no one else for the script by which search works in a folder."""
    script = r'<script src="https://unpkg\.com/iframe-worker/shim"></script>'
    return re.sub(script, f"<script>{FILE_WORKER.read_text()}</script>", output)


on_post_template = on_post_page  # the page for addresses that lead nowhere


def as_page(text: str) -> str:
    """Turn the links of a text at the project's top into links between pages."""
    text = re.sub(r"\]\(notebooks/([\w-]+)\.ipynb\)", r"](lessons/\1.md)", text)
    text = text.replace("](notebooks/lens.png)", "](assets/lens.png)")
    text = re.sub(r"\]\(docs/pages/([\w/-]+\.md)\)", r"](\1)", text)
    for source, name in HERE.items():
        text = text.replace(f"]({source})", f"]({name})")
    return text


def gallery() -> str:
    """Describe every lens, with its picture and a link where it was built."""
    there = exported()
    parts = []
    for export in EXPORTS:
        page = f"gallery/{export.name}.html"
        link = f"[Open it]({page}){{ .md-button }}"
        picture = f"[![The lens: {export.title}](gallery/{export.name}.png)]({page})"
        shown = f"{picture}\n\n{link}" if export in there else NOT_BUILT
        lesson = f"[its lesson](lessons/{export.lesson}.md)"
        parts.append(f"## {export.title}\n\n{export.words} See {lesson}.\n\n{shown}\n")
    return "\n".join(parts)
