"""The vars as the macros have them: read outside dbt, checked in dbt's words, documented."""

from pathlib import Path

import pytest

from salesfc_plugin.settings import SettingError, check_vars, project_dir, settings_table, value_of, vars_markdown


def test_the_reference_of_vars_is_up_to_date() -> None:
    written = (Path(__file__).parents[2] / "docs" / "vars.md").read_text(encoding="utf-8")
    assert written == vars_markdown(), "run `make docs`"


def test_every_var_is_documented_and_its_example_and_default_are_valid() -> None:
    assert len(settings_table()) > 20
    for name, row in settings_table().items():
        assert row["doc"], name
        assert row.get("valid") or row.get("choices"), name
        assert value_of(name, {f"salesfc_{name}": row["example"]}) == row["example"]
        assert value_of(name, {}) == row["default"]
        assert row["example"] != row["default"], f"{name}: an example should show something else than the default"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            {"salesfc_horizon": 0},
            "salesfc_horizon: 0 is not valid; it must be a whole number of periods from 1 to 1000.",
        ),
        ({"salesfc_network": "lstn"}, "salesfc_network: 'lstn' is not valid; it must be one of lstm, dense"),
        ({"salesfc_horizn": 7}, "salesfc_horizn: there is no such var; did you mean salesfc_horizon?"),
        ({"salesfc_cutoff": "2023-02-29"}, "salesfc_cutoff: '2023-02-29' is not valid; it must be a date"),
    ],
)
def test_a_wrong_var_is_told_as_a_build_tells_it(given: dict[str, object], problem: str) -> None:
    told = check_vars(given)
    assert len(told) == 1
    assert told[0].startswith(problem)


def test_right_vars_and_other_packages_vars_are_no_problem() -> None:
    assert check_vars({"salesfc_horizon": "14", "surrogate_key_treat_nulls_as_empty_strings": True}) == []
    assert value_of("horizon", {"salesfc_horizon": "14"}) == 14
    with pytest.raises(SettingError):
        value_of("horizon", {"salesfc_horizon": "fourteen"})


def test_a_checkout_is_its_own_project() -> None:
    assert project_dir() == Path(__file__).parents[2]
