"""The Python API on every kind of table, with both vocabularies."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import salesfc_plugin
from salesfc_plugin import ForecastConfig, Panel, forecast
from salesfc_plugin.frames import to_panel
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import PanelError
from tests.serving import shop, shop_model

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
CONFIG = ForecastConfig(horizon=14)


def sales_of(panel: Panel) -> pd.DataFrame:
    """The panel's sales alone, a row a known or unknown period from each series' start."""
    rows = [
        (str(panel.unique_id[row]), panel.ts[t], panel.quantity[row, t])
        for row in range(panel.n_series)
        for t in range(int(panel.first[row]), panel.n_history)
    ]
    frame = pd.DataFrame(rows, columns=["unique_id", "ts", "quantity"])
    return frame.astype({"ts": "datetime64[s]", "quantity": "float64"})


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return shop_model(shop(periods=120))


@pytest.fixture(scope="module")
def sales() -> pd.DataFrame:
    return sales_of(shop(periods=120))


def test_a_frame_is_the_panel_it_was_made_from(sales: pd.DataFrame) -> None:
    panel, made = shop(periods=120), to_panel(sales, CONFIG)
    np.testing.assert_array_equal(made.quantity, panel.quantity)
    np.testing.assert_array_equal(made.ts, panel.ts)
    np.testing.assert_array_equal(made.first, panel.first)


def test_every_kind_of_table_gives_the_same_in_its_own_kind(sales: pd.DataFrame, model: TrainedModel) -> None:
    made = forecast(model, sales)
    assert isinstance(made, pd.DataFrame)
    assert list(made.columns)[:6] == ["unique_id", "ts", "forecast", "median", "lower_bound", "upper_bound"]
    assert len(made) == 6 * 14
    arrow: Any = forecast(model, pa.Table.from_pandas(sales))
    relation: Any = forecast(model, duckdb.connect().from_df(sales))
    for other in (arrow, relation):
        assert isinstance(other, pa.Table)
        again = other.to_pandas()
        assert (pd.to_datetime(again["ts"]) == made["ts"]).all()
        pd.testing.assert_frame_equal(again.drop(columns="ts"), made.drop(columns="ts"))
    polars = forecast(model, pl.from_pandas(sales))
    assert isinstance(polars, pl.DataFrame)
    assert (
        polars.select("forecast", "lower_bound").to_numpy().tolist()
        == made[["forecast", "lower_bound"]].to_numpy().tolist()
    )
    assert made["ts"].tolist() == polars["ts"].cast(pl.Datetime).to_list()
    assert len(made.merge(sales, on="unique_id")) > len(made)
    assert made.merge(sales, on=["unique_id", "ts"]).empty, "the dates are of one kind, and in the future"
    nixtla = forecast(model, sales.rename(columns={"ts": "ds", "quantity": "y"}))
    assert list(nixtla.columns)[:6] == ["unique_id", "ds", "y_hat", "y_hat_median", "y_hat_lo", "y_hat_hi"]
    np.testing.assert_array_equal(nixtla["y_hat"], made["forecast"])


def test_a_panel_is_taken_as_it_is_in_the_codes_of_the_model(sales: pd.DataFrame, model: TrainedModel) -> None:
    panel = to_panel(sales, CONFIG)
    made = forecast(model, sales)
    again = forecast(model, panel)
    assert isinstance(again, pa.Table)
    np.testing.assert_array_equal(again["forecast"].to_numpy(), made["forecast"])
    earlier = forecast(model, panel.at(14))
    assert earlier["ts"].to_pylist()[13] == pd.Timestamp(sales["ts"].max()).date()
    shuffled = shop(periods=120)
    words = shuffled.statics.vocabulary[0]
    turned = np.where(shuffled.statics.codes[:, :1] > 0, len(words) + 1 - shuffled.statics.codes[:, :1], 0)
    rest = shuffled.statics.codes[:, 1:]
    statics = replace(
        shuffled.statics,
        codes=np.hstack([turned, rest]).astype(np.int32),
        vocabulary=(words[::-1], *shuffled.statics.vocabulary[1:]),
    )
    np.testing.assert_array_equal(
        forecast(model, replace(shuffled, statics=statics))["forecast"].to_numpy(),
        forecast(model, shuffled)["forecast"].to_numpy(),
    )


def test_a_panel_that_does_not_fit_is_refused(model: TrainedModel) -> None:
    panel = shop(periods=120)
    with pytest.raises(PanelError, match=r"14 periods \(day\), the configuration asks for 7"):
        to_panel(panel, ForecastConfig(horizon=7))
    with pytest.raises(PanelError, match="leave future and series out"):
        forecast(model, panel, series=pd.DataFrame({"unique_id": []}))


def test_a_gap_sold_nothing_and_null_is_unknown() -> None:
    frame = pd.DataFrame({"unique_id": "a", "ts": pd.to_datetime(["2025-01-01", "2025-01-03", "2025-01-04"]),
                          "quantity": [2.0, None, 5.0]})  # fmt: skip
    np.testing.assert_array_equal(to_panel(frame, CONFIG).quantity, [[2, 0, np.nan, 5]])


def test_columns_of_the_future_are_known_and_the_rest_is_past() -> None:
    days = pd.date_range("2025-01-01", periods=24)
    frame = pd.DataFrame({"unique_id": 7, "ds": days, "y": 1.0, "price": 2.0, "views": 3})
    ahead = frame[["unique_id", "ds", "price"]]
    statics = pd.DataFrame({"unique_id": [7], "weight": [1.5]})
    panel = to_panel(frame[:10], CONFIG, ahead[10:], statics)
    assert (list(panel.known), list(panel.past), panel.statics.real_names) == (["price"], ["views"], ("weight",))
    assert (panel.known["price"] == 2.0).all()
    assert panel.n_history == 10


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"unique_id": ["a"], "day": ["2025-01-01"]}), r"sales: there is no column 'ts'; its columns are"),
        (pd.DataFrame({"unique_id": ["a", "a"], "ts": pd.to_datetime(["2025-01-01"] * 2), "quantity": [1, 2]}),
         r"sales: 1 periods have several rows, the first is a at 2025-01-01; add them up"),
        (pd.DataFrame({"unique_id": [], "ts": [], "quantity": []}), "sales: there is no row"),
    ],
)  # fmt: skip
def test_tables_that_do_not_fit_are_named(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(PanelError, match=message):
        to_panel(frame, CONFIG)


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, salesfc_plugin; sys.exit(bool({'numpy', 'duckdb', 'tensorflow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert {"train", "forecast", "backtest", "connect", "Panel", "ForecastConfig"} == set(dir(salesfc_plugin))
    with pytest.raises(AttributeError, match="has no attribute 'forcast'"):
        _ = salesfc_plugin.forcast


@pytest.mark.slow
def test_the_page_trains_and_forecasts_and_a_backtest_has_the_truth(sales: pd.DataFrame) -> None:
    (text,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {"sales": sales}
    exec(text, names)
    assert len(names["forecasts"]) == 6 * 7
    assert isinstance(names["panel"], Panel)
    np.testing.assert_array_equal(names["again"]["forecast"].to_numpy(), names["forecasts"]["forecast"])
    held = names["backtest"](sales, names["config"])
    assert {"published", "lstm", "seasonal_naive"} <= set(held["method"])
    joined = held.merge(sales, on=["unique_id", "ts"], suffixes=("", "_sold"))
    np.testing.assert_allclose(joined["quantity"], joined["quantity_sold"])
