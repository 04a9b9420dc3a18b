"""What drives each forecast: the contribution of each driver, period by period."""

from __future__ import annotations

import numpy as np

from salesfc_plugin.report.marts import EXPLANATION, Marts
from salesfc_plugin.report.timelines import TOTAL_DIGITS, Axis, Json, Matrix, encode, scatter

MOST_SERIES = 500  # as many as a build explains by default; more would weigh more than all the rest of the page
LEAST_SHARE = 1e-4  # of what all drivers move: less is rounding


def explanation(marts: Marts, series: int, axis: Axis) -> Json | None:
    """Contribution of each driver in each forecast period: of the shown series, and of all that are explained.

    Drivers stand in the order of how much they move, up or down, and what moves next to nothing is left out. `series`
    and `total` hold encoded lines (see `encode`), one set a driver; `explained` counts the series in `total`.
    """
    if not marts.has(EXPLANATION, "unique_id", "ts", "driver", "contribution"):
        return None
    moved = marts.rows(
        f"select driver, sum(abs(contribution)) as moved from {EXPLANATION} group by 1"
        " qualify moved > ? * sum(moved) over () order by 2 desc, 1 limit 30",
        LEAST_SHARE,
    )
    drivers = [str(driver) for driver, _ in moved]
    shape = (series, len(axis.days))
    lines = [
        scatter(marts, EXPLANATION, ["contribution"], shape, "m.driver = ? and r.i < ?", driver, MOST_SERIES)
        for driver in drivers
    ]
    ((explained,),) = marts.rows(f"select count(distinct unique_id) from {EXPLANATION}")
    return {
        "drivers": drivers,
        "explained": explained,
        "series": [encode(line["contribution"][:, axis.split :]) for line in lines],
        "total": [encode(_total(marts, axis, driver), TOTAL_DIGITS) for driver in drivers],
    }


def _total(marts: Marts, axis: Axis, driver: str) -> Matrix:
    line = np.full((1, len(axis.days)), np.nan)
    j, contribution = marts.arrays(
        f"select j, sum(contribution) from {EXPLANATION} join report_period using (ts) where driver = ? group by j",
        driver,
    )
    line[0, j.astype(int)] = contribution
    return line[:, axis.split :]
