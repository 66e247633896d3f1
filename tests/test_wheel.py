"""What is handed over: the wheel and the sdist, built from what is in git."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

BUNDLE = {
    f"latentlens/static/{name}" for name in ("widget.js", "widget.css", "page.js", "page.css")
}
NO_NODE = "latentlens needs Node.js >= 20 and npm to build its widget"


def copy_of_sources(root: Path, target: Path) -> Path:
    """Copy what is in git, or would be: nothing that was built."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, target / name)
    return target


def run(*args: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, args)),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **env},
    )


def pip_wheel(source: Path, out: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    return run(*command, "--wheel-dir", out, source, cwd=out.parent, **env)


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="session")
def checkout(root, tmp_path_factory):
    return copy_of_sources(root, tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def wheel(checkout, tmp_path_factory):
    """Build a wheel where there was no bundle."""
    assert not (checkout / "latentlens" / "static").exists()
    out = tmp_path_factory.mktemp("wheel") / "out"
    done = pip_wheel(checkout, out)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def sdist(checkout, wheel, tmp_path_factory):
    """Build an sdist where the wheel left its bundle."""
    del wheel
    out = tmp_path_factory.mktemp("sdist")
    done = run(
        sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", out, cwd=checkout
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.tar.gz")
    return path


@pytest.mark.wheel
def test_the_wheel_has_the_bundle_and_the_package_only(wheel, root):
    names = names_in(wheel)
    assert names >= BUNDLE
    modules = {str(path.relative_to(root)) for path in (root / "latentlens").rglob("*.py")}
    assert modules <= names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"latentlens"}
    with zipfile.ZipFile(wheel) as archive:
        sizes = [archive.getinfo(name).file_size for name in BUNDLE]
        (licence,) = [name for name in names if name.endswith("LICENSE")]
        assert "BSD 3-Clause" in archive.read(licence).decode()
    assert min(sizes) > 100


@pytest.mark.wheel
def test_the_wheel_imports_in_a_clean_environment(wheel, tmp_path):
    import latentlens

    venv.create(tmp_path / "clean")
    python = tmp_path / "clean" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps"]
    done = run(*pip, wheel, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    code = "import latentlens; print(latentlens.__version__, latentlens.__file__)"
    version, where = run(python, "-c", code, cwd=tmp_path, PYTHONPATH="").stdout.split()
    assert version == latentlens.__version__
    assert Path(where).is_relative_to(tmp_path)
    # With the libraries of this environment beside it, the widget finds its bundle.
    code = (
        "import latentlens; lens = latentlens.LatentLens;"
        "print(latentlens.__file__, len(str(lens._esm)) > 0)"
    )
    libraries = sysconfig.get_path("purelib")
    done = run(python, "-c", code, cwd=tmp_path, PYTHONPATH=libraries)
    assert done.stdout.split()[1:] == ["True"], done.stderr
    assert Path(done.stdout.split()[0]).is_relative_to(tmp_path)


@pytest.mark.wheel
def test_the_sdist_needs_no_node(sdist, tmp_path):
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert names >= BUNDLE | {"js/hatch_build.py", "js/package-lock.json", "README.md", "LICENSE"}
    assert not [name for name in names if "node_modules" in name]
    done = pip_wheel(sdist, tmp_path / "out", PATH=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (tmp_path / "out").glob("*.whl")
    assert names_in(path) >= BUNDLE


@pytest.mark.wheel
def test_without_node_and_without_a_bundle_the_build_stops_in_words(root, tmp_path):
    source = copy_of_sources(root, tmp_path / "source")
    done = pip_wheel(source, tmp_path / "out", PATH=str(tmp_path))
    assert done.returncode != 0
    assert NO_NODE in done.stdout + done.stderr


@pytest.mark.wheel
def test_the_bundle_can_be_left_out(root, tmp_path):
    source = copy_of_sources(root, tmp_path / "source")
    done = pip_wheel(source, tmp_path / "out", PATH=str(tmp_path), LATENTLENS_SKIP_JS="1")
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (tmp_path / "out").glob("*.whl")
    assert not names_in(path) & BUNDLE


@pytest.fixture
def hook(root):
    spec = importlib.util.spec_from_file_location("hatch_build", root / "js" / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def made_up(tmp_path):
    """Lay out sources of age 100 and a bundle of age 200, in seconds since the epoch."""
    sources = ["js/build.mjs", "js/package.json", "js/package-lock.json", "js/src/panes/map.ts"]
    for name in (*sources, *BUNDLE):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for path in [*tmp_path.rglob("*"), tmp_path]:
        os.utime(path, (100, 100))
    for name in BUNDLE:
        os.utime(tmp_path / name, (200, 200))
    return tmp_path


def test_a_bundle_newer_than_its_sources_is_fresh(hook, made_up):
    assert hook.is_fresh(made_up)


@pytest.mark.parametrize("name", ["js/src/panes/map.ts", "js/build.mjs", "js/package-lock.json"])
def test_a_bundle_older_than_a_source_is_stale(hook, made_up, name):
    os.utime(made_up / name, (300, 300))
    assert not hook.is_fresh(made_up)


@pytest.mark.parametrize("name", sorted(BUNDLE))
def test_half_a_bundle_is_none(hook, made_up, name):
    (made_up / name).unlink()
    assert not hook.is_fresh(made_up)


def test_an_unpacked_sdist_is_fresh_whatever_the_times(hook, made_up):
    os.utime(made_up / "js" / "build.mjs", (300, 300))
    (made_up / "PKG-INFO").touch()
    assert hook.is_fresh(made_up)
