"""What a lens shows after a pass that stopped before its end, and after the rest of it."""

import asyncio

import numpy as np
import pytest
from torch.utils.data import DataLoader, SubsetRandomSampler

from latentlens import LatentLens
from tests.browser.network import classifier, loader

AGE = np.arange(100, 220)


@pytest.fixture
def model():
    return classifier()


def broken_lens(model, data):
    """Make a lens whose data cannot be read from row 70 on: three batches of 20 are."""
    lens = LatentLens(model, data, metadata={"age": AGE}, sampler="random")
    with pytest.raises(OSError, match="picture 70 cannot be read"):
        lens.run(progress=False)
    return lens


def test_an_error_in_the_data_leaves_the_metadata_of_what_was_read(model):
    lens = broken_lens(model, loader(model, 120, broken=70))
    assert lens.status == "failed"
    assert "picture 70 cannot be read" in lens.error
    assert lens.frame["age"].tolist() == AGE[:60].tolist()


def test_of_a_stream_that_breaks_the_first_rows_of_the_metadata_are_taken(model):
    lens = broken_lens(model, iter(loader(model, 120, broken=70)))
    assert lens.status == "failed"
    assert lens.frame["age"].tolist() == AGE[:60].tolist()


def test_the_part_of_a_loader_that_reads_a_part_keeps_to_the_positions_of_its_items(model):
    items = loader(model, 120).dataset
    some = DataLoader(items, batch_size=20, sampler=SubsetRandomSampler(range(30, 120)))
    lens = LatentLens(model, some, metadata={"age": AGE}, sampler="random")
    items.broken = 70
    with pytest.raises(OSError, match="picture 70"):
        lens.run(progress=False)
    assert lens.frame["age"].tolist() == AGE[30:70].tolist()


def test_a_cancelled_pass_keeps_the_metadata_of_what_was_read(model):
    async def stop_after_a_slice():
        lens = LatentLens(model, loader(model, 120), metadata={"age": AGE}, sampler="random")
        lens._begin()
        next(lens._conductor._jobs["pass"].steps)
        next(lens._conductor._jobs["pass"].steps)
        lens.cancel()
        return lens

    lens = asyncio.run(stop_after_a_slice())
    assert lens.status == "stopped"
    assert lens.frame["age"].tolist() == AGE[: len(lens.frame)].tolist()
    assert 0 < len(lens.frame) < 120


def test_the_whole_has_all_its_metadata_and_a_trust_of_its_own(model):
    data = loader(model, 120, broken=70)
    lens = broken_lens(model, data)
    assert len(lens.trust) == 60
    data.dataset.broken = -1
    lens.run(progress=False)
    assert lens.frame["age"].tolist() == AGE.tolist()
    assert len(lens.trust) == 120
    assert len(lens.find("kept >= 0")) == 120


def test_a_part_that_was_saved_comes_back_with_its_model(model, tmp_path):
    lens = broken_lens(model, loader(model, 120, broken=70))
    path = lens.save(tmp_path / "part.lens")
    again = LatentLens.load(path, model, loader(model, 120))
    assert again.frame["age"].tolist() == AGE[:60].tolist()
