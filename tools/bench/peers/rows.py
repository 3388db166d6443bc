"""Which rows there are, beside whom, and what ratio of times (ours / theirs) is the target and the goal."""
import dataclasses

DEFAULT, TUNED, PYPI = "libtorch default", "libtorch tuned", "PyPI libtorch tuned"
PYTHON = "PyPI python"
OPENBLAS, ONEDNN, FUSED = "OpenBLAS", "oneDNN", "hand-fused loop"
ONE_THREAD, LIMIT = "Tenon, 1 thread", "limit"
TORCH = (DEFAULT, TUNED, PYPI)


@dataclasses.dataclass
class Row:
    """One line of the programs; `beside` maps a peer to (target, goal). A `limit` is an absolute one,
    in nanoseconds or MB: (limit, goal)."""
    section: str
    label: str
    key: str
    threads: int
    beside: dict
    kind: str = "block"  # "block", or "start", "memory", "peak": see run
    quick: bool = True
    limit: tuple = None
    steps: int = 0       # of a "peak" row

    def name(self):
        return f"{self.label}, {self.threads} thread{'s' if self.threads > 1 else ''}"


def torch(target, goal):
    return dict.fromkeys(TORCH, (target, goal))


def overhead_rows():
    """16-element tensors: what a call costs. Label, key, target, goal."""
    table = [
        ("empty(16)", "empty", 1 / 4, 1 / 8),
        ("a + b, 16 elements", "add", 0.25, 0.125),
        ("a + b, recording switched off", "add_unrecorded", 1 / 4, 1 / 7),
        ("a + b, with gradient", "add_grad", 0.25, 0.125),
        ("add_out", "add_out", 1 / 4, 1 / 10),
        ("a + 1.5", "add_scalar", 0.2, 0.08),
        ("a.mul_(1.0)", "mul_scalar_", 0.2, 0.08),
        ("view", "view", 1 / 4, 1 / 6.5),
        ("view, with gradient", "view_grad", 1 / 4, 1 / 6.5),
        ("x[:,1]", "column", 0.2, 0.08),
        ("select", "select", 0.2, 0.08),
        ("transpose", "transpose", 0.2, 0.08),
        ("sum()", "sum", 1 / 4, 1 / 12),
        ("item()", "item", 1 / 4, 1 / 7),
        ("tensor({1,2,3})", "literal", 1 / 4, 1 / 25),
        ("mm 8x8", "mm_8", 1 / 4, 1 / 4.5),
        ("mm 8x8, with gradient", "mm_8_grad", 1 / 4, 1 / 6),
        ("mm 64x64", "mm_64", 1 / 0.97, 1 / 1.1),
        ("bmm 16x8x8", "bmm_16x8", 1 / 4, 1 / 9),
        ("softmax 16x16", "softmax_16", 1 / 4, 1 / 5),
        ("layer_norm 16x16", "layer_norm_16", 1 / 4, 1 / 12),
        ("cat of two 16x16", "cat_16", 1 / 4, 1 / 5),
        ("clone 16x16", "clone_16", 1 / 4, 1 / 5),
        ("(g*b).sum().backward()", "mul_sum_backward", 0.2, 0.1),
        ("10 muls, sum, backward", "ten_muls_backward", 1 / 4, 1 / 10),
        ("MLP 8-16-16-4 forward, with gradient", "tiny_forward_grad", 1 / 4, 1 / 10),
        ("MLP 8-16-16-4 forward", "tiny_forward", 1 / 4, 1 / 10),
        ("MLP 8-16-16-4 step, SGD", "tiny_sgd", 0.2, 0.08),
        ("MLP 8-16-16-4 step, Adam", "tiny_adam", 1 / 5, 1 / 15),
    ]
    return [Row("Calls", label, key, 1, torch(target, goal)) for label, key, target, goal in table]


