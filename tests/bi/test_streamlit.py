"""The Streamlit app on the published file, in Chromium. Run by `make test-bi`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.bi.tools import REPOSITORY, chromium, clean_environment, environment, free_port, serving, wait
from tests.build.conftest import Demo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

APP = REPOSITORY / "examples" / "streamlit" / "app.py"


@pytest.fixture(scope="module")
def published(demo: Demo) -> Path:
    return demo.folder / "output" / "salesfc_serve.duckdb"


@pytest.fixture(scope="module")
def browser(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home, port = tmp_path_factory.mktemp("streamlit"), free_port()
    program = str(environment("streamlit") / "streamlit")
    command = [program, "run", str(APP), "--server.headless", "true", "--server.port", str(port)]
    command += ["--browser.gatherUsageStats", "false", "--", str(published)]
    url = f"http://127.0.0.1:{port}"
    with (
        serving(command, f"{url}/_stcore/health", home / "streamlit.log", cwd=home, env=clean_environment()),
        chromium(tmp_path_factory.mktemp("profile")) as driver,
    ):
        driver.get(url)
        yield driver


def metric(browser: Any) -> str:
    """The first figure, once the chart is drawn."""
    wait(lambda: browser.find_elements(By.CSS_SELECTOR, "[data-testid=stVegaLiteChart] :is(svg, canvas)"))
    return str(browser.find_element(By.CSS_SELECTOR, "[data-testid=stMetricValue]").text)


def units(published: Path, series: str = "%") -> str:
    with duckdb.connect(str(published), read_only=True) as connection:
        query = "select sum(forecast) from fct_salesfc__forecast where unique_id like ?"
        return f"{connection.execute(query, [series]).fetchall()[0][0]:,.0f}"


def test_the_app_is_short() -> None:
    assert len(APP.read_text().splitlines()) < 100


def test_everything_is_shown_and_one_series_can_be_chosen(browser: Any, published: Path, tmp_path: Path) -> None:
    assert metric(browser) == units(published)
    assert not browser.find_elements(By.CSS_SELECTOR, "[data-testid=stException]")
    assert browser.find_elements(By.CSS_SELECTOR, "[data-testid=stDataFrame] canvas")
    browser.save_screenshot(str(tmp_path / "all.png"))
    with duckdb.connect(str(published), read_only=True) as connection:
        query = "select unique_id from fct_salesfc__forecast group by 1 order by sum(forecast) desc limit 1"
        series = connection.execute(query).fetchall()[0][0]
    field = browser.find_element(By.CSS_SELECTOR, "[data-testid=stSelectbox] input")
    field.send_keys(series, Keys.ENTER)
    wait(lambda: metric(browser) == units(published, series), 30)
    browser.save_screenshot(str(tmp_path / "series.png"))
