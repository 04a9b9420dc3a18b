"""The HTTP service as a process of its own, over real HTTP: what it answers and refuses, and models that change."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from salesfc_plugin.errors import SalesfcError
from salesfc_plugin.model import TrainedModel
from salesfc_plugin.panel import Panel
from salesfc_plugin.publish import publish
from salesfc_plugin.server.snapshot import read_snapshot
from salesfc_plugin.serving.answer import Answerer
from salesfc_plugin.serving.question import Question
from tests.serving import question, write_model

SALESFC = str(Path(sys.executable).with_name("salesfc"))
TOKEN = "a-token-of-twenty-four-1"
HISTORY = [3, 0, 5, None, 6, 2, 3, 4, 1, 7]


class Service:
    """A running `salesfc serve`."""

    def __init__(self, database: Path, *options: str, **environment: str) -> None:
        command = [SALESFC, "serve", "--db", str(database), "--port", "0", *options]
        self.process = subprocess.Popen(
            command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        if self.line:
            self.port = int(self.line.split(":")[2].split()[0])

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of a request; the body is bytes as they are, or anything else as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, data, {"content-type": "application/json", **given})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text)

    def end(self) -> tuple[int, str]:
        """Exit code and standard error after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


@contextmanager
def serving(database: Path, *options: str, **environment: str) -> Iterator[Service]:
    service = Service(database, *options, **environment)
    try:
        assert service.line, service.process.communicate()[1]
        yield service
    finally:
        if service.process.poll() is None:
            service.end()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, panel: Panel, model: TrainedModel) -> Path:
    """A database as a build leaves it, as far as the service looks."""
    database = tmp_path_factory.mktemp("built") / "shop.duckdb"
    with duckdb.connect(str(database), config={"storage_compatibility_version": "v1.2.0"}) as connection:
        write_model(connection, model)
        connection.execute(
            "create table fct_salesfc__forecast as select unique_id, date '2025-11-01' + cast(h as integer) as ts,"
            " date '2025-10-31' as cutoff, 10.0 * s + h as forecast, 10.0 * s + h as median, 0.5 * s as lower_bound,"
            " 20.0 * s + h as upper_bound, 0.8 as confidence_level, 'lstm' as method, 'made earlier' as model_version"
            " from (values ('tea/<script>', 1), ('tea/Zürich', 2), ('coffee\\/x', 3)) a(unique_id, s), range(14) b(h)"
        )
    return database


@pytest.fixture(scope="module")
def service(built: Path) -> Iterator[Service]:
    target = built.with_name("published.duckdb")
    publish(built, target)
    with serving(target) as running:
        yield running


def body_of(asked: Question, **more: object) -> dict[str, Any]:
    plain = lambda values: [None if np.isnan(v) else float(v) for v in values]  # noqa: E731
    columns = {kind: {k: plain(v) for k, v in getattr(asked, kind).items()} for kind in ("known", "past")}
    attributes = {name: None if value != value else value for name, value in asked.attributes.items()}
    known = {"last_date": str(asked.last), "unique_id": asked.unique_id, "attributes": attributes}
    return {"history": plain(asked.history), **columns, **known, **more}


def test_an_answer_is_the_models(service: Service, panel: Panel, model: TrainedModel) -> None:
    answerer = Answerer(model, model.version)
    for row in range(panel.n_series):
        asked = question(panel, row)
        status, found = service("POST", "/forecast", body_of(asked, quantiles=[0.2, 0.5]))
        assert status == 200, found
        made = answerer.answer([asked])
        assert found["model_version"] == model.version
        assert (found["method"], found["status"]) == (made.method[0], made.status[0])
        assert [p["ts"] for p in found["periods"]] == [str(day) for day in made.ts[0]]
        np.testing.assert_allclose([p["forecast"] for p in found["periods"]], made.mean[0], rtol=1e-6)
        np.testing.assert_allclose([p["quantiles"][0] for p in found["periods"]], made.at(0.2)[0], rtol=1e-6)
        for period in found["periods"]:
            assert 0 <= period["lower_bound"] <= period["median"] == period["quantiles"][1] <= period["upper_bound"]


def test_dated_sales_are_the_same_as_a_list(service: Service) -> None:
    days = [dt.date(2025, 3, 1) + dt.timedelta(k) for k in range(len(HISTORY))]
    sales = [{"ts": str(d), "quantity": q} for d, q in zip(days, HISTORY, strict=True)]
    _, dated = service("POST", "/forecast", {"history": sales[::-1]})
    _, plain = service("POST", "/forecast", {"history": HISTORY, "last_date": "2025-03-10", "horizon": 3})
    assert dated["cutoff"] == "2025-03-10"
    assert dated["periods"][:3] == plain["periods"]
    assert len(plain["periods"]) == 3


