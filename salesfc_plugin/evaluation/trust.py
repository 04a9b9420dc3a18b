"""What is published beside the network's own forecast: methods, calibration and reconciliation, learnt by backtest.

It is kept in the trained model for each cutoff that it was learnt before, so that a forecast with the saved model needs
no backtest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.evaluation.calibration import Calibration
from salesfc_plugin.evaluation.reconciliation import Reconciliation
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel


@dataclass(frozen=True)
class Trust:
    """What was learnt from the backtest windows before a cutoff.

    Args:
        windows: how many there were.
        methods: for each candidate but the network the series that it publishes, and the gain that is expected of it.
        calibration: correction of the quantiles.
        widening: of the network's own quantiles before that, where it is surer than the network that was measured.
        reconciliation: how totals and series are made to agree; None where no groups were given.
    """

    windows: int = 0
    methods: dict[str, dict[str, float]] = field(default_factory=dict)
    calibration: Calibration | None = None
    widening: Calibration | None = None
    reconciliation: Reconciliation | None = None

    def of(self, panel: Panel) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
        """``[N]`` name of each series' candidate, empty for the network, and the gain that is expected of it."""
        names, gains = np.full(panel.n_series, "", dtype=object), np.zeros(panel.n_series)
        for row, unique_id in enumerate(panel.unique_id):
            for method, series in self.methods.items():
                if unique_id in series:
                    names[row], gains[row] = method, series[unique_id]
        return names, gains

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        names = ("calibration", "widening", "reconciliation")
        parts = {name: getattr(self, name) for name in names}
        plain = {name: None if part is None else part.to_dict() for name, part in parts.items()}
        return {"windows": self.windows, "methods": self.methods, **plain}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Trust:
        """From plain values."""
        kinds: dict[str, Any] = {
            "calibration": Calibration,
            "widening": Calibration,
            "reconciliation": Reconciliation,
        }
        found = {name: values.get(name) for name in kinds}
        parts = {name: None if plain is None else kinds[name].from_dict(plain) for name, plain in found.items()}
        return cls(values["windows"], values["methods"], **parts)


def trust_at(model: TrainedModel | None, cutoff: str) -> Trust:
    """What a model learnt before a cutoff (ISO date); nothing if it learnt nothing by then."""
    known = [] if model is None else [c for c in model.trust if c <= cutoff]
    return Trust() if model is None or not known else Trust.from_dict(model.trust[max(known)])
