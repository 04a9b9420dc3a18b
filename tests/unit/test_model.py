"""A model as bytes and as a row: what is written is read back, and what is damaged or hostile is refused."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
import pickle
import tracemalloc
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesfc_plugin import registry
from salesfc_plugin.config import ForecastConfig
from salesfc_plugin.evaluation.hierarchy import Groups, read_groups
from salesfc_plugin.model import FORMAT, ModelError, TrainedModel, to_json
from salesfc_plugin.recipe import learn_recipe
from tests.panels import LEVELS, tiny_panel, with_columns

NOW = dt.datetime(2026, 1, 31, 12, 0)


def made_up(seed: int = 1, members: int = 2) -> TrainedModel:
    rng = np.random.default_rng(seed)
    shapes = [(3, 4), (4,), (), (12, 2)]
    return TrainedModel(
        network="lstm",
        capacity={"hidden": 8, "layers": 1},
        recipe=learn_recipe(tiny_panel(closed=True)),
        levels=LEVELS,
        switches=((True, True, False, True), (False, True, True, True)),
        weights=tuple(tuple(np.float32(rng.standard_normal(s)) for s in shapes) for _ in range(members)),
        cutoff="2026-01-30",
        seed=seed,
        preset="quick",
        metrics={"loss": 0.25, "choices": {"2026-01-16": [[True, True, True, True]]}},
    )


def same_models(one: TrainedModel, other: TrainedModel) -> None:
    assert asdict(replace(one, weights=())) == asdict(replace(other, weights=()))
    for mine, theirs in zip(one.weights, other.weights, strict=True):
        assert [w.tobytes() for w in mine] == [w.tobytes() for w in theirs]
        assert [(w.shape, w.dtype) for w in mine] == [(w.shape, w.dtype) for w in theirs]


@pytest.mark.parametrize("members", [1, 2, 12])
def test_a_model_survives_bytes(members: int) -> None:
    model = made_up(members=members)
    back = TrainedModel.from_bytes(model.to_bytes())
    same_models(model, back)
    assert back.version == model.version


def test_a_version_names_network_and_cutoff_and_changes_with_config_and_weights() -> None:
    model = made_up()
    assert model.version.startswith("lstm-2026-01-30-")
    assert made_up().version == model.version
    others = [made_up(seed=2), replace(model, levels=(0.5,)), replace(model, switches=model.switches[:1])]
    assert len({m.version for m in (model, *others)}) == 4


def test_an_infinite_or_missing_metric_is_null_since_json_has_neither() -> None:
    text = to_json({"loss": math.nan, "scores": {"1111": [math.inf, 0.5, (1, math.nan)]}})
    assert json.loads(text) == {"loss": None, "scores": {"1111": [None, 0.5, [1, None]]}}
    model = replace(made_up(), metrics={"loss": math.nan})
    assert TrainedModel.from_bytes(model.to_bytes()).metrics == {"loss": None}


# --- what is refused -------------------------------------------------------------------------------------------------


class Bomb:
    """Writes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, (f"open({str(self.path)!r}, 'w').close()",)


def repacked(data: bytes, **files: bytes | None) -> bytes:
    """The archive with some of its files replaced, added or (None) left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        kept = {name.removesuffix(".npy"): old.read(name) for name in old.namelist()}
        for name, content in {**kept, **files}.items():
            if content is not None:
                new.writestr(f"{name}.npy", content)
    return out.getvalue()


def as_npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def as_text(values: object) -> bytes:
    return as_npy(np.frombuffer(json.dumps(values).encode(), np.uint8))


def with_format(found: object) -> bytes:
    model = made_up()
    return repacked(
        model.to_bytes(), __config__=as_text({"config": {**model.config(), "format": found}, "metrics": {}})
    )


@pytest.mark.parametrize("name", ["w0_0", "__config__", "w9_9", "w0_0_extra"])
def test_a_pickle_inside_the_archive_is_never_run(name: str, tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    hostile = as_npy(np.array([Bomb(trace)], dtype=object))
    with pytest.raises(ModelError, match=r"cannot be read \(ValueError\); train again"):
        TrainedModel.from_bytes(repacked(made_up().to_bytes(), **{name: hostile}))
    assert not trace.exists()


def test_a_plain_pickle_is_never_run(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    with pytest.raises(ModelError, match="train again"):
        TrainedModel.from_bytes(pickle.dumps(Bomb(trace)))
    assert not trace.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        b"not a model",
        as_npy(np.zeros(3)),
        repacked(made_up().to_bytes(), __config__=None),
        repacked(made_up().to_bytes(), __config__=b"no array"),
        repacked(made_up().to_bytes(), __config__=as_npy(np.zeros(5))),
        repacked(made_up().to_bytes(), __config__=as_text([])),
        repacked(made_up().to_bytes(), __config__=as_text({"config": 3, "metrics": {}})),
        repacked(made_up().to_bytes(), __config__=as_text({"config": {"format": FORMAT}, "metrics": {}})),
        repacked(made_up().to_bytes(), __config__=as_npy(np.frombuffer(b"[" * 100_000, np.uint8))),
        repacked(made_up().to_bytes(), weights=as_npy(np.zeros(3))),
    ],
    # Not the bytes: an archive holds the time it was made, and every worker makes its own.
    ids=[
        "empty",
        "start of an archive",
        "text",
        "one array",
        "no config",
        "config is no array",
        "config of numbers",
        "config is a list",
        "config is a number",
        "config says only its format",
        "endless nesting",
        "odd weights",
    ],
)
def test_bytes_that_are_no_model_are_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(ModelError, match=r"^the saved weights cannot be read \(\w+\); train again\.$"):
        TrainedModel.from_bytes(data)


def claiming(shape: str, content: bytes = b"") -> bytes:
    """An array's file whose header tells any shape, over few bytes."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


