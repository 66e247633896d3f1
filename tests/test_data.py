from __future__ import annotations

import errno
import gzip
import hashlib
import socket

import numpy as np
import pytest
import requests
import torch
from sklearn.datasets import load_digits

from latentlens import data


def idx(array):
    """Write an IDX file's bytes."""
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.tobytes()


def made_up(seed=0):
    rng = np.random.default_rng(seed)
    return {
        "x_train": rng.integers(0, 256, (6, 28, 28), dtype=np.uint8),
        "y_train": np.arange(6, dtype=np.uint8),
        "x_test": rng.integers(0, 256, (4, 28, 28), dtype=np.uint8),
        "y_test": np.arange(4, dtype=np.uint8),
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTLENS_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_):
        pytest.fail("went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def assert_same(found, expected):
    for key, array in expected.items():
        np.testing.assert_array_equal(getattr(found, key), array)


@pytest.mark.usefixtures("no_network")
def test_digits_are_all_of_scikit_learns():
    found = data.digits()
    bundle = load_digits()
    assert (len(found.x_train), len(found.x_test)) == (1000, 797)
    images = np.concatenate([found.x_train, found.x_test])
    np.testing.assert_array_equal(np.rint(images * (16 / 255)), bundle.images)
    np.testing.assert_array_equal(np.concatenate([found.y_train, found.y_test]), bundle.target)
    assert found.classes == tuple("0123456789")


def test_a_dataset_has_channels_first_unit_range_and_class_names():
    dataset = data.digits().dataset("test")
    image, label = dataset[0]
    assert image.shape == (1, 8, 8)
    assert image.dtype == torch.float32
    assert dataset.tensors[0].min() == 0
    assert dataset.tensors[0].max() == 1
    assert label == load_digits().target[1000]
    assert dataset.classes == list("0123456789")


def test_colour_images_keep_their_colours(folder):
    arrays = made_up()
    arrays["x_test"] = np.random.default_rng(0).integers(0, 256, (4, 5, 5, 3), dtype=np.uint8)
    np.savez(folder / "galaxy.npz", **arrays, classes=["smooth", "spiral"])
    found = data.galaxy()
    assert found.classes == ("smooth", "spiral")
    image, _ = found.dataset("test")[1]
    expected = arrays["x_test"][1, 2, 3].astype(np.float32) / 255
    np.testing.assert_allclose(image[:, 2, 3], expected, rtol=1e-6)


def test_a_loader_keeps_the_order_unless_told_to_shuffle():
    bundle = data.digits()
    labels = torch.cat([label for _, label in bundle.loader("train", batch_size=64)])
    np.testing.assert_array_equal(labels, bundle.y_train)
    shuffled = torch.cat([label for _, label in bundle.loader("train", shuffle=True)])
    assert sorted(shuffled.tolist()) == sorted(labels.tolist())
    assert shuffled.tolist() != labels.tolist()


def test_a_split_that_is_none_is_named():
    with pytest.raises(ValueError, match="split must be 'train' or 'test', got 'validation'"):
        data.digits().loader("validation")


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("give", [data.mnist, data.fashion_mnist], ids=lambda give: give.__name__)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_idx_files_are_read_from_the_folder(give, packed, folder):
    arrays = made_up()
    home = folder / give.__name__
    home.mkdir()
    for key, file in data.IDX_FILES.items():
        raw = idx(arrays[key])
        path = home / (f"{file}.gz" if packed else file)
        path.write_bytes(gzip.compress(raw) if packed else raw)
    assert_same(give(), arrays)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("give", [data.mnist, data.fashion_mnist], ids=lambda give: give.__name__)
def test_npz_is_read_from_the_folder(give, folder):
    np.savez(folder / f"{give.__name__}.npz", **made_up())
    found = give()
    assert_same(found, made_up())
    assert len(found.classes) == 10


def test_pickles_in_an_npz_are_not_loaded(folder):
    arrays = made_up()
    arrays["y_test"] = np.array([{}, {}, {}, {}], dtype=object)
    np.savez(folder / "mnist.npz", **arrays)
    with pytest.raises(ValueError, match="allow_pickle"):
        data.mnist()


def test_a_missing_file_of_four_is_named(folder):
    (folder / "mnist").mkdir()
    (folder / "mnist" / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(3, np.uint8)))
    with pytest.raises(FileNotFoundError, match="lacks train-images-idx3-ubyte, train-labels"):
        data.mnist()


