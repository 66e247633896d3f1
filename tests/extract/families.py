"""Tiny models of the families that people use, each with the input it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

N_CLASSES = 4


def image(n: int) -> Tensor:
    return torch.rand(n, 1, 8, 8)


def vector(n: int) -> Tensor:
    return torch.randn(n, 6)


def tokens(n: int) -> Tensor:
    return torch.randint(1, 20, (n, 5))


def series(n: int) -> Tensor:
    return torch.randn(n, 7, 3)


class MLP(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(6, 10)
        self.act1 = nn.ReLU()
        self.fc2 = nn.Linear(10, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.act1(self.fc1(x)))


class LeNet(nn.Module):
    """Functional ReLU and dropout between the layers; the output is a log-softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 3, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(3)
        self.fc1 = nn.Linear(48, 9)
        self.fc2 = nn.Linear(9, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 2)
        x = functional.relu(self.fc1(x.flatten(1)))
        x = functional.dropout(x, 0.5, self.training)
        return functional.log_softmax(self.fc2(x), 1)


class VGGLike(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2)
        )
        self.classifier = nn.Sequential(
            nn.Linear(64, 8), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(8, N_CLASSES)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.features(x), 1))


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn(self.conv(x))
        out += x
        return functional.relu(out)


class ResNetLike(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 5, 3, padding=1)
        self.blocks = nn.Sequential(Block(5), Block(5))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(5, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.pool(self.blocks(self.stem(x))).flatten(1))


class FunctionalOnly(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(9, 6))
        self.w2 = nn.Parameter(torch.randn(N_CLASSES, 9))

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(torch.tanh(functional.linear(x, self.w1)), self.w2)


class MatrixProducts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(6, 9))
        self.w2 = nn.Parameter(torch.randn(9, N_CLASSES))
        self.b2 = nn.Parameter(torch.randn(N_CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.w1).relu() @ self.w2 + self.b2


class CalledTwice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(6, 6)
        self.act = nn.ReLU(inplace=True)
        self.head = nn.Linear(6, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.act(self.inner(self.act(self.inner(x)))))


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(self.embed(x)).mean(1))


@dataclass
class Output:
    loss: Tensor | None
    logits: Tensor


class HuggingFaceLike(nn.Module):
    """Takes keyword arguments and gives an output class, its head applied to every token."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        self.norm = nn.LayerNorm(8)
        self.score = nn.Linear(8, N_CLASSES)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Output:
        hidden = functional.gelu(self.norm(self.embed(input_ids)))
        scores = self.score(hidden)
        last = -1 if attention_mask is None else attention_mask.sum(1) - 1
        return Output(None, scores[torch.arange(len(scores)), last])


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 8, batch_first=True)
        self.head = nn.Linear(8, N_CLASSES)

    def forward(self, x: Tensor) -> tuple[Tensor, Any]:
        out, state = self.lstm(x)
        return self.head(out[:, -1]), state


class TimeFirst(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(3, 8)
        self.head = nn.Linear(8, N_CLASSES)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        out, _ = self.rnn(x.transpose(0, 1))
        return {"logits": self.head(out[-1])}


class ConvHead(nn.Module):
    """Like SqueezeNet: a 1x1 convolution makes the scores, ReLU and pooling follow."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3, padding=1)
        self.classifier = nn.Conv2d(6, N_CLASSES, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.conv1(x))
        return functional.relu(self.classifier(x)).mean((2, 3))


class Softmaxed(nn.Module):
    """A hidden layer as wide as the output, and probabilities for scores."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(6, N_CLASSES), nn.Tanh(), nn.Linear(N_CLASSES, N_CLASSES), nn.Softmax(1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class TwoHeads(nn.Module):
    """Which of the two makes the logits?"""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Linear(6, N_CLASSES)
        self.right = nn.Linear(6, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.left(x) + self.right(x.relu())


class Prototypes(nn.Module):
    """No linear layer makes the logits: they are distances to prototypes."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(6, 5)
        self.prototypes = nn.Parameter(torch.randn(N_CLASSES, 5))

    def forward(self, x: Tensor) -> Tensor:
        return -torch.cdist(self.embed(x), self.prototypes)


@dataclass(frozen=True)
class Family:
    """A model, its input, and what is right for it.

    Parameters
    ----------
    make : callable
    sample : callable
        ``n -> input``.
    latent : callable
        ``(model, input) -> latent`` worked out by hand.
    latent_layer : str
    """

    make: Callable[[], nn.Module]
    sample: Callable[[int], Tensor]
    latent: Callable[[Any, Tensor], Tensor]
    latent_layer: str


def nested() -> nn.Sequential:
    return nn.Sequential(
        nn.Sequential(nn.Linear(6, 9), nn.Sequential(nn.ELU(), nn.Linear(9, 7))),
        nn.Sequential(nn.Sigmoid(), nn.Linear(7, N_CLASSES)),
    )


def _lenet_latent(model: LeNet, x: Tensor) -> Tensor:
    x = functional.max_pool2d(model.bn1(model.conv1(x)).relu(), 2)
    return model.fc1(x.flatten(1)).relu()


def _twice_latent(model: CalledTwice, x: Tensor) -> Tensor:
    return model.inner(model.inner(x).relu()).relu()


def _nested_latent(model: nn.Sequential, x: Tensor) -> Tensor:
    return model[1][0](model[0](x))


FAMILIES = {
    "mlp": Family(MLP, vector, lambda m, x: m.fc1(x).relu(), "act1"),
    "lenet": Family(LeNet, image, _lenet_latent, "relu#2"),
    "vgg": Family(
        VGGLike,
        image,
        lambda m, x: m.classifier[0](m.features(x).flatten(1)).relu(),
        "classifier.1",
    ),
    "resnet": Family(ResNetLike, image, lambda m, x: m.blocks(m.stem(x)).mean((2, 3)), "latent"),
    "functional only": Family(FunctionalOnly, vector, lambda m, x: torch.tanh(x @ m.w1.T), "tanh"),
    "matrix products": Family(MatrixProducts, vector, lambda m, x: (x @ m.w1).relu(), "relu"),
    "nested": Family(nested, vector, _nested_latent, "1.0"),
    "called twice": Family(CalledTwice, vector, _twice_latent, "act#2"),
    "transformer": Family(
        Transformer, tokens, lambda m, x: m.encoder(m.embed(x)).mean(1), "latent"
    ),
    "output class": Family(
        HuggingFaceLike,
        tokens,
        lambda m, x: functional.gelu(m.norm(m.embed(x))).amax(1),
        "gelu",
    ),
    "lstm": Family(Recurrent, series, lambda m, x: m.lstm(x)[0][:, -1], "latent"),
    "time first": Family(TimeFirst, series, lambda m, x: m.rnn(x.transpose(0, 1))[0][-1], "latent"),
    "data parallel": Family(
        lambda: nn.DataParallel(MLP()), vector, lambda m, x: m.module.fc1(x).relu(), "act1"
    ),
    "conv head": Family(ConvHead, image, lambda m, x: m.conv1(x).relu().amax((2, 3)), "relu"),
    "softmax": Family(Softmaxed, vector, lambda m, x: m.net[1](m.net[0](x)), "net.1"),
}
"""What people bring, by name."""


def make(name: str) -> nn.Module:
    """Make a family's model, the same each time, with running statistics that are not trivial."""
    torch.manual_seed(0)
    model = FAMILIES[name].make()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    return model