def pointwise_rows(threads):
    """Large operations: label, key, target, goal."""
    wall, corner = 1.10, 0.35
    table = [
        ("add 1e6", "add_1e6", wall, 1.0),
        ("relu 1e6", "relu_1e6", wall, 1.0),
        ("clone 1e6", "clone_1e6", wall, 1.0),
        ("sum 1e6", "sum_1e6", wall, 1.0),
        ("a * 1.5 1e6", "mul_scalar_1e6", 1 / 0.95, 1.0),
        ("add_ 1e6", "add_in_place_1e6", 1 / 0.95, 1.0),
        ("relu_ 1e6", "relu_in_place_1e6", 1 / 0.95, 1.0),
        ("exp 1e6", "exp_1e6", 1.0, 1 / 1.2),
        ("sigmoid 1e6", "sigmoid_1e6", 1.0, 1 / 1.4),
        ("log 1e6", "log_1e6", 1.0, 1 / 1.7),
        ("tanh 1e6", "tanh_1e6", corner, 1 / 5),
        ("gelu(erf) 1e6", "gelu_1e6", 0.65, 1 / 1.8),
        ("gelu(tanh) 1e6", "gelu_tanh_1e6", corner, 1 / 5),
        ("where(a > 0, a, b) 1e6", "where_1e6", corner, 1 / 9.5),
        ("argmax 1e6", "argmax_1e6", corner, 1 / 9),
        ("normal_ 1e6", "normal_1e6", corner, 1 / 6),
        ("max pool 2x2, 16x64x56x56", "max_pool", corner, 1 / 10),
        ("a + a.t() 1024x1024", "transposed_add", corner, 1 / 10),
        ("a.t().contiguous() 1024x1024", "transposed_copy", 1.0, 1 / 2.4),
        ("sum(dim 0) 1024x1024", "sum_dim0", 1 / 0.95, 1.0),
        ("sum(dim 1) 1024x1024", "sum_dim1", 1 / 0.95, 1.0),
        ("max(dim 1) 1024x1024", "max_dim1", 1 / 2, 1 / 3),
        ("softmax 1024x1024", "softmax", 1.0, 1 / 1.7),
        ("log_softmax 1024x1024", "log_softmax", 1.0, 1 / 1.7),
        ("layer_norm 1024x1024", "layer_norm", 1.0, 1 / 1.65),
        ("embedding 4096x256", "embedding", 1.0, 1 / 1.3),
        ("batch_norm in training, 16x64x56x56", "batch_norm_train", 1.0, 1 / 2),
        ("batch_norm in evaluation, same", "batch_norm_eval", 1 / 0.95, 1.0),
        ("gelu(tanh) of 8 operations 1e7", "gelu_of_parts_1e7", 1 / 4, 1 / 7),
        ("exp 1e7", "exp_1e7", 1.0, 1 / 1.8),
    ]
    slow = ("where_1e6", "normal_1e6", "gelu_of_parts_1e7", "transposed_add")
    rows = [Row("Pointwise and reductions", label, key, threads, torch(target, goal),
                quick=threads == 1 or key not in slow)
            for label, key, target, goal in table]
    for op in ("add", "relu", "clone", "sum"):
        beside = torch(1 / 0.95, 1.0)
        beside[DEFAULT] = (0.9, 1 / 3.7)
        rows.append(Row("Pointwise and reductions", f"{op} 1e7", f"{op}_1e7", threads, beside))
    return rows


def chain_rows(threads):
    rows = []
    for size in ("1e3", "1e5", "1e6", "1e7"):
        for label, key in (("chain of 8", "chain"), ("chain of 8, edited in place", "chain_in_place"),
                           ("chain of 8, forward and backward", "chain_backward")):
            quick = key == "chain" or (key == "chain_backward" and size == "1e6" and threads == 1)
            rows.append(Row("Chains, operation by operation", f"{label}, {size}", f"{key}_{size}",
                            threads, torch(1 / 4, 1 / 7), quick=quick))
    return rows


def program_rows():
    """Given to the plugin as one program, beside a loop written by hand."""
    section = "Chains as one program"
    rows = [Row(section, "a + b on 16 elements, inside the plugin", "program_add_16", 1, {},
                limit=(20, 10))]
    for size in ("1e3", "1e4", "1e5", "1e6", "1e7"):
        target = 1.35 if size == "1e7" else 1.2
        rows.append(Row(section, f"program of 8, {size}", f"program_chain_{size}", 1,
                        {FUSED: (target, 1.05)}))
    return rows


PRODUCTS = ("8x8x8 16x16x16 32x32x32 64x64x64 128x128x128 256x256x256 512x512x512 1024x1024x1024 "
            "2048x2048x2048 64x784x128 64x784x512 64x512x10 512x3072x768 1024x256x768 1024x1024x256 "
            "1x768x3072").split()
SKINNY = ("64x784x128", "64x784x512", "64x512x10", "1x768x3072")
CONVOLUTIONS = ("1x28_6_5x5 6x14_16_5x5 3x224_64_7x7s2 64x56_64_3x3 64x56_128_3x3s2 128x28_128_3x3 "
                "256x14_256_3x3 512x7_512_3x3 64x56_128_1x1s2 256x56_64_1x1 64x32_64_3x3").split()


def product_rows(threads):
    rows = []
    for shape in PRODUCTS:
        beside = dict.fromkeys((*TORCH, OPENBLAS, ONEDNN),
                               (1 / 0.97, 1 / 1.4 if shape in SKINNY else 1 / 1.15))
        for form, suffix in (("", ""), (" by a transposed matrix", "_nt")):
            quick = suffix == "" and shape in ("64x64x64", "256x256x256", "512x512x512", "64x784x512")
            rows.append(Row("Matrix products", f"mm {shape}{form}", f"mm_{shape}{suffix}", threads,
                            beside, quick=quick))
    return rows


