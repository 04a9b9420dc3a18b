"""The orders of the next weeks, as one table: called by the dbt Python model of the order plan."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from salesfc_plugin.config import Progress, Quiet
from salesfc_plugin.decisions.marginals import Doubles
from salesfc_plugin.decisions.stock import Lots, plan_orders
from salesfc_plugin.decisions.tables import Found, as_arrow, read_terms, supply_paths
from salesfc_plugin.reading import Relation, read_settings
from salesfc_plugin.watching import watched

_ORDER = pa.schema([("unique_id", pa.string()), ("order_ts", pa.date32()), ("order_quantity", pa.float64())])


def order_table(
    prediction: Relation,
    outcome: Relation,
    series: Relation,
    position: Relation,
    setting: Relation,
    progress: Progress | None = None,
) -> pa.Table:
    """The orders of this and the next reviews within the horizon, one row a series and order.

    ``position`` is that of stock after transfers between places. Later orders are what they would be if demand were its
    mean until then.
    """
    config, values = read_settings(setting)
    found = Found.of(prediction, series)
    ids, ts = found.ids, found.ts
    if len(ids) == 0:
        return _ORDER.empty_table()
    terms, lots = read_terms(position, ids), read_lots(position, ids)
    if not np.isfinite(terms.available).any():
        return _ORDER.empty_table()  # nobody counted stock: no need to draw paths
    blocks = supply_paths(found, outcome, terms, config, int(values["paths"]))
    parts = [
        plan_orders(paths, terms[rows], Lots(lots.pack[rows], lots.least[rows]), config.horizon, rng)
        for rows, paths, rng in watched(blocks, len(ids), "orders of the next weeks", progress or Quiet())
    ]
    orders = np.concatenate(parts, axis=1)
    review, place = np.nonzero(np.nan_to_num(orders) > 0.0)
    day = np.minimum(review * terms.review_period[place], len(ts) - 1)
    columns = {
        "unique_id": pa.array(ids, pa.string()).take(pa.array(place)),
        "order_ts": pa.array(ts[day]).cast(pa.date32()),
        "order_quantity": orders[review, place],
    }
    return pa.table(columns).cast(_ORDER)


def read_lots(position: Relation, ids: NDArray[np.object_]) -> Lots:
    """Packs and minimum orders in the order of ``ids``; 0 where none is given."""
    table = as_arrow(position)
    place = {name: k for k, name in enumerate(table["unique_id"].to_pylist())}
    rows = np.array([place[name] for name in ids], np.int64)

    def column(name: str) -> Doubles:
        values = np.array(table[name].cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
        return np.nan_to_num(values[rows])

    return Lots(column("pack_size"), column("minimum_order"))
