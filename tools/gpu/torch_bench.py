"""PyTorch's side of the rows of bench.cpp, over the same protocol; `--graph` replays each row as a CUDA graph."""
import math
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

GRAPH = "--graph" in sys.argv
DEVICE = "cpu" if "--cpu" in sys.argv else "cuda"
TYPES = {"f32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
PERIOD = 10_007


def wait():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def data(shape, scale=1.0, step=0.37, dtype=torch.float32):
    count = math.prod(shape)
    one = (scale * torch.sin(step * torch.arange(1, PERIOD + 1, dtype=torch.float64))).float()
    return one.repeat(count // PERIOD + 1)[:count].reshape(shape).to(DEVICE).to(dtype)


def leaf(shape, dtype=torch.float32, scale=1.0, step=0.3):
    return data(shape, scale, step, dtype).requires_grad_()


def classes(n, count):
    return torch.tensor([i * 7 % count for i in range(n)], device=DEVICE)


def checks_of(x):
    x = x.detach().double()
    return [x.mean().item(), (x * x).mean().item()]


class Row:
    def __init__(self, body, checks=(), graph=True):
        self.body, self.checks = body, list(checks)
        if GRAPH:
            if not graph:
                raise RuntimeError("not captured")
            side = torch.cuda.Stream()
            with torch.cuda.stream(side):
                for _ in range(3):
                    body()
            torch.cuda.current_stream().wait_stream(side)
            recorded = torch.cuda.CUDAGraph()
            with torch.cuda.graph(recorded):
                body()
            self.body = recorded.replay

    def block(self, n):
        wait()
        begin = time.perf_counter()
        for _ in range(n):
            self.body()
        wait()
        return time.perf_counter() - begin


def result_of(body):
    def unrecorded():
        with torch.no_grad():
            return body()
    return Row(unrecorded, checks_of(unrecorded()))


def gradients_of(body, leaves):
    one = torch.ones_like(body())

    def step():
        for x in leaves:
            x.grad = None
        body().backward(one)
    step()
    return Row(step, checks_of(leaves[0].grad))


class Enqueued(Row):
    """What a call costs the host."""

    def block(self, n):
        seconds = 0.0
        with torch.no_grad():
            for done in range(0, n, 500):
                wait()
                begin = time.perf_counter()
                for _ in range(min(500, n - done)):
                    self.body()
                seconds += time.perf_counter() - begin
        wait()
        return seconds


def eight(x, b):
    return torch.sigmoid(torch.relu(x * 1.5 + b) * 0.7 - 0.1) * x + b


# ---- networks ----

class Mlp(nn.Module):
    def __init__(self, *widths):
        super().__init__()
        self.layers = [nn.Linear(a, b) for a, b in zip(widths, widths[1:])]
        for i, layer in enumerate(self.layers):
            self.add_module(f"layer{i}", layer)

    def forward(self, x):
        x = self.layers[0](x)
        for layer in self.layers[1:]:
            x = layer(torch.relu(x))
        return x


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = F.max_pool2d(torch.relu(self.conv2(x)), 2)
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x.flatten(1))))))


class Block(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.Conv2d(b, b, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(b), nn.BatchNorm2d(b)
        self.changes = a != b or stride != 1
        if self.changes:
            self.shortcut, self.shortcut_bn = nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b)

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (self.shortcut_bn(self.shortcut(x)) if self.changes else x))


class ResNet18(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64)
        self.fc = nn.Linear(512, 10)
        self.blocks, a = [], 64
        for i in range(8):
            b = 64 << i // 2
            self.blocks.append(Block(a, b, 2 if i > 0 and i % 2 == 0 else 1))
            self.add_module(f"block{i}", self.blocks[-1])
            a = b

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        for block in self.blocks:
            x = block(x)
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


class GptBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.mix(self.norm1(x)).view(b, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        y = x + self.project(seen.transpose(1, 2).reshape(b, t, c))
        return y + self.narrow(F.gelu(self.widen(self.norm2(y))))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.letters, self.places = nn.Embedding(1024, 256), nn.Embedding(128, 256)
        self.norm, self.head = nn.LayerNorm(256), nn.Linear(256, 1024)
        self.blocks = []
        for i in range(4):
            self.blocks.append(GptBlock(256, 4))
            self.add_module(f"block{i}", self.blocks[-1])
        self.order = torch.arange(128, device=DEVICE)

    def forward(self, numbers):
        x = self.letters(numbers) + self.places(self.order)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def set_parameters(net):
    step = 0.7
    with torch.no_grad():
        for name, value in net.named_parameters():
            matrix = value.dim() > 1
            if not matrix and not name.endswith("bias"):
                continue
            fan = value.numel() / value.shape[0] if matrix else 1e4
            step += 0.11
            value.copy_(data(value.shape, 2 / math.sqrt(fan), step))


def training(net, optimizer, inputs, targets, compared=5):
    net.to(DEVICE)
    set_parameters(net)
    optimizer = optimizer(net.parameters())

    def step():
        scores = net(inputs)
        loss = F.cross_entropy(scores.view(-1, scores.shape[-1]), targets)
        optimizer.zero_grad(set_to_none=not GRAPH)
        loss.backward()
        optimizer.step()
        return loss
    losses = [step().item() for _ in range(5)]
    return Row(step, [losses[0], losses[compared - 1]])


def sgd(lr, momentum=0.0):
    return lambda p: torch.optim.SGD(p, lr, momentum)


def adam(p):
    return torch.optim.Adam(p, 1e-3, capturable=GRAPH)


def text():
    numbers = [i * 7 % 1021 for i in range(8 * 128 + 1)]
    return (torch.tensor(numbers[:-1], device=DEVICE).view(8, 128), torch.tensor(numbers[1:], device=DEVICE))


# ---- rows ----

def rows():
    table = {}
    for name, dtype in TYPES.items():
        for n in (1024, 4096, 8192):
            def gemm(n=n, dtype=dtype):
                a, b = data((n, n), 1, .3, dtype), data((n, n), .01, .7, dtype)
                return result_of(lambda: a @ b)
            table[f"gemm_{n}_{name}"] = gemm

        def linear(dtype=dtype):
            x, w, b = data((4096, 4096), 1, .3, dtype), data((4096, 4096), .01, .7, dtype), data((4096,), 1, .5, dtype)
            return result_of(lambda: F.linear(x, w, b))
        table[f"linear_4096_{name}"] = linear

        def skinny(dtype=dtype):
            x, w = data((16, 4096), 1, .3, dtype), data((4096, 4096), .01, .7, dtype)
            return result_of(lambda: F.linear(x, w))
        table[f"gemm_16x4096x4096_{name}"] = skinny

        def bmm(dtype=dtype):
            a, b = data((64, 512, 64), 1, .3, dtype), data((64, 64, 512), .1, .7, dtype)
            return result_of(lambda: a @ b)
        table[f"bmm_64x512_{name}"] = bmm

        for label, c, size, out, kernel, stride, padding in (
                ("stem7x7", 3, 224, 64, 7, 2, 3), ("64x56_3x3", 64, 56, 64, 3, 1, 1),
                ("128x28_3x3", 128, 28, 128, 3, 1, 1), ("256x14_3x3", 256, 14, 256, 3, 1, 1),
                ("512x7_3x3", 512, 7, 512, 3, 1, 1), ("256x56_1x1", 256, 56, 64, 1, 1, 0)):
            def conv(c=c, size=size, out=out, kernel=kernel, stride=stride, padding=padding, dtype=dtype):
                x, w = data((64, c, size, size), 1, .37, dtype), data((out, c, kernel, kernel), .05, .7, dtype)
                return result_of(lambda: F.conv2d(x, w, None, stride, padding))
            table[f"conv_{label}_{name}"] = conv

            def conv_grad(c=c, size=size, out=out, kernel=kernel, stride=stride, padding=padding, dtype=dtype):
                x, w = leaf((64, c, size, size), dtype), leaf((out, c, kernel, kernel), dtype, .05, .7)
                return gradients_of(lambda: F.conv2d(x, w, None, stride, padding), [x, w])
            table[f"conv_grad_{label}_{name}"] = conv_grad

    def pair(shape, dtype=torch.float32):
        return data(shape, 1, .3, dtype), data(shape, 1, .5, dtype)

    def one(f, shape, scale=1.0):
        def make():
            x = data(shape, scale)
            return result_of(lambda: f(x))
        return make

    def two(f, shape, dtype=torch.float32):
        def make():
            a, b = pair(shape, dtype)
            return result_of(lambda: f(a, b))
        return make

    for name, count in (("64MB", 1 << 24), ("256MB", 1 << 26)):
        for op, f in (("copy", torch.clone), ("relu", torch.relu), ("exp", torch.exp), ("gelu", F.gelu)):
            table[f"{op}_{name}"] = one(f, (count,))
        table[f"add_{name}"] = two(torch.add, (count,))
        table[f"eight_{name}"] = two(eight, (count,))
        table[f"program_eight_{name}"] = two(eight, (count,))
    many = (16384, 1024)
    table["add_bf16_64MB"] = two(torch.add, (1 << 25,), torch.bfloat16)
    table["sum_all"] = one(torch.sum, many)
    table["sum_rows"] = one(lambda x: x.sum(1), many)
    table["sum_columns"] = one(lambda x: x.sum(0), many)
    table["argmax_rows"] = one(lambda x: x.argmax(1).float(), many)

    def bias_add():
        x, b = data(many), data((1024,), 1, .5)
        return result_of(lambda: x + b)
    table["bias_add"] = bias_add

    def transposed():
        x = data((8192, 8192)).t()
        return result_of(x.contiguous)
    table["transposed_copy"] = transposed

    for label, shape in (("_8192x4096", (8192, 4096)), ("_16384x1024", many)):
        table["softmax" + label] = one(lambda x: torch.softmax(x, 1), shape, 3)
        table["log_softmax" + label] = one(lambda x: torch.log_softmax(x, 1), shape, 3)

        def layer_norm(shape=shape):
            x, w, b = data(shape), data(shape[1:], 1, .5), data(shape[1:], 1, .7)
            return result_of(lambda: F.layer_norm(x, shape[1:], w, b))
        table["layer_norm" + label] = layer_norm

        def layer_norm_grad(shape=shape):
            x, w, b = leaf(shape), leaf(shape[1:]), leaf(shape[1:])
            return gradients_of(lambda: F.layer_norm(x, shape[1:], w, b), [x, w, b])
        table["layer_norm_grad" + label] = layer_norm_grad

        def softmax_grad(shape=shape):
            x = leaf(shape, torch.float32, 3)
            return gradients_of(lambda: torch.softmax(x, 1), [x])
        table["softmax_grad" + label] = softmax_grad

    def batch_norm():
        x, w, b = leaf((64, 256, 28, 28)), leaf((256,)), leaf((256,))
        return gradients_of(lambda: F.batch_norm(x, None, None, w, b, True), [x, w, b])
    table["batch_norm_train"] = batch_norm

    def cross_entropy():
        x, y = leaf((8192, 4096), torch.float32, 3), classes(8192, 4093)
        return gradients_of(lambda: F.cross_entropy(x, y), [x])
    table["cross_entropy_grad"] = cross_entropy

    def max_pool():
        x = leaf((64, 64, 112, 112))
        return gradients_of(lambda: F.max_pool2d(x, 2), [x])
    table["max_pool_grad"] = max_pool

    def embedding():
        weight, at = leaf((50000, 512)), classes(16384, 49999)
        return gradients_of(lambda: F.embedding(at, weight), [weight])
    table["embedding_grad"] = embedding

    def adam_step():
        parameters = [leaf((1024, 1024)) for _ in range(32)]
        for p in parameters:
            p.grad = data((1024, 1024), .1, .7)
        return Row(adam(parameters).step)
    table["adam_step"] = adam_step

    def host_add():
        a, b = pair((1024,))
        return Enqueued(lambda: a + b, checks_of(a + b), graph=False)
    table["host_add"] = host_add

    images, tiny = data((64, 784)), data((16, 8))
    table["tiny_sgd"] = lambda: training(Mlp(8, 16, 16, 4), sgd(.1), tiny, classes(16, 4))
    table["tiny_adam"] = lambda: training(Mlp(8, 16, 16, 4), adam, tiny, classes(16, 4))
    table["mlp_train"] = lambda: training(Mlp(784, 512, 512, 10), sgd(.1), images, classes(64, 10))
    table["mlp_adam"] = lambda: training(Mlp(784, 512, 512, 10), adam, images, classes(64, 10))
    table["lenet_train"] = lambda: training(LeNet(), sgd(.02, .9), data((64, 1, 28, 28)), classes(64, 10))
    table["resnet_cifar_train_b64"] = lambda: training(ResNet18(), sgd(.01, .9), data((64, 3, 32, 32)),
                                                       classes(64, 10), 2)
    table["gpt_train_b8"] = lambda: training(Gpt(), adam, *text())
    return table


class Server:
    def __init__(self):
        self.rows, self.name, self.row, self.count = rows(), None, None, 1

    def answer(self, name, seconds):
        if name not in self.rows:
            return "absent"
        if name != self.name:
            self.row, self.name = None, None
            allowed = name.endswith("_tf32")
            torch.backends.cuda.matmul.allow_tf32 = allowed
            torch.backends.cudnn.allow_tf32 = allowed
            self.row = self.rows[name]()
            self.name = name
            self.count = self.calibrated(seconds)
        slices = max(1, min(self.count, round(seconds / 2e-3)))
        share = self.count // slices
        taken = sorted(self.row.block(share) / share * 1e9 for _ in range(slices))
        return " ".join(f"{x:.9g}" for x in [taken[len(taken) // 2], *self.row.checks])

    def calibrated(self, seconds):
        n, taken = 1, self.row.block(1)
        if taken < seconds:
            taken = self.row.block(1)
        while taken < seconds / 4:
            n *= max(2, min(16, int(seconds / 2 / taken)))
            taken = self.row.block(n)
        return max(1, int(n * seconds / taken))


def main():
    server = Server()
    for line in sys.stdin:
        name, seconds = line.split()
        try:
            print(server.answer(name, float(seconds)), flush=True)
        except Exception as e:  # the row's failure is its answer
            server.name = None
            print("error", type(e).__name__, str(e).replace("\n", " ")[:200], flush=True)


main()