@pytest.mark.parametrize("unique_id", ["tea/<script>", "tea/Zürich", "coffee\\/x"])
def test_a_published_forecast_is_the_tables(service: Service, unique_id: str) -> None:
    from urllib.parse import quote

    status, found = service("GET", f"/published?unique_id={quote(unique_id, safe='')}")
    assert status == 200
    assert found["unique_id"] == unique_id
    assert (found["cutoff"], found["model_version"], found["status"]) == ("2025-10-31", "made earlier", "published")
    assert [p["ts"] for p in found["periods"]] == [str(dt.date(2025, 11, 1) + dt.timedelta(h)) for h in range(14)]
    s = {"tea/<script>": 1, "tea/Zürich": 2, "coffee\\/x": 3}[unique_id]
    assert [p["upper_bound"] for p in found["periods"]] == [20.0 * s + h for h in range(14)]


def test_the_model_says_what_can_be_told_to_it(service: Service, model: TrainedModel) -> None:
    status, found = service("GET", "/model")
    assert (status, found["model_version"], found["horizon"]) == (200, model.version, 14)
    assert sorted(found["known"]) == ["open", "price", "promotion"]
    assert found["published_series"] == 3
    assert service("GET", "/health") == (200, {"status": "ok", "problem": ""})


@pytest.mark.parametrize(
    ("change", "where", "problem", "right"),
    [
        ({"history": []}, "body.history", "it is []", "at least 1 item"),
        ({"history": ["abc"]}, "body.history.units.0", "it is 'abc'", "a valid number"),
        ({"history": [True]}, "body.history.units.0", "it is True", "a valid number"),
        ({"history": [float("nan")]}, "body.history.units.0", "it is nan", "a finite number"),
        ({"history": [2e15]}, "body.history.units.0", "it is 2000", "less than or equal to 1000000000000000"),
        ({"history": [{"ts": "2025-02-30", "quantity": 1}]}, "body.history.sales.0.ts", "'2025-02-30'", "a valid date"),
        ({"history": [{"ts": "0001-01-01", "quantity": 1}]}, "body.history.sales.0.ts", "'0001-", "from 1900-01-01"),
        ({"history": [1] * 20_001}, "body.history", "it is [1, 1", "at most 20000 items"),
        ({"history": [{"ts": "1920-01-01", "quantity": 1}, {"ts": "2025-01-01", "quantity": 1}]}, "body",
         "history has 38353 values", "it must have 1 to 20,000"),
        ({"horizon": 15}, "body", "horizon is 15", "the model forecasts 1 to 14 periods"),
        ({"horizon": "3"}, "body.horizon", "it is '3'", "a valid integer"),
        ({"quantiles": [0.01]}, "body", "quantile 0.01 is not between 0.1 and 0.9", "GET /model"),
        ({"last_date": 20250310}, "body.last_date", "it is 20250310", "such as '2025-10-31'"),
        ({"hystory": [1]}, "body.hystory", "Extra inputs are not permitted", "look its name up"),
        ({"known": {"prize": [1] * 14}}, "body", "'prize' is not one of the model's: open, price", "GET /model"),
        ({"known": {"price": [1] * 15}}, "body", "'price' has 15 values", "it must have 24 (history and horizon)"),
        ({"past": {"views": [1]}}, "body", "'views' has 1 values", "it must have 10"),
        ({"attributes": {"list_price": "cheap"}}, "body", "'list_price' is 'cheap'", "it must be a number"),
        ({"attributes": {"\ud800": "x"}}, "body.attributes", "", "a valid string"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_told_what_where_and_what_would_be_right(
    service: Service, change: dict[str, Any], where: str, problem: str, right: str
) -> None:
    status, found = service("POST", "/forecast", {"history": HISTORY, **change})
    assert status == 422
    assert found["detail"][0]["where"].startswith(where)
    assert problem in found["detail"][0]["problem"]
    assert right in found["detail"][0]["right"]
    assert len(json.dumps(found)) < 2000  # nothing is sent back whole


def test_a_mistyped_series_is_told_its_neighbours(service: Service) -> None:
    status, found = service("GET", "/published?unique_id=tea/Zurich")
    assert status == 404
    assert "tea/Zürich" in found["detail"][0]["right"]
    assert service("GET", "/published")[0] == 422
    assert service("GET", "/published?unique_id=" + "x" * 1001)[0] == 422
    assert service("GET", "/nothing")[0] == 404
    assert service("PUT", "/forecast")[0] == 405


def test_a_series_that_was_never_published_is_said_to_be_a_stranger(service: Service) -> None:
    _, known = service("POST", "/forecast", {"history": HISTORY, "unique_id": "tea/Zürich"})
    status, stranger = service("POST", "/forecast", {"history": HISTORY, "unique_id": "tea/Zurich"})
    assert status == 200
    assert "no such series" not in known["reason"]
    assert stranger["reason"].endswith("no such series was published: forecast from what was sent alone")
    assert stranger["periods"] == known["periods"]


def test_a_body_that_is_not_said_to_be_json_is_told_how(service: Service) -> None:
    status, told = service("POST", "/forecast", {"history": HISTORY}, content_type="text/plain")
    assert status == 422
    assert "content-type: application/json" in told["detail"][0]["right"]


def test_a_body_that_is_not_json_or_too_large_is_refused(service: Service) -> None:
    assert service("POST", "/forecast", b"{")[0] == 422
    assert service("POST", "/forecast", b"[" * 100_000)[0] in (400, 422)
    assert service("POST", "/forecast", b"\xff\xfe")[0] in (400, 422)
    status, found = service("POST", "/forecast", b'{"history": [' + b"1," * 500_000 + b"1]}")
    assert (status, found["detail"][0]["right"]) == (413, "at most 1,000,000 bytes")
    assert service("POST", "/forecast", b" " * 100_000 + b'{"history": [1]}')[0] == 200
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as plain:  # no length is announced
        plain.sendall(b"POST /forecast HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer = b""
        for _ in range(400):
            try:
                plain.sendall(b"10000\r\n" + b"1" * 0x10000 + b"\r\n")
            except OSError:
                break
        while chunk := plain.recv(65536):
            answer += chunk
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert service("GET", "/health")[0] == 200


def test_the_openapi_document_names_every_refusal(service: Service) -> None:
    status, found = service("GET", "/openapi.json")
    assert status == 200
    assert set(found["paths"]) == {"/health", "/model", "/published", "/forecast"}
    assert set(found["paths"]["/forecast"]["post"]["responses"]) == {"200", "400", "401", "404", "408", "413", "422"}


def test_neither_tensorflow_nor_the_file_is_held_and_a_build_can_write(service: Service, built: Path) -> None:
    pid = service.process.pid
    assert "tensorflow" not in Path(f"/proc/{pid}/maps").read_text()
    held = [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir() if link.exists()]
    assert not [path for path in held if path.suffix == ".duckdb"]
    with duckdb.connect(str(built.with_name("published.duckdb"))) as connection:
        connection.execute("select 1")


def test_an_answer_does_not_wait_for_an_acknowledgement(service: Service) -> None:
    """With Nagle's algorithm on, every answer on a kept connection takes 40 ms, however little there is to do."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    took = []
    for _ in range(40):
        began = time.perf_counter()
        connection.request("GET", "/health")
        connection.getresponse().read()
        took.append(time.perf_counter() - began)
    connection.close()
    assert min(took[5:]) < 0.02


def test_only_this_machine_can_ask_unless_told_otherwise(service: Service) -> None:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [row[1] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == service.port]
    assert listening == [f"0100007F:{service.port:04X}"]


def test_a_token_is_asked_for_and_comes_from_a_file_or_the_environment(built: Path, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    with serving(built, "--token-file", str(file)) as service:
        assert TOKEN not in " ".join(Path(f"/proc/{service.process.pid}/cmdline").read_text().split("\0"))
        for given in ({}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}):
            for method, path in (("GET", "/model"), ("POST", "/forecast"), ("GET", "/openapi.json")):
                status, found = service(method, path, b"{}", **given)
                assert (status, found["detail"][0]["where"]) == (401, "header.authorization")
        assert service("GET", "/model", authorization=f"Bearer {TOKEN}")[0] == 200
        assert service("GET", "/health")[0] == 200
        assert service.end() == (130, "")


def test_a_copy_that_lacks_a_column_or_is_damaged_inside_is_told_in_one_line(built: Path, tmp_path: Path) -> None:
    for name, change in {"column": "alter table fct_salesfc__forecast drop column median", "model": ""}.items():
        copy = tmp_path / f"{name}.duckdb"
        copy.write_bytes(built.read_bytes())
        with duckdb.connect(str(copy)) as connection:
            connection.execute(change or "alter table salesfc__model_registry drop column weights")
        with pytest.raises(SalesfcError) as told:
            read_snapshot(copy)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("options", "environment", "message"),
    [
        (["--db", "missing.duckdb"], {}, "missing.duckdb is not there: run `salesfc publish`"),
        (["--token-file", "missing"], {}, "the token cannot be read from missing"),
        ([], {"SALESFC_SERVE_TOKEN": "short"}, "the token in SALESFC_SERVE_TOKEN must have 16 or more"),
        (["--host", "192.0.2.1"], {}, "cannot listen on 192.0.2.1:0: "),
    ],
)
def test_what_keeps_it_from_starting_is_one_line(
    built: Path, options: list[str], environment: dict[str, str], message: str
) -> None:
    service = Service(built, *options, **environment)
    _, errors = service.process.communicate(timeout=60)
    assert service.process.returncode == 1
    assert errors.startswith("salesfc: ")
    assert errors.count("\n") == 1
    assert message in errors


def test_without_the_extra_a_line_says_how_to_install_it(built: Path) -> None:
    code = (
        "import sys; sys.modules['fastapi'] = None\n"
        "from salesfc_plugin.cli import main\n"
        f"sys.argv = ['salesfc', 'serve', '--db', {str(built)!r}]\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "salesfc: `salesfc serve` needs fastapi, which is not installed: pip install 'salesfc-plugin[serve]'\n"
    )


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for what must happen within a few seconds."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


class Load:
    """Threads that ask one question again and again until told to stop, and compare each answer with its model's."""

    def __init__(self, service: Service, body: bytes, right: dict[str, Any]) -> None:
        self.seen: Counter[str] = Counter()
        self.wrong: list[Any] = []
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(service, body, right)) for _ in range(8)]
        for thread in self._threads:
            thread.start()

    def _ask(self, service: Service, body: bytes, right: dict[str, Any]) -> None:
        while not self._done.is_set():
            status, found = service("POST", "/forecast", body)
            made = [period["forecast"] for period in found.get("periods", [])]
            if status != 200 or not np.allclose(made, right[found["model_version"]], rtol=1e-5, atol=1e-5):
                self.wrong.append(found)
                return
            self.seen[found["model_version"]] += 1

    def stop(self) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()


def test_a_promoted_model_is_taken_over_with_no_wrong_answer_in_between(
    tmp_path: Path, panel: Panel, model: TrainedModel
) -> None:
    """Two models take turns under load: each answer is wholly of the model that it names, and none fails."""
    other = replace(model, weights=tuple(tuple(1.5 * w for w in member) for member in model.weights), seed=99)
    models = {m.version: m for m in (model, other)}
    asked = Question(np.arange(1, 61, dtype=np.float32) % 7, panel.cutoff)
    right = {v: Answerer(m, v).answer([asked]).mean[0] for v, m in models.items()}
    assert not np.allclose(*right.values(), rtol=1e-2)
    source, target = tmp_path / "source.duckdb", tmp_path / "published.duckdb"

    def promote(version: str, number: int) -> None:
        with duckdb.connect(str(source), config={"storage_compatibility_version": "v1.2.0"}) as connection:
            write_model(connection, models[version], dt.datetime(2025, 1, 1 + number))
            connection.execute(
                "create or replace table fct_salesfc__forecast as select 'tea' as unique_id, date '2025-11-01' as ts,"
                " date '2025-10-31' as cutoff, 1.0 as forecast, 1.0 as median, 0.0 as lower_bound, 2.0 as upper_bound,"
                f" 0.8 as confidence_level, 'lstm' as method, '{version}' as model_version"
            )
        publish(source, target)

    promote(model.version, 0)
    with serving(target) as service:
        promote(other.version, 0)
        time.sleep(3)
        assert service("GET", "/model")[1]["model_version"] == other.version, "of a copy published while nobody asked"
        promote(model.version, 0)
        until(lambda: service("GET", "/model")[1]["model_version"] == model.version, "the model was not taken over")
        load = Load(service, json.dumps(body_of(asked)).encode(), right)
        try:
            for number, version in enumerate([other.version, model.version, other.version], start=1):
                promote(version, number)
                until(
                    lambda v=version: service("GET", "/model")[1]["model_version"] == v, "the model was not taken over"
                )
                assert service("GET", "/published?unique_id=tea")[1]["model_version"] == version
            target.write_bytes(b"no database")
            until(lambda: service("GET", "/health")[1]["status"] == "stale", "a broken file was not noticed")
            assert service("GET", "/model")[1]["model_version"] == other.version
            publish(source, target)
            until(lambda: service("GET", "/health")[1]["status"] == "ok", "it did not recover")
        finally:
            load.stop()
        assert load.wrong == []
        assert min(load.seen[v] for v in models) > 20
        assert service.end() == (130, "")
