"""A panel that is forecast some series at a time gets the very numbers that it gets at once, in memory that stays."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from salesfc_plugin.forecasting import Forecaster
from salesfc_plugin.graph import Graph, Shown
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from tests.panels import tiny_panel


def test_chunks_change_no_bit(seasonal: Panel, lstm_model: TrainedModel) -> None:
    switches, some = lstm_model.switches[:2], np.array([5, 0, 2])
    whole = Forecaster(lstm_model, seasonal, batch=2)
    chunked = Forecaster(lstm_model, seasonal, batch=2, chunk_bytes=1)
    for back, rows in ((0, None), (0, None), (28, None), (14, some)):
        expected, made = whole.at(back, switches, rows), chunked.at(back, switches, rows)
        np.testing.assert_array_equal(made.mean, expected.mean)
        np.testing.assert_array_equal(made.quantiles, expected.quantiles)
    assert chunked.at(14, switches, some[:0]).quantiles.shape == (0, seasonal.horizon, len(lstm_model.levels))


def test_memory_of_a_forecast_does_not_grow_with_the_panel(lstm_model: TrainedModel) -> None:
    def extra(n: int) -> float:
        panel = tiny_panel(n=n, periods=168, horizon=14, noise=0.15)
        forecaster = Forecaster(lstm_model, panel, batch=32, chunk_bytes=1)
        tracemalloc.start()
        made = forecaster.at(0, lstm_model.switches[:1])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - 2 * (made.mean.nbytes + made.quantiles.nbytes)

    few, many = extra(64), extra(512)
    assert many < 1.5 * few


def test_models_of_one_kind_share_a_graph_and_none_of_each_others_weights(
    seasonal: Panel, lstm_model: TrainedModel
) -> None:
    other = replace(lstm_model, weights=tuple(tuple(1.5 * w for w in member) for member in lstm_model.weights))
    one, two = Forecaster(lstm_model, seasonal), Forecaster(other, seasonal)
    first = one.at(14, lstm_model.switches)
    assert (two.at(14, lstm_model.switches).mean != first.mean).any()
    one.passes.clear()
    np.testing.assert_array_equal(one.at(14, lstm_model.switches).quantiles, first.quantiles)
    assert one.graph is two.graph


def test_of_graphs_and_of_panels_only_the_newest_are_kept(lstm_model: TrainedModel, seasonal: Panel) -> None:
    panels = [tiny_panel(n=2, periods=periods, horizon=14) for periods in (140, 147, 154, 161, 168)]
    graphs = [Forecaster(lstm_model, panel).graph for panel in panels]
    assert list(Graph.made.values()) == graphs[1:]
    first, *_, last = (Forecaster(lstm_model, seasonal.select(np.arange(n))) for n in (2, 3, 4))
    assert last.graph.passes(4) is last.passes
    assert first.graph.passes(2) is not first.passes


def test_a_graph_that_could_not_take_weights_has_none(seasonal: Panel, lstm_model: TrainedModel) -> None:
    forecaster = Forecaster(lstm_model, seasonal)
    before = forecaster.at(0, lstm_model.switches)
    *good, last = lstm_model.weights[0]
    with pytest.raises(ValueError, match="shape"):
        forecaster.graph.take((*(2.0 * w for w in good), np.append(last, last)))
    forecaster.passes.clear()
    np.testing.assert_array_equal(forecaster.at(0, lstm_model.switches).mean, before.mean)


def test_one_trace_serves_any_series_and_whatever_a_forecast_may_see(
    seasonal: Panel, lstm_model: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced = []
    really = Graph._forward

    def counted(self: Graph, *given: object) -> object:
        traced.append(self.kind)
        return really(self, *given)

    monkeypatch.setattr(Graph, "made", {})
    monkeypatch.setattr(Graph, "_forward", counted)
    whole, few = Forecaster(lstm_model, seasonal), Forecaster(lstm_model, seasonal.select(np.array([1, 4])), batch=1)
    made, some = (forecaster.at(0, lstm_model.switches).mean for forecaster in (whole, few))
    np.testing.assert_allclose(some, made[[1, 4]], rtol=1e-5)
    recipe = lstm_model.recipe
    nothing = Shown((False,) * len(recipe.known), (False,) * len(recipe.calendar_names), past=False, product=False)
    assert (whole.shown(lstm_model.switches, nothing, np.arange(seasonal.n_series)) != made).any()
    other = replace(lstm_model, recipe=replace(recipe, floor=2.0 * recipe.floor))
    assert (Forecaster(other, seasonal).at(0, lstm_model.switches).mean != made).any()
    assert len(traced) == 1
