"""The models that are trained, as tests/golden/models.cpp has them: same names, same shapes.
Weights and data are sequences of the formula."""

import torch
import torch.nn.functional as F
from torch import nn

import formula

BATCHES = 2  # they take turns


def fill(module):
    """Each parameter by its name: matrices in +-2^-k with 4^k >= fan-in, gains around 1, biases around 0."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            lo, hi = bounds(name, list(parameter.shape))
            values = sequence(name, parameter.shape, lo, hi)
            parameter.copy_(values.to(parameter.dtype))
    return module


def bounds(name, shape):
    if len(shape) > 1:
        fan_in, bound = 1, 1.0
        for size in shape[1:]:
            fan_in *= size
        while bound * bound * fan_in > 1:
            bound /= 2
        return -bound, bound
    return (0.5, 1.5) if name.endswith("weight") else (-0.125, 0.125)


def sequence(name, shape, lo, hi):
    seed, count = formula.seed_of(name), torch.Size(shape).numel()
    values = [formula.real(seed, i, lo, hi) for i in range(count)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def classes(name, count, limit):
    seed = formula.seed_of(name)
    return torch.tensor([formula.integer(seed, i, 0, limit) for i in range(count)])


class Task:
    """A module, and the loss of a batch."""

    def __init__(self, module, inputs, targets, loss):
        self.module, self.inputs, self.targets, self.loss_of = fill(module), inputs, targets, loss

    def loss(self, step, dtype):
        x = self.inputs(step % BATCHES)
        y = self.targets(step % BATCHES)
        x, y = (t.to(dtype) if t.is_floating_point() else t for t in (x, y))
        return self.loss_of(self.module(x), y)


def images(*shape):
    return lambda k: sequence(f"images/{k}", shape, -1, 1)


def labels(count, limit):
    return lambda k: classes(f"labels/{k}", count, limit)


def mlp():
    net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 4))
    return Task(net, images(8, 8), labels(8, 4), F.cross_entropy)


def regression():
    net = nn.Sequential(nn.Linear(6, 10), nn.Sigmoid(), nn.Linear(10, 2))
    return Task(net, images(8, 6), lambda k: sequence(f"targets/{k}", (8, 2), -1, 1), F.mse_loss)


def lenet():
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32, 16),
        nn.Tanh(),
        nn.Linear(16, 4),
    )
    return Task(net, images(4, 1, 8, 8), labels(4, 4), F.cross_entropy)


class Residual(nn.Module):
    def __init__(self, inside, outside, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(
            outside
        )
        self.conv2, self.bn2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(
            outside
        )
        self.skip, self.bn3 = nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(
            outside
        )

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.bn3(self.skip(x)))


def resnet():
    net = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        Residual(4, 4, 1),
        Residual(4, 8, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 4),
    )
    return Task(net, images(6, 2, 6, 6), labels(6, 4), F.cross_entropy)


class Block(nn.Module):
    """A transformer block that norms first; causal attention of two heads."""

    def __init__(self, width):
        super().__init__()
        self.norm1, self.qkv, self.out = (
            nn.LayerNorm(width),
            nn.Linear(width, 3 * width),
            nn.Linear(width, width),
        )
        self.norm2, self.up, self.down = (
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.Linear(2 * width, width),
        )

    def forward(self, x):
        batch, time, width = x.shape
        q, k, v = (
            self.qkv(self.norm1(x))
            .view(batch, time, 3, 2, width // 2)
            .permute(2, 0, 3, 1, 4)
            .unbind(0)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, time, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Language(nn.Module):
    def __init__(self, tokens=11, width=8, time=6):
        super().__init__()
        self.token, self.place = nn.Embedding(tokens, width), nn.Embedding(time, width)
        self.block, self.norm, self.head = (
            Block(width),
            nn.LayerNorm(width),
            nn.Linear(width, tokens, bias=False),
        )

    def forward(self, x):
        places = torch.arange(x.shape[1])
        return self.head(self.norm(self.block(self.token(x) + self.place(places)))).flatten(0, 1)


def transformer():
    return Task(
        Language(),
        lambda k: classes(f"tokens/{k}", 18, 11).view(3, 6),
        labels(18, 11),
        F.cross_entropy,
    )


class Recurrent(nn.Module):
    """A recurrent layer, its last output to a linear one."""

    def __init__(self, layer):
        super().__init__()
        self.rnn, self.out = layer, nn.Linear(6 * (2 if layer.bidirectional else 1), 3)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])


def recurrent(kind, **options):
    net = Recurrent(kind(4, 6, batch_first=True, **options))
    return Task(net, images(4, 5, 4), labels(4, 3), F.cross_entropy)


class Encoder(nn.Module):
    """PyTorch's own encoder layer, with its multi-head attention."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(
            8, 2, 16, dropout=0.0, activation="gelu", batch_first=True
        )
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return self.out(self.layer(x).mean(1))


MODELS = {
    "mlp": mlp,
    "regression": regression,
    "lenet": lenet,
    "resnet": resnet,
    "transformer": transformer,
    "lstm": lambda: recurrent(nn.LSTM),
    "gru": lambda: recurrent(nn.GRU),
    "rnn": lambda: recurrent(nn.RNN),
    "deep_lstm": lambda: recurrent(nn.LSTM, num_layers=2, bidirectional=True),
    "encoder": lambda: Task(Encoder(), images(3, 5, 8), labels(3, 3), F.cross_entropy),
}
