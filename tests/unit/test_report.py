"""The report's data against the marts it came from, and the page's promises: self-contained, safe, small."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from salesfc_plugin.baselines import BASELINES
from salesfc_plugin.config import NETWORKS
from salesfc_plugin.evaluation.fallbacks import fallbacks
from salesfc_plugin.report import ReportError, plot_series, write_report
from salesfc_plugin.report.data import read_payload
from salesfc_plugin.report.marts import Marts
from salesfc_plugin.report.timelines import encode
from tests.synthetic_marts import EVIL, HORIZON, write_marts
from tests.unit.panels import make_panel

ASSETS = files("salesfc_plugin.report") / "assets"


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_marts(tmp_path_factory.mktemp("marts") / "shop.duckdb", series=60, days=400, later=True)


@pytest.fixture(scope="module")
def payload(db: Path) -> dict[str, Any]:
    with Marts(db) as marts:
        return read_payload(marts)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return write_marts(tmp_path / "copy.duckdb", series=12, days=60)


def change(db: Path, *statements: str) -> Path:
    with duckdb.connect(str(db)) as connection:
        for statement in statements:
            connection.execute(statement)
    return db


def decode(lines: dict[str, Any]) -> np.ndarray[Any, Any]:
    """The page's reading of encoded lines, done slowly."""
    matrix = np.full((len(lines["start"]), lines["periods"]), np.nan)
    values = iter(lines["values"])
    for i, (start, decimals) in enumerate(zip(lines["start"], lines["decimals"], strict=True)):
        for j in range(start, lines["periods"]):
            value = next(values)
            matrix[i, j] = np.nan if value is None else value / 10**decimals
    assert next(values, "no more") == "no more"
    return matrix


def embedded(html: str) -> dict[str, Any]:
    packed = re.search(r'id="payload">([^<]*)<', html)
    assert packed
    return json.loads(gzip.decompress(base64.b64decode(packed[1])))


numbers = st.one_of(st.just(float("nan")), st.floats(0, 1e7), st.integers(0, 100_000).map(float))


@given(arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 9)), elements=numbers))
def test_encoded_lines_keep_whole_numbers_exactly_and_others_to_four_digits(matrix: np.ndarray[Any, Any]) -> None:
    decoded = decode(encode(matrix))
    np.testing.assert_array_equal(np.isnan(decoded), np.isnan(matrix))
    for line, original in zip(decoded, matrix, strict=True):
        known = original[np.isfinite(original)]
        if (known == np.round(known)).all():
            np.testing.assert_array_equal(line, original)
        elif known.size:
            np.testing.assert_allclose(line, original, atol=max(known.max() * 0.5e-3, 0.5e-6) * 1.001)


def test_lines_equal_the_marts(db: Path, payload: dict[str, Any]) -> None:
    quantity, forecast = decode(payload["lines"]["quantity"]), decode(payload["lines"]["forecast"])
    with duckdb.connect(str(db), read_only=True) as connection:
        sold = connection.execute(
            "select unique_id, (ts - date '1970-01-01')::integer, quantity from fct_salesfc__sales_and_forecast"
            " where time_series_type = 'history' and quantity is not null"
        ).fetchall()
        expected = connection.execute(
            "select unique_id, (ts - date '1970-01-01')::integer, forecast from fct_salesfc__forecast"
        ).fetchall()
    row = {unique_id: i for i, unique_id in enumerate(payload["ids"])}
    column = {day: j for j, day in enumerate(payload["days"])}
    assert np.isfinite(quantity).sum() == len(sold)
    assert np.isfinite(forecast).sum() == len(expected)
    assert all(quantity[row[unique_id], column[day]] == value for unique_id, day, value in sold)
    for unique_id, day, value in expected:
        shown = forecast[row[unique_id], column[day] - payload["split"]]
        assert shown == pytest.approx(value, abs=0.5e-3 * max(1, np.nanmax(forecast[row[unique_id]])))


def test_bands_lie_around_each_other(payload: dict[str, Any]) -> None:
    lines = {name: decode(payload["lines"][name]) for name in payload["lines"]}
    known = np.isfinite(lines["forecast"])
    for low, high in (("lower_bound", "inner_lower"), ("inner_lower", "inner_upper"), ("inner_upper", "upper_bound")):
        assert (lines[low][known] <= lines[high][known] + 0.02).all()


def test_series_are_ordered_by_forecast_and_none_is_missing(payload: dict[str, Any]) -> None:
    volume = np.nansum(decode(payload["lines"]["forecast"]), axis=1)
    assert len(payload["ids"]) == len(set(payload["ids"])) == payload["meta"]["series"] == 60
    assert (np.diff(volume) <= 0.5).all()
    assert payload["status"]["status"][-2:] == ["skipped", "skipped"]


