"""Build the widget's bundle when a wheel or an sdist is made.

A bundle newer than its sources is left alone, and an sdist carries one, so that
installing from it needs no Node. ``LATENTLENS_SKIP_JS=1`` leaves it out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = tuple(
    f"latentlens/static/{name}" for name in ("widget.js", "widget.css", "page.js", "page.css")
)
SOURCES = ("build.mjs", "package.json", "package-lock.json", "src")
NO_NODE = (
    "latentlens needs Node.js >= 20 and npm to build its widget, and found no npm. "
    "Get Node.js from nodejs.org or your system's packages, or install a built wheel; "
    "LATENTLENS_SKIP_JS=1 installs without the widget."
)


class BundleHook(BuildHookInterface):  # type: ignore[type-arg]
    """See that the bundle is there and newer than what it is made of."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the bundle unless it is fresh; raise in words if that cannot be done."""
        root = Path(self.root)
        if os.environ.get("LATENTLENS_SKIP_JS") == "1" or is_fresh(root):
            return
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError(NO_NODE)
        js = root / "js"
        subprocess.run([npm, "ci", "--omit=dev", "--ignore-scripts"], cwd=js, check=True)
        subprocess.run([npm, "run", "build"], cwd=js, check=True)
        missing = [name for name in BUNDLE if not (root / name).is_file()]
        if missing:
            raise RuntimeError(f"npm run build ended well but did not write {', '.join(missing)}.")


def is_fresh(root: Path) -> bool:
    """Say whether the bundle is there and no source is newer."""
    bundle = [root / name for name in BUNDLE]
    if not all(path.is_file() for path in bundle):
        return False
    # An sdist is built with its bundle; unpacking it may give the files any time.
    if (root / "PKG-INFO").is_file():
        return True
    sources = [path for name in SOURCES for path in files(root / "js" / name)]
    return min(map(modified, bundle)) >= max(map(modified, sources))


def files(path: Path) -> list[Path]:
    """Give the files under a folder, or the file itself."""
    return [path, *path.rglob("*")] if path.is_dir() else [path]


def modified(path: Path) -> float:
    """Give the time of the last change, in seconds."""
    return path.stat().st_mtime
