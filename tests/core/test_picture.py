"""What people see of an item."""

import numpy as np
import pytest

from latentlens.core.picture import SERIES_LENGTH, SIDE, Pictures, as_image, shrink


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


def test_a_strip_thinner_than_a_block_is_still_there():
    strip = np.full((1024, 6, 3), 200, np.uint8)
    assert (shrink(strip) == 200).all()
    assert shrink(strip).shape == (93, 1, 3)


@pytest.mark.parametrize("side", [8, 28, 96])
def test_small_images_are_sent_as_they_are(side):
    image = np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)
    np.testing.assert_array_equal(pictures([image])([0])[0].image, image)


def test_a_photograph_is_sent_as_a_thumbnail():
    photograph = np.random.default_rng(0).integers(0, 255, (3, 1024, 768), np.uint8)
    small = pictures([photograph])([0])[0].image
    assert small.shape == (93, 69, 3)
    block = photograph[:, :11, :11].reshape(3, -1).mean(axis=1)
    np.testing.assert_allclose(small[0, 0], block, atol=0.5)


def test_a_long_sound_keeps_its_loudest_moment():
    sound = np.zeros(16_000, np.int16)
    sound[7_777] = -30_000
    drawn = pictures([sound])([0])[0]
    assert drawn.kind == "series"
    assert len(drawn.series) <= SERIES_LENGTH
    assert drawn.series.min() == -30_000


def test_a_stereo_sound_has_two_lines_and_tokens_none():
    stereo = np.random.default_rng(0).normal(size=(2, 4000)).astype(np.float32)
    left_right, tokens = pictures([stereo, np.arange(40)])([0, 1])
    assert left_right.series.shape == (SERIES_LENGTH, 2)
    np.testing.assert_array_equal(left_right.series.max(axis=0), stereo.max(axis=1))
    assert tokens.kind == "none"


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
