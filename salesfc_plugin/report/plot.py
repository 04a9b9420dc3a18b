"""One series as a picture, for mails and notebooks (needs the `plot` extra: matplotlib)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from salesfc_plugin.report.marts import FORECAST, SALES, Marts, ReportError

PERIODS = 180
NEAR = 5


def plot_series(db: Path, unique_id: str, out_png: Path, periods: int = PERIODS) -> Path:
    """Draw the last `periods` periods of sales and the forecast with its interval to `out_png` (PNG, 1600 x 720).

    Raises ReportError for an unknown series (naming near ones), a database without forecasts, or no matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ReportError("plots need matplotlib: pip install 'salesfc-plugin[plot]'") from error
    with Marts(db) as marts:
        past, future, level = _read(marts, unique_id, periods)
    figure = Figure(figsize=(10, 4.5), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot([row[0] for row in past], [row[1] for row in past], color="#3f4752", linewidth=1.1, label="Sold")
    if future:
        days = [row[0] for row in future]
        axes.fill_between(
            days,
            [row[2] for row in future],
            [row[3] for row in future],
            color="#3b5bdb",
            alpha=0.16,
            linewidth=0,
            label=f"{level:.0%} interval" if isinstance(level, float) else "Interval",
        )
        axes.plot(days, [row[1] for row in future], color="#3b5bdb", linewidth=1.9, label="Forecast")
    axes.set_title(unique_id.replace("$", r"\$"), loc="left", fontsize=12, fontweight="bold")
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, loc="upper right", bbox_to_anchor=(1.0, 1.12), ncols=3)
    out_png.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out_png, format="png")
    return out_png


def _read(marts: Marts, unique_id: str, periods: int) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], object]:
    future = marts.rows(
        f"select ts, forecast, lower_bound, upper_bound from {FORECAST} where unique_id = ? order by ts", unique_id
    )
    past = (
        marts.rows(
            f"select ts, quantity from {SALES} where unique_id = ? and time_series_type = 'history' order by"
            " ts desc limit ?",
            unique_id,
            periods,
        )[::-1]
        if marts.has(SALES)
        else []
    )
    if not future and not past:
        near = marts.rows(
            f"select unique_id from {FORECAST} group by 1 order by jaro_winkler_similarity(unique_id, ?)"
            f" desc, 1 limit {NEAR}",
            unique_id,
        )
        raise ReportError(
            f"no series {unique_id!r}; near ones: {', '.join(repr(row[0]) for row in near) or 'there is none'}"
        )
    level = marts.rows(f"select max(confidence_level)::double from {FORECAST}")[0][0]
    return past, future, level
