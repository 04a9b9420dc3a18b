"""For tests of what answers on the spot: a shop's panel, a model of it in a registry, and questions about it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from salesfc_plugin import registry
from salesfc_plugin.almanac import calendar
from salesfc_plugin.panel import Panel
from salesfc_plugin.serving.question import Question
from tests.panels import LEVELS, tiny_panel

if TYPE_CHECKING:
    from salesfc_plugin.model import TrainedModel

EARLIER = dt.datetime(2025, 1, 1)


def shop(periods: int = 460, **changes: object) -> Panel:
    """A panel with a build's own calendar, as single answers have it."""
    panel = tiny_panel(n=6, periods=periods, closed=True, **changes)
    names, features = calendar(panel.ts, panel.frequency, "US")
    return replace(panel, calendar=features, calendar_names=names)


def shop_model(panel: Panel, network: str = "dense", **sizes: int) -> TrainedModel:
    """A random network that corrects its intervals and hands one series to another method, another to a blend."""
    from salesfc_plugin.evaluation.calibration import CLASSES, Calibration
    from salesfc_plugin.evaluation.trust import Trust
    from tests.networks import random_model

    offsets = np.random.default_rng(1).normal(0.0, 0.025, (len(CLASSES), 3, len(LEVELS)))
    methods = {"weekday_mean": {"item 003": 0.2}, "blend:tsb": {"item 004": 0.1}}
    trust = Trust(3, methods, Calibration(LEVELS, offsets)).to_dict()
    model = random_model(panel, network, members=2, **sizes)
    return replace(model, holiday_region="US", trust={str(panel.cutoff): trust})


def question(panel: Panel, row: int, unique_id: str | None = None) -> Question:
    """All that the panel knows of one series, from its first period on."""
    first, statics = int(panel.first[row]), panel.statics
    codes = zip(statics.names, statics.codes[row], statics.vocabulary, strict=True)
    attributes = {name: words[code - 1] for name, code, words in codes if code > 0}
    return Question(
        history=panel.quantity[row, first:],
        last=panel.cutoff,
        known={name: column[row, first:] for name, column in panel.known.items()},
        past={name: column[row, first:] for name, column in panel.past.items()},
        attributes={**attributes, **dict(zip(statics.real_names, statics.reals[row].tolist(), strict=True))},
        unique_id=str(panel.unique_id[row]) if unique_id is None else unique_id,
    )


def write_model(
    connection: duckdb.DuckDBPyConnection, model: TrainedModel, created_at: dt.datetime = EARLIER, where: str = "main"
) -> str:
    """Add a model to the registry, promoted in place of the one before: its version."""
    table = registry.to_table([("production", model)], "data", created_at)
    name = f"{where}.salesfc__model_registry"
    connection.register("made", table)
    connection.execute(f"create table if not exists {name} as select *, 'promoted' as stage from made limit 0")
    connection.execute(f"update {name} set stage = 'archived'")
    connection.execute(f"insert into {name} select *, 'promoted' from made")
    connection.unregister("made")
    return model.version
