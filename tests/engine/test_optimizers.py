"""Each update rule against a plain NumPy transcription of the playbook's formulas, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tuning_playbook.engine.optax_factories import optax_optimizers
from tuning_playbook.engine.optimizers import RULES, global_norm, make_optimizer
from tuning_playbook.study.families import COMMON
from tuning_playbook.study.optimizer_hyperparameters import OPTIMIZERS

STEPS = 50
PLAYBOOK = ("sgd", "momentum", "nesterov", "rmsprop", "adam", "nadam")
NUMBERS = {
    "learning_rate": 0.03,
    "momentum": 0.85,
    "rho": 0.93,
    "b1": 0.87,
    "b2": 0.991,
    "epsilon": 1e-3,
    "decay_rate": 0.7,
}


def transcribed(name, gradient, theta):
    """The last FAQ of the playbook, symbol by symbol."""
    eta, gamma, rho = NUMBERS["learning_rate"], NUMBERS["momentum"], NUMBERS["rho"]
    beta1, beta2, epsilon = NUMBERS["b1"], NUMBERS["b2"], NUMBERS["epsilon"]
    v = np.ones_like(theta) if name == "rmsprop" else np.zeros_like(theta)
    m = np.zeros_like(theta)
    for t in range(STEPS):
        g = gradient(theta)
        if name == "sgd":
            theta = theta - eta * g
        elif name == "momentum":
            v = gamma * v + g
            theta = theta - eta * v
        elif name == "nesterov":
            v = gamma * v + g
            theta = theta - eta * (gamma * v + g)
        elif name == "rmsprop":
            v = rho * v + (1 - rho) * g**2
            m = gamma * m + eta / np.sqrt(v + epsilon) * g
            theta = theta - m
        else:
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g**2
            b = np.sqrt(1 - beta2 ** (t + 1)) / (1 - beta1 ** (t + 1))
            ahead = beta1 * m + (1 - beta1) * g if name == "nadam" else m
            theta = theta - eta * ahead / (np.sqrt(v) + epsilon) * b
    return theta


def trained(name, gradient, theta, **numbers):
    """The same by the project's optimizer, in float64."""
    values = {item.name: item.default for item in (*OPTIMIZERS[name], *COMMON)} | NUMBERS | numbers
    traced = {key: jnp.float64(value) if value else value for key, value in values.items()}
    optimizer = make_optimizer(name, traced)
    state = optimizer.init(theta)
    for _ in range(STEPS):
        updates, state = optimizer.update(gradient(theta), state, theta)
        theta = optax.apply_updates(theta, updates)
    return theta


@pytest.fixture
def float64():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("name", PLAYBOOK)
@pytest.mark.parametrize("seed", [0, 1])
def test_rule_on_a_random_quadratic(float64, name, seed):
    random = np.random.default_rng(seed)
    root = random.normal(size=(6, 6))
    matrix, start = root @ root.T / 6, random.normal(size=6)
    expected = transcribed(name, lambda theta: matrix @ theta, start)
    found = trained(name, lambda theta: jnp.asarray(matrix) @ theta, jnp.asarray(start))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", PLAYBOOK)
def test_rule_on_a_small_network(float64, name):
    random = np.random.default_rng(2)
    x, y = random.normal(size=(16, 3)), random.normal(size=(16, 1))
    start = random.normal(size=3 * 5 + 5)

    def gradient(theta):
        """Of the mean squared error of tanh(x W) v, by hand."""
        w, v = theta[:15].reshape(3, 5), theta[15:].reshape(5, 1)
        hidden = np.tanh(x @ w)
        error = 2 * (hidden @ v - y) / len(x)
        grad_w = x.T @ (error @ v.T * (1 - hidden**2))
        return np.concatenate([grad_w.ravel(), (hidden.T @ error).ravel()])

    def loss(theta):
        w, v = theta[:15].reshape(3, 5), theta[15:].reshape(5, 1)
        return jnp.mean((jnp.tanh(x @ w) @ v - y) ** 2)

    expected = transcribed(name, gradient, start)
    found = trained(name, jax.grad(loss), jnp.asarray(start))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def published(name, gradient, theta):
    """Loshchilov and Hutter 2019, Chen et al. 2023, You et al. 2020, Shazeer and Stern 2018."""
    eta, epsilon = NUMBERS["learning_rate"], NUMBERS["epsilon"]
    beta1, beta2, decay_rate = NUMBERS["b1"], NUMBERS["b2"], NUMBERS["decay_rate"]
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for t in range(1, STEPS + 1):
        g = gradient(theta)
        if name == "lion":
            theta = theta - eta * np.sign(beta1 * m + (1 - beta1) * g)
            m = beta2 * m + (1 - beta2) * g
        elif name == "adafactor":  # a short vector's second moment is not factored
            beta = 1 - t**-decay_rate
            v = beta * v + (1 - beta) * (g**2 + 1e-30)
            u = g / np.sqrt(v)
            theta = theta - eta * u / max(1.0, np.sqrt(np.mean(u**2)))
        else:
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g**2
            u = m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
            trust = np.linalg.norm(theta) / np.linalg.norm(u) if name == "lamb" else 1.0
            theta = theta - eta * trust * u
    return theta