def test_totals_are_over_all_series_even_those_not_shown(db: Path, payload: dict[str, Any]) -> None:
    with Marts(db) as marts:
        few = read_payload(marts, shown_series=5)
    assert len(few["ids"]) == 5
    assert few["total"] == payload["total"]
    assert few["status_counts"] == payload["status_counts"]
    everything = np.nansum(decode(payload["lines"]["quantity"]), axis=0)
    np.testing.assert_allclose(decode(payload["total"]["quantity"])[0], everything)


def test_groups_add_up_and_know_their_series(payload: dict[str, Any]) -> None:
    forecast = decode(payload["lines"]["forecast"])
    quantity = decode(payload["lines"]["quantity"])
    for level in payload["levels"]:
        member = np.array([-1 if group is None else group for group in level["member"]])
        totals, past = decode(level["lines"]["forecast"]), decode(level["lines"]["quantity"])
        for i in range(len(level["id"])):
            inside = member == i
            np.testing.assert_allclose(np.nansum(forecast[inside], axis=0), totals[i], rtol=5e-3)
            np.testing.assert_array_equal(np.nansum(quantity[inside], axis=0), np.nan_to_num(past[i]))
    names = [level["name"] for level in payload["levels"]]
    assert names == ["total", "store", "category", "category/store"], "the series themselves are no groups"


def test_a_level_that_no_column_explains_has_totals_but_no_past(copy: Path) -> None:
    change(
        copy,
        "create table fct_salesfc__forecast_total as select 'climate' as level, right(unique_id, 1) as group_id, ts,"
        " sum(forecast) as forecast from fct_salesfc__forecast group by all",
    )
    with Marts(copy) as marts:
        levels: Any = read_payload(marts)["levels"]
    (level,) = levels
    assert level["member"] is None
    assert set(level["lines"]) == {"forecast"}


def test_error_by_step_is_that_of_a_plain_loop(db: Path, payload: dict[str, Any]) -> None:
    with duckdb.connect(str(db), read_only=True) as connection:
        rows = connection.execute(
            "select method, (ts - cutoff)::integer, quantity, forecast from fct_salesfc__backtest"
            " where quantity is not null"
        ).fetchall()
    off: dict[tuple[str, int], float] = {}
    sold: dict[tuple[str, int], float] = {}
    for method, step, quantity, forecast in rows:
        off[method, step] = off.get((method, step), 0) + abs(quantity - forecast)
        sold[method, step] = sold.get((method, step), 0) + quantity
    shown = payload["by_step"]
    assert len(shown["step"]) == len(off) == 2 * HORIZON
    for method, step, wape in zip(shown["method"], shown["step"], shown["wape"], strict=True):
        assert wape == pytest.approx(off[method, step] / sold[method, step], rel=1e-5)


def test_calibration_counts_sales_below_and_at_each_quantile(db: Path, payload: dict[str, Any]) -> None:
    with duckdb.connect(str(db), read_only=True) as connection:
        rows = connection.execute(
            "select quantity, quantiles from fct_salesfc__backtest where method = 'lstm' and quantity is not null"
        ).fetchall()
    shown = payload["calibration"]
    ours = [i for i, method in enumerate(shown["method"]) if method == "lstm"]
    for k, i in enumerate(ours):
        assert shown["below"][i] == pytest.approx(np.mean([q < v[k] for q, v in rows]), rel=1e-5)
        assert shown["at_or_below"][i] == pytest.approx(np.mean([q <= v[k] for q, v in rows]), rel=1e-5)


def test_accuracy_leaves_single_series_out_and_starts_with_all(payload: dict[str, Any]) -> None:
    levels = payload["accuracy"]["level"]
    assert levels[0] == "all"
    assert set(levels) == {"all", "category", "store"}
    assert payload["meta"]["method"] == "lstm"


def test_contributions_of_drivers_add_up_to_the_forecast_in_every_period(payload: dict[str, Any]) -> None:
    shown = payload["explanation"]
    assert shown["drivers"][0] == "level and trend"
    forecast = decode(payload["lines"]["forecast"])
    explained = np.sum([decode(line) for line in shown["series"]], axis=0)
    np.testing.assert_array_equal(np.isfinite(explained), np.isfinite(forecast))
    np.testing.assert_allclose(explained, forecast, rtol=0.01, equal_nan=True)
    np.testing.assert_allclose(
        np.sum([decode(line) for line in shown["total"]], axis=0)[0], np.nansum(forecast, axis=0), rtol=1e-3
    )


