"""The optimiser against its slow twins: singular values by a decomposition, steps written out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from salesfc_plugin.backend import tf
from salesfc_plugin.config import NETWORKS
from salesfc_plugin.networks import build_network
from salesfc_plugin.optimiser import Optimiser, orthogonal
from salesfc_plugin.recipe import learn_recipe
from salesfc_plugin.training_step import Kind, Plan, TrainingStep
from salesfc_plugin.windows import find_origins, make_arrays
from tests.networks import SMALL, Bench
from tests.panels import LEVELS, tiny_panel

Doubles = NDArray[np.float64]


def drawn(seed: int, *shape: int) -> Doubles:
    return np.random.default_rng(seed).normal(size=shape)


def constant(x: Doubles) -> tf.Tensor:
    return tf.constant(x, tf.float32)


def with_values(seed: int, rows: int, columns: int, least: float) -> Doubles:
    """A matrix of random directions whose singular values go from 1 down to ``least``."""
    left, _, right = np.linalg.svd(drawn(seed, rows, columns), full_matrices=False)
    return (left * np.geomspace(1.0, least, min(rows, columns))) @ right


def turned(x: Doubles, gates: int = 1) -> Doubles:
    """Every gate by its singular values: five rounds of the polynomial on each of them."""
    found = []
    for gate in np.split(x, gates, axis=1):
        left, values, right = np.linalg.svd(gate, full_matrices=False)
        values = values / max(float(np.linalg.norm(values)), 1e-30)
        for _ in range(5):
            values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
        found.append(np.sqrt(max(1.0, gate.shape[0] / gate.shape[1])) * (left * values) @ right)
    return np.concatenate(found, axis=1)


# --- matrices --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(64, 64), (91, 64), (14, 64), (64, 10), (1, 5)])
def test_it_keeps_directions_and_makes_their_lengths_alike(shape: tuple[int, int]) -> None:
    x = with_values(1, *shape, least=0.02)
    (found,) = (t.numpy() for t in orthogonal([(constant(x), 1)]))
    np.testing.assert_allclose(found, turned(x), atol=2e-3)
    values = np.linalg.svd(found, compute_uv=False) / np.sqrt(max(1.0, shape[0] / shape[1]))
    assert 0.67 < values.min() <= values.max() < 1.22


@given(
    shapes=st.lists(
        st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 2, 4])), min_size=1, max_size=5
    ),
    seed=st.integers(0, 10_000),
    size=st.floats(-1.0, 4.0),
)
@settings(max_examples=40, deadline=None)
def test_any_shapes_keep_their_places_and_no_length_comes_through(
    shapes: list[tuple[int, int, int]], seed: int, size: float
) -> None:
    given_ = [
        (np.concatenate([10**size * with_values(seed + g, rows, wide, 0.1) for g in range(gates)], axis=1), gates)
        for rows, wide, gates in shapes
    ]
    for (x, gates), found in zip(given_, orthogonal([(constant(x), gates) for x, gates in given_]), strict=True):
        np.testing.assert_allclose(found.numpy(), turned(x, gates), atol=5e-3)


def test_a_loud_gate_does_not_drown_a_quiet_one() -> None:
    gates = [size * drawn(int(k), 32, 32) for k, size in enumerate((1e-3, 1.0, 30.0, 0.2))]
    (together,) = orthogonal([(constant(np.concatenate(gates, axis=1)), 4)])
    alone = [orthogonal([(constant(gate), 1)])[0].numpy() for gate in gates]
    np.testing.assert_allclose(together.numpy(), np.concatenate(alone, axis=1), atol=1e-3)


def test_a_matrix_without_a_gradient_does_not_move() -> None:
    for x in orthogonal([(tf.zeros((8, 8)), 1), (tf.zeros((8, 32)), 4)]):
        np.testing.assert_array_equal(x.numpy(), 0.0)


# --- steps -----------------------------------------------------------------------------------------------------------

SHAPES = ((6, 12), (6,), (4, 3))


def weights() -> list[tf.Variable]:
    return [tf.Variable(drawn(k, *shape), dtype=tf.float32) for k, shape in enumerate(SHAPES)]


def flat(parts: list[Doubles]) -> tf.Tensor:
    return constant(np.concatenate([part.reshape(-1) for part in parts]))


@pytest.mark.parametrize("length", [0.05, 1.0], ids=["short", "longer than is let through"])
def test_steps_are_those_that_muon_and_adamw_say(length: float) -> None:
    variables = weights()
    optimiser = Optimiser(variables, [(variables[0], 2)])
    slow = [v.numpy().astype(float) for v in variables]
    first, second = [np.zeros(s) for s in SHAPES], [np.zeros(s) for s in SHAPES]
    rate, decay = 0.01, 0.3
    for k in range(10):
        gradient = [length * drawn(100 * k + i, *shape) for i, shape in enumerate(SHAPES)]
        norm = np.sqrt(sum((g**2).sum() for g in gradient))
        assert (norm > 1.0) == (length == 1.0)
        for i, g in enumerate(gradient):
            cut = g / max(norm, 1.0)
            first[i], second[i] = 0.9 * first[i] + 0.1 * cut, 0.999 * second[i] + 0.001 * cut**2
            move = (first[i] / (1 - 0.9 ** (k + 1))) / np.sqrt(second[i] / (1 - 0.999 ** (k + 1)))
            if i == 0:
                move = 12.5 * turned(0.9 * first[i] + 0.1 * cut, gates=2)
            slow[i] = slow[i] * (1 - rate * decay) - rate * move
        assert bool(optimiser.move(flat(gradient), Optimiser.rates(k, rate, 12.5 * rate, decay)))
    for variable, expected in zip(variables, slow, strict=True):
        np.testing.assert_allclose(variable.numpy(), expected, atol=5e-3)


def test_a_matrix_moves_as_far_however_small_its_gradient() -> None:
    moves = []
    for size in (1e-3, 1.0):
        variable = tf.Variable(np.eye(6), dtype=tf.float32)
        optimiser = Optimiser([variable], [(variable, 1)])
        optimiser.move(flat([size * 0.1 * with_values(1, 6, 6, 0.1)]), Optimiser.rates(0, 4e-3, 0.05, 0.0))
        moves.append(np.linalg.svd(variable.numpy() - np.eye(6), compute_uv=False))
    np.testing.assert_allclose(moves[0], moves[1], atol=1e-3)
    assert 0.67 * 0.05 < moves[1].min() <= moves[1].max() < 1.22 * 0.05


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_moves_nothing_and_is_forgotten(wrong: float) -> None:
    variables = weights()
    optimiser = Optimiser(variables, [(variables[0], 1)])
    # with moments of a step before, zeros would move the weights too
    assert bool(optimiser.move(flat([drawn(6, *shape) for shape in SHAPES]), Optimiser.rates(0, 0.01, 0.1, 0.1)))
    before = [v.numpy() for v in variables]
    gradient = [drawn(7, *shape) for shape in SHAPES]
    gradient[0][2, 2] = wrong
    assert not bool(optimiser.move(flat(gradient), Optimiser.rates(1, 0.01, 0.1, 0.1)))
    for variable, then in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), then)
    assert bool(optimiser.move(flat([0.1 * drawn(8, *shape) for shape in SHAPES]), Optimiser.rates(2, 0.01, 0.1, 0.1)))
    assert all(np.isfinite(v.numpy()).all() for v in variables)


def test_starting_again_forgets_what_was_learnt() -> None:
    variables = weights()
    optimiser, begun = Optimiser(variables, [(variables[0], 1)]), [v.numpy() for v in variables]
    gradients = [flat([drawn(k, *shape) for shape in SHAPES]) for k in range(3)]
    found = []
    for _ in range(2):
        optimiser.start()
        for variable, value in zip(variables, begun, strict=True):
            variable.assign(value)
        for k, gradient in enumerate(gradients):
            optimiser.move(gradient, Optimiser.rates(k, 0.01, 0.1, 0.01))
        found.append([v.numpy().tobytes() for v in variables])
    assert found[0] == found[1]


def test_a_matrix_that_is_none_of_the_variables_is_refused() -> None:
    with pytest.raises(ValueError, match="none of the variables"):
        Optimiser(weights(), [(tf.Variable(tf.zeros((2, 2))), 1)])


# --- networks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_no_table_and_no_head_is_moved_by_muon(name: str) -> None:
    bench = Bench.of(tiny_panel(n=3, periods=90, horizon=7), name)
    gates = {w.path: count for w, count in build_network(name, bench.shape, SMALL, LEVELS).hidden_kernels()}
    for layer in ("context", "from_context", "from_step", "mix"):
        assert gates.pop(f"{layer}/kernel") == 1
    assert gates, "the encoder has none"
    assert all(path.startswith("encoder/") and "position" not in path for path in gates)
    by_gates = {path for path, count in gates.items() if count == 4}
    assert by_gates == {path for path in gates if "/lstm_" in path}
    assert len(by_gates) == {"lstm": 2 * SMALL.layers, "cnn_lstm": 2}.get(name, 0)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_training_moves_kernels_by_muon_and_heads_by_adamw(name: str) -> None:
    panel = tiny_panel(n=3, periods=90, horizon=7)
    bench, recipe = Bench.of(panel, name), learn_recipe(panel)
    arrays = make_arrays(panel, recipe)
    plan = Plan(steps=1, batch=16, decay=0.0, seed=7)
    step = TrainingStep(Kind(name, bench.shape, SMALL, LEVELS, 16, 0.0, exposure=False, deviation=False))
    step.start(arrays, find_origins(arrays, recipe.cycle, 7), 1.0, plan, None)
    network, rate = step.network, plan.rate_at(0)
    before = {w.path: w.numpy() for w in network.trainable_weights}
    step.run(0)
    moves = {w.path: (w.numpy() - before[w.path]) / rate for w in network.trainable_weights}
    for weight, count in network.hidden_kernels():
        for gate in np.split(moves.pop(weight.path), count, axis=1):
            longest = np.linalg.svd(gate, compute_uv=False).max() / np.sqrt(max(1.0, gate.shape[0] / gate.shape[1]))
            assert longest == 0.0 or 0.6 * plan.matrices < longest < 1.3 * plan.matrices, weight.path
    assert {"head/correction/kernel", "head/gaps/kernel"} <= set(moves)
    for path, move in moves.items():
        assert np.abs(move).max() < 1.1, f"{path}: the first step of AdamW is the sign of the gradient"