def convolution_rows(threads):
    beside = dict.fromkeys((*TORCH, OPENBLAS, ONEDNN), (1 / 0.8, 1 / 1.3))
    quick = {("1x28_6_5x5", 16), ("64x32_64_3x3", 16), ("64x56_64_3x3", 1), ("256x56_64_1x1", 1)}
    return [Row("Convolutions, forward", f"conv {shape.replace('_', ' ')}, batch {batch}",
                f"conv_{shape}_b{batch}", threads, beside, quick=(shape, batch) in quick)
            for shape in CONVOLUTIONS for batch in (1, 16)]


def model_rows(threads):
    two = threads == 2
    resnet = (1 / 0.8, 1 / 1.35)
    table = [  # label, key, target, goal, quick
        ("train MLP 784-512-512-10, batch 64, SGD", "mlp_train",
         0.9 if two else 1 / 1.1, 0.65 if two else 1 / 1.5, True),
        ("infer same, batch 64", "mlp_infer_b64", 1 / 1.1, 1 / 1.5, True),
        ("infer same, batch 1", "mlp_infer_b1", *((1 / 1.1, 1 / 2.5) if two else (1 / 0.95, 1.0)),
         True),
        ("train LeNet-5, batch 64, SGD with momentum", "lenet_train",
         0.7 if two else 1 / 1.5, 0.45 if two else 1 / 2.2, True),
        ("infer LeNet-5, batch 64", "lenet_infer_b64", 1 / 1.5, 1 / 2.4, True),
        ("infer LeNet-5, batch 1", "lenet_infer_b1", 1 / 1.5, 1 / 4.6, True),
        ("train ResNet-18 CIFAR, batch 16, SGD", "resnet_cifar_train", *resnet, True),
        ("infer ResNet-18 CIFAR, batch 16", "resnet_cifar_infer", 1 / 0.8, 1 / 1.2, False),
        ("infer ResNet-18 224, batch 1", "resnet_224_infer", 1 / 0.8, 1 / 1.3, True),
        ("infer ResNet-18 224, batch 1, peers channels-last", "resnet_224_infer_channels_last",
         1 / 0.8, 1 / 1.3, False),
        ("train GPT d256 l4 h4 s128 v1024, batch 8, Adam", "gpt_train", 1 / 1.1, 1 / 1.5, True),
        ("its forward", "gpt_forward", 1 / 1.1, 1 / 1.5, False),
        ("its backward", "gpt_backward", 1 / 1.1, 1 / 1.5, False),
        ("its Adam", "gpt_adam", 1 / 1.1, 1 / 1.8, False),
        ("infer GPT, batch 8", "gpt_infer_b8", 1 / 1.1, 1 / 1.5, False),
        ("infer GPT, batch 1", "gpt_infer_b1", 1 / 1.1, 1 / 1.5, True),
    ]
    rows = []
    for label, key, target, goal, quick in table:
        beside = torch(target, goal)
        if two and key.endswith("_train"):
            beside[ONE_THREAD] = (1.0, 0.6)
        rows.append(Row("Models", label, key, threads, beside, quick=quick))
    return rows


def process_rows():
    """Whole processes: wall time and memory of the first operation, greatest memory of training."""
    beside = {DEFAULT: (1 / 40, 1 / 75), PYPI: (1 / 40, 1 / 75), PYTHON: (1 / 40, 1 / 75)}
    idle = {DEFAULT: (1 / 10, 1 / 14), PYPI: (1 / 10, 1 / 14), PYTHON: (1 / 10, 1 / 14)}
    rows = [Row("Start and memory", "start, one addition, exit", "start", 1, beside, kind="start",
                limit=(15e6, 5e6)),
            Row("Start and memory", "resident memory of that", "memory", 1, idle, kind="memory",
                limit=(30, 12))]
    for label, key, steps in (("MLP 784", "mlp_train", 50), ("LeNet-5", "lenet_train", 20),
                              ("ResNet-18 CIFAR", "resnet_cifar_train", 2), ("GPT", "gpt_train", 3)):
        goal = 0.5 if key == "gpt_train" else 0.6
        rows.append(Row("Start and memory", f"peak memory, training {label}", key, 1,
                        {DEFAULT: (0.6, goal), TUNED: (0.6, goal), PYPI: (0.6, goal)}, kind="peak",
                        steps=steps))
    return rows


def all_rows(cores):
    """Every row, with two threads only where there are two cores."""
    shares = [n for n in (1, 2) if n <= cores]
    rows = overhead_rows()
    for make in (pointwise_rows, chain_rows):
        for threads in shares:
            rows += make(threads)
    rows += program_rows()
    for make in (product_rows, convolution_rows, model_rows):
        for threads in shares:
            rows += make(threads)
    return rows + process_rows()
