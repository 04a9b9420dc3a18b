"""The calendar that builds make in SQL, beside its twin in Python that single answers use."""

from __future__ import annotations

import numpy as np
import pytest

from salesfc_plugin.almanac import calendar
from tests.build.conftest import daily


@pytest.mark.parametrize(
    ("frequency", "region"),
    [
        ("day", "CN"),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in [("day", "US"), ("week", "CN"), ("month", "CN")]),
    ],
)
def test_both_calendars_are_one(build, frequency, region):
    sales = daily([1.0] * 500, "2023-01-02")
    select = ("--select", "+int_salesfc__calendar", "--exclude", "resource_type:unit_test")
    result = build({"sales": sales}, {"frequency": frequency, "horizon": 6, "holiday_region": region}, select)
    assert result.ok, result.trouble
    made = result.sql("from int_salesfc__calendar order by ts")
    names, features = calendar(made["ts"].to_numpy().astype("datetime64[D]"), frequency, region)
    theirs = [name for name in made.columns if name != "ts"]
    unused = set(names) - set(theirs)
    assert set(theirs) <= set(names)
    assert all(not features[:, names.index(name)].any() for name in unused), "holidays outside of the calendar's years"
    ours = features[:, [names.index(name) for name in theirs]]
    np.testing.assert_allclose(ours, made[theirs].to_numpy(np.float32), atol=1e-6)
