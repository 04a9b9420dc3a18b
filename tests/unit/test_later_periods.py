"""At each backtest cutoff nothing hangs on what came later: sales, behaviour, plans, and series that began since."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import sparse

from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.evaluation.backtest import backtest_cutoffs
from salesfc_plugin.evaluation.hierarchy import Groups
from salesfc_plugin.evaluation.learning import learn_trust
from salesfc_plugin.evaluation.publishing import backtest_parts
from salesfc_plugin.evaluation.reconciliation import MINT, TOP_DOWN
from salesfc_plugin.evaluation.totals import Totals
from salesfc_plugin.launch import can_launch, launch
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Interpolated, Panel
from salesfc_plugin.recipe import learn_recipe
from salesfc_plugin.sampling import training_sample
from salesfc_plugin.training_step import Plan
from tests.networks import SMALL, trained
from tests.panels import tiny_config, tiny_panel

N, PERIODS, HORIZON = 14, 150, 7
Change = Callable[[Panel, int], Panel]


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Series that began one after another, one of them in another's place, with a gap on a line at each cutoff."""
    panel = tiny_panel(n=N, periods=PERIODS, horizon=HORIZON, seed=5)
    first = 7 * np.arange(N)
    first[-2:] = PERIODS - 10, PERIODS - 3
    first[-3] = PERIODS - 12  # inherits
    before = np.arange(PERIODS)[None, :] < first[:, None]
    quantity = np.where(before, np.nan, panel.quantity).astype(np.float32)
    quantity[-3] = np.where(before[-3], panel.quantity[0], quantity[-3])
    began = first.copy()
    first[-3] = 0
    gaps = np.array([PERIODS - 1 - 7 * k for k in (1, 2, 3)])
    filled = Interpolated(np.full(3, 2), gaps, gaps + 1, np.float32([3.0, 5.0, 8.0]))
    quantity[2, gaps] = 0.5 * (filled.before + quantity[2, gaps + 1])
    replaced_at = np.full(N, PERIODS + HORIZON)
    replaced_at[0] = began[-3]
    unborn = np.arange(PERIODS + HORIZON)[None, :] < first[:, None]
    known, past = (
        {name: np.where(unborn[:, : c.shape[1]], np.float32(np.nan), c) for name, c in columns.items()}
        for columns in (panel.known, panel.past)
    )
    return replace(
        panel, quantity=quantity, first=first, known=known, past=past, own_first=began, replaced_at=replaced_at,
        interpolated=filled,
    )  # fmt: skip


@pytest.fixture(scope="module")
def config(panel: Panel) -> ForecastConfig:
    return tiny_config(panel, backtest_cutoffs=3)


@pytest.fixture(scope="module")
def groups() -> Groups:
    member = np.concatenate([np.ones((1, N)), np.arange(N)[None, :] % 2 == np.arange(2)[:, None]])
    return Groups(("all", "half", "half"), ("all", "even", "odd"), sparse.csr_array(member.astype(np.float32)))


@pytest.fixture(scope="module")
def model(panel: Panel, config: ForecastConfig) -> TrainedModel:
    return trained(panel.at(backtest_cutoffs(panel, config)[0]), Plan(20, 32), capacity=SMALL)


def _sales(panel: Panel, back: int, value: float) -> Panel:
    quantity = panel.quantity.copy()
    quantity[:, -back:] = np.where(np.isfinite(quantity[:, -back:]), value, np.nan)
    filled, end = panel.interpolated, panel.n_history - back
    assert filled is not None
    late = (filled.period < end) & (filled.known_from >= end)
    quantity[filled.row[late], filled.period[late]] = 0.5 * (filled.before[late] + value)
    return replace(panel, quantity=quantity)


def _columns(panel: Panel, back: int) -> Panel:
    known, past = ({name: column.copy() for name, column in c.items()} for c in (panel.known, panel.past))
    for column in known.values():
        column[:, panel.n_history - back + panel.horizon :] = 1e6
    for column in past.values():
        column[:, -back:] = -1e6
    return replace(panel, known=known, past=past)


def _newcomers(panel: Panel, back: int) -> Panel:
    """Series that began later were other ones: other numbers, plans and, where one inherits, another's history."""
    new = panel.began >= panel.n_history - back
    reals, codes, quantity = panel.statics.reals.copy(), panel.statics.codes.copy(), panel.quantity.copy()
    reals[new], codes[new] = 1e9, 1
    quantity[new] = np.where(np.isfinite(quantity[new]), 4000.0, np.nan)
    other = {name: np.where(new[:, None] & np.isfinite(c), np.float32(1e6), c) for name, c in panel.known.items()}
    return replace(panel, statics=replace(panel.statics, reals=reals, codes=codes), quantity=quantity, known=other)


