"""Metrics on arrays ``[N, H]`` with NaN where the truth is unknown; the accuracy mart computes the same in SQL."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.panel import Floats


def quantile_losses(truth: Floats, quantiles: Floats, levels: tuple[float, ...]) -> NDArray[np.float64]:
    """``[N, H]`` twice the quantile loss, mean over levels (Koenker & Bassett 1978), NaN where unknown."""
    level = np.array(levels)
    error = truth[:, :, None].astype(np.float64) - quantiles
    out: NDArray[np.float64] = 2.0 * np.maximum(level * error, (level - 1.0) * error).mean(axis=2)
    return out


def scaled_quantile_loss(truth: Floats, quantiles: Floats, levels: tuple[float, ...], scale: Floats) -> float:
    """Mean over series and periods of the quantile loss over the scale of its series (fev's SQL).

    Args:
        truth: ``[N, H]``.
        quantiles: ``[N, H, Q]``.
        levels: the Q levels.
        scale: ``[N]`` mean absolute seasonal difference of the history; a series without one (0 or NaN) drops out.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = quantile_losses(truth, quantiles, levels) / scale[:, None]
    seen = np.isfinite(ratio)
    return float(ratio[seen].mean()) if seen.any() else float("nan")


def wape(truth: Floats, forecast: Floats) -> float:
    """Sum of absolute errors over the sum of what was sold."""
    seen = np.isfinite(truth)
    total = np.abs(truth[seen]).sum()
    return float(np.abs(truth[seen] - forecast[seen]).sum() / total) if total > 0 else float("nan")


def bias(truth: Floats, forecast: Floats) -> float:
    """Sum of errors over the sum of what was sold; positive is too much."""
    seen = np.isfinite(truth)
    total = truth[seen].sum()
    return float((forecast[seen] - truth[seen]).sum() / total) if total > 0 else float("nan")
