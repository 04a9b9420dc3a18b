"""Making series and totals agree: from the bottom up, from the top down, or by the least expected error (MinT).

Groups are forecast by themselves, as series are. From the bottom up these forecasts are ignored: totals are sums. From
the top down the series are scaled to the forecast of their total (forecast proportions; Athanasopoulos, Ahmed &
Hyndman, Int. J. Forecast. 25, 2009). MinT (Wickramasuriya, Athanasopoulos & Hyndman, JASA 114, 2019) changes all by as
much as their errors say, with the covariance of backtest errors shrunk to its diagonal (Schaefer & Strimmer 2005).

Whatever is chosen, only the series' forecasts change, by a bounded factor; totals are their sums. So all levels agree
by construction and nothing becomes negative, also where levels do not nest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salesfc_plugin.evaluation.hierarchy import Groups

BOTTOM_UP, TOP_DOWN, MINT = METHODS = ("bottom_up", "top_down", "mint")
SERIES = "series"
_MOST = 3.0  # a series' forecast is at most multiplied or divided by this
_GAIN = 0.01  # less loss, over all levels, from which the series' own sums are left
_HARM = 0.01  # more loss that no level may have for it
_DOUBT = 1.5  # standard errors over windows that are taken off a gain
_RANK = 32  # directions of common error that are kept
Doubles = NDArray[np.float64]
Key = tuple[str, str]


@dataclass(frozen=True)
class Errors:
    """Covariance of base errors: a diagonal and a few common directions.

    Args:
        keys: ``(level, name)`` of the nodes: groups, then series.
        variance: ``[n]`` of each.
        factor: ``[n, r]``; the covariance is ``factor @ factor.T`` off the diagonal.
    """

    keys: tuple[Key, ...]
    variance: Doubles
    factor: Doubles

    def at(self, keys: list[Key]) -> Errors:
        """The same for other nodes: those that are new err like the median one, and alone."""
        place = {key: k for k, key in enumerate(self.keys)}
        rows = np.array([place.get(key, -1) for key in keys])
        usual = float(np.median(self.variance))
        variance = np.where(rows >= 0, self.variance[rows], usual)
        return Errors(tuple(keys), variance, np.where(rows[:, None] >= 0, self.factor[rows], 0.0))


@dataclass(frozen=True)
class Reconciliation:
    """What the backtest says of totals.

    Args:
        method: one of ``METHODS``.
        base: what forecasts the groups of each level: the network or a baseline.
        losses: for each method and level the weighted scaled error on windows that it had not seen.
        errors: covariance for MinT, if that is the method.
    """

    method: str = BOTTOM_UP
    base: dict[str, str] = field(default_factory=dict)
    losses: dict[str, dict[str, float]] = field(default_factory=dict)
    errors: Errors | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        e = self.errors if self.method == MINT else None
        plain = None
        if e is not None:
            numbers = np.column_stack([e.variance, e.factor])
            plain = {
                "keys": [list(k) for k in e.keys],
                "numbers": [[float(f"{x:.5g}") for x in row] for row in numbers],
            }
        return {"method": self.method, "base": self.base, "losses": self.losses, "errors": plain}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Reconciliation:
        """From plain values."""
        plain, errors = values["errors"], None
        if plain is not None:
            numbers = np.array(plain["numbers"], np.float64)
            errors = Errors(tuple((k[0], k[1]) for k in plain["keys"]), numbers[:, 0], numbers[:, 1:])
        return cls(values["method"], values["base"], values["losses"], errors)


def top_down(bottom: Doubles, total: Doubles) -> Doubles:
    """``[N, H]`` series scaled so that they sum to the ``[H]`` total; where they sum to nothing they stay."""
    summed = bottom.sum(axis=0)
    return bottom * np.where(summed > 0, total / np.maximum(summed, 1e-12), 1.0)


def covariance(keys: list[Key], errors: Doubles) -> Errors:
    """Shrunk covariance of ``[n, T]`` errors, NaN where unknown, with shrinkage as Schaefer & Strimmer choose it.

    Errors are not centred: that a level was missed is what has to be mended.
    """
    seen = np.isfinite(errors)
    count = np.maximum(seen.sum(axis=1, keepdims=True), 1)
    filled = np.where(seen, errors, 0.0) * np.sqrt(errors.shape[1] / count)
    periods = errors.shape[1]
    variance = (filled**2).mean(axis=1)
    variance = np.maximum(variance, 1e-6 * max(float(variance.mean()), 1e-12))
    scaled = filled / np.sqrt(variance)[:, None]
    # sums over all pairs of nodes by T x T products: a matrix of all pairs is never made
    squares, gram = scaled**2, scaled.T @ scaled / periods
    correlation = float((gram**2).sum() - (squares.mean(axis=1) ** 2).sum())
    products = float((squares.sum(axis=0) ** 2).sum() - (squares**2).sum())
    doubt = max(products - periods * correlation, 0.0) / (periods * max(periods - 1, 1))
    shrink = float(np.clip(doubt / max(correlation, 1e-12), 1e-4, 1.0))
    factor = np.sqrt((1.0 - shrink) / periods) * filled
    if periods > _RANK:
        # the largest singular vectors, by the small matrix of periods: there may be tens of thousands of nodes
        factor = factor @ np.linalg.eigh(factor.T @ factor)[1][:, -_RANK:]
    return Errors(tuple(keys), variance, factor)


def mint(bottom: Doubles, base: Doubles, member: Any, errors: Errors) -> Doubles:
    """``[N, H]`` series after minimum-trace reconciliation; they may be negative.

    With C = [I, -A] (groups less the sums of their series) the reconciled nodes are ``y - W C' (C W C')^-1 C y``, which
    needs a system as large as there are groups, sparse but for the few common directions (Woodbury).

    Args:
        bottom: ``[N, H]`` forecasts of the series.
        base: ``[G, H]`` forecasts of the groups.
        member: ``[G, N]`` sparse.
        errors: of the groups, then the series.
    """
    from scipy import sparse  # here: an answer for one series imports this module and never needs SciPy
    from scipy.sparse.linalg import splu

    n_groups = len(base)
    own = np.maximum(errors.variance - (errors.factor**2).sum(axis=1), 1e-4 * errors.variance)
    above, below = own[:n_groups], own[n_groups:]
    pull = errors.factor[:n_groups] - member @ errors.factor[n_groups:]
    system = splu(sparse.csc_array(sparse.diags_array(above) + member @ sparse.diags_array(below) @ member.T))
    gap = base - member @ bottom
    solved, plain = system.solve(pull), system.solve(gap)
    inner = np.eye(pull.shape[1]) + pull.T @ solved
    x = plain - solved @ np.linalg.solve(inner, pull.T @ plain)
    out: Doubles = bottom + below[:, None] * (member.T @ x) - errors.factor[n_groups:] @ (pull.T @ x)
    return out


def reconciled(
    method: str, bottom: Doubles, base: Doubles, groups: Groups, errors: Errors | None, keys: list[Key]
) -> Doubles:
    """``[N, H]`` factors of the series' forecasts: all 1 from the bottom up.

    Args:
        method: one of ``METHODS``.
        bottom: ``[N, H]`` forecasts of the series.
        base: ``[G, H]`` forecasts of the groups.
        groups: with a level ``all`` of one group.
        errors: for MinT; without, nothing changes.
        keys: of the groups, then the series.
    """
    if method == TOP_DOWN:
        made = top_down(bottom, base[groups.of("all")[0]])
    elif method == MINT and errors is not None:
        made = mint(bottom, base, groups.member, errors.at(keys))
    else:
        return np.ones_like(bottom)
    factor = np.where(bottom > 1e-9, made / np.maximum(bottom, 1e-9), 1.0)
    bounded: Doubles = np.clip(np.nan_to_num(factor, nan=1.0), 1.0 / _MOST, _MOST)
    return bounded


def choose_method(losses: list[dict[str, dict[str, float]]]) -> str:
    """The method of most gain over all levels, if that is clear and does no level harm; else from the bottom up.

    Clear is a gain whose mean over windows is enough with doubt taken off, as one window speaks of its own luck.

    Args:
        losses: for each window, method and level its loss; a method is judged on the windows that all have.
    """
    whole = [window for window in losses if set(window) == set(METHODS)]
    if len(whole) < 2:
        return BOTTOM_UP
    sure = {}
    for method in METHODS:
        ratio = np.array([[w[method][v] / max(w[BOTTOM_UP][v], 1e-12) for v in w[BOTTOM_UP]] for w in whole])
        gain = 1.0 - ratio.mean(axis=1)
        harmless = ratio.mean(axis=0).max() <= 1.0 + _HARM
        sure[method] = float(gain.mean() - _DOUBT * gain.std(ddof=1) / np.sqrt(len(gain))) if harmless else -1.0
    best = max(METHODS, key=lambda m: sure[m])
    return best if sure[best] >= _GAIN else BOTTOM_UP
