"""Ops that PyTorch has no function to compare with, and why."""

DRAW = "draws from Tenon's generator, whose bits are its own"

WITHOUT_TWIN = {
    "empty": "the values are whatever the memory holds",
    "empty_like": "the values are whatever the memory holds",
    "rand": DRAW,
    "randn": DRAW,
    "randint": DRAW,
    "randperm": DRAW,
    "uniform_": DRAW,
    "normal_": DRAW,
    "bernoulli_": DRAW,
    "dropout": DRAW,
    "standardize_grad": "the derivative of standardize, whose gradients are compared",
    "feature_dropout": DRAW,
    "alpha_dropout": DRAW,
    "feature_alpha_dropout": DRAW,
    "multinomial": DRAW,
    "bernoulli": DRAW,
    "poisson": DRAW,
    "normal": DRAW,
    "rand_like": DRAW,
    "randn_like": DRAW,
    "randint_like": DRAW,
    "random_": DRAW,
    "exponential_": DRAW,
    "log_normal_": DRAW,
    "cauchy_": DRAW,
    "geometric_": DRAW,
    "gumbel_softmax": DRAW,
    "rrelu": DRAW,
}