def test_a_driver_that_moves_nothing_is_left_out_and_series_beyond_the_most_are_in_the_total_alone(
    db: Path, payload: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesfc_plugin.report.explanation.MOST_SERIES", 3)
    copied = Path(shutil.copy(db, tmp_path / "rest.duckdb"))
    change(copied, "update fct_salesfc__explanation set contribution = 1e-9 where driver = 'rest'")
    with Marts(copied) as marts:
        shown: Any = read_payload(marts)["explanation"]
    assert set(payload["explanation"]["drivers"]) - set(shown["drivers"]) == {"rest"}
    first = shown["drivers"].index("level and trend")
    assert np.isfinite(decode(shown["series"][first])).any(axis=1).sum() == 3
    assert shown["total"][first] == payload["explanation"]["total"][0]
    forecast = decode(payload["lines"]["forecast"])
    assert shown["explained"] == np.isfinite(forecast).any(axis=1).sum() > 3, "all that are in the total"


OPTIONAL = {
    "fct_salesfc__sales_and_forecast": "checked",
    "fct_salesfc__series_status": "status",
    "fct_salesfc__accuracy": "accuracy",
    "fct_salesfc__backtest": "backtest",
    "dim_salesfc__series": "attributes",
    "salesfc__model_registry": "models",
    "fct_salesfc__forecast_quantile": "vintages",
}


@pytest.mark.parametrize("table", OPTIONAL)
@pytest.mark.parametrize("how", ["drop table {}", "delete from {}"])
def test_any_missing_or_empty_table_leaves_its_part_out(copy: Path, tmp_path: Path, table: str, how: str) -> None:
    out = write_report(change(copy, how.format(table)), tmp_path / "report.html")
    data = embedded(out.read_text(encoding="utf-8"))
    if table != "fct_salesfc__sales_and_forecast":
        assert not data[OPTIONAL[table]]
    assert data["meta"]["horizon"] == HORIZON


def test_parts_of_later_tables_are_left_out_until_they_exist(copy: Path) -> None:
    with Marts(copy) as marts:
        data = read_payload(marts)
    assert not any(data[name] for name in ("reorder", "scenarios", "explanation", "anomalies", "levels", "vintages"))


def test_no_forecast_at_all_is_a_report_that_says_so(copy: Path, tmp_path: Path) -> None:
    change(copy, *(f"delete from {table}" for table in (*OPTIONAL, "fct_salesfc__forecast")))
    data = embedded(write_report(copy, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert data["ids"] == []
    assert data["meta"]["series"] == 0


def test_not_a_number_never_reaches_the_page(copy: Path, tmp_path: Path) -> None:
    change(
        copy,
        "update fct_salesfc__accuracy set metric_value = 'nan'::double where metric_name = 'mase'",
        "update fct_salesfc__backtest set forecast = 'inf'::double where method = 'seasonal_naive'",
    )
    data = embedded(write_report(copy, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "mase" not in data["accuracy"]["metric"]


@pytest.mark.parametrize(("step", "name"), [("7 days", "week"), ("1 month", "month")])
def test_weekly_and_monthly_forecasts_are_known_as_such(copy: Path, step: str, name: str) -> None:
    for table in ("fct_salesfc__forecast", "fct_salesfc__sales_and_forecast"):
        change(
            copy,
            f"update {table} set ts = (date '2020-01-01' + (ts - date '2025-11-01') * interval '{step}')::date",
        )
    with Marts(copy) as marts:
        assert read_payload(marts)["meta"]["frequency"] == name


def test_a_single_period_is_as_long_as_those_before_it(copy: Path) -> None:
    change(
        copy,
        *(
            f"update {table} set ts = (date '2020-01-01' + (ts - date '2025-11-01') * interval '1 month')::date"
            for table in ("fct_salesfc__forecast", "fct_salesfc__sales_and_forecast")
        ),
        "delete from fct_salesfc__forecast where ts > (select min(ts) from fct_salesfc__forecast)",
    )
    with Marts(copy) as marts:
        meta = read_payload(marts)["meta"]
    assert (meta["horizon"], meta["frequency"]) == (1, "month")


def test_marts_are_found_in_the_schema_where_they_were_built(copy: Path, tmp_path: Path) -> None:
    tables = ("fct_salesfc__forecast", "fct_salesfc__sales_and_forecast")
    moves = [
        statement
        for table in tables
        for statement in (f'create table "my shop".{table} as from main.{table}', f"drop table main.{table}")
    ]
    change(copy, 'create schema "my shop"', *moves)
    assert len(embedded(write_report(copy, tmp_path / "r.html").read_text(encoding="utf-8"))["ids"]) == 12


def test_a_missing_file_or_table_is_one_helpful_line(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"no database at .*nowhere.duckdb: build the forecasts first"):
        write_report(tmp_path / "nowhere.duckdb", tmp_path / "r.html")
    change(copy, "drop table fct_salesfc__forecast")
    with pytest.raises(ReportError, match="has no table fct_salesfc__forecast"):
        write_report(copy, tmp_path / "r.html")
    (tmp_path / "text.duckdb").write_text("not a database")
    with pytest.raises(ReportError, match="cannot be opened") as error:
        write_report(tmp_path / "text.duckdb", tmp_path / "r.html")
    assert "\n" not in str(error.value)


def test_an_unfinished_report_leaves_the_old_one_and_no_litter(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out" / "report.html"
    write_report(copy, out)
    before = out.read_bytes()

    def fail(self: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(copy, out)
    assert out.read_bytes() == before
    assert list(out.parent.iterdir()) == [out]


def test_the_page_loads_nothing_and_runs_only_its_own_scripts(db: Path, tmp_path: Path) -> None:
    html = write_report(db, tmp_path / "report.html", "zh").read_text(encoding="utf-8")
    assert '<html lang="zh-Hans">' in html
    assert EVIL not in html
    assert not re.findall(r'(?:src|href)="(?!#|data:)', html)
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    hashes = re.findall(r"'sha256-([^']*)'", policy[1])
    assert hashes == [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert "default-src 'none'" in policy[1]
    with pytest.raises(ValueError, match="language 'fr': one of en, zh"):
        write_report(db, tmp_path / "report.html", "fr")


def test_same_marts_same_page_but_for_the_time(db: Path, payload: dict[str, Any]) -> None:
    with Marts(db) as marts:
        again = read_payload(marts)
    assert {**again, "meta": None} == {**payload, "meta": None}


def test_five_thousand_series_stay_under_six_megabytes(tmp_path: Path) -> None:
    db = write_marts(tmp_path / "large.duckdb", series=5_000, days=180, later=True)
    out = write_report(db, tmp_path / "report.html")
    assert out.stat().st_size < 6_000_000


# --- texts ------------------------------------------------------------------------------------------------------------


def test_both_languages_say_the_same_things() -> None:
    texts = json.loads((ASSETS / "texts.json").read_text(encoding="utf-8"))
    plain = {language: {key for key in words if not key.endswith(".one")} for language, words in texts.items()}
    assert plain["en"] == plain["zh"]
    for key in plain["en"]:
        holes = [set(re.findall(r"\{(\w+)\}", texts[language][key])) for language in ("en", "zh")]
        assert holes[0] == holes[1], key


@pytest.mark.parametrize("frequency", ["day", "week", "month"])
def test_every_reason_of_a_fallback_is_told_in_both_languages(frequency: str) -> None:
    texts = json.loads((ASSETS / "texts.json").read_text(encoding="utf-8"))
    panel = make_panel(frequency=frequency)
    panel.quantity[0] = 0.0  # a series that never sold, so that something falls back
    reasons = [reason for _, reason, _ in fallbacks(panel)]
    assert len(reasons) > 4
    for language in texts.values():
        assert all(f"reason.{reason}" in language for reason in reasons)


def test_every_method_has_a_name_in_both_languages() -> None:
    texts = json.loads((ASSETS / "texts.json").read_text(encoding="utf-8"))
    methods = {*NETWORKS, *(name for found in BASELINES.values() for name in found), "blend"}
    methods |= {method for method, _, _ in fallbacks(make_panel())}
    for language in texts.values():
        assert methods <= {key.removeprefix("method.") for key in language}


def test_every_text_that_the_page_asks_for_exists() -> None:
    words = json.loads((ASSETS / "texts.json").read_text(encoding="utf-8"))["en"]
    scripts = "\n".join(
        (ASSETS / "js" / name).read_text(encoding="utf-8") for name in (item.name for item in (ASSETS / "js").iterdir())
    )
    asked = set(re.findall(r'\bt\("([\w.]+)"', scripts)) | set(re.findall(r'part\("(\w+)"', scripts))
    sections = set(re.findall(r'part\("(\w+)"', scripts))
    missing = {key for key in asked - sections if key not in words} | {f"{s}.title" for s in sections} - words.keys()
    assert not missing


# --- plots ------------------------------------------------------------------------------------------------------------


def test_a_series_is_drawn_as_png(db: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = plot_series(db, "SKU-0003/Lyon", tmp_path / "plots" / "series.png")
    assert out.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with pytest.raises(ReportError, match=r"no series 'SKU-0003/Lyom'; near ones: 'SKU-0003/Lyon'"):
        plot_series(db, "SKU-0003/Lyom", tmp_path / "series.png")