def test_a_missing_key_is_named(folder):
    np.savez(folder / "mnist.npz", x_train=np.zeros(1))
    with pytest.raises(ValueError, match=r"mnist.npz must hold .*; it lacks y_train, x_test"):
        data.mnist()


def test_a_folder_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("LATENTLENS_DATA", str(tmp_path / "gone"))
    with pytest.raises(FileNotFoundError, match="gone, which is no folder"):
        data.mnist()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"PK\3\4rest", "is no IDX file of bytes: it begins with 50 4b 03 04"),
        (b"\0\0", "is no IDX file"),
        (idx(np.zeros((2, 3), np.uint8))[:-1], r"6 bytes for shape \(2, 3\), and holds 5"),
    ],
)
def test_a_file_that_is_not_idx_is_refused(raw, words, tmp_path):
    (tmp_path / "file").write_bytes(raw)
    with pytest.raises(ValueError, match=words):
        data.read_idx(tmp_path / "file")


def test_galaxies_come_from_the_folder_alone(monkeypatch, tmp_path):
    monkeypatch.delenv("LATENTLENS_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="LATENTLENS_DATA names, and it is not set"):
        data.galaxy()
    monkeypatch.setenv("LATENTLENS_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"galaxy.npz .* has none"):
        data.galaxy()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Stand four packed files up on this machine, with an empty cache; give arrays and address."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    asked = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path)

    shelf = tmp_path / "shelf"
    shelf.mkdir()
    arrays = made_up()
    for key, file in data.IDX_FILES.items():
        (shelf / f"{file}.gz").write_bytes(gzip.compress(idx(arrays[key]), mtime=0))
    monkeypatch.delenv("LATENTLENS_DATA", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=shelf)) as http:
        Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(data, "MNIST_URL", f"http://127.0.0.1:{http.server_port}/")
        yield arrays, shelf, asked
        http.shutdown()


def test_what_is_nowhere_is_downloaded_once_checked_and_kept(server, monkeypatch, capsys):
    arrays, shelf, asked = server
    sums = {
        key: hashlib.sha256((shelf / f"{file}.gz").read_bytes()).hexdigest()
        for key, file in data.IDX_FILES.items()
    }
    monkeypatch.setattr(data, "MNIST_SHA256", sums)
    assert_same(data.mnist(), arrays)
    assert len(asked) == 4
    assert "100%" in capsys.readouterr().err
    assert_same(data.mnist(), arrays)
    assert len(asked) == 4


@pytest.mark.usefixtures("server")
def test_a_download_with_another_checksum_is_refused():
    with pytest.raises(ValueError, match="does not match the known hash"):
        data.mnist()


@pytest.mark.data
@pytest.mark.usefixtures("real_data")
def test_real_data_have_the_known_shapes():
    found = data.mnist()
    assert found.x_train.shape == (60_000, 28, 28)
    assert found.x_test.shape == (10_000, 28, 28)
    # Published counts of the test set's digits.
    expected = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(found.y_test).tolist() == expected
    assert data.galaxy().x_train.shape[1:] == (69, 69, 3)


@pytest.mark.parametrize(
    "trouble", [ConnectionError, requests.ConnectionError, requests.HTTPError, TimeoutError]
)
def test_without_a_network_the_folder_of_ones_own_is_named(trouble, monkeypatch):
    def refuse(**_):
        raise trouble("no route to host")

    monkeypatch.delenv("LATENTLENS_DATA", raising=False)
    monkeypatch.setattr("pooch.retrieve", refuse)
    with pytest.raises(
        FileNotFoundError, match=r"could not download .*mnist\.npz.*LATENTLENS_DATA"
    ) as said:
        data.mnist()
    assert isinstance(said.value.__cause__, trouble)


@pytest.mark.parametrize(
    "trouble",
    [OSError(errno.ENOSPC, "No space left on device"), PermissionError(errno.EACCES, "Denied")],
)
def test_a_cache_that_cannot_be_written_is_told_in_its_own_words(trouble, monkeypatch, tmp_path):
    def refuse(**_):
        raise trouble

    monkeypatch.delenv("LATENTLENS_DATA", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")
    monkeypatch.setattr("pooch.retrieve", refuse)
    words = rf"could not keep .* in '.*cache.mnist': .*{trouble.strerror}\. Make room there"
    with pytest.raises(type(trouble), match=words) as said:
        data.mnist()
    assert "network" not in str(said.value)
