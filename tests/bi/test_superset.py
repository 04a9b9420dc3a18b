"""Superset from nothing to a dashboard that outlives a build, as docs/bi.md tells people. Run by `make test-bi`."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from salesfc_plugin.publish import publish
from tests.bi.superset import Superset, running
from tests.bi.tools import REPOSITORY, chromium, wait
from tests.build.conftest import Demo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]
pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

CHARTS = {"Units expected", "How series fared", "Error by method (WAPE)", "Sales and forecast", "What to order"}
UNITS = "select round(sum(forecast)) as units from fct_salesfc__forecast"


@pytest.fixture(scope="module")
def shop(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the demo's folder, whose tables a second build may replace."""
    folder = tmp_path_factory.mktemp("bi") / "shop"
    shutil.copytree(demo.folder, folder)
    return folder


@pytest.fixture(scope="module")
def superset(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    with running(tmp_path_factory.mktemp("superset")) as superset:
        archive = shop / "salesfc_dashboard.zip"
        published = shop / "output" / "salesfc_serve.duckdb"
        script = REPOSITORY / "examples" / "superset" / "dashboard.py"
        subprocess.run([sys.executable, str(script), str(published), str(archive)], check=True, capture_output=True)
        superset.load_dashboard(archive)
        yield superset


@pytest.fixture(scope="module")
def browser(superset: Superset, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        driver.get(f"{superset.url}/login/")
        wait(lambda: driver.find_elements(By.CSS_SELECTOR, "#username, [data-test=username-input]"))
        driver.find_element(By.CSS_SELECTOR, "#username, [data-test=username-input]").send_keys("admin")
        field = driver.find_element(By.CSS_SELECTOR, "#password, [data-test=password-input]")
        field.send_keys("admin", Keys.ENTER)
        wait(lambda: "login" not in driver.current_url)
        yield driver


def open_dashboard(browser: Any, superset: Superset) -> str:
    """The number on the dashboard's first chart, once all five are drawn."""
    browser.get(f"{superset.url}/superset/dashboard/salesfc/")
    drawn = "return document.querySelectorAll('.chart-container canvas, .chart-container table').length"
    waiting = "return document.querySelectorAll('[data-test=loading-indicator], .loading').length"
    number = ".superset-legacy-chart-big-number .header-line"
    wait(
        lambda: (
            browser.execute_script(drawn) >= 4
            and not browser.execute_script(waiting)
            and browser.find_elements(By.CSS_SELECTOR, number)
        )
    )
    return str(browser.find_element(By.CSS_SELECTOR, number).text)


def units(database: Path) -> int:
    with duckdb.connect(str(database), read_only=True) as connection:
        return int(connection.execute(UNITS).fetchall()[0][0])


def test_the_dashboard_is_there_and_every_chart_is_drawn(superset: Superset, browser: Any, shop: Path) -> None:
    assert {chart["slice_name"] for chart in superset.api("GET", "chart/")["result"]} == CHARTS
    shown = open_dashboard(browser, superset)
    assert shown == f"{units(shop / 'output' / 'salesfc_serve.duckdb'):,}"
    text = browser.find_element(By.TAG_NAME, "body").text
    assert all(name in text for name in CHARTS)
    assert "rror:" not in text
    assert "Data error" not in text
    assert len(browser.find_elements(By.CSS_SELECTOR, ".chart-container tbody tr")) > 5
    browser.save_screenshot(str(shop / "dashboard.png"))


def test_a_second_build_disturbs_nobody_and_is_seen(superset: Superset, browser: Any, shop: Path) -> None:
    before = units(shop / "output" / "salesfc_serve.duckdb")
    answers: list[int] = []
    done = threading.Event()

    def keep_asking() -> None:
        while not done.is_set():
            answers.append(int(superset.ask(UNITS)[0]["units"]))
            time.sleep(0.2)

    reader = threading.Thread(target=keep_asking)
    reader.start()
    try:
        build_again(shop)
        publish(shop / "output" / "salesfc.duckdb", shop / "output" / "salesfc_serve.duckdb")
        after = units(shop / "output" / "salesfc_serve.duckdb")
        wait(lambda: answers[-1] == after, 30)
    finally:
        done.set()
        reader.join()
    assert after != before
    assert set(answers) == {before, after}, "every question asked meanwhile had the old answer or the new one"
    assert len(answers) > 20
    assert open_dashboard(browser, superset) == f"{after:,}"


def build_again(shop: Path) -> None:
    """A week later: the last week's orders come once more, and the saved model forecasts from there."""
    with duckdb.connect(str(shop / "output" / "salesfc.duckdb")) as connection:
        connection.execute(
            "insert into raw.sales select * replace (strftime(left(sold_at, 10)::date + 7, '%Y-%m-%d') as sold_at)"
            " from raw.sales where try_cast(left(sold_at, 10) as date) between date '2025-10-25' and date '2025-10-31'"
        )
    variables = yaml.safe_load((REPOSITORY / "salesfc_plugin" / "demo" / "vars.yml").read_text())
    command = [str(Path(sys.executable).with_name("dbt")), "--quiet", "run", "--select", "tag:salesfc_predict"]
    command += ["--project-dir", str(REPOSITORY), "--profiles-dir", str(REPOSITORY)]
    command += ["--vars", yaml.safe_dump(variables)]
    command += ["--target-path", str(shop / "target"), "--log-path", str(shop / "logs")]
    ran = subprocess.run(command, cwd=shop, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:]
    with duckdb.connect(str(shop / "output" / "salesfc.duckdb"), read_only=True) as connection:
        cutoffs = connection.execute("select distinct cutoff from fct_salesfc__forecast").fetchall()
    assert cutoffs == [(dt.date(2025, 11, 7),)]
