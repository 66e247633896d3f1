import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentlens.samplers import BoundaryTreeSampler
from latentlens.samplers.gmm import centre
from latentlens.samplers.loops import grow_tree


def by_dicts(points, label, order, most_children, most_passes):
    """Grow the same tree with lists of children."""
    children = {order[0]: []}
    parent = {order[0]: -1}
    passes = 0
    while passes < most_passes:
        passes, before = passes + 1, len(parent)
        for item in order:
            if item in parent:
                continue
            node = order[0]
            while True:
                options = list(children[node])
                if len(options) < most_children:
                    options.insert(0, node)
                apart = [np.square(points[o] - points[item]).sum() for o in options]
                nearest = options[int(np.argmin(apart))]
                if nearest == node:
                    break
                node = nearest
            if label[node] != label[item]:
                children[node].append(item)
                children[item], parent[item] = [], node
        if len(parent) == before:
            break
    return list(parent), list(parent.values()), passes


def query(points, children, root, item, most_children):
    node = root
    while True:
        options = [node] * (len(children[node]) < most_children) + children[node]
        nearest = min(options, key=lambda o: float(np.square(points[o] - points[item]).sum()))
        if nearest == node:
            return node
        node = nearest


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(1, 4))
def test_the_tree_agrees_with_one_of_lists(seed, most_children, most_passes):
    rng = np.random.default_rng(seed)
    # Whole numbers, so that no sum is rounded.
    points = rng.integers(-20, 20, (60, 2)).astype(np.float32)
    label = rng.integers(0, 3, 60).astype(np.int32)
    order = rng.permutation(60)
    nodes, parent, passes = grow_tree(points, label, order, most_children, most_passes)
    assert (nodes.tolist(), parent.tolist(), passes) == by_dicts(
        points, label, order.tolist(), most_children, most_passes
    )


def test_the_tree_tells_the_class_of_every_item_outside_it(blobs):
    latent, label, pred = blobs(n=400)
    fitted = BoundaryTreeSampler(on="predicted").fit(latent, label, pred)
    children = {node: [] for node in fitted.node_}
    for node, parent in zip(fitted.node_, fitted.parent_, strict=True):
        if parent >= 0:
            children[parent].append(node)
    points = centre(latent.astype(float)).astype(np.float32)
    outside = np.setdiff1d(np.arange(400), fitted.node_)
    told = [query(points, children, fitted.node_[0], i, 50) for i in outside]
    assert (pred[told] == pred[outside]).all()


def test_a_child_is_of_another_class_than_its_parent(blobs):
    latent, label, pred = blobs()
    fitted = BoundaryTreeSampler(on="predicted").fit(latent, label, pred)
    grown = fitted.parent_ >= 0
    assert (~grown).sum() == 1
    assert (pred[fitted.node_[grown]] != pred[fitted.parent_[grown]]).all()


def test_the_sample_is_the_tree_whatever_the_fraction(blobs):
    fitted = BoundaryTreeSampler().fit(*blobs())
    for fraction in (0.01, 0.3, 1.0):
        assert set(fitted.sample(fraction).index) == set(fitted.node_)
    assert not fitted.ranking_.uses_fraction


def test_two_far_crowds_need_two_nodes():
    latent = np.concatenate([np.zeros((50, 2)), np.full((50, 2), 9.0)])
    fitted = BoundaryTreeSampler().fit(latent, np.repeat([0, 1], 50))
    assert len(fitted.node_) == 2


def test_one_class_needs_one_node():
    fitted = BoundaryTreeSampler().fit(np.eye(5), np.zeros(5, int))
    assert len(fitted.sample(0.5)) == 1


def test_it_looks_for_the_boundaries_it_is_told_to(blobs):
    latent, label, pred = blobs()
    nodes = {
        on: BoundaryTreeSampler(on=on).fit(latent, label, pred).node_.tolist()
        for on in ("auto", "true", "predicted")
    }
    assert nodes["auto"] == nodes["true"] != nodes["predicted"]
    unlabelled = BoundaryTreeSampler().fit(latent, np.full_like(label, -1), pred)
    assert unlabelled.node_.tolist() == nodes["predicted"]
    with pytest.raises(ValueError, match='on="predicted" needs pred'):
        BoundaryTreeSampler(on="predicted").fit(latent, label)


def test_a_tree_that_is_still_growing_says_so(blobs):
    latent, _, _ = blobs()
    label = np.random.default_rng(0).integers(0, 2, 120)
    fitted = BoundaryTreeSampler(max_passes=1).fit(latent, label)
    assert "still growing after 1 passes" in fitted.ranking_.notes[0]
