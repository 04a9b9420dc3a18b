"""The same models run on DuckDB and on Spark: what only one of them understands stands in dispatched macros."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2] / "dbt_project"
MODELS = sorted(p for folder in ("models", "tests", "analyses") for p in (PROJECT / folder).rglob("*.sql"))
# What it is, and what to write instead.
FORBIDDEN = {
    r"\bvarchar\b": "string",
    r"::": "cast(... as ...)",
    r"\b(list|list_\w+|array_agg)\(": "salesfc.listed, list_sum, list_mean, list_deviation",
    r"\b(unnest|generate_series|range)\(": "salesfc.unnested, salesfc.periods_between",
    r"\b(date_diff|datediff|datesub)\(": "salesfc.days_between",
    r"\b(isodow|dayofweek)\(": "salesfc.weekday",
    r"\binterval\b": "salesfc.period_add, or a number of days",
    r"\b(quantile_cont|quantile_disc|median|percentile|mode)\(": "salesfc.quantile_of",
    r"\bignore nulls\b": "salesfc.last_known, salesfc.next_known",
    r"\b(strftime|strptime|try_strptime|epoch)\(": "salesfc.to_time",
    r"\b(isinf|error|json_object|struct_pack|regexp_matches|string_agg|arg_max|arg_min)\(": "a macro in engine.sql",
    r"\b(list_\w+|array_\w+|len|size)\(": "a macro in lists.sql",
    r"\b(asof|pivot|exclude|replace) ?\(? ?\b(join|on)\b": "plain SQL",
    r"\w\[": "salesfc.item_of: lists begin at 1 on DuckDB, at 0 on Spark",
    r"/ ?[0-9]+\.[0-9]+\b": "a whole number, or cast(... as double): Spark divides decimals with six digits",
}


def bare(sql: str) -> str:
    """SQL without comments and without what Jinja writes."""
    return re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|--[^\n]*|'[^']*'", " ", sql, flags=re.DOTALL)


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_models_say_nothing_that_only_one_engine_understands(path: Path) -> None:
    sql = bare(path.read_text(encoding="utf-8"))
    found = [
        f"{match[0]!r}: write {instead}" for rule, instead in FORBIDDEN.items() for match in re.finditer(rule, sql)
    ]
    assert not found, f"{path.name}: {'; '.join(found)} (see CONTRIBUTING.md, SQL for two engines)"


def test_what_differs_is_written_for_both() -> None:
    macros = {p.name: p.read_text(encoding="utf-8") for p in (PROJECT / "macros").glob("*.sql")}
    text = "\n".join(macros.values())
    wanted = set(re.findall(r"adapter\.dispatch\('(\w+)', 'salesfc'\)", text))
    assert wanted == set(re.findall(r"macro default__(\w+)\(", text))
    portable = wanted - set(re.findall(r"macro spark__(\w+)\(", text))
    assert portable == set(), f"without a macro spark__...: {portable}"


@pytest.mark.parametrize(
    "sql", ["select a::date", "select 1 / 3.0", "select list(a order by b)", "select x as varchar", "select l[1]"]
)
def test_the_rule_finds_what_it_looks_for(sql: str) -> None:
    assert any(re.search(rule, bare(sql)) for rule in FORBIDDEN)


def test_the_rule_reads_past_comments_and_macros() -> None:
    assert not any(re.search(rule, bare("-- list(x)\nselect {{ list(a) }}, 'varchar'")) for rule in FORBIDDEN)


def test_contracts_name_types_that_both_know() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "models").rglob("*.yml"))
    types = set(re.findall(r"data_type: *\"?([a-z]+)\b(?!\()", text))
    assert types <= {"string", "double", "bigint", "integer", "boolean", "date", "timestamp", "binary"}, types
