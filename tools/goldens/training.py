"""Whole trainings: a model, an optimizer, perhaps a scheduler; losses and learning rates are kept."""

import torch

import models

STEPS = 20
# A loss that f32 and f64 disagree on by more than this says more about rounding than about Tenon.
SPREAD = 2e-5

OPTIMIZERS = {
    "sgd": ("SGD", {"lr": 0.5}),
    "momentum": ("SGD", {"lr": 0.0625, "momentum": 0.9}),
    "dampening": ("SGD", {"lr": 0.25, "momentum": 0.9, "dampening": 0.5}),
    "nesterov": ("SGD", {"lr": 0.125, "momentum": 0.9, "nesterov": True}),
    "decay": ("SGD", {"lr": 0.5, "weight_decay": 0.05}),
    "ascent": ("SGD", {"lr": 0.125, "maximize": True}),
    "adam": ("Adam", {"lr": 0.05}),
    "adam_decay": ("Adam", {"lr": 0.05, "weight_decay": 0.05, "betas": [0.8, 0.9]}),
    "amsgrad": ("Adam", {"lr": 0.05, "amsgrad": True, "betas": [0.8, 0.9]}),
    "adamw": ("AdamW", {"lr": 0.05}),
    "adamw_slow": ("AdamW", {"lr": 0.01}),  # for models that a rate of 0.05 shakes
    "adamw_decay": ("AdamW", {"lr": 0.05, "weight_decay": 0.5}),
    "rmsprop": ("RMSprop", {"lr": 0.005}),
    "rmsprop_momentum": ("RMSprop", {"lr": 0.002, "momentum": 0.9}),
    "rmsprop_centered": ("RMSprop", {"lr": 0.01, "centered": True, "weight_decay": 0.01}),
    "adagrad": ("Adagrad", {"lr": 0.0625}),
    "adagrad_decay": ("Adagrad", {"lr": 0.25, "lr_decay": 0.1, "initial_accumulator_value": 0.5}),
    "adadelta": ("Adadelta", {"lr": 8.0}),
    "adamax": ("Adamax", {"lr": 0.05}),
    "nadam": ("NAdam", {"lr": 0.05}),
    "nadam_decay": ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    "radam": ("RAdam", {"lr": 0.25}),
}
SCHEDULERS = {
    "step": ("StepLR", {"step_size": 6, "gamma": 0.5}),
    "multistep": ("MultiStepLR", {"milestones": [4, 11, 12], "gamma": 0.5}),
    "exponential": ("ExponentialLR", {"gamma": 0.9}),
    "cosine": ("CosineAnnealingLR", {"T_max": 8, "eta_min": 0.001}),
    "restarts": ("CosineAnnealingWarmRestarts", {"T_0": 4, "T_mult": 2, "eta_min": 0.001}),
    "linear": ("LinearLR", {"start_factor": 0.25, "end_factor": 1.0, "total_iters": 8}),
    "constant": ("ConstantLR", {"factor": 0.5, "total_iters": 7}),
    "polynomial": ("PolynomialLR", {"total_iters": 15, "power": 2.0}),
    "lambda": ("LambdaLR", {}),
    "multiplicative": ("MultiplicativeLR", {}),
    "onecycle": ("OneCycleLR", {"max_lr": 0.1, "total_steps": 21}),
    "onecycle_linear": (
        "OneCycleLR",
        {"max_lr": 0.05, "total_steps": 24, "anneal_strategy": "linear", "three_phase": True},
    ),
    "plateau": ("ReduceLROnPlateau", {"factor": 0.5, "patience": 1, "threshold": 0.05}),
    "sequential": ("SequentialLR", {}),
    "chained": ("ChainedScheduler", {}),
}
DEEP = ("sgd", "momentum", "adam", "adamw", "rmsprop", "adagrad")


def plan():
    """(model, optimizer, scheduler or None)."""
    for optimizer in OPTIMIZERS:
        yield "mlp", optimizer, None
    for scheduler in SCHEDULERS:
        yield "regression", "momentum" if scheduler.startswith("onecycle") else "sgd", scheduler
    yield "mlp", "adam", "onecycle"
    yield "mlp", "adamw", "cosine"
    for model in ("lenet", "resnet", "transformer", "lstm", "gru"):
        for optimizer in DEEP:
            yield model, optimizer, None
    for model, optimizers in {
        "rnn": ("momentum", "adamw"),
        "deep_lstm": ("momentum", "adamw"),
        "encoder": ("momentum", "adamw_slow"),
    }.items():
        for optimizer in optimizers:
            yield model, optimizer, None
    yield "lenet", "nesterov", "step"
    yield "resnet", "nesterov", "cosine"
    yield "transformer", "adamw", "linear"
    yield "lstm", "rmsprop", "exponential"


def make_scheduler(optimizer, kind, options):
    all_of = torch.optim.lr_scheduler
    if kind == "LambdaLR":
        return all_of.LambdaLR(optimizer, lambda epoch: 1 / (1 + 0.25 * epoch))
    if kind == "MultiplicativeLR":
        return all_of.MultiplicativeLR(optimizer, lambda epoch: 1 - 0.5 / (1 + epoch))
    if kind == "SequentialLR":
        return all_of.SequentialLR(
            optimizer,
            [all_of.ConstantLR(optimizer, 0.25, 4), all_of.ExponentialLR(optimizer, 0.75)],
            [5],
        )
    if kind == "ChainedScheduler":
        return all_of.ChainedScheduler(
            [all_of.ConstantLR(optimizer, 0.25, 4), all_of.ExponentialLR(optimizer, 0.75)]
        )
    return getattr(all_of, kind)(optimizer, **options)


def train(model, optimizer, scheduler, dtype):
    kind, options = OPTIMIZERS[optimizer]
    task = models.MODELS[model]()
    task.module.to(dtype)
    steps = getattr(torch.optim, kind)(task.module.parameters(), **options)
    schedule = None if scheduler is None else make_scheduler(steps, *SCHEDULERS[scheduler])
    losses, rates = [], []
    for step in range(STEPS):
        steps.zero_grad()
        loss = task.loss(step, dtype)
        loss.backward()
        rates.append(steps.param_groups[0]["lr"])
        losses.append(loss.item())
        steps.step()
        if schedule is not None:
            schedule.step(*([losses[-1]] if kind_of(scheduler) == "ReduceLROnPlateau" else []))
    return losses, rates


def kind_of(scheduler):
    return SCHEDULERS[scheduler][0]


def make_one(model, optimizer, scheduler):
    losses, rates = train(model, optimizer, scheduler, torch.float32)
    exact, _ = train(model, optimizer, scheduler, torch.float64)
    name = "_".join([model, optimizer] + ([scheduler] if scheduler else []))
    spread = max(abs(a - b) / abs(b) for a, b in zip(losses, exact))
    if not spread <= SPREAD:
        raise RuntimeError(f"{name}: f32 and f64 differ by {spread}")
    kind, options = OPTIMIZERS[optimizer]
    line = {
        "id": name,
        "model": model,
        "optimizer": kind,
        "options": options,
        "losses": losses,
        "rates": rates,
    }
    if scheduler is not None:
        line["scheduler"], line["schedule"] = SCHEDULERS[scheduler]
    return line


def make_all():
    return [make_one(*entry) for entry in plan()]
