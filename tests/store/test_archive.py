"""A file is read only if it is whole and what it should be; nothing in it is ever run."""

import io
import json
import pickle
import zipfile
import zlib

import numpy as np
import pytest

from latentlens.store import archive, read_archive, refusing, write_archive
from latentlens.store.archive import LIMIT, VERSION

CONTENT = {
    "flag": True,
    "none": None,
    "words": ["a", "ü"],
    "deep": {"xy": np.arange(6, dtype=np.float32).reshape(3, 2), "n": 3},
    "list": [np.array([True, False]), {"u": np.zeros((0, 2), np.uint16)}],
}


def read(path):
    with refusing(path):
        return read_archive(path)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "run.lens"
    write_archive(path, CONTENT, by="0.1")
    return path


def manifest_of(path):
    with zipfile.ZipFile(path) as zipped:
        return json.loads(zipped.read("manifest.json"))


def rewrite(path, *, manifest=None, members=None, method=zipfile.ZIP_STORED):
    """Write a file anew with another manifest or other members, as an attacker would."""
    with zipfile.ZipFile(path) as zipped:
        old = {name: zipped.read(name) for name in zipped.namelist()}
    if manifest is not None:
        old["manifest.json"] = json.dumps(manifest).encode()
    for name, data in (members or {}).items():
        old[name] = data
    with zipfile.ZipFile(path, "w", method) as zipped:
        for name, data in old.items():
            if data is not None:
                zipped.writestr(name, data)


def as_npy(array, **options):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, **options)
    return out.getvalue()


def test_what_was_written_is_read_again(path):
    found = read(path)
    assert (found["flag"], found["none"], found["words"]) == (True, None, ["a", "ü"])
    np.testing.assert_array_equal(found["deep"]["xy"], CONTENT["deep"]["xy"])
    assert found["deep"]["xy"].dtype == np.float32
    assert found["list"][0].tolist() == [True, False]
    assert found["list"][1]["u"].shape == (0, 2)


@pytest.mark.parametrize("key", ["$array", "$$array", "$", "array", "$Array"])
def test_any_name_can_be_a_key(path, key):
    write_archive(path, {key: {key: np.arange(3)}})
    again = read_archive(path)
    assert again.keys() == again[key].keys() == {key}
    assert again[key][key].tolist() == [0, 1, 2]


def test_equal_content_gives_equal_bytes(path, tmp_path):
    write_archive(tmp_path / "again.lens", CONTENT, by="0.1")
    assert (tmp_path / "again.lens").read_bytes() == path.read_bytes()


def test_what_is_read_can_be_written_to(path):
    found = read(path)["deep"]["xy"]
    found[0, 0] = 7
    assert found[0, 0] == 7


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"a": np.array([object()])}, "array of object cannot be saved"),
        ({"a": object()}, "A object cannot be saved"),
        ({1: 2}, "names as keys; got 1"),
        ({"a": float("nan")}, "not JSON compliant"),
    ],
)
def test_what_no_file_can_hold_is_refused_and_the_older_file_stands(path, content, words):
    before = path.read_bytes()
    with pytest.raises((TypeError, ValueError), match=words):
        write_archive(path, content)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["run.lens"]


def test_a_write_that_breaks_off_leaves_the_older_file_and_no_other(path, monkeypatch):
    before = path.read_bytes()

    def breaks(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(np.lib.format, "write_array", breaks)
    with pytest.raises(OSError, match="disk full"):
        write_archive(path, CONTENT)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["run.lens"]


def test_what_compresses_beyond_belief_is_stored_so_that_it_can_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "SMALL", 2**10)
    path = tmp_path / "zeros.lens"
    write_archive(path, {"a": np.zeros(2**20, np.uint8)})
    assert path.stat().st_size > 2**20
    assert read(path)["a"].nbytes == 2**20


# -- files that are wrong --------------------------------------------------------


def refused(path):
    """Give the one sentence that reading a file is refused with."""
    with pytest.raises(ValueError, match=r"run\.lens") as caught:
        read(path)
    words = str(caught.value)
    assert words.count("\n") == 0
    assert words.endswith(".")
    assert ";" in words
    return words


@pytest.mark.parametrize("data", [b"", b"PK", b"hello, I am a text", pickle.dumps([1, 2])])
def test_a_file_of_another_kind_is_no_lens(path, data):
    path.write_bytes(data)
    assert "is no file of a lens; give one that lens.save wrote" in refused(path)