@pytest.mark.parametrize("name", ["adamw", "lamb", "lion", "adafactor"])
def test_the_other_rules_are_those_of_their_papers(float64, name):
    random = np.random.default_rng(3)
    root = random.normal(size=(6, 6))
    matrix, start = root @ root.T / 6, random.normal(size=6)
    expected = published(name, lambda theta: matrix @ theta, start)
    found = trained(name, lambda theta: jnp.asarray(matrix) @ theta, jnp.asarray(start))
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def test_optaxs_aliases_of_adam_and_nadam_are_other_rules(float64):
    """Their epsilon, and NAdam's bias corrections, are not the playbook's."""
    start = jnp.asarray([1.0, -2.0])
    b1, b2, epsilon = NUMBERS["b1"], NUMBERS["b2"], NUMBERS["epsilon"]
    for name, alias in {"adam": optax.adam, "nadam": optax.nadam}.items():
        optimizer = alias(NUMBERS["learning_rate"], b1=b1, b2=b2, eps=epsilon)
        theta, state = start, optimizer.init(start)
        for _ in range(STEPS):
            updates, state = optimizer.update(theta, state)
            theta = optax.apply_updates(theta, updates)
        expected = transcribed(name, lambda theta: theta, np.asarray(start))
        assert np.abs(np.asarray(theta) - expected).max() > 1e-6


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_weight_decay_is_decoupled(float64, name):
    """Without a gradient only the decay moves the weights: by its product with the rate a step."""
    start = jnp.asarray([1.0, -2.0])
    decayed = trained(name, jnp.zeros_like, start, weight_decay=0.1, learning_rate=0.05)
    np.testing.assert_allclose(decayed, start * (1 - 0.05 * 0.1) ** STEPS, rtol=1e-9)


def test_the_global_norm_is_that_of_all_numbers_together():
    random = np.random.default_rng(5)
    tree = {"w": random.normal(size=(300, 70)), "b": random.normal(size=70)}
    expected = np.sqrt(sum(np.sum(leaf**2) for leaf in tree.values()))
    found = global_norm(jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), tree))
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_gradients_are_clipped_by_their_global_norm(float64):
    """Far from the minimum every step of SGD has the length of rate times threshold."""
    start = jnp.asarray([300.0, 400.0])
    found = trained("sgd", lambda theta: theta, start, clip_norm=2.0)
    length = np.linalg.norm(np.asarray(start) - found)
    assert length == pytest.approx(STEPS * NUMBERS["learning_rate"] * 2.0)


def truth_values(name):
    """Return the arguments of an optimizer of optax that are truth values, with their defaults."""
    declared = {item.name: item.default for item in optax_optimizers()[name]}
    return {argument: value for argument, value in declared.items() if isinstance(value, bool)}


@pytest.mark.parametrize(
    ("name", "turned"),
    [
        (name, turned)
        for name in sorted(optax_optimizers())
        for turned in (None, *truth_values(name))
    ],
)
def test_optaxs_own_optimizers_take_traced_numbers_and_either_truth_value(name, turned):
    own = [item for item in optax_optimizers()[name] if item.name != "learning_rate"]
    values = {item.name: item.default for item in (*COMMON, *own)}
    if turned is not None:
        values[turned] = not values[turned]

    @jax.jit
    def two_steps(theta, numbers):  # Rprop does not move in its first
        optimizer = make_optimizer(name, {**values, **numbers})
        state = optimizer.init(theta)
        for _ in range(2):
            updates, state = optimizer.update(theta, state, theta)
            theta = optax.apply_updates(theta, updates)
        return theta

    start = {"w": jnp.ones((2, 3)), "b": jnp.full(3, 0.5)}
    traced = [item for item in own if not isinstance(item.default, bool)]
    numbers = {item.name: jnp.float32(item.default) for item in traced}
    numbers["learning_rate"] = jnp.float32(0.01)
    after = two_steps(start, numbers)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(after))
    assert optax.tree.norm(after) != optax.tree.norm(start)


def test_an_optimizer_of_optax_decays_weights_itself_where_it_can():
    start = jnp.ones(3)
    numbers = {item.name: item.default for item in (*COMMON, *optax_optimizers()["optax.adamw"])}
    ours = make_optimizer("optax.adamw", numbers | {"weight_decay": 0.1})
    theirs = optax.adamw(1e-3, weight_decay=0.1)
    updates = [o.update(start, o.init(start), start)[0] for o in (ours, theirs)]
    np.testing.assert_array_equal(*updates)


def test_every_declared_optimizer_is_built_and_descends(float64):
    assert set(RULES) == set(OPTIMIZERS)
    for name in OPTIMIZERS:
        start = jnp.asarray([1.0, -2.0, 0.5])
        found = trained(name, lambda theta: theta, start, learning_rate=0.01)
        assert jnp.linalg.norm(found) < jnp.linalg.norm(start), name


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("sgd", "momentum"),
        ("rmsprop", "momentum"),
        ("adafactor", "momentum"),
        ("adafactor", "weight_decay_rate"),
    ],
)
def test_what_optax_leaves_out_by_default_is_left_out_at_zero(name, argument):
    start = jnp.ones(3)
    numbers = {item.name: item.default for item in (*COMMON, *optax_optimizers()[f"optax.{name}"])}
    factory = getattr(optax, name)
    for value, theirs in {0.0: factory(1e-3), 0.9: factory(1e-3, **{argument: 0.9})}.items():
        ours = make_optimizer(f"optax.{name}", numbers | {argument: value})
        assert jax.tree.structure(ours.init(start)) == jax.tree.structure(theirs.init(start))
        both = []
        for optimizer in (ours, theirs):
            theta, state = start, optimizer.init(start)
            for _ in range(3):
                updates, state = optimizer.update(theta, state, theta)
                theta = optax.apply_updates(theta, updates)
            both.append(theta)
        np.testing.assert_array_equal(*both)
