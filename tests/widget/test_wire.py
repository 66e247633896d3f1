"""Arrays keep their numbers on the way to the browser and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from latentlens.widget.wire import DTYPES, from_wire, pack, to_wire, unpack

arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0))
)


@given(arrays)
def test_an_array_comes_back_as_it_left(array):
    back = from_wire(to_wire(array))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@given(st.recursive(st.none() | st.text() | st.integers() | arrays, st.lists, max_leaves=5))
def test_a_message_comes_back_as_it_left(value):
    buffers = []
    packed = pack({"a": value, "b": {"c": value}}, buffers)
    back = unpack(packed, [bytes(buffer) for buffer in buffers])
    np.testing.assert_equal(back, {"a": value, "b": {"c": value}})


def test_a_strided_view_travels_as_the_numbers_it_shows():
    array = np.arange(24, dtype=np.float32).reshape(4, 6)[::2, ::3]
    np.testing.assert_array_equal(from_wire(to_wire(array)), array)


def test_a_type_the_browser_lacks_is_refused():
    with pytest.raises(TypeError, match="got int64"):
        to_wire(np.arange(3))


def test_bytes_that_do_not_fit_the_shape_are_refused():
    message = {**to_wire(np.zeros(3, np.float32)), "shape": [4]}
    with pytest.raises(ValueError, match=r"shape \(4,\) cannot have 12 bytes"):
        from_wire(message)


def test_an_unknown_type_from_outside_is_refused():
    with pytest.raises(ValueError, match="got 'object'"):
        from_wire({"dtype": "object", "shape": [1], "data": b"\0" * 8})