def packed() -> bytes:
    """The archive with 300 MB of zeros as a weight, compressed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("w0_0.npy", as_npy(np.zeros(75_000_000, np.float32)))
    return out.getvalue()


def lying(data: bytes) -> bytes:
    """The archive whose directory tells of a weight more bytes than there are."""
    at = data.rindex(b"PK\x01\x02")
    return data[: at + 20] + (2**31).to_bytes(4, "little") * 2 + data[at + 28 :]


def with_capacity(**sizes: object) -> bytes:
    model = made_up()
    config = {**model.config(), "capacity": {**model.capacity, **sizes}}
    return repacked(model.to_bytes(), __config__=as_text({"config": config, "metrics": {}, "trust": {}}))


@pytest.mark.parametrize(
    "data",
    [
        repacked(made_up().to_bytes(), w0_0=claiming("(1000000000, 1000000000)")),
        repacked(made_up().to_bytes(), w0_0=claiming("(-1,)")),
        repacked(made_up().to_bytes(), w0_0=claiming("(2,)", b"1234")),
        repacked(made_up().to_bytes(), w0_0=claiming("(" * 3000)),
        repacked(made_up().to_bytes(), w0_0=claiming("__import__('os').getcwd()")),
        repacked(made_up().to_bytes(), **{"../../w0_7": as_npy(np.zeros(3))}),
        repacked(made_up().to_bytes(), **{"/tmp/w0_7": as_npy(np.zeros(3))}),
        repacked(made_up().to_bytes(), w99999999_0=as_npy(np.zeros(3))),
        packed(),
        lying(made_up().to_bytes()),
        with_capacity(hidden=10**9),
        with_capacity(layers=-1),
        with_capacity(hidden="64"),
    ],
    ids=["huge", "negative", "short", "nested", "code", "up", "root", "many", "bomb", "lying", "wide", "none", "text"],
)  # fmt: skip
def test_hostile_archives_cost_no_memory(data: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(ModelError, match=r"^the saved weights cannot be read \(\w+\); train again\.$"):
        TrainedModel.from_bytes(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize("found", [0, 999, None, str(FORMAT)])
def test_another_format_is_refused(found: object) -> None:
    with pytest.raises(ModelError, match=f"has format {found}, this version reads {FORMAT}; train again"):
        TrainedModel.from_bytes(with_format(found))


GOOD = made_up().to_bytes()


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=8), st.booleans())
@settings(max_examples=150, deadline=None)
def test_damaged_bytes_are_refused_or_give_the_same_model(at: int, noise: bytes, cut: bool) -> None:
    damaged = GOOD[:at] + noise + (b"" if cut else GOOD[at + len(noise) :])
    try:
        model = TrainedModel.from_bytes(damaged)
    except ModelError:
        return
    same_models(model, made_up())


@pytest.mark.parametrize("missing", [1, 2])
def test_an_archive_whose_list_ends_too_early_is_refused(missing: int) -> None:
    """Each array has a checksum, the number of them in an archive's last bytes has none."""
    ends = GOOD.rindex(b"PK\x05\x06")
    count, size = (int.from_bytes(GOOD[ends + at : ends + at + n], "little") for at, n in ((10, 2), (12, 4)))
    last = ends
    for _ in range(missing):
        last = GOOD.rindex(b"PK\x01\x02", 0, last)
    kept, size = count - missing, size - (ends - last)
    tail = GOOD[ends : ends + 8] + 2 * kept.to_bytes(2, "little") + size.to_bytes(4, "little") + GOOD[ends + 16 :]
    with pytest.raises(ModelError, match="cannot be read"):
        TrainedModel.from_bytes(GOOD[:last] + tail)


