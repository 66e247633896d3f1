"""Where something is written: refused in words before any work, and written whole or not at all."""

import os
import stat
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from latentlens import LatentLens
from latentlens.store import check_target, write_whole

WAYS = {"save": "run.lens", "to_html": "page.html", "to_png": "lens.png", "to_svg": "lens.svg"}


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture
def lens():
    data = TensorDataset(torch.rand(40, 6), torch.arange(40) % 2)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    return LatentLens(model, DataLoader(data, batch_size=10))


@pytest.fixture
def closed(monkeypatch):
    """Say of some places that they may not be used, even to one who may do all."""
    places: set[Path] = set()
    asked = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) not in places and asked(path, mode)
    )
    return places


def refused(lens, way, path, kind, words):
    with pytest.raises(kind, match=words):
        getattr(lens, way)(path)
    assert lens.status == "waiting"


def test_a_folder_is_refused_with_the_name_of_a_file(lens, way, tmp_path):
    words = rf"such as '.*{WAYS[way]}'; '.*' is a folder\."
    refused(lens, way, str(tmp_path), IsADirectoryError, words)


def test_a_folder_that_is_missing_is_named(lens, way, tmp_path):
    path = tmp_path / "nowhere" / "file"
    refused(lens, way, path, FileNotFoundError, r"no folder '.*nowhere' for 'file'; make it first")


def test_a_folder_and_a_file_that_may_only_be_read_are_named(lens, way, tmp_path, closed):
    closed.add(tmp_path)
    refused(lens, way, tmp_path / "file", PermissionError, "' may only be read. Name another")
    older = tmp_path / "older"
    older.write_text("of yesterday")
    closed.clear()
    closed.add(older)
    refused(lens, way, older, PermissionError, "older' may only be read")
    assert older.read_text() == "of yesterday"


def test_what_is_no_file_and_no_path_is_refused(lens, way):
    refused(lens, way, os.devnull, ValueError, "is a device")
    refused(lens, way, 3, TypeError, rf"must name a file, such as '{WAYS[way]}'; got 3")


def test_a_file_that_may_not_be_read_is_named(tmp_path, closed):
    path = write_whole(tmp_path / "run.lens", b"")
    closed.add(path)
    with pytest.raises(PermissionError, match=r"run\.lens' may not be read"):
        LatentLens.load(path)
    with pytest.raises(TypeError, match=r"must name a file, such as 'run\.lens'; got None"):
        LatentLens.load(None)


def test_a_file_is_written_with_the_rights_of_any_new_file(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    target = write_whole(check_target(tmp_path / "file", "file"), b"whole")
    assert target.read_bytes() == b"whole"
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_an_older_files_rights_stay_as_they_were(tmp_path):
    older = tmp_path / "file"
    older.touch(0o600)
    write_whole(older, b"newer")
    assert older.read_bytes() == b"newer"
    assert stat.S_IMODE(older.stat().st_mode) == 0o600


@pytest.mark.parametrize("is_there", [True, False], ids=["older", "dangling"])
def test_through_a_link_the_file_behind_it_is_written(tmp_path, is_there):
    (tmp_path / "far").mkdir()
    real, link = tmp_path / "far" / "real", tmp_path / "link"
    link.symlink_to("far/real")
    if is_there:
        real.write_bytes(b"older")
    assert write_whole(check_target(link, "file"), b"newer") == link
    assert link.is_symlink()
    assert real.read_bytes() == b"newer"
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["far", "link", "real"]


def test_the_folder_of_the_file_behind_a_link_is_what_must_be_there(tmp_path, closed):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere" / "real")
    with pytest.raises(FileNotFoundError, match=r"no folder '.*nowhere' for 'real'; make it"):
        check_target(link, "file")
    (tmp_path / "nowhere").mkdir()
    closed.add(tmp_path / "nowhere")
    with pytest.raises(PermissionError, match=r"nowhere' may only be read"):
        check_target(link, "file")


def test_a_write_that_breaks_off_leaves_the_older_file_and_no_other(tmp_path, monkeypatch):
    target = write_whole(tmp_path / "file", b"older")

    def breaks(_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", breaks)
    with pytest.raises(OSError, match="disk full"):
        write_whole(target, b"newer")
    assert target.read_bytes() == b"older"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(("method", "ending"), [("to_png", ".png"), ("to_svg", ".svg")])
def test_a_picture_is_not_written_under_another_formats_name(lens, method, ending, tmp_path):
    with pytest.raises(
        ValueError, match=rf"must end in {ending}.*got 'x.jpg'. Name it 'x{ending}'"
    ):
        getattr(lens, method)(tmp_path / "x.jpg")
    with pytest.raises(ValueError, match=r"must end in \.html or \.htm"):
        lens.to_html(tmp_path / "page.txt")
    assert lens.status == "waiting"
    assert check_target(tmp_path / f"X{ending.upper()}", "lens", endings=(ending,))
