"""The optimiser against its slow twins: a decomposition for Muon, AdamW written out in NumPy for the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesfc_plugin.backend import tf
from salesfc_plugin.config import NETWORKS
from salesfc_plugin.networks import build_network
from salesfc_plugin.optimiser import Optimiser, orthogonal
from salesfc_plugin.panel import Floats
from tests.networks import SMALL, Bench
from tests.panels import LEVELS, tiny_panel

DRAW = np.random.default_rng(3)


def singular(x: Floats) -> Floats:
    return np.linalg.svd(x, compute_uv=False)


def drawn(*shape: int) -> Floats:
    return DRAW.normal(size=shape).astype(np.float32)


# --- matrices --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(64, 64), (91, 64), (14, 64), (64, 10)])
def test_what_comes_out_has_the_directions_that_went_in_and_all_of_one_length(shape: tuple[int, int]) -> None:
    x = drawn(*shape)
    (found,) = (t.numpy() for t in orthogonal([tf.constant(x)]))
    left, _, right = np.linalg.svd(x, full_matrices=False)
    inside = left.T @ found @ right.T / np.sqrt(max(1.0, shape[0] / shape[1]))
    assert 0.65 < np.diag(inside).min() <= np.diag(inside).max() < 1.25
    np.testing.assert_allclose(inside - np.diag(np.diag(inside)), 0.0, atol=1e-4)


def test_gates_side_by_side_are_turned_one_by_one() -> None:
    gates = [drawn(32, 32) * size for size in (1e-3, 1.0, 30.0, 0.2)]
    (together,) = orthogonal([tf.constant(np.concatenate(gates, axis=1))])
    alone = [orthogonal([tf.constant(gate)])[0].numpy() for gate in gates]
    np.testing.assert_allclose(together.numpy(), np.concatenate(alone, axis=1), atol=1e-5)


@given(
    shapes=st.lists(st.tuples(st.integers(1, 20), st.integers(1, 20)), min_size=1, max_size=5),
    size=st.floats(-2.0, 4.0),
)
@settings(max_examples=40, deadline=None)
def test_any_shapes_keep_their_places_and_no_length_comes_through(shapes: list[tuple[int, int]], size: float) -> None:
    given_ = [drawn(*shape) for shape in shapes]
    plain = [t.numpy() for t in orthogonal([tf.constant(x) for x in given_])]
    longer = [t.numpy() for t in orthogonal([tf.constant(x * np.float32(10**size)) for x in given_])]
    for x, one, other in zip(given_, plain, longer, strict=True):
        assert one.shape == x.shape
        assert (x * one).sum() > 0.0, "it points where the momentum points"
        np.testing.assert_allclose(one, other, atol=0.05)
        beside = x.shape[1] // x.shape[0] if x.shape[1] % x.shape[0] == 0 else 1
        for part in np.split(one, beside, axis=1):
            assert singular(part).max() < 1.3 * np.sqrt(max(1.0, part.shape[0] / part.shape[1]))


def test_a_matrix_without_a_gradient_does_not_move() -> None:
    for x in orthogonal([tf.zeros((8, 8)), tf.zeros((8, 32))]):
        np.testing.assert_array_equal(x.numpy(), 0.0)


# --- steps -----------------------------------------------------------------------------------------------------------


def weights() -> list[tf.Variable]:
    return [tf.Variable(drawn(6, 6)), tf.Variable(drawn(6)), tf.Variable(drawn(4, 3))]


def flat(parts: list[Floats]) -> tf.Tensor:
    return tf.constant(np.concatenate([p.reshape(-1) for p in parts]), tf.float32)


def test_what_is_no_matrix_moves_as_adamw_says() -> None:
    variables = weights()
    optimiser = Optimiser(variables, variables[:1])
    optimiser.start()
    bias, rate, decay = variables[1].numpy().astype(float), 0.01, 0.1
    first = second = np.zeros(6)
    for k in range(12):
        gradient = [0.1 * drawn(*v.shape) for v in variables]
        length = np.sqrt(sum((g.astype(float) ** 2).sum() for g in gradient))
        g = gradient[1].astype(float) / max(length, 1.0)
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g
        moved = (first / (1 - 0.9 ** (k + 1))) / (np.sqrt(second / (1 - 0.999 ** (k + 1))) + 1e-7)
        bias = bias * (1 - rate * decay) - rate * moved
        assert bool(optimiser.move(flat(gradient), Optimiser.rates(k, rate, decay)))
    np.testing.assert_allclose(variables[1].numpy(), bias, atol=1e-4)


def test_a_matrix_moves_as_far_however_small_its_gradient() -> None:
    moves = []
    for size in (1e-3, 1.0):
        variable = tf.Variable(np.eye(6, dtype=np.float32))
        optimiser = Optimiser([variable], [variable])
        optimiser.move(tf.constant(size * 0.1 * np.arange(36, dtype=np.float32)), Optimiser.rates(0, 4e-3, 0.0))
        moves.append(variable.numpy() - np.eye(6))
    np.testing.assert_allclose(moves[0], moves[1], atol=1e-3)
    assert 0.7 * 0.05 < singular(moves[1]).max() < 1.3 * 0.05, "0.05 at the highest rate of a preset"


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_moves_nothing_and_is_forgotten(wrong: float) -> None:
    variables = weights()
    before = [v.numpy() for v in variables]
    optimiser = Optimiser(variables, variables[:1])
    gradient = [drawn(*v.shape) for v in variables]
    gradient[0][2, 2] = wrong
    assert not bool(optimiser.move(flat(gradient), Optimiser.rates(0, 0.01, 0.1)))
    for variable, then in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), then)
    assert bool(optimiser.move(flat([0.1 * drawn(*v.shape) for v in variables]), Optimiser.rates(1, 0.01, 0.1)))
    assert all(np.isfinite(v.numpy()).all() for v in variables)


def test_starting_again_forgets_what_was_learnt() -> None:
    variables = weights()
    optimiser, begun = Optimiser(variables, variables[:1]), [v.numpy() for v in variables]
    gradients = [flat([drawn(*v.shape) for v in variables]) for _ in range(3)]
    found = []
    for _ in range(2):
        optimiser.start()
        for variable, value in zip(variables, begun, strict=True):
            variable.assign(value)
        for k, gradient in enumerate(gradients):
            optimiser.move(gradient, Optimiser.rates(k, 0.01, 0.01))
        found.append([v.numpy().tobytes() for v in variables])
    assert found[0] == found[1]


@pytest.mark.parametrize("name", NETWORKS)
def test_no_table_and_no_head_counts_as_a_matrix_between_hidden_layers(name: str) -> None:
    bench = Bench.of(tiny_panel(n=3, periods=90, horizon=7), name)
    network = build_network(name, bench.shape, SMALL, LEVELS)
    paths = {w.path for w in network.hidden_kernels()}
    for layer in ("context", "from_context", "from_step", "mix"):
        assert any(f"/{layer}/kernel" in f"/{path}" for path in paths), (layer, paths)
    assert not [p for p in paths if any(word in p for word in ("attribute", "head", "gaps", "key", "position", "bias"))]
    if name == "lstm":
        kernels = {p for p in paths if "lstm_" in p}
        assert len(kernels) == 2 * SMALL.layers
