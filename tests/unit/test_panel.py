"""Relations to dense arrays, against a slow twin that looks every value up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesfc_plugin.attributes import read_statics
from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.panel import Panel, PanelError
from salesfc_plugin.reading import read_panel, read_settings, relations_of_series
from tests.panels import same_panels, tiny_panel

_OFFSET = {"day": pd.DateOffset(days=1), "week": pd.DateOffset(weeks=1), "month": pd.DateOffset(months=1)}
_OBSERVATIONS = pa.schema(
    [
        ("unique_id", pa.string()),
        ("ts", pa.date32()),
        ("quantity", pa.float64()),
        ("mask", pa.bool_()),
        ("known__price", pa.float64()),
        ("past__views", pa.float64()),
    ]
)


@dataclass
class Shop:
    """Rows as SQL would hand them over, and what they were made for."""

    rows: list[dict[str, Any]]
    ids: list[str]
    periods: list[dt.date]  # history and horizon
    history: int
    horizon: int
    frequency: str

    @property
    def cutoff(self) -> np.datetime64:
        return np.datetime64(self.periods[self.history - 1], "D")

    @property
    def config(self) -> ForecastConfig:
        return ForecastConfig(horizon=self.horizon, frequency=self.frequency)

    def observations(self) -> pa.Table:
        return pa.Table.from_pylist(self.rows, schema=_OBSERVATIONS)

    def series(self) -> pa.Table:
        return pa.table({"unique_id": self.ids[::-1], "static__size": [float(len(i)) for i in self.ids[::-1]]})

    def calendar(self) -> pa.Table:
        ts = pa.array(self.periods[::-1], pa.date32())
        return pa.table({"ts": ts, "month_end": [float(d.day) for d in self.periods[::-1]]})

    def panel(self, read: Callable[[pa.Table], Any] = lambda table: table) -> Panel:
        return read_panel(
            read(self.observations()), read(self.series()), read(self.calendar()), self.cutoff, self.config
        )


def periods_of(start: dt.date, count: int, frequency: str) -> list[dt.date]:
    return [(pd.Timestamp(start) + _OFFSET[frequency] * k).date() for k in range(count)]


_START = st.one_of(st.dates(dt.date(1999, 1, 1), dt.date(2030, 1, 1)), st.just(dt.date(2024, 2, 27)))
_NUMBER = st.one_of(st.none(), st.floats(-1e6, 1e6, width=32))


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    frequency = draw(st.sampled_from(["day", "week", "month"]))
    start = draw(_START)
    if frequency == "month":
        start = start.replace(day=1)
    history, horizon = draw(st.integers(1, 20)), draw(st.integers(1, 4))
    periods = periods_of(start, history + horizon, frequency)
    ids = sorted(draw(st.sets(st.text(min_size=1, max_size=4), min_size=1, max_size=3)))
    places = [(i, ts) for i in ids for ts in periods]
    kept = draw(st.lists(st.sampled_from(places), unique=True, max_size=len(places)))  # gaps, in any order
    rows = [
        {
            "unique_id": name,
            "ts": ts,
            "quantity": draw(_NUMBER),
            "mask": draw(st.sampled_from([True, True, False, None])),
            "known__price": draw(_NUMBER),
            "past__views": draw(_NUMBER),
        }
        for name, ts in kept
    ]
    return Shop(rows, ids, periods, history, horizon, frequency)


def slow_arrays(shop: Shop) -> dict[str, np.ndarray]:
    """What the panel must hold: each cell looked up among the rows."""
    n, total, history = len(shop.ids), len(shop.periods), shop.history
    out = {
        "quantity": np.full((n, history), np.nan, np.float32),
        "price": np.full((n, total), np.nan, np.float32),
        "views": np.full((n, history), np.nan, np.float32),
        "first": np.full(n, history),
    }
    found = {(row["unique_id"], row["ts"]): row for row in shop.rows}
    for i, name in enumerate(shop.ids):
        for t, ts in enumerate(shop.periods):
            row = found.get((name, ts))
            if row is None:
                continue
            if row["known__price"] is not None:
                out["price"][i, t] = row["known__price"]
            if t >= history:
                continue
            out["first"][i] = min(out["first"][i], t)
            if row["quantity"] is not None and row["mask"]:
                out["quantity"][i, t] = row["quantity"]
            if row["past__views"] is not None:
                out["views"][i, t] = row["past__views"]
    return out


def as_duckdb(table: pa.Table) -> Any:
    return duckdb.connect().from_arrow(table)


def in_small_batches(table: pa.Table) -> pa.Table:
    return pa.Table.from_batches(table.to_batches(max_chunksize=3), schema=table.schema)


@given(shops(), st.sampled_from([lambda table: table, as_duckdb, in_small_batches]))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_panel_holds_what_the_rows_say(shop: Shop, read: Callable[[pa.Table], Any]) -> None:
    panel, slow = shop.panel(read), slow_arrays(shop)
    assert list(panel.unique_id) == shop.ids
    assert panel.ts.tolist() == shop.periods
    assert panel.cutoff == shop.cutoff
    assert panel.future_ts.tolist() == shop.periods[shop.history :]
    np.testing.assert_array_equal(panel.quantity, slow["quantity"])
    np.testing.assert_array_equal(panel.first, slow["first"])
    if shop.rows:
        np.testing.assert_array_equal(panel.known["price"], slow["price"])
        np.testing.assert_array_equal(panel.past["views"], slow["views"])
    np.testing.assert_array_equal(panel.calendar[:, 0], [d.day for d in shop.periods])
    np.testing.assert_array_equal(panel.statics.reals[:, 0], [len(i) for i in shop.ids])


@given(shops(), st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_cut_panel_is_the_panel_that_would_have_been_read_then(shop: Shop, data: st.DataObject) -> None:
    back = data.draw(st.integers(0, shop.history - 1))
    history = shop.history - back
    stop = history + shop.horizon
    then = set(shop.periods[:stop])
    rows = [dict(row) for row in shop.rows if row["ts"] in then]
    for row in rows:
        if row["ts"] not in shop.periods[:history]:
            row |= {"quantity": None, "mask": False, "past__views": None}
    earlier = Shop(rows, shop.ids, shop.periods[:stop], history, shop.horizon, shop.frequency)
    if bool(rows) == bool(shop.rows):  # without any row there are no columns either
        same_panels(shop.panel().at(back), earlier.panel())


def test_a_cut_shows_no_sale_and_no_past_covariate_after_it() -> None:
    panel = tiny_panel()
    cut = panel.at(20)
    assert cut.n_history == panel.n_history - 20
    assert cut.cutoff == panel.ts[panel.n_history - 21]
    np.testing.assert_array_equal(cut.quantity, panel.quantity[:, :-20])
    np.testing.assert_array_equal(cut.past["views"], panel.past["views"][:, :-20])
    np.testing.assert_array_equal(cut.known["price"], panel.known["price"][:, : cut.n_history + panel.horizon])
    np.testing.assert_array_equal(cut.future_ts, panel.ts[cut.n_history : cut.n_history + panel.horizon])
    assert len(cut.calendar) == len(cut.ts) == cut.n_history + cut.horizon
    same_panels(panel.at(20).at(5), panel.at(25))


def test_a_series_that_had_not_started_stays_in_the_cut_without_history() -> None:
    panel = tiny_panel(periods=150)
    cut = panel.at(120)  # the second series starts at 50
    assert cut.n_series == panel.n_series
    assert cut.first[1] == cut.n_history == 30
    assert np.isnan(cut.quantity[1]).all()


@pytest.mark.parametrize("back", [-1, 150, 1000])
def test_a_cut_outside_of_the_history_is_refused(back: int) -> None:
    with pytest.raises(PanelError, match=f"cannot go {back} periods back: the panel has 150"):
        tiny_panel(periods=150).at(back)


def test_the_truth_of_a_cut_is_what_was_sold_after_it_as_far_as_it_is_known() -> None:
    panel = tiny_panel(periods=60, horizon=14)
    np.testing.assert_array_equal(panel.truth(14), panel.quantity[:, -14:])
    np.testing.assert_array_equal(panel.truth(30), panel.quantity[:, 30:44])
    half = panel.truth(5)
    np.testing.assert_array_equal(half[:, :5], panel.quantity[:, -5:])
    assert half.shape == (6, 14)
    assert np.isnan(half[:, 5:]).all()


def test_some_series_of_a_panel_in_another_order() -> None:
    panel = tiny_panel()
    picked = panel.select(np.array([4, 1]))
    assert list(picked.unique_id) == ["item 004", "item 001"]
    np.testing.assert_array_equal(picked.quantity, panel.quantity[[4, 1]])
    np.testing.assert_array_equal(picked.known["price"], panel.known["price"][[4, 1]])
    np.testing.assert_array_equal(picked.past["views"], panel.past["views"][[4, 1]])
    np.testing.assert_array_equal(picked.first, panel.first[[4, 1]])
    np.testing.assert_array_equal(picked.statics.reals, panel.statics.reals[[4, 1]])


def small_shop(frequency: str = "day", start: dt.date = dt.date(2024, 2, 26)) -> Shop:
    periods = periods_of(start, 8, frequency)
    rows = [
        {"unique_id": "a", "ts": ts, "quantity": 1.0, "mask": True, "known__price": 2.0, "past__views": 3.0}
        for ts in periods
    ]
    return Shop(rows, ["a"], periods, 6, 2, frequency)


def test_a_day_axis_has_the_leap_day_and_a_month_axis_the_short_month() -> None:
    assert dt.date(2024, 2, 29) in small_shop("day").panel().ts.tolist()
    months = small_shop("month", dt.date(2023, 12, 1)).panel().ts.tolist()
    assert months[2:4] == [dt.date(2024, 2, 1), dt.date(2024, 3, 1)]


def test_what_the_horizon_holds_is_never_read_as_sold() -> None:
    shop = small_shop()
    panel = shop.panel()  # its rows carry a quantity in the horizon, as no build would
    assert panel.quantity.shape == panel.past["views"].shape == (1, 6)
    assert panel.known["price"].shape == (1, 8)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"ts": dt.date(2024, 2, 25)}, "the first is a at 2024-02-25"),
        ({"ts": dt.date(2024, 3, 5)}, "the first is a at 2024-03-05"),
        ({"unique_id": "nobody"}, "the first is nobody at 2024-02-29"),
        ({"ts": None}, "the first is a at None"),
    ],
)
def test_a_row_off_the_panel_is_named(change: dict[str, Any], where: str) -> None:
    shop = small_shop()
    shop.rows[3] = {**shop.rows[3], **change}
    with pytest.raises(PanelError, match="observations: 1 rows are of unknown series or off the time axis") as error:
        shop.panel()
    assert where in str(error.value)
    assert "2024-02-26 to 2024-03-04" in str(error.value)


def test_an_empty_calendar_is_one_clear_line() -> None:
    shop = small_shop()
    shop.periods = shop.periods[:0]
    with pytest.raises(PanelError, match="the calendar is empty"):
        read_panel(shop.observations(), shop.series(), shop.calendar(), np.datetime64("2024-03-02"), shop.config)


def test_a_cutoff_before_the_first_period_is_one_clear_line() -> None:
    shop = small_shop()
    with pytest.raises(PanelError, match="the cutoff 2024-02-20 is before the first period, 2024-02-26"):
        read_panel(shop.observations(), shop.series(), shop.calendar(), np.datetime64("2024-02-20"), shop.config)


def test_a_series_without_any_row_is_in_the_panel() -> None:
    shop = small_shop()
    shop.ids = ["a", "b"]
    panel = shop.panel()
    assert panel.first.tolist() == [0, 6]
    assert np.isnan(panel.quantity[1]).all()


def test_text_attributes_become_codes_and_numbers_stay_numbers() -> None:
    statics = read_statics(
        pa.table(
            {
                "unique_id": ["a", "b", "c", "d"],
                "static__brand": ["Kin", None, "Alba", "Kin"],
                "static__title": ["each", "one", "is", "other"],
                "static__constant": ["x", "x", "x", "x"],
                "static__price": [1.5, None, 3.0, 4.0],
                "static__organic": [True, False, None, True],
                "static__vector": [[1.0, 2.0], None, [3.0], [4.0, None]],
                "first_ts": ["not", "an", "attribute", "at all"],
            }
        )
    )
    assert statics.names == ("brand",)
    assert statics.vocabulary == (("Alba", "Kin"),)
    assert statics.codes.tolist() == [[2], [0], [1], [2]]
    assert statics.real_names == ("price", "organic", "vector_0", "vector_1")
    nan = np.nan
    expected = [[1.5, 1, 1, 2], [nan, 0, nan, nan], [3, nan, 3, nan], [4, 1, 4, nan]]
    np.testing.assert_array_equal(statics.reals, np.array(expected, np.float32))


def test_codes_mean_what_they_meant_when_the_model_was_trained() -> None:
    later = pa.table({"unique_id": ["a", "b", "c"], "static__brand": ["New", "Kin", "Alba"]})
    statics = read_statics(later, {"brand": ("Alba", "Kin")})
    assert statics.codes.tolist() == [[0], [2], [1]]
    assert statics.vocabulary == (("Alba", "Kin"),)


def test_an_attribute_that_the_model_never_saw_is_left_out() -> None:
    later = pa.table({"unique_id": ["a", "b"], "static__brand": ["Kin", "Kin"], "static__colour": ["red", "blue"]})
    assert read_statics(later, {"brand": ("Alba", "Kin")}).names == ("brand",)


def test_no_attributes_at_all() -> None:
    statics = read_statics(pa.table({"unique_id": ["a", "b"]}))
    assert statics.codes.shape == statics.reals.shape == (2, 0)


def test_settings_are_json_texts() -> None:
    table = pa.table(
        {
            "name": ["horizon", "frequency", "quantiles", "confidence_level", "cutoff", "preset"],
            "value": ["8", '"week"', "[0.1, 0.5, 0.9]", "0.8", '"2026-01-05"', "null"],
        }
    )
    config, values = read_settings(table)
    assert (config.horizon, config.frequency, config.preset) == (8, "week", "standard")
    assert config.levels == (0.1, 0.5, 0.9)
    assert values["cutoff"] == "2026-01-05"


def test_some_series_are_read_alone() -> None:
    ids = [f"it's {k}" for k in range(4)]
    days = [dt.date(2024, 1, day) for day in (1, 2)]
    table = pa.table(
        {
            "unique_id": [name for name in ids for _ in days],
            "ts": days * 4,
            "quantity": np.arange(8.0),
            "mask": [True] * 8,
        }
    )
    series = pa.table({"unique_id": ids})
    picked = np.array(ids[1:3], dtype=object)
    for observations in (table, duckdb.connect().from_arrow(table)):
        some, few = relations_of_series(observations, series, picked)
        rows = some if isinstance(some, pa.Table) else some.order("unique_id, ts").to_arrow_table()
        assert rows["quantity"].to_pylist() == [2.0, 3.0, 4.0, 5.0]
        assert few["unique_id"].to_pylist() == list(picked)
    inherits = series.append_column("predecessor", pa.array([None, ids[0], None, None], pa.string()))
    assert relations_of_series(table, inherits, picked)[0] is table


@pytest.mark.parametrize("chain", [False, True], ids=["one heir", "an heir of an heir"])
@pytest.mark.parametrize("later", [10.0, 1000.0])
def test_an_heir_sees_a_gap_of_its_predecessor_as_it_was_seen_then(later: float, chain: bool) -> None:
    """What lies on a line to a later sale was the last known quantity until then: for whoever inherits it, too."""
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=k) for k in range(60)]
    began = {"old": 0, "new": 35, "newest": 38} if chain else {"old": 0, "new": 35}
    rows = []
    for name, first in began.items():
        for k in range(first, 60):
            gap = name == "old" and 30 <= k < 50
            line = 10.0 + (later - 10.0) * (k - 29) / 21 if gap else later if k >= 50 and name == "old" else 10.0
            rows.append((name, days[k], line, True, 10.0 if gap else None, days[50] if gap else None))
    names = ("unique_id", "ts", "quantity", "mask", "quantity_before", "known_from")
    observations = pa.table([list(column) for column in zip(*rows, strict=True)], names=names)
    heirs = {"new": "old", "newest": "new"}
    ids = sorted(began)
    series = pa.table({"unique_id": ids, "predecessor": [heirs.get(name) for name in ids]})
    config = ForecastConfig(horizon=1)
    calendar = pa.table({"ts": [*days, days[-1] + dt.timedelta(days=1)]})
    panel = read_panel(observations, series, calendar, np.datetime64(days[-1]), config)
    for name in heirs.keys() & began.keys():
        assert (panel.at(20).quantity[ids.index(name)] == 10.0).all()
