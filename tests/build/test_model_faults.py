"""Models in the registry that cannot be used, and a clock that went back: the next training is right."""

from __future__ import annotations

import datetime as dt
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import pytest

from salesfc_plugin import retraining
from salesfc_plugin.model import FORMAT
from salesfc_plugin.serving.promoted import read_promoted
from tests.build.conftest import EVERYTHING, SALESFC, BuildResult, build_in, run_dbt

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

SALES = (
    "select 's' || s as sku, date '2024-01-01' + cast(d as integer) as sold_at,"
    " 5 + s + cast(3 * sin(d / 7.0 * 2 * pi()) as integer) as quantity from range(8) a(s), range(120) b(d)"
)
VARIABLES = {"series_keys": ["sku"], "horizon": 7, "preset": "quick", "backtest_cutoffs": 1}
FORECASTS = "select unique_id, ts, forecast, model_version from fct_salesfc__forecast order by 1, 2"
PROMOTED = "select model_version from salesfc__model_registry where role = 'production' and stage = 'promoted'"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> BuildResult:
    """A shop with forecasts and a model."""
    made = build_in(tmp_path_factory.mktemp("trained") / "shop", {"sales": SALES}, VARIABLES, EVERYTHING)
    assert made.ok, made.trouble
    return made


@pytest.fixture
def shop(trained: BuildResult, tmp_path: Path) -> Path:
    database = tmp_path / "shop.duckdb"
    shutil.copy(trained.database, database)
    return database


def run(database: Path, *arguments: str, **changes: object) -> BuildResult:
    settings = VARIABLES | changes
    return run_dbt(database, ["run", *arguments], {f"salesfc_{name}": value for name, value in settings.items()})


@pytest.fixture
def newer_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next model is promoted, however well it does: which of two seeds is better hangs on last digits."""
    monkeypatch.setattr(retraining, "LUCK", float("inf"))


def damaged(weights: bytes) -> bytes:
    return weights[: len(weights) // 2] + b"\0" * (len(weights) - len(weights) // 2)


def of_an_older_version(weights: bytes) -> bytes:
    with np.load(io.BytesIO(weights)) as file:
        arrays = dict(file)
    text = json.loads(arrays["__config__"].tobytes())
    text["config"]["format"] = FORMAT - 1
    arrays["__config__"] = np.frombuffer(json.dumps(text).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (damaged, "the saved weights cannot be read"),
        (of_an_older_version, f"the saved model has format {FORMAT - 1}, this version reads {FORMAT}; train again."),
    ],
)
def test_a_model_that_cannot_be_used_is_named_and_forecasts_stay(
    shop: Path, trained: BuildResult, change: Callable[[bytes], bytes], message: str
) -> None:
    (version,) = trained.rows(PROMOTED)[0]
    with duckdb.connect(str(shop)) as connection:
        query = "select weights from salesfc__model_registry where model_version = ?"
        (weights,) = connection.execute(query, [version]).fetchall()[0]
        query = "update salesfc__model_registry set weights = ? where model_version = ?"
        connection.execute(query, [change(bytes(weights)), version])
    made = run(shop, "--select", "tag:salesfc_predict")
    assert f"salesfc__model_registry, model {version}: " in made.trouble
    assert message in made.trouble
    assert "Traceback" not in made.trouble
    assert made.rows(FORECASTS) == trained.rows(FORECASTS)
    again = run(shop)
    assert again.ok, again.trouble
    assert again.rows(FORECASTS) == trained.rows(FORECASTS)


@pytest.mark.usefixtures("newer_takes_over")
def test_a_clock_that_went_back_does_not_bring_an_old_model_back(shop: Path, trained: BuildResult) -> None:
    """The model of before seems to be ten years younger than the new one, which is the later one all the same."""
    ((old,),) = trained.rows(PROMOTED)
    with duckdb.connect(str(shop)) as connection:
        connection.execute("update salesfc__model_registry set created_at = created_at + interval 10 year")
        connection.execute("update fct_salesfc__forecast_vintage set made_at = made_at + interval 10 year")
    made = run(shop, seed=8)
    assert made.ok, made.trouble
    ((version,),) = made.rows(PROMOTED)
    assert version != old
    with duckdb.connect(str(shop), read_only=True) as connection:
        assert read_promoted(connection).version == version
    used = "select distinct model_version from fct_salesfc__forecast where model_version is not null"
    assert {row[0] for row in made.rows(used)} <= {version}  # a simpler method has none
    twice = "select unique_id, ts, count(*) from fct_salesfc__forecast group by all having count(*) > 1"
    assert made.rows(twice) == []
    vintages = "select invocation_id from fct_salesfc__forecast_vintage group by 1 order by max(made_at)"
    assert len(made.rows(vintages)) == 2
    assert made.rows(vintages)[:1] == trained.rows(vintages), "what was published last is the last vintage"
    listed = salesfc("models", "list", "--db", str(shop))
    assert listed.index(version) < listed.index(old), "the newest first"
    assert salesfc("models", "rollback", "--db", str(shop)) == f"Rolled back to {old}.\n"
    alone = run(shop, "--select", "tag:salesfc_predict")
    assert alone.ok, alone.trouble
    assert alone.rows(FORECASTS) == trained.rows(FORECASTS)
    pair = "select unique_id, ts, forecast, lower_bound, upper_bound from {}"
    published = pair.format("fct_salesfc__forecast")
    shown = pair.format("fct_salesfc__sales_and_forecast where time_series_type = 'forecast'")
    assert alone.rows(f"({shown} except all {published}) union all ({published} except all {shown})") == []


@pytest.mark.usefixtures("newer_takes_over")
def test_models_of_one_moment_are_two_builds(shop: Path, trained: BuildResult, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the clock stands still, each training is still a build of its own, and only one is in place."""
    ((old, moment),) = trained.rows(PROMOTED.replace("model_version", "model_version, created_at"))
    stopped = SimpleNamespace(now=lambda zone: moment.replace(tzinfo=zone))
    monkeypatch.setattr(retraining, "dt", SimpleNamespace(datetime=stopped, UTC=dt.UTC))
    made = run(shop, seed=8)
    assert made.ok, made.trouble
    builds = "select count(*) from salesfc__model_registry group by created_at"
    assert made.rows(builds) == [(2,), (2,)], "each with its backtest model"
    kept = made.rows("select model_version from int_salesfc__kept_model where role = 'production'")
    assert kept == made.rows(PROMOTED) != [(old,)]
    assert salesfc("models", "rollback", "--db", str(shop)) == f"Rolled back to {old}.\n"


def salesfc(*arguments: str) -> str:
    done = subprocess.run([SALESFC, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