CHANGES: dict[str, Change] = {
    "no sales": lambda panel, back: _sales(panel, back, 0.0),
    "huge sales": lambda panel, back: _sales(panel, back, 7000.0),
    "columns": _columns,
    "newcomers": _newcomers,
    "all": lambda panel, back: _newcomers(_columns(_sales(panel, back, 7000.0), back), back),
}


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=() if name == "all" else pytest.mark.slow) for name in CHANGES]
)
def change(request: pytest.FixtureRequest) -> Change:
    return CHANGES[request.param]


def test_what_a_recipe_learns(panel: Panel, config: ForecastConfig, change: Change) -> None:
    for back in backtest_cutoffs(panel, config):
        now, then = (learn_recipe(p.at(back)) for p in (panel, change(panel, back)))
        assert asdict(now) == asdict(then)


def test_what_a_network_learns(panel: Panel, config: ForecastConfig, change: Change) -> None:
    back = backtest_cutoffs(panel, config)[1]
    now, then = (trained(p.at(back), Plan(3, 32), capacity=SMALL) for p in (panel, change(panel, back)))
    assert now.version == then.version


def test_which_series_it_learns_from(panel: Panel, config: ForecastConfig, change: Change) -> None:
    back = backtest_cutoffs(panel, config)[0]
    now, then = (training_sample(p, back, enough=5 * len(p.ts))[1] for p in (panel, change(panel, back)))
    assert now.unique_id.tolist() == then.unique_id.tolist()


def test_what_is_chosen_corrected_and_published(
    panel: Panel, config: ForecastConfig, model: TrainedModel, groups: Groups, change: Change
) -> None:
    back = backtest_cutoffs(panel, config)[1]
    at = str(panel.at(back).cutoff)
    trusted = [dict(learn_trust(p, config, [model], groups)) for p in (panel, change(panel, back))]
    now, then = (json.dumps(found[at].to_dict()) for found in trusted)
    assert now == then
    told = replace(model, trust={cutoff: trust.to_dict() for cutoff, trust in trusted[0].items()})
    made = [
        {(part.method, int(row)): part.forecast.quantiles[row] for cut, part in backtest_parts(p, config, [told])
         if str(cut.cutoff) == at for row in part.rows}
        for p in (panel, change(panel, back))
    ]  # fmt: skip
    assert made[0].keys() == made[1].keys()
    for key, quantiles in made[0].items():
        np.testing.assert_array_equal(quantiles, made[1][key], err_msg=str(key))


@pytest.mark.parametrize("method", [TOP_DOWN, MINT])
def test_how_totals_change_their_series(
    panel: Panel, config: ForecastConfig, model: TrainedModel, groups: Groups, change: Change, method: str
) -> None:
    backs = backtest_cutoffs(panel, config)
    bottom = np.full((N, HORIZON), 5.0)
    found = []
    for p in (panel, change(panel, backs[1])):
        totals = Totals(p, groups, backs[0])
        totals.teach(backs[0], model, bottom)
        told = replace(totals.told(model.network), method=method)
        found.append(totals.factors(backs[1], model, bottom, told))
    old = panel.began < panel.n_history - backs[1]
    np.testing.assert_array_equal(found[0][old], found[1][old])


def test_new_products(panel: Panel, config: ForecastConfig, change: Change) -> None:
    back = backtest_cutoffs(panel, config)[0]
    old = panel.began < panel.n_history - back
    assert can_launch(panel.at(back))
    now, then = (launch(p.at(back), config.levels) for p in (panel, change(panel, back)))
    np.testing.assert_array_equal(now.quantiles[old], then.quantiles[old])


def test_an_heir_that_has_not_begun_has_no_history(panel: Panel) -> None:
    cut = panel.at(20)
    assert not np.isfinite(cut.quantity[-3]).any()
    assert cut.first[-3] == cut.n_history
    assert np.isfinite(panel.at(5).quantity[-3]).sum() > 100


def test_what_is_handed_on_is_not_sold_twice(panel: Panel, groups: Groups) -> None:
    whole = Totals(panel, groups).whole
    day = 50
    there = panel.began <= day
    assert np.isfinite(panel.quantity[there, day]).all()
    np.testing.assert_allclose(whole.quantity[0, day], panel.quantity[there, day].sum(), rtol=1e-5)
    assert whole.quantity[0, day] < np.nansum(panel.quantity[:, day])


def test_a_line_to_what_came_later_was_flat(panel: Panel) -> None:
    filled = panel.interpolated
    assert filled is not None
    for gap, before in zip(filled.period, filled.before, strict=True):
        back = panel.n_history - 1 - int(gap)
        assert panel.at(back).quantity[2, gap] == before
        assert panel.as_known(back).quantity[2, gap] == before
        assert panel.at(back - 1).quantity[2, gap] == panel.quantity[2, gap]
    assert panel.as_known(0) is panel
    some = panel.select(np.array([5, 2]))
    assert some.at(7).quantity[1, -1] == filled.before[0]
