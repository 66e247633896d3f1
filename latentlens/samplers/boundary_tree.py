"""Items on either side of the boundaries between classes, found by a tree."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from latentlens.core.checks import check_choice, check_count
from latentlens.core.sample import Ranking
from latentlens.samplers.base import BaseSampler
from latentlens.samplers.gmm import centre
from latentlens.samplers.loops import grow_tree


class BoundaryTreeSampler(BaseSampler):
    """The nodes of a boundary tree [1]_ over the latent.

    Items come in a random order; one whose class is not that of the node where
    its query ends becomes that node's child. The passes over the items are
    repeated until none is added, when the tree tells every other item's class.
    How many there are follows from the data: a sample is always the whole tree,
    and `sample` takes its fraction for the sake of one signature only.

    Parameters
    ----------
    on : {"auto", "predicted", "true"}
        Whose boundaries are looked for. "auto" is the label, and the prediction
        where an item has none; boundaries of the labels find more of the errors.
        With "true" the items without a label are one more class.
    random_state : int, RandomState or None
        Seed of the items' order.
    max_children : int
        Of one node.
    max_passes : int
        How often the items may be gone through; `notes_` says when that did not
        suffice.

    Attributes
    ----------
    node_ : ndarray of shape (n_nodes,), int64
        Items in the tree, in the order they came in.
    parent_ : ndarray of shape (n_nodes,), int64
        The parent of each, an item of another class; -1 for the root.

    References
    ----------
    .. [1] C. Mathy, N. Derbinsky, J. Bento, J. Rosenthal and J. Yedidia, "The
       boundary forest algorithm for online supervised and unsupervised learning",
       AAAI 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.samplers import BoundaryTreeSampler
    >>> rng = np.random.default_rng(0)
    >>> label = np.repeat([0, 1], 50)
    >>> latent = rng.normal(size=(100, 4)) + 3 * label[:, None]
    >>> sampler = BoundaryTreeSampler().fit(latent, label)
    >>> len(sampler.sample(0.5)) == len(sampler.sample(1.0))  # the tree says how many there are
    True
    """

    node_: NDArray[np.int64]
    parent_: NDArray[np.int64]

    def __init__(
        self,
        *,
        on: Literal["auto", "predicted", "true"] = "auto",
        random_state: int | np.random.RandomState | None = 0,
        max_children: int = 50,
        max_passes: int = 50,
    ) -> None:
        self.on = on
        self.random_state = random_state
        self.max_children = max_children
        self.max_passes = max_passes

    @property
    def _name(self) -> str:
        return "boundary_tree"

    def _check_arguments(self) -> None:
        check_choice(self.on, "on", ("auto", "predicted", "true"))
        check_count(self.max_children, "max_children", np.iinfo(np.int64).max, low=2)
        check_count(self.max_passes, "max_passes", np.iinfo(np.int64).max)

    def _classes(
        self, label: NDArray[np.int32], pred: NDArray[np.int32] | None
    ) -> NDArray[np.int32]:
        if self.on == "true" or (self.on == "auto" and pred is None):
            return label
        if pred is None:
            raise ValueError('on="predicted" needs pred; pass it to fit, or say on="true"')
        return pred if self.on == "predicted" else np.where(label >= 0, label, pred)

    def _rank(
        self,
        latent: NDArray[np.float64],
        label: NDArray[np.int32],
        pred: NDArray[np.int32] | None,
        pre_latent: ArrayLike | None,  # noqa: ARG002
    ) -> Ranking:
        classes = self._classes(label, pred)
        points = centre(latent).astype(np.float32)
        n = len(points)
        order = check_random_state(self.random_state).permutation(n).astype(np.int64)
        self.node_, self.parent_, passes = grow_tree(
            points, classes, order, self.max_children, self.max_passes
        )
        if passes == self.max_passes:
            self.notes_.append(
                f"The boundary tree was still growing after {passes} passes; its "
                f"{len(self.node_):,} nodes are usable, and max_passes= allows more."
            )
        group = np.ones(n, np.int32)
        group[self.node_] = 0
        rank = np.empty(n, np.int64)
        rank[self.node_] = np.arange(len(self.node_))
        rank[group == 1] = np.arange(n - len(self.node_))
        return Ranking(
            sampler=self._name,
            group=group,
            log_ratio=np.zeros(n),
            rank=rank,
            group_size=np.array([len(self.node_), n - len(self.node_)], np.int64),
            uses_j=False,
            allocation="fixed",
        )
