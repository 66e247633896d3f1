"""What people see of an item."""

import numpy as np
import pytest

from latentlens.core.picture import SIDE, Pictures, as_image, shrink


def pictures(items, **options):
    return Pictures(lambda rows: [items[row] for row in rows], **options)


def test_a_batchless_grey_tensor_becomes_a_grey_image():
    grey = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 8, 8)
    drawn = pictures([(grey, 3)])([0])[0]
    assert drawn.kind == "image"
    np.testing.assert_array_equal(drawn.image, np.floor(grey[0] * 255 + 0.5).astype(np.uint8))


def test_channels_may_stand_first_or_last():
    first = np.random.default_rng(0).integers(0, 255, (3, 8, 10), np.uint8)
    last = np.moveaxis(first, 0, -1)
    np.testing.assert_array_equal(as_image(first), last)
    np.testing.assert_array_equal(as_image(last), last)


def test_normalised_images_share_one_scale():
    dark, bright = np.full((4, 4), -1.0), np.full((4, 4), 0.5)
    dark[0, 0] = 1.0
    first, second = pictures([dark, bright])([0, 1])
    assert first.image[1, 1] == 0
    assert second.image[0, 0] == int(0.75 * 255 + 0.5)


def test_large_images_are_averaged_down():
    image = np.kron(np.arange(4).reshape(2, 2), np.ones((SIDE, SIDE))).astype(np.float32)
    small = shrink(image)
    assert max(small.shape) <= SIDE
    assert small[0, 0] == 0
    assert small[-1, -1] == 3


def test_texts_and_series_are_shown_as_such():
    series = np.sin(np.arange(50, dtype=np.float32))
    text, wave, nothing = pictures(["a sentence", series, object()])([0, 1, 2])
    assert (text.kind, text.text) == ("text", "a sentence")
    assert wave.kind == "series"
    np.testing.assert_array_equal(wave.series, series)
    assert nothing.kind == "none"


def test_a_dict_is_searched_for_what_people_look_at():
    item = {"input_ids": [1, 2], "text": "hello", "labels": 1}
    assert pictures([item])([0])[0].text == "hello"


def test_render_is_given_the_item_and_decides():
    drawn = pictures([(np.zeros((4, 4)), 7)], render=lambda item: f"class {item[1]}")([0])
    assert drawn[0].text == "class 7"


def test_a_render_that_fails_is_named_with_the_row():
    with pytest.raises(ValueError, match=r"render failed on row 1: ZeroDivisionError"):
        pictures([1, 0], render=lambda item: str(1 / item))([0, 1])