# --- the registry ----------------------------------------------------------------------------------------------------


def test_models_survive_the_registry() -> None:
    table = registry.to_table([("backtest", made_up(1)), ("production", made_up(2))], "hash", NOW)
    assert table.schema == registry.SCHEMA
    for role, seed in (("backtest", 1), ("production", 2)):
        read = registry.read_model(table, role)
        assert read is not None
        same_models(read, made_up(seed))
    row = table.to_pylist()[1]
    assert (row["model_version"], row["seed"], row["cutoff"]) == (made_up(2).version, 2, dt.date(2026, 1, 30))
    assert json.loads(row["config"])["levels"] == list(LEVELS)
    assert json.loads(row["metrics"])["loss"] == 0.25


def test_the_newest_promoted_model_is_read() -> None:
    table = pa.concat_tables(
        registry.to_table([("production", made_up(seed))], "hash", NOW + dt.timedelta(days=seed)) for seed in (1, 2, 3)
    )
    newest = registry.read_model(table, "production")
    assert newest is not None
    assert newest.seed == 3
    stages = pa.array(["archived", "promoted", "challenger"])
    staged = table.set_column(table.column_names.index("stage"), "stage", stages)
    promoted = registry.read_model(staged, "production")
    assert promoted is not None
    assert promoted.seed == 2
    assert registry.read_model(staged, "backtest") is None
    assert registry.read_model(table.slice(0, 0), "production") is None


def test_a_damaged_row_is_named() -> None:
    table = registry.to_table([("production", made_up())], "hash", NOW)
    broken = table.set_column(table.column_names.index("weights"), "weights", pa.array([b"broken"]))
    with pytest.raises(ModelError, match=f"model {made_up().version}: the saved weights cannot be read"):
        registry.read_model(broken, "production")


def test_the_hash_of_a_panel_changes_with_whatever_a_training_reads() -> None:
    panel = tiny_panel()
    assert registry.hash_panel(panel) == registry.hash_panel(tiny_panel())
    quantity = panel.quantity.copy()
    quantity[0, 0] += 1
    statics = panel.statics
    others = [
        with_columns(panel, quantity=quantity),
        with_columns(panel, known={"price": panel.known["price"]}),
        with_columns(panel, known={"cost": panel.known["price"], "promotion": panel.known["promotion"]}),
        with_columns(panel, unique_id=np.array([f"other {k}" for k in range(6)], dtype=object)),
        replace(panel, statics=replace(statics, vocabulary=(("flowers", "tea"),))),
        replace(panel, statics=replace(statics, reals=statics.reals + 1)),
        replace(panel, calendar=panel.calendar + 1),
        panel.at(1),
    ]
    hashes = {registry.hash_panel(p) for p in (panel, *others)}
    hashes |= {registry.hash_panel(panel, groups_of(*names)) for names in ("aab", "abb", "aac")}
    assert len(hashes) == len(others) + 4


def groups_of(*names: str) -> Groups | None:
    rows = {
        "level": ["team"] * len(names),
        "group_id": names,
        "unique_id": [f"item {k:03d}" for k in range(len(names))],
    }
    return read_groups(pa.table(rows), tiny_panel().unique_id)


def test_a_model_forecasts_only_what_it_was_trained_for() -> None:
    model = made_up()
    table = registry.to_table([("production", model)], "hash", NOW)
    recipe, cutoff = model.recipe, np.datetime64(model.cutoff)
    asked = ForecastConfig(horizon=recipe.horizon, frequency=recipe.frequency)
    for day in (cutoff, cutoff + 7):
        found = registry.model_for(table, asked, day)
        assert found is not None
        same_models(found, model)
    with pytest.raises(ModelError, match=f"has seen sales up to {cutoff}, after the cutoff {cutoff - 1}"):
        registry.model_for(table, asked, cutoff - 1)
    with pytest.raises(ModelError, match=f"ask for {recipe.horizon + 1} of a day: train"):
        registry.model_for(table, replace(asked, horizon=recipe.horizon + 1), cutoff)
    assert registry.model_for(table.slice(0, 0), asked, cutoff) is None


def test_the_hash_of_the_code_does_not_depend_on_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def written(folder: Path, body: str) -> str:
        (folder / "report").mkdir(parents=True)
        (folder / "registry.py").write_text(body)
        (folder / "report" / "page.py").write_text(folder.as_posix())
        monkeypatch.setattr(registry, "__file__", str(folder / "registry.py"))
        return registry.code_hash()

    here, there = written(tmp_path / "demo" / "salesfc", "a = 1"), written(tmp_path / "x" / "salesfc", "a = 1")
    assert here == there
    assert written(tmp_path / "report" / "demo", "a = 2") != here
