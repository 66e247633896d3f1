"""A pass that is interrupted in its data: what the lens says, and how it goes on."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from latentlens import LatentLens
from tests.browser.network import classifier, loader

N = 120


class Breaks:
    """Batches of 20 that begin anew each time, and break off the first time after three.

    Parameters
    ----------
    batches : list
    error : type
    then : list, optional
        What it gives the next time, if not the same.
    """

    def __init__(self, batches, error=KeyboardInterrupt, then=None):
        self.now, self.then, self.error = batches, batches if then is None else then, error

    def __iter__(self):
        error, now = self.error, self.now
        self.error, self.now = None, self.then
        for at, batch in enumerate(now):
            if at == 3 and error is not None:
                raise error
            yield batch


class BreaksOnce:
    """An iterator that breaks off after three batches and gives the rest when asked again."""

    def __init__(self, batches):
        self.batches, self.at, self.broke = batches, 0, False

    def __iter__(self):
        return self

    def __next__(self):
        if self.at == 3 and not self.broke:
            self.broke = True
            raise KeyboardInterrupt
        if self.at == len(self.batches):
            raise StopIteration
        self.at += 1
        return self.batches[self.at - 1]


@pytest.fixture
def model():
    return classifier()


@pytest.fixture
def batches(model):
    return list(loader(model, N))


@pytest.fixture
def whole(model, batches):
    return LatentLens(model, batches).run(progress=False).record


def interrupted(model, data):
    lens = LatentLens(model, data)
    with pytest.raises(KeyboardInterrupt):
        lens.run(progress=False)
    return lens


@pytest.mark.parametrize("make", [Breaks, BreaksOnce])
@pytest.mark.parametrize("ask", [lambda lens: lens.run(progress=False), lambda lens: lens.frame])
def test_an_interrupted_pass_counts_every_item_once(model, batches, whole, make, ask):
    lens = interrupted(model, make(batches))
    ask(lens)
    assert lens.status == "ready"
    np.testing.assert_array_equal(lens.record.label, whole.label)
    np.testing.assert_array_equal(lens.record.latent, whole.latent)
    np.testing.assert_array_equal(lens.record.cell_count, whole.cell_count)


def test_a_failed_pass_counts_every_item_once(model, batches, whole):
    lens = LatentLens(model, Breaks(batches, OSError("the disk is away")))
    with pytest.raises(OSError, match="disk is away"):
        lens.run(progress=False)
    assert repr(lens).endswith("failed at 60 items)")
    lens.run(progress=False)
    np.testing.assert_array_equal(lens.record.latent, whole.latent)


def test_batches_of_another_size_are_not_taken_for_those_that_were_read(model, batches):
    x, label = (torch.cat(part).split(50) for part in zip(*batches, strict=True))
    of_50 = list(zip(x, label, strict=True))
    lens = interrupted(model, Breaks(batches, then=of_50))
    with pytest.raises(ValueError, match=r"behind the 60 items.*now part at 50 and 100"):
        lens.run(progress=False)


def test_fewer_batches_than_were_read_are_refused(model, batches):
    lens = interrupted(model, Breaks(batches, then=batches[:2]))
    with pytest.raises(ValueError, match=r"behind the 60 items.*now ends after 40"):
        lens.run(progress=False)


def test_batches_in_another_order_are_refused_by_their_labels(model, batches):
    lens = interrupted(model, Breaks(batches, then=batches[::-1]))
    with pytest.raises(ValueError, match=r"labels from item 0 on are now others.*not shuffle"):
        lens.run(progress=False)


def test_a_generator_that_an_interrupt_ended_is_not_taken_for_the_whole(model, batches):
    lens = interrupted(model, iter(Breaks(batches)))
    with pytest.raises(ValueError, match=r"broke off after 60 items, and as a generator it gives"):
        lens.run(progress=False)
    assert len(lens.record) == 60


def test_an_interrupted_lens_says_that_it_stopped_and_where(model, batches):
    lens = interrupted(model, Breaks(batches))
    assert lens.status == "stopped"
    assert repr(lens) == "LatentLens(Sequential, stopped at 60 items)"


def test_where_the_length_is_known_it_stands_beside(model):
    data = loader(model, N)
    data.dataset.broken = 70
    lens = LatentLens(model, data)
    with pytest.raises(OSError, match="picture 70"):
        lens.run(progress=False)
    assert repr(lens).endswith("failed at 60 of 120 items)")


def without_a_finite_answer(n_bad):
    class Odd(nn.Sequential):
        def forward(self, x):
            return super().forward(x).masked_fill(x[:, :1] > 100, torch.nan)

    x = torch.rand(9, 3, generator=torch.Generator().manual_seed(0))
    x[4 : 4 + n_bad] = 1000.0
    data = DataLoader(TensorDataset(x, torch.arange(9) % 2), batch_size=3)
    torch.manual_seed(0)
    return LatentLens(Odd(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), data)


def test_a_script_is_warned_of_items_without_a_finite_answer_where_it_runs():
    lens = without_a_finite_answer(2)
    with pytest.warns(UserWarning, match="2 items have .* first is row 4") as told:
        lens.run(progress=False)
    assert [each.filename for each in told] == [__file__]
    assert str(told[0].message) in lens.about["notes"]
    lens.run(progress=False)  # Nothing more is said, or this would be an error.


def test_a_script_is_warned_wherever_the_pass_begins():
    lens = without_a_finite_answer(1)
    with pytest.warns(UserWarning, match="1 item has") as told:
        _ = lens.frame
    assert [each.filename for each in told] == [__file__]


def test_a_script_is_not_warned_of_what_its_numbers_do_not_hang_on(model):
    lens = LatentLens(model, DataLoader(loader(model, N).dataset, batch_size=20, shuffle=True))
    lens.run(progress=False)
    assert any("shuffles" in note for note in lens.about["notes"])