def test_a_zip_of_other_things_is_no_lens(path):
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("readme.txt", "hello")
    assert "is no file of a lens" in refused(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert "cut short or damaged" in refused(path)


def test_any_flipped_bit_is_either_noticed_or_changes_nothing(path):
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    noticed = 0
    for at in rng.integers(0, 8 * len(data), 400):
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << (at % 8)
        path.write_bytes(flipped)
        try:
            found = read(path)
        except ValueError as error:
            noticed += "run.lens" in str(error)
            continue
        np.testing.assert_array_equal(found["deep"]["xy"], CONTENT["deep"]["xy"])
        assert found["list"][0].tolist() == [True, False]
        assert found["words"] == ["a", "ü"]
    assert noticed > 200


def test_a_newer_format_is_named_with_what_to_do(path):
    rewrite(path, manifest={**manifest_of(path), "version": VERSION + 1})
    words = refused(path)
    assert f"is written in format {VERSION + 1}" in words
    assert "load it with the latentlens that saved it, or a later one" in words


@pytest.mark.parametrize("manifest", [[], "lens", 3, None, {"format": "other"}])
def test_a_manifest_that_is_no_lens_is_refused(path, manifest):
    rewrite(path, members={"manifest.json": json.dumps(manifest).encode()})
    assert "is no file of a lens" in refused(path)


@pytest.mark.parametrize(
    "change",
    [
        {"version": -1},
        {"version": True},
        {"version": "1"},
        {"arrays": None},
        {"arrays": [1]},
        {"arrays": [{"dtype": "|O", "shape": [1], "crc32": 0}]},
        {"arrays": [{"dtype": "<U9", "shape": [1], "crc32": 0}]},
        {"arrays": [{"dtype": "<f4", "shape": [-1], "crc32": 0}]},
        {"arrays": [{"dtype": "<f4", "shape": [1.5], "crc32": 0}]},
        {"arrays": [{"dtype": "<f4", "shape": [2] * 9, "crc32": 0}]},
        {"arrays": []},
        {"content": [1]},
        {"content": {"a": {"$array": 99}}},
        {"content": {"a": {"$array": -1}}},
        {"content": {"a": {"$array": "0"}}},
    ],
)
def test_a_manifest_with_a_part_that_makes_no_sense_is_refused(path, change):
    rewrite(path, manifest={**manifest_of(path), **change})
    refused(path)


def test_not_a_number_in_the_manifest_is_refused(path):
    text = json.dumps(manifest_of(path)).replace("true", "NaN")
    rewrite(path, members={"manifest.json": text.encode()})
    assert "has NaN where a number should stand" in refused(path)


def test_a_manifest_nested_without_end_is_refused(path):
    rewrite(path, members={"manifest.json": b"[" * 200_000 + b"]" * 200_000})
    refused(path)


class Bomb:
    """Opens a file for writing where it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (open, (self.target, "w"))


def test_an_array_of_objects_is_refused_and_its_pickle_is_not_opened(path, tmp_path):
    target = tmp_path / "ran"
    evil = as_npy(np.array([Bomb(str(target))], dtype=object), allow_pickle=True)
    rewrite(path, members={"arrays/0.npy": evil})
    refused(path)
    manifest = manifest_of(path)
    manifest["arrays"][0] = {"dtype": "|O", "shape": [1], "crc32": zlib.crc32(evil)}
    rewrite(path, manifest=manifest)
    assert "a kind that no lens has" in refused(path)
    assert not target.exists()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(path):
    manifest = manifest_of(path)
    manifest["arrays"][0] = {"dtype": "|u1", "shape": [2**30], "crc32": 0}
    rewrite(path, manifest=manifest)
    assert "claims to hold 1,024 MB in 0.0 MB" in refused(path)


def test_more_than_is_ever_read_is_refused_without_allocating(path):
    manifest = manifest_of(path)
    manifest["arrays"][0] = {"dtype": "<f8", "shape": [LIMIT, LIMIT], "crc32": 0}
    rewrite(path, manifest=manifest)
    assert "claims to hold" in refused(path)


def test_a_member_larger_than_the_manifest_says_is_refused(path):
    rewrite(path, members={"arrays/0.npy": as_npy(np.zeros((3, 2), np.float32)) + b"0" * 100})
    assert "has another size than it says" in refused(path)


def test_an_array_whose_header_lies_about_its_shape_is_refused(path):
    rewrite(path, members={"arrays/0.npy": as_npy(np.zeros((300, 2), np.float32))})
    assert "is not what the manifest says" in refused(path)


def test_other_values_than_the_check_sum_says_are_refused(path):
    rewrite(path, members={"arrays/0.npy": as_npy(np.ones((3, 2), np.float32))})
    assert "array 0 fails its check sum" in refused(path)


@pytest.mark.parametrize("name", ["../../evil.py", "/etc/evil", "arrays/../evil", "arrays/9.npy"])
def test_a_file_with_members_of_its_own_is_refused_and_writes_nothing(path, name):
    rewrite(path, members={name: b"evil"})
    assert "holds other files than those of a lens" in refused(path)
    assert [each.name for each in path.parent.iterdir()] == ["run.lens"]


def test_a_missing_member_is_refused(path):
    rewrite(path, members={"arrays/1.npy": None})
    assert "holds other files than those of a lens" in refused(path)


def test_a_member_that_occurs_twice_is_refused(path):
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(path, "a") as zipped,
    ):
        zipped.writestr("arrays/0.npy", b"evil")
    assert "holds other files than those of a lens" in refused(path)


def test_another_way_of_packing_is_refused(path):
    rewrite(path, method=zipfile.ZIP_LZMA)
    assert "is packed in a way that no lens's file is" in refused(path)
