"""What was published beside the network and each baseline, on cutoffs that neither choice nor calibration had seen.

    python benchmarks/trust.py m5.duckdb rossmann.duckdb

Each database is a finished `dbt build`, best with `salesfc_backtest_cutoffs: 4` or more. At each backtest cutoff the
method `published` was chosen and calibrated on the cutoffs before it alone; the first cutoff is left out, since nothing
was learnt before it. One row a method: means over cutoffs of the scaled quantile loss, WAPE, bias, coverage of the 80 %
and 90 % intervals, and the mean width of the 90 % interval; then what the choice cost at worst, against the network,
and how totals did level by level: summed up from each method, and by each way to make them agree (`run.py --keep` keeps
databases, with `--vars '{"salesfc_hierarchy": [["cat_id"]]}'` they have levels).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from salesfc_plugin.registry import read_model

_BY_CUTOFF = """
with period as (
    select
        backtest.*,
        quantiles[list_position(list_transform(levels, lambda l: round(l, 3)), 0.1)] as low80,
        quantiles[list_position(list_transform(levels, lambda l: round(l, 3)), 0.9)] as high80,
        quantiles[list_position(list_transform(levels, lambda l: round(l, 3)), 0.05)] as low90,
        quantiles[list_position(list_transform(levels, lambda l: round(l, 3)), 0.95)] as high90,
        list_avg(list_transform(
            list_zip(levels, quantiles),
            lambda p: 2 * abs((quantity - p[2]) * (cast(quantity <= p[2] as integer) - p[1]))
        )) as loss
    from fct_salesfc__backtest as backtest
    where quantity is not null
)

select
    method,
    cutoff,
    avg(loss / absolute_scale) as scaled_quantile_loss,
    sum(abs(forecast - quantity)) / sum(abs(quantity)) as wape,
    sum(forecast - quantity) / sum(quantity) as bias,
    avg(cast(quantity between low80 and high80 as integer)) as coverage_80,
    avg(cast(quantity between low90 and high90 as integer)) as coverage_90,
    avg(high90 - low90) as width_90
from period
left join int_salesfc__backtest_scale using (unique_id, cutoff)
where cutoff > (select min(cutoff) from period)
group by method, cutoff
"""


def by_cutoff(db: Path) -> pd.DataFrame:
    """One row a method and backtest cutoff but the first."""
    with duckdb.connect(str(db), read_only=True) as con:
        return con.execute(_BY_CUTOFF).df()


_BY_LEVEL = """
select group_id as level, method, metric_value as wrmsse
from fct_salesfc__accuracy
where level = 'hierarchy' and metric_name = 'wrmsse'
"""


def by_level(db: Path) -> pd.DataFrame:
    """Weighted scaled error of totals at each level by method, over all backtest cutoffs."""
    with duckdb.connect(str(db), read_only=True) as con:
        rows = con.execute(_BY_LEVEL).df()
    return rows.pivot_table(index="level", columns="method", values="wrmsse")


def reconciliation(db: Path) -> dict[str, Any] | None:
    """What the production model learnt of totals: the method and its losses on windows that it had not seen."""
    with duckdb.connect(str(db), read_only=True) as con:
        model = read_model(con.table("salesfc__model_registry").to_arrow_table(), "production")
    if model is None or not model.trust:
        return None
    told: dict[str, Any] | None = model.trust[max(model.trust)].get("reconciliation")
    return told


def main() -> None:
    """Print a table for each database."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("databases", nargs="+", type=Path)
    for db in parser.parse_args().databases:
        rows = by_cutoff(db)
        means = rows.drop(columns="cutoff").groupby("method").mean().sort_values("scaled_quantile_loss")
        print(f"\n{db.name}: means over {rows['cutoff'].nunique()} cutoffs\n{means.round(4).to_string()}")
        loss = rows.pivot_table(index="cutoff", columns="method", values="scaled_quantile_loss")
        others = loss.drop(columns="published")
        best = others.mean().idxmin()
        ratio = loss["published"].mean() / loss[best].mean()
        print(f"published over {best}, the best single method in hindsight: {ratio:.4f}")
        if "lstm" in loss:
            each = loss["published"] / loss["lstm"]
            print(f"published over lstm: {each.mean():.4f} in the mean, {each.max():.4f} at the worst cutoff")
        print(f"weighted error of totals by level\n{by_level(db).round(4).to_string()}")
        told = reconciliation(db)
        if told:
            print(f"totals agree by {told['method']}; forecasts of groups by {told['base']}")
            print(pd.DataFrame(told["losses"]).round(4).to_string())


if __name__ == "__main__":
    main()
