"""Forecasts that see some inputs as they are and the others as they usually are: what explanations compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from salesfc_plugin.inference import Forecaster
from salesfc_plugin.inference.inputs import Dates, Inputs, gather
from salesfc_plugin.inference.network import Dated, Switches
from salesfc_plugin.inference.threads import one_thread
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Floats, Panel
from salesfc_plugin.recipe import Recipe

_ONE = np.float32(1.0)


@dataclass(frozen=True)
class Shown:
    """Which inputs a forecast may see as they are; the others it sees as they usually are.

    Args:
        known: for each column known in advance.
        calendar: for each calendar feature.
        past: whether the columns of the past.
        product: whether the attributes of the series.
    """

    known: tuple[bool, ...]
    calendar: tuple[bool, ...]
    past: bool
    product: bool


class Comparison:
    """A model over a panel, to forecast its horizon again and again with other inputs shown.

    What has happened stays, so that it is compared with. A flag known in advance is off and another such column at its
    mean over the window; a date is that of the last known period, without a holiday near it; behaviour is at its mean
    over the window; attributes are unknown. What the encoder makes of a window is made once for each way in which it
    sees the past.

    Args:
        model: trained on this panel or on an earlier cut of it.
        panel: its attributes must be coded by the vocabulary of the model's recipe.
    """

    def __init__(self, model: TrainedModel, panel: Panel) -> None:
        self.model, self._forecaster = model, Forecaster(model, panel)
        self._origin = self._forecaster.arrays.end
        self._flags = np.array([column.kind == "flag" for column in model.recipe.known], np.float32)
        self._usual_date = _usual_date(self._forecaster.arrays.calendar[self._origin - 1], panel, model.recipe)
        self._windows: dict[int, Inputs] = {}
        self._encoded: dict[tuple[int, bool, Any], Floats] = {}

    def mean(self, switches: Switches, shown: Shown) -> Floats:
        """``[N, H]`` means over members and sets of input groups, in units."""
        forecaster = self._forecaster
        with one_thread():
            dated = self._dated(switches, shown)
            return np.concatenate([self._part(rows, dated, shown) for rows in forecaster.parts()])

    def _part(self, rows: slice, dated: Dated, shown: Shown) -> Floats:
        forecaster, start = self._forecaster, rows.start
        if start not in self._windows:
            self._windows[start] = gather(forecaster.arrays, self.model.recipe, rows, self._origin)
        x, encoded = self._seen(self._windows[start], shown), None
        if dated.encoder.any():
            key = (start, shown.past, tuple(dated.known.tolist()))
            if key not in self._encoded:
                self._encoded[key] = forecaster.network.encoded(x, dated)
            encoded = self._encoded[key]
        return forecaster.answer(x, rows, self._origin, dated, encoded)[0]

    def _seen(self, x: Inputs, shown: Shown) -> Inputs:
        changed: dict[str, Any] = {}
        if x.known is not None:
            on = np.array(shown.known, np.float32)
            usual = x.known.window.mean(axis=1, keepdims=True) * (_ONE - self._flags)
            changed["known"] = replace(x.known, step=on * x.known.step + (_ONE - on) * usual)
        if x.past is not None and not shown.past:
            changed["past"] = np.broadcast_to(x.past.mean(axis=1, keepdims=True), x.past.shape)
        if not shown.product:
            changed |= {"codes": np.zeros_like(x.codes), "reals": np.zeros_like(x.reals)}
        return replace(x, **changed)

    def _dated(self, switches: Switches, shown: Shown) -> Dated:
        dates = Dates.at(self._forecaster.arrays.calendar, self._origin, self.model.recipe)
        on = np.array(shown.calendar, np.float32)
        step = on * dates.step + (_ONE - on) * self._usual_date
        return self._forecaster.network.dated(replace(dates, step=step), switches)


def _usual_date(last: Floats, panel: Panel, recipe: Recipe) -> Floats:
    """``[C]`` calendar of the last known period; holiday features as on a usual day (their median)."""
    usual = np.median(panel.calendar, axis=0) if len(panel.calendar) else np.zeros(0)
    place = {name: k for k, name in enumerate(panel.calendar_names)}
    found = [usual[place[n]] if n in place and "holiday" in n else np.nan for n in recipe.calendar_names]
    holiday = np.array(found, np.float32)
    return np.where(np.isfinite(holiday), holiday, last)
