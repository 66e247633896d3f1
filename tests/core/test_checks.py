import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentlens.core import record_from_arrays
from latentlens.core.checks import (
    check_choice,
    check_class_names,
    check_count,
    check_labels,
    check_latent,
    check_rows,
    check_share,
    numbered_apart,
)


def test_a_count_is_given_as_int():
    assert type(check_count(np.int64(3), "k", 5)) is int


@pytest.mark.parametrize("value", [2.0, "3", True, None])
def test_a_count_must_be_an_integer(value):
    with pytest.raises(TypeError, match="k must be an integer"):
        check_count(value, "k", 5)


def test_a_count_out_of_bounds_is_told_why():
    with pytest.raises(ValueError, match=r"k must be between 1 and 5 \(the index holds 5\), got 6"):
        check_count(6, "k", 5, why="the index holds 5")


@pytest.mark.parametrize("value", [-0.1, 1.01, float("nan"), float("inf")])
def test_a_share_lies_between_zero_and_one(value):
    with pytest.raises(ValueError, match="j must be between 0 and 1, got"):
        check_share(value, "j")


def test_a_share_may_exclude_zero():
    with pytest.raises(ValueError, match=r"fraction must be between 0 \(excluded\) and 1, got 0"):
        check_share(0, "fraction", zero=False)


@pytest.mark.parametrize("value", ["0.5", True, None])
def test_a_share_must_be_a_number(value):
    with pytest.raises(TypeError, match="j must be a number"):
        check_share(value, "j")


@pytest.mark.parametrize("value", ["mean", 3, None])
def test_a_choice_lists_what_there_is(value):
    with pytest.raises(ValueError, match="measure must be one of 'max', 'count', got"):
        check_choice(value, "measure", ("max", "count"))


def test_a_latent_names_the_first_item_that_is_not_finite():
    latent = np.ones((4, 2))
    latent[[2, 3], 1] = np.nan, np.inf
    with pytest.raises(ValueError, match=r"latent has NaN or infinite .* 2 of 4 .* row 2"):
        check_latent(latent)


@pytest.mark.parametrize(
    ("shape", "words"),
    [((3,), "flatten"), ((2, 3, 4), "flatten"), ((0, 3), "at least one"), ((3, 0), "at least one")],
)
def test_a_latent_has_one_row_per_item(shape, words):
    with pytest.raises(ValueError, match=words):
        check_latent(np.zeros(shape))


def test_labels_come_back_as_int32():
    labels = check_labels([0.0, 2.0, -1.0], "label", 3)
    assert labels.dtype == np.int32
    assert labels.tolist() == [0, 2, -1]


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ([0, 1], r"shape \(3,\), one per item, got \(2,\)"),
        ([0, 1, -2], "or -1 if unknown, got -2"),
        ([0, 1, 0.5], "whole class numbers, got 0.5"),
        ([0, 1, np.nan], "got nan"),
        (["a", "b", "c"], "class numbers from 0"),
        ([0, 1, 4], "class 4, but there are 3 classes, 0 to 2"),
    ],
)
def test_labels_are_class_numbers(label, words):
    with pytest.raises(ValueError, match=words):
        check_labels(label, "label", 3, n_classes=3)


def test_no_rows_are_rows():
    assert check_rows([], "selection", 3).dtype == np.int64


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([3], "between 0 and 2, got 3 to 3"),
        ([-1], "got -1"),
        ([0.5], "row numbers"),
        ([[1]], "one"),
    ],
)
def test_rows_lie_within_the_items(rows, words):
    with pytest.raises(ValueError, match=words):
        check_rows(rows, "selection", 3)


def test_classes_are_named_by_anything_that_reads_as_text():
    assert check_class_names([7, "cat"]) == ("7", "cat")
    named = record_from_arrays(np.eye(2), [0, 1], classes=np.array(["ant", "bee"]))
    assert named.classes == ("ant", "bee")


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (["ant", "bee", "ant"], r"once; 'ant' stands for class 0 and for class 2\. .*'ant \(0\)'"),
        ([1, "1"], "'1' stands for class 0 and for class 1"),
        (["ant", " "], "classes must name every class; class 1 has no name"),
    ],
)
def test_a_class_needs_a_name_of_its_own(classes, words):
    with pytest.raises(ValueError, match=words):
        check_class_names(classes)
    with pytest.raises(ValueError, match=words):
        record_from_arrays(np.eye(2), [0, 1], classes=classes)


def test_a_name_that_reads_as_another_with_its_number_is_numbered_too():
    assert numbered_apart(["a", "a", "a (0)"]) == ("a (0)", "a (1)", "a (0) (2)")
    assert numbered_apart(["(1)", ""]) == ("(1) (0)", "(1)")


@given(st.lists(st.sampled_from(["a", "a (0)", "a (1)", "a (0) (2)", "(3)", "b", "", " "])))
def test_classes_numbered_apart_are_ones_that_are_taken(names):
    assert check_class_names(numbered_apart(names)) == numbered_apart(names)
