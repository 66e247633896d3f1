"""Small data sets to look at: bundled, from a folder, or downloaded once.

``LATENTLENS_DATA`` names a folder with ``mnist.npz`` (and so on), or a folder
``mnist/`` of IDX files, packed or not. Nothing is downloaded unless a function
here is called and finds nothing there.
"""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch.utils.data import DataLoader, TensorDataset

Split = Literal["train", "test"]

IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
MNIST_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"
MNIST_SHA256 = {
    "x_train": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "y_train": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "x_test": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "y_test": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
FASHION_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FASHION_SHA256 = {
    "x_train": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "y_train": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "x_test": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "y_test": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
FASHION_CLASSES = (
    "T-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
IDX_UINT8 = 8
"""The one element type of IDX that these files use."""


@dataclass(frozen=True, kw_only=True)
class ImageData:
    """Images with labels, split into train and test.

    Parameters
    ----------
    name : str
    x_train, x_test : ndarray of shape (n, height, width) or (n, height, width, 3), uint8
    y_train, y_test : ndarray of shape (n,), int64
    classes : tuple of str
        Name of each label.

    Examples
    --------
    >>> from latentlens import data
    >>> digits = data.digits()
    >>> digits.name, digits.x_train.shape, digits.x_test.shape
    ('digits', (1000, 8, 8), (797, 8, 8))
    """

    name: str
    x_train: NDArray[np.uint8]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]
    classes: tuple[str, ...]

    def arrays(self, split: Split = "test") -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Give images and labels of one split.

        Raises
        ------
        ValueError
            If `split` is neither "train" nor "test".

        Examples
        --------
        >>> from latentlens import data
        >>> digits = data.digits()
        >>> images, labels = digits.arrays("test")
        >>> labels[:3].tolist()
        [1, 4, 0]
        """
        if split == "train":
            return self.x_train, self.y_train
        if split == "test":
            return self.x_test, self.y_test
        raise ValueError(f"split must be 'train' or 'test', got {split!r}.")

    def dataset(self, split: Split = "test") -> TensorDataset:
        """Give one split as PyTorch wants it.

        Returns
        -------
        TensorDataset
            Images of shape (channels, height, width), float32 in [0, 1], and
            labels; its attribute `classes` holds their names.

        Examples
        --------
        >>> from latentlens import data
        >>> digits = data.digits()
        >>> image, label = digits.dataset("test")[0]
        >>> image.shape, int(label)
        (torch.Size([1, 8, 8]), 1)
        """
        import torch
        from torch.utils.data import TensorDataset

        images, labels = self.arrays(split)
        last = images[..., None] if images.ndim == 3 else images
        first = np.ascontiguousarray(last.transpose(0, 3, 1, 2))
        dataset = TensorDataset(
            torch.from_numpy(first).to(torch.float32) / 255, torch.from_numpy(labels)
        )
        vars(dataset)["classes"] = list(self.classes)
        return dataset

    def loader(
        self, split: Split = "test", *, batch_size: int = 256, shuffle: bool = False
    ) -> DataLoader[Any]:
        """Give one split in batches, in its own order unless `shuffle` is set.

        Examples
        --------
        >>> from latentlens import data
        >>> digits = data.digits()
        >>> images, labels = next(iter(digits.loader("test", batch_size=4)))
        >>> images.shape
        torch.Size([4, 1, 8, 8])
        """
        from torch.utils.data import DataLoader

        return DataLoader(self.dataset(split), batch_size=batch_size, shuffle=shuffle)


def digits() -> ImageData:
    """Give scikit-learn's 1,797 digits of 8 x 8 pixels: 1,000 to train on, 797 to test.

    They are bundled with scikit-learn and stay in its order.

    References
    ----------
    .. [1] E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten
       Digits", UCI Machine Learning Repository, 1998.

    Examples
    --------
    >>> from latentlens import data
    >>> digits = data.digits()
    >>> len(digits.x_train), len(digits.x_test), digits.classes[:3]
    (1000, 797, ('0', '1', '2'))
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    # 17 grey levels, 0 to 16.
    pixels = np.rint(images.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    return ImageData(
        name="digits",
        x_train=pixels[:1000],
        y_train=labels[:1000].astype(np.int64),
        x_test=pixels[1000:],
        y_test=labels[1000:].astype(np.int64),
        classes=tuple("0123456789"),
    )


def mnist() -> ImageData:
    """Give MNIST: 60,000 + 10,000 handwritten digits of 28 x 28 pixels.

    From the folder ``LATENTLENS_DATA`` names if it is there, else from the user's
    cache, else downloaded into it (12 MB, checked by SHA-256).

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-Based Learning
       Applied to Document Recognition", Proc. IEEE 86(11), 1998.

    Examples
    --------
    >>> import os
    >>> import numpy as np
    >>> from latentlens import data
    >>> images, labels = np.zeros((2, 28, 28), np.uint8), np.array([0, 1])
    >>> np.savez("mnist.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    >>> os.environ["LATENTLENS_DATA"] = "."  # a folder of your own
    >>> data.mnist().x_test.shape
    (2, 28, 28)
    """
    arrays = _from_folder("mnist") or _downloaded("mnist", MNIST_URL, MNIST_SHA256)
    return _image_data("mnist", arrays, tuple("0123456789"))


def fashion_mnist() -> ImageData:
    """Give Fashion-MNIST: 60,000 + 10,000 articles of clothing of 28 x 28 pixels.

    From the folder ``LATENTLENS_DATA`` names if it is there, else from the user's
    cache, else downloaded into it (31 MB, checked by SHA-256).

    References
    ----------
    .. [1] H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset
       for Benchmarking Machine Learning Algorithms", 2017.

    Examples
    --------
    >>> import os
    >>> import numpy as np
    >>> from latentlens import data
    >>> images, labels = np.zeros((2, 28, 28), np.uint8), np.array([0, 1])
    >>> np.savez("fashion_mnist.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    >>> os.environ["LATENTLENS_DATA"] = "."  # a folder of your own
    >>> data.fashion_mnist().x_test.shape
    (2, 28, 28)
    """
    arrays = _from_folder("fashion_mnist")
    arrays = arrays or _downloaded("fashion_mnist", FASHION_URL, FASHION_SHA256)
    return _image_data("fashion_mnist", arrays, FASHION_CLASSES)


def galaxy() -> ImageData:
    """Give Galaxy Zoo 2 images of 69 x 69 pixels, from ``galaxy.npz`` in the folder alone.

    Raises
    ------
    FileNotFoundError
        If ``LATENTLENS_DATA`` names no folder, or one without that file.

    References
    ----------
    .. [1] K. Willett et al., "Galaxy Zoo 2: detailed morphological classifications
       for 304,122 galaxies from the Sloan Digital Sky Survey", MNRAS 435(4), 2013.

    Examples
    --------
    >>> import os
    >>> import numpy as np
    >>> from latentlens import data
    >>> images, labels = np.zeros((2, 69, 69, 3), np.uint8), np.array([0, 1])
    >>> np.savez("galaxy.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    >>> os.environ["LATENTLENS_DATA"] = "."  # a folder of your own
    >>> data.galaxy().x_test.shape
    (2, 69, 69, 3)
    """
    arrays = _from_folder("galaxy")
    if arrays is None:
        raise FileNotFoundError(
            "galaxy() reads galaxy.npz (x_train, y_train, x_test, y_test) from the folder that the "
            f"environment variable LATENTLENS_DATA names, and {_where()}."
        )
    return _image_data("galaxy", arrays, ("0", "1"))


def _where() -> str:
    named = os.environ.get("LATENTLENS_DATA")
    return f"{named} has none" if named else "it is not set"


def _from_folder(name: str) -> dict[str, NDArray[Any]] | None:
    """Read a data set from the folder named by the user, if it is there."""
    named = os.environ.get("LATENTLENS_DATA")
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"LATENTLENS_DATA names {named}, which is no folder.")
    if (folder / f"{name}.npz").is_file():
        return _read_npz(folder / f"{name}.npz")
    paths = {key: _plain_or_packed(folder / name / file) for key, file in IDX_FILES.items()}
    found = {key: path for key, path in paths.items() if path is not None}
    if not found:
        return None
    lacking = [IDX_FILES[key] for key in IDX_FILES if key not in found]
    if lacking:
        raise FileNotFoundError(
            f"{folder / name} lacks {', '.join(lacking)} (or the same with .gz)."
        )
    return {key: read_idx(path) for key, path in found.items()}


def _plain_or_packed(path: Path) -> Path | None:
    packed = path.with_name(f"{path.name}.gz")
    return next((each for each in (path, packed) if each.is_file()), None)


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as archive:
        lacking = [key for key in IDX_FILES if key not in archive.files]
        if lacking:
            raise ValueError(
                f"{path} must hold {', '.join(IDX_FILES)}; it lacks {', '.join(lacking)}."
            )
        return {key: archive[key] for key in archive.files}


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of bytes, packed by gzip or not.

    Two zero bytes, the element type, the number of axes, each axis' length as a
    big-endian 32-bit integer, then the elements in C order.

    Raises
    ------
    ValueError
        If the file is not IDX, not of bytes, or cut short.

    Examples
    --------
    >>> from pathlib import Path
    >>> from latentlens.data import read_idx
    >>> header = bytes([0, 0, 8, 2]) + (2).to_bytes(4, "big") + (3).to_bytes(4, "big")
    >>> path = Path("images-idx2-ubyte")
    >>> path.write_bytes(header + bytes(range(6)))
    18
    >>> read_idx(path).tolist()
    [[0, 1, 2], [3, 4, 5]]
    """
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] != IDX_UINT8:
        raise ValueError(f"{path} is no IDX file of bytes: it begins with {raw[:4].hex(' ')}.")
    start = 4 + 4 * raw[3]
    shape = tuple(np.frombuffer(raw[4:start], ">u4").astype(int).tolist())
    if len(raw) - start != int(np.prod(shape)):
        raise ValueError(
            f"{path} should hold {int(np.prod(shape)):,} bytes for shape {shape}, "
            f"and holds {len(raw) - start:,}."
        )
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def _downloaded(name: str, url: str, sha256: dict[str, str]) -> dict[str, NDArray[Any]]:
    """Fetch the IDX files once into the user's cache, each checked, with a progress bar."""
    from urllib.error import URLError

    import pooch
    from platformdirs import user_cache_path
    from requests import RequestException  # By which pooch downloads.

    cache = user_cache_path("latentlens") / name
    arrays = {}
    for key, file in IDX_FILES.items():
        try:
            path = pooch.retrieve(
                url=f"{url}{file}.gz",
                known_hash=f"sha256:{sha256[key]}",
                fname=f"{file}.gz",
                path=cache,
                progressbar=True,
            )
        except (RequestException, ConnectionError, TimeoutError, URLError) as error:
            raise FileNotFoundError(
                f"{name}() could not download {url}{file}.gz. Without a network, put {name}.npz "
                "(x_train, y_train, x_test, y_test) into a folder and name that folder in the "
                f"environment variable LATENTLENS_DATA; {_where()}."
            ) from error
        except OSError as error:
            raise type(error)(
                f"{name}() could not keep {file}.gz in {str(cache)!r}: {error}. Make room there "
                "and see that you may write to it."
            ) from error
        arrays[key] = read_idx(Path(path))
    return arrays


def _image_data(name: str, arrays: dict[str, NDArray[Any]], classes: tuple[str, ...]) -> ImageData:
    named = arrays.get("classes")
    return ImageData(
        name=name,
        x_train=arrays["x_train"],
        y_train=arrays["y_train"].astype(np.int64),
        x_test=arrays["x_test"],
        y_test=arrays["y_test"].astype(np.int64),
        classes=classes if named is None else tuple(map(str, named)),
    )
