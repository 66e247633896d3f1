"""What is wrong with a model, its data or its arguments is said in words."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from latentlens.extract import Pass, plan


@pytest.mark.parametrize("where", ["latent", "logits"])
def test_items_without_a_finite_answer_are_named_in_the_notes(where):
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)

        def forward(self, x):
            bad = x[:, :1] > 100
            hidden = self.first(x)
            hidden = hidden.masked_fill(bad, torch.nan) if where == "latent" else hidden
            scores = self.last(hidden)
            return scores.masked_fill(bad, torch.nan) if where == "logits" else scores

    x = torch.zeros(9, 3)
    x[[4, 7], 0] = 1000.0
    loader = DataLoader(TensorDataset(x, torch.zeros(9, dtype=torch.long)), batch_size=3)
    chosen = plan(Odd(), loader, layer="first")
    record = Pass(chosen).run(progress=False)
    assert any(
        re.search(r"2 items have .* first is row 4\.", note) for note in record.meta["notes"]
    )
    assert len(record) == 9


def test_scores_brought_to_another_device_than_the_latents_are_judged_with_it():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    loader = DataLoader(TensorDataset(torch.ones(4, 3), torch.ones(4, dtype=torch.long)))
    chosen = replace(plan(model, loader, layer="0"), predict=lambda scores: scores.to("meta"))
    # "meta" computes nothing, but refuses another device's tensors as any other does.
    logits, sound = Pass(chosen)._run((torch.ones(2, 3),), {}, np.ones(2, np.int32))
    assert sound.device == logits.device == torch.device("meta")
    assert sound.shape == (2,)


def test_a_masked_class_is_no_fault_of_the_item():
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)

        def forward(self, x):
            scores = self.last(self.first(x))
            return scores.masked_fill(torch.tensor([True, False]), -torch.inf)

    loader = DataLoader(TensorDataset(torch.ones(4, 3), torch.ones(4, dtype=torch.long)))
    record = Pass(plan(Masked(), loader, layer="first")).run(progress=False)
    assert not any("NaN" in note for note in record.meta["notes"])


def test_swapped_arguments_and_wrong_options_are_refused_in_words():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    loader = DataLoader(TensorDataset(torch.ones(4, 3), torch.ones(4, dtype=torch.long)))
    with pytest.raises(TypeError, match="arguments swapped"):
        plan(loader, model)
    with pytest.raises(TypeError, match=r"layer must be a name, a pattern or a module, got 3"):
        plan(model, loader, layer=3)
    with pytest.raises(TypeError, match=r"unpack must return \(args, kwargs, target\).*got list"):
        plan(model, loader, unpack=lambda batch: batch)
    with pytest.raises(TypeError, match=r"unpack must return .*got \(Tensor, dict, Tensor\)"):
        plan(model, loader, unpack=lambda batch: (batch[0], {}, batch[1]))
