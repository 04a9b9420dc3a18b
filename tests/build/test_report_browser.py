"""The report as a person meets it: in Chromium, with keyboard, mouse, phone, paper and both languages.

Needs Debian's chromium and chromium-driver (`apt-get install chromium chromium-driver`); without them these tests are
skipped and say so, unless SALESFC_REQUIRE_CHROMIUM is set.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pytest

from salesfc_plugin.report import write_report
from tests.synthetic_marts import EVIL, in_periods, write_marts

webdriver = pytest.importorskip("selenium.webdriver")
from selenium.common.exceptions import ElementClickInterceptedException  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
DRIVER = shutil.which("chromedriver")
if not (CHROMIUM and DRIVER) and not os.environ.get("SALESFC_REQUIRE_CHROMIUM"):
    pytest.skip(
        "NO CHROMIUM: the report is not tested in a browser (apt-get install chromium chromium-driver)",
        allow_module_level=True,
    )

FLAGS = """
    --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update
    --disable-sync --disable-dev-shm-usage --force-color-profile=srgb --lang=en-GB
""".split()  # noqa: SIM905
SERIES = "SKU-0003/Lyon"


class Page:
    """The report in a browser: short names for what a person does."""

    def __init__(self, driver: Any, report: Path) -> None:
        self.driver = driver
        self.url = report.as_uri()

    def open(self, address: str = "") -> Page:
        self.driver.get("about:blank")
        self.driver.get(self.url + address)
        self.wait(lambda: self.js("return document.documentElement.dataset.ready") == "true")
        return self

    def js(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def one(self, css: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def all(self, css: str) -> list[Any]:
        return list(self.driver.find_elements(By.CSS_SELECTOR, css))

    def text(self, css: str) -> str:
        return str(self.js("return document.querySelector(arguments[0]).textContent", css))

    def click(self, css: str) -> None:
        def hit() -> bool:
            self.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", self.one(css))
            try:
                self.one(css).click()
            except ElementClickInterceptedException:
                return False  # a chart drawn above it meanwhile has pushed it out of the window
            return True

        self.wait(hit)

    def address(self) -> str:
        return str(self.js("return decodeURIComponent(location.hash)"))

    def wait(self, condition: Callable[[], object], seconds: float = 20) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, "waited in vain"
            time.sleep(0.02)

    def screen(self, width: int, height: int = 900) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def light(self, scheme: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def console(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Reports by the size of their synthetic marts, each written once."""
    folder = tmp_path_factory.mktemp("reports")
    written: dict[object, Path] = {}

    def report(series: int = 60, days: int = 400, *, later: bool = True, changes: tuple[str, ...] = ()) -> Path:
        key = (series, days, later, changes)
        if key not in written:
            db = write_marts(folder / f"{len(written)}.duckdb", series, days, later)
            with duckdb.connect(str(db)) as connection:
                for change in changes:
                    connection.execute(change)
            written[key] = write_report(db, folder / f"{len(written)}.html")
        return written[key]

    return report


@pytest.fixture
def page(driver: Any, reports: Callable[..., Path]) -> Iterator[Page]:
    page = Page(driver, reports())
    page.screen(1280)
    page.light("light")
    page.console()
    page.driver.get_log("performance")
    yield page
    assert page.console() == []


def test_every_part_is_there_and_nothing_is_fetched(page: Page) -> None:
    page.open()
    titles = [heading.text for heading in page.all("main h2")]
    assert titles == ["Forecast", "Stock", "Scenarios", "Accuracy", "Anomalies", "Series status", "Models"]
    assert "units expected in the next 28 days" in page.text("h1")
    assert len(page.all(".tile")) == 7
    assert all(page.js("return arguments[0].querySelector('svg') !== null", chart) for chart in page.all(".chart"))
    entries = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]
    urls = {e["params"]["request"]["url"] for e in entries if e["method"] == "Network.requestWillBeSent"}
    assert {url.split(":")[0] for url in urls} <= {"file", "data", "about", "blob"}


def test_a_series_is_found_and_chosen_by_keyboard_alone(page: Page) -> None:
    page.open()
    field = page.one("#picker")
    field.click()
    assert field.get_attribute("aria-expanded") == "true"
    field.send_keys("lyo ket")
    options = page.all("#picker-options [role=option]")
    assert options
    assert all("lyon" in option.text.lower() and "ket" in option.text.lower() for option in options)
    assert "found" in page.text("#live")
    field.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_UP)
    active = field.get_attribute("aria-activedescendant")
    assert active == "picker-option-1"
    chosen = page.text(f"#{active} .name")
    field.send_keys(Keys.ENTER)
    assert page.text(".entity h3") == chosen
    assert page.address() == f"#series={chosen}"
    assert field.get_attribute("aria-expanded") == "false"
    assert chosen in page.text("#live")
    field.send_keys(Keys.ARROW_DOWN, Keys.ESCAPE)
    assert field.get_attribute("aria-expanded") == "false"
    assert field.get_attribute("value") == chosen


def test_everything_is_reached_and_used_by_keyboard(page: Page) -> None:
    page.open()

    def press(*keys: str) -> Any:
        for key in keys:
            page.driver.switch_to.active_element.send_keys(key)
        return page.driver.switch_to.active_element

    def go_on_to(css: str, most: int = 60) -> Any:
        for _ in range(most):
            if page.js("return document.activeElement.matches(arguments[0])", css):
                shown = "const s = getComputedStyle(document.activeElement); return s.outlineStyle"
                assert page.js(shown) != "none" or css.startswith("input[type=radio]"), f"{css}: where am I?"
                return page.driver.switch_to.active_element
            press(Keys.TAB)
        raise AssertionError(f"{css} is not reached")

    page.js("document.activeElement.blur()")
    page.one("body").send_keys(Keys.TAB)
    assert page.driver.switch_to.active_element.text == "Skip to the forecast"
    press(Keys.ENTER)
    page.wait(lambda: page.js("return document.activeElement.id") == "section-forecast-title")
    go_on_to("#picker")
    press("lyon", Keys.ARROW_DOWN, Keys.ENTER)
    chosen = page.text(".entity h3")
    assert "Lyon" in chosen
    go_on_to("#next")
    press(Keys.ENTER)
    assert page.text(".entity h3") != chosen
    go_on_to("input[type=radio]:checked")
    press(Keys.ARROW_RIGHT)
    assert page.js("return document.activeElement.value") == "year"
    assert page.js("return document.activeElement.checked")
    go_on_to(".crumbs .link")
    press(Keys.ENTER)
    assert page.text(".entity h3") == "All series"
    assert page.js("return document.activeElement.isConnected && document.activeElement !== document.body")
    go_on_to("summary")
    press(Keys.ENTER)
    page.wait(lambda: page.all(".explorer details.data tbody tr"))
    go_on_to("#section-stock th button")
    press(Keys.ENTER)
    assert page.one("#section-stock thead th").get_attribute("aria-sort") == "ascending"
    go_on_to("#section-stock tbody .link")
    press(Keys.ENTER)
    assert page.address().startswith("#series=")
    assert page.js("return document.activeElement.id") == "section-forecast-title"


def test_a_search_without_a_hit_says_so_and_changes_nothing(page: Page) -> None:
    page.open(f"#series={SERIES}")
    field = page.one("#picker")
    field.click()
    field.send_keys("no such thing (")
    assert page.text("#picker-options") == "Nothing found"
    field.send_keys(Keys.ENTER, Keys.ESCAPE)
    assert page.text(".entity h3") == SERIES


def test_a_deep_link_opens_its_series_whatever_its_letters(page: Page) -> None:
    page.open(f"#series={quote('SKU-0003/上海')}")
    assert page.text(".entity h3") == "SKU-0003/上海"
    page.js("location.hash = '#group=category:Tea'")
    page.wait(lambda: page.text(".entity h3") == "Tea")
    assert page.js("return document.activeElement.id") == "section-forecast-title"
    page.open("#series=nothing")
    assert "no series “nothing”" in page.text("[role=alert]")
    assert page.text(".entity h3") == "All series"
    page.open("#series=%E0%A4%A")  # not even an address
    assert page.text(".entity h3") == "All series"


def choose(page: Page, css: str, value: str) -> None:
    """Choose in a list, as a person does."""
    script = "const [f, v] = arguments; f.value = v; f.dispatchEvent(new Event('change'))"
    page.js(script, page.one(css), value)


def test_the_hierarchy_is_walked_down_and_up(page: Page) -> None:
    page.open()
    assert page.text(".side .members .link") in {"Berlin", "Lyon", "上海"}
    ways = [option.text for option in page.all("#division option")]
    assert ways == ["store", "category", "category/store", "series"]
    choose(page, "#division", "category")
    assert page.text(".side .members .link") in {"Tea", "Coffee", "Kitchen", "Textiles", "Garden", "礼品"}
    page.click(".side .members .link")
    group = page.text(".entity h3")
    assert [option.text for option in page.all("#division option")] == ["category/store", "series"]
    page.click(".side .members .link")
    assert page.text(".entity h3").startswith(f"{group}/")
    page.click(".side .members .link")
    assert page.address().startswith("#series=")
    crumbs = page.all(".crumbs li")
    assert [crumb.text for crumb in crumbs][0::2] == ["All series", group]
    nested = [crumb.get_attribute("class") == "within" for crumb in crumbs]
    assert nested == [False, True, False, True], "a category is not within a store"
    page.click(".crumbs .link")
    assert page.text(".entity h3") == "All series"
    assert page.address() == ""
    choose(page, "#division", "")
    assert "/" in page.text(".side .members .link")


def test_a_series_is_listed_once(page: Page) -> None:
    page.open()
    field = page.one("#picker")
    field.click()
    field.send_keys(SERIES)
    assert [option.text.splitlines()[0] for option in page.all("#picker-options [role=option]")] == [SERIES]


def test_drivers_add_up_to_the_forecast_of_a_series_and_of_a_group(page: Page) -> None:
    for address in (f"#series={SERIES}", "#group=category:Tea", ""):
        page.open(address)
        page.click(".explanation details.data summary")
        page.wait(lambda: page.all(".explanation details.data tbody tr"))
        totals = []
        for row in page.all(".explanation details.data tbody tr"):
            cells = [
                float(cell.text.replace("−", "-").replace(",", "")) for cell in row.find_elements(By.TAG_NAME, "td")
            ]
            assert sum(cells[:-1]) == pytest.approx(cells[-1], abs=0.02 * len(cells) + 0.01 * abs(cells[-1]))
            totals.append(cells[-1])
        expected = float(page.text(".facts dd").replace(",", ""))
        assert len(totals) == 28
        assert sum(totals) == pytest.approx(expected, rel=0.01)
        assert len(page.all(".explanation .chart svg path")) > 28


def test_a_year_before_stands_beside_the_forecast(page: Page, reports: Callable[..., Path]) -> None:
    page.open(f"#series={SERIES}")
    assert "52 weeks before" in page.text(".explorer .legend")
    page.open()
    with duckdb.connect(str(reports().with_suffix(".duckdb")), read_only=True) as connection:
        query = """select sum(quantity) from fct_salesfc__sales_and_forecast
            where ts between date '2025-11-01' - 364 and date '2025-11-28' - 364"""
        units = connection.execute(query).fetchall()[0][0]
    assert f"{units:,.0f} units sold then" in page.text(".tile")
    page.url = reports(12, 60, later=False).as_uri()
    page.open()
    assert "52 weeks before" not in page.text("main")
    assert "Against the last 28 days" in page.text(".tile")


def unfold(page: Page) -> None:
    """Show the main chart's numbers as a table."""
    page.click(".explorer details.data summary")
    page.wait(lambda: page.all(".explorer details.data tbody tr"))


def test_chart_facts_and_table_agree_with_the_marts(page: Page, reports: Callable[..., Path]) -> None:
    page.open(f"#series={SERIES}")
    with duckdb.connect(str(reports().with_suffix(".duckdb")), read_only=True) as connection:
        query = "select sum(forecast), max_by(forecast, ts) from fct_salesfc__forecast where unique_id = ?"
        total, last = connection.execute(query, [SERIES]).fetchall()[0]
    assert f"{total:,.0f}" in page.text(".facts")
    unfold(page)
    row = [cell.text for cell in page.all(".explorer details.data tbody tr:first-child > *")]
    assert row[0] == "Fri, 28 Nov 2025"
    assert float(row[2].replace(",", "")) == pytest.approx(last, rel=0.01)
    assert "units expected in the next 28 days" in page.one(".chart.large").get_attribute("aria-label")


def test_one_giant_day_does_not_press_a_chart_flat(page: Page, reports: Callable[..., Path]) -> None:

    def top() -> float:
        page.wait(lambda: page.all(".explorer .chart svg text"))
        labels = [text.text.replace(",", "") for text in page.all(".explorer .chart svg text")]
        return max(float(label) for label in labels if label.replace(".", "").isdigit() and not label.startswith("20"))

    address = f"#series={quote(SERIES)}"
    page.open(address)
    usual = top()
    assert not page.all(".spikes")
    giant = f"""update fct_salesfc__sales_and_forecast set quantity = 1e6
        where unique_id = '{SERIES}' and ts = (
            select max(ts) - interval 9 day from fct_salesfc__sales_and_forecast where quantity is not null)"""
    page.url = reports(changes=(giant,)).as_uri()
    page.open(address)
    assert top() < 3 * usual
    assert "1,000,000" in page.text(".spikes")
    assert page.text(".spikes").startswith("One period lies above the chart")


def test_two_giant_days_of_much_the_same_height_are_both_on_the_chart(page: Page, reports: Callable[..., Path]) -> None:
    flat = [
        f"update {table} set {name} = 10 where unique_id = '{SERIES}' and {name} > 10"
        for table, names in {
            "fct_salesfc__sales_and_forecast": ("quantity", "forecast", "lower_bound", "upper_bound"),
            "fct_salesfc__forecast": ("forecast", "median", "lower_bound", "upper_bound"),
            "fct_salesfc__forecast_quantile": ("forecast",),
            "fct_salesfc__backtest": ("forecast",),
        }.items()
        for name in names
    ]
    giants = [
        f"""update fct_salesfc__sales_and_forecast set quantity = {units} where unique_id = '{SERIES}' and ts = (
            select max(ts) - interval {days} day from fct_salesfc__sales_and_forecast where quantity is not null)"""
        for days, units in ((9, 81), (5, 80))
    ]
    page.url = reports(changes=(*flat, *giants)).as_uri()
    page.open(f"#series={quote(SERIES)}")
    assert not page.all(".spikes")


def test_the_axis_of_dates_is_the_same_in_every_time_zone(page: Page) -> None:
    def labels(zone: str) -> list[str]:
        page.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": zone})
        page.open("#range=all")
        page.js("document.querySelector('input[name=range][value=all]').click()")
        page.wait(lambda: page.all(".explorer .chart svg text"))
        return [text.text for text in page.all(".explorer .chart svg text")]

    try:
        here = labels("UTC")
        assert "2025" in here
        assert labels("Asia/Shanghai") == labels("America/New_York") == here
    finally:
        page.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})


def test_the_shown_past_can_be_longer_or_shorter(page: Page) -> None:
    page.open()
    unfold(page)
    half = len(page.all(".explorer details.data tbody tr"))
    page.js("document.querySelector('input[name=range][value=all]').click()")
    unfold(page)
    assert len(page.all(".explorer details.data tbody tr")) == 400 + 28 > half == 183 + 28


def test_tables_sort_search_filter_turn_pages_and_lead_to_the_chart(page: Page) -> None:
    page.open()
    table = "#section-status"
    assert "1 to 12 of 60" in page.text(f"{table} .pager")
    page.click(f"{table} .pager button:nth-of-type(2)")
    assert "13 to 24 of 60" in page.text(f"{table} .pager")
    page.click(f"{table} thead th:nth-child(5) button")
    assert page.one(f"{table} thead th:nth-child(5)").get_attribute("aria-sort") == "descending"
    shown = [int(cell.text) for cell in page.all(f"{table} tbody td:nth-child(5)")]
    assert shown == sorted(shown, reverse=True)
    choose(page, "#status-filter", "skipped")
    assert [row.text.split()[1] for row in page.all(f"{table} tbody tr")] == ["skipped", "skipped"]
    page.one("#status-search").send_keys("zzz")
    assert "None" in page.text(f"{table} .pager")
    link = page.text("#section-stock tbody tr:nth-child(3) .link")
    page.click("#section-stock tbody tr:nth-child(3) .link")
    assert page.text(".entity h3") == link
    assert page.js("return document.activeElement.id") == "section-forecast-title"


def test_both_languages_from_the_switch_and_the_address(page: Page) -> None:
    page.open()
    page.click("#language")
    page.wait(lambda: len(page.all("main h2")) == 7)
    assert page.js("return document.documentElement.lang") == "zh-Hans"
    assert page.text("main h2") == "预测"
    assert "天预计售出" in page.text("h1")
    assert page.address() == "#lang=zh"
    assert page.js("return document.title") == "销售预测"
    page.open(f"#series={SERIES}&lang=zh")
    assert page.text("#language") == "English"
    assert page.text(".entity h3") == SERIES
    words = page.js("return document.body.innerText")
    assert "semicolon" not in words
    assert "headline." not in words
    assert "column." not in words


def test_light_follows_the_system_and_then_the_reader(page: Page) -> None:
    page.light("dark")
    page.open()
    ground = "return getComputedStyle(document.body).backgroundColor"
    dark = page.js(ground)
    page.click("#theme")
    assert page.js(ground) != dark
    page.open()
    assert page.js(ground) != dark
    page.js("localStorage.clear()")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_width_makes_the_page_scroll_sideways(page: Page, width: int) -> None:
    page.screen(width)
    page.open(f"#series={SERIES}")
    assert page.js("return document.documentElement.scrollWidth") <= width
    assert page.js("return document.querySelector('.chart.large').clientWidth") <= width


def test_text_from_the_database_stays_text(page: Page) -> None:
    page.open("#series=SKU-0000/Lyon")
    assert EVIL in page.text(".side")
    field = page.one("#picker")
    field.click()
    field.send_keys("script")
    assert EVIL[:40] in page.text("#picker-options")
    assert page.js("return window.broken") is None


def test_an_outline_that_a_screen_reader_can_walk(page: Page) -> None:
    page.open()
    problems = page.js("""
        const problems = [];
        const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
        ids.filter((id, i) => ids.indexOf(id) !== i).forEach((id) => problems.push(`id twice: ${id}`));
        for (const element of document.querySelectorAll("[aria-labelledby], [aria-controls]")) {
            for (const name of ["aria-labelledby", "aria-controls"]) {
                const id = element.getAttribute(name);
                if (id && !document.getElementById(id)) problems.push(`${name} of nothing: ${id}`);
            }
        }
        const named = (element) =>
            element.labels?.length || element.getAttribute("aria-label") || element.textContent.trim();
        const controls = "button, input, select, a, [role=img], [role=region]";
        for (const element of document.querySelectorAll(controls)) {
            if (!named(element)) problems.push(`no name: ${element.outerHTML.slice(0, 80)}`);
        }
        for (const table of document.querySelectorAll("table")) {
            if (!table.caption) problems.push("table without caption");
        }
        let level = 0;
        for (const heading of document.querySelectorAll("h1, h2, h3")) {
            const next = Number(heading.tagName[1]);
            if (next > level + 1) problems.push(`heading jumps to ${heading.outerHTML.slice(0, 60)}`);
            level = next;
        }
        return problems;""")
    assert problems == []
    assert len(page.all("main, nav, header.top, footer")) == 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_enough(page: Page, scheme: str) -> None:
    """WCAG 2.1, 1.4.3: 4.5 to 1 for text."""
    page.light(scheme)
    page.open()
    page.js("localStorage.clear()")
    weak = page.js("""
        const shade = (text) => {
            const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
            canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data];
        };
        const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        const luminance = ([r, g, b]) => [r, g, b].map((c) => linear(c / 255))
            .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
        const behind = (element) => {
            for (let e = element; e; e = e.parentElement) {
                const colour = shade(getComputedStyle(e).backgroundColor);
                if (colour[3] === 255) return colour;
            }
            return [255, 255, 255, 255];
        };
        const weak = new Set();
        for (const element of document.querySelectorAll("main *, footer *")) {
            const speaks = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
            if (!speaks || element.closest("svg, :disabled, .unseen")) continue;
            const [a, b] = [luminance(shade(getComputedStyle(element).color)), luminance(behind(element))];
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < 4.5) weak.add(`${element.className || element.tagName} ${ratio.toFixed(2)}`);
        }
        return [...weak];""")
    assert weak == []


@pytest.mark.parametrize(
    ("frequency", "until", "ranges", "points"),
    [
        ("week", "27 Oct 2025", ["6 months", "1 year", "All"], 52),
        ("month", "October 2025", ["1 year", "3 years", "All"], 36),
    ],
)
def test_weeks_and_months_have_their_own_words_and_ranges(
    page: Page, reports: Callable[..., Path], frequency: str, until: str, ranges: list[str], points: int
) -> None:
    page.url = reports(12, 100, changes=in_periods(frequency)).as_uri()
    page.open()
    assert f"expected in the next 28 {frequency}s" in page.text("h1")
    assert page.text(".eyebrow").startswith(f"Sales read up to {until} ")
    assert [label.text for label in page.all(".segments label")] == ranges
    unfold(page)
    assert len(page.all(".explorer details.data tbody tr")) == pytest.approx(points + 28, abs=1)
    before = {"week": "52 weeks before", "month": "A year before"}[frequency]
    assert before in page.text(".explorer .legend")


@pytest.mark.parametrize(
    "changes",
    [
        ("drop table fct_salesfc__accuracy", "drop table fct_salesfc__backtest"),
        (
            "update fct_salesfc__series_status set status = 'fallback', method = 'seasonal_naive', reason = 'short'",
            "update fct_salesfc__forecast set method = 'seasonal_naive', model_version = null",
            "delete from fct_salesfc__backtest where method = 'lstm'",
            "delete from fct_salesfc__accuracy where method = 'lstm'",
        ),
        ("delete from fct_salesfc__sales_and_forecast",),
        (
            "drop table dim_salesfc__series",
            "drop table fct_salesfc__series_status",
            "drop table salesfc__model_registry",
        ),
        ("delete from fct_salesfc__forecast where ts > date '2025-11-01'",),
        ("update fct_salesfc__forecast set forecast = 0, lower_bound = 0, upper_bound = 0",),
    ],
    ids=["unchecked", "all-fallback", "no-history", "forecast-only", "one-period", "all-zero"],
)
def test_whatever_is_missing_the_rest_is_shown(
    page: Page, reports: Callable[..., Path], changes: tuple[str, ...]
) -> None:
    page.url = reports(12, 60, later=False, changes=changes).as_uri()
    page.open()
    assert page.one(".chart.large svg").is_displayed()
    for text in ("NaN", "undefined", "Infinity", "null"):
        assert text not in page.js("return document.body.innerText")


def test_what_is_not_known_of_all_is_not_said_of_all(page: Page, reports: Callable[..., Path]) -> None:
    changes = (
        "update fct_salesfc__reorder set on_hand = null, stockout_risk = null, stockout_date = null",
        "delete from fct_salesfc__explanation where unique_id not like 'SKU-0003/%'",
        "update fct_salesfc__accuracy set level = 'mall' where level = 'store'",
    )
    assert "Likely to sell out" in page.open().text(".tiles")
    assert "On hand" in page.text("#section-stock thead")
    assert "of the 58 of 60 series that are explained" in page.text(".explanation .sub")  # two have no forecast
    page.url = reports(changes=changes).as_uri()
    page.open()
    assert "Likely to sell out" not in page.text(".tiles")
    assert "When to order: at the reorder point." in page.text("#section-stock")
    heads = page.text("#section-stock thead")
    assert "On hand" not in heads
    assert "Reorder point" in heads
    assert "of the 2 of 60 series that are explained" in page.text(".explanation .sub")
    page.js(
        "const levels = document.querySelector('#accuracy-level');"
        "levels.value = 'mall'; levels.dispatchEvent(new Event('change'))"
    )
    table = "document.querySelector('#accuracy-level').closest('.card').querySelector('tbody')"
    groups = page.js(f"return {table}.textContent")
    assert "Lyon" in groups
    assert "All series" not in groups


def test_a_group_that_naive_forecasts_better_is_red(page: Page, reports: Callable[..., Path]) -> None:
    worse_in_lyon = """update fct_salesfc__accuracy set metric_value = case when method = 'seasonal_naive' then 1.0
        when group_id = 'Lyon' then 9.0 else 0.5 end where level = 'store'"""
    page.url = reports(changes=(worse_in_lyon,)).as_uri()
    page.open()
    choose(page, "#accuracy-level", "store")
    table = "document.querySelector('#accuracy-level').closest('.card').querySelector('tbody')"
    red = page.js(
        f"return [...{table}.querySelectorAll('.bad')].map(cell =>"
        "[cell.closest('tr').children[0].textContent, cell.textContent])"
    )
    assert red == [["Lyon", "900.0%"]]
    assert page.js(f"return {table}.rows.length") > 1


def test_one_series_and_none(page: Page, reports: Callable[..., Path]) -> None:
    page.url = reports(1, 40, later=False).as_uri()
    page.open()
    assert page.text(".entity h3") == "SKU-0000/Berlin"
    emptied = tuple(
        f"delete from {table}"
        for table in (
            "fct_salesfc__forecast",
            "fct_salesfc__sales_and_forecast",
            "fct_salesfc__series_status",
            "dim_salesfc__series",
        )
    )
    page.url = reports(2, 40, later=False, changes=emptied).as_uri()
    page.open()
    assert "hold no series" in page.text("main")


def test_paper_gets_light_colours_and_no_controls(page: Page) -> None:
    page.light("dark")
    page.open()
    pdf = page.driver.print_page()
    assert len(pdf) > 20_000
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not page.one(".toolbar").is_displayed()
    assert page.js("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_charts_on_paper_have_one_width_and_their_own_again_after_it(page: Page) -> None:
    page.open()
    widths = "return [...new Set([...document.querySelectorAll('.chart svg')].map(svg => svg.getAttribute('width')))]"
    before = page.js(widths)
    page.js("dispatchEvent(new Event('beforeprint'))")
    assert len(page.js(widths)) == 1
    page.js("dispatchEvent(new Event('afterprint'))")
    assert page.js(widths) == before
    assert len(before) > 1


def test_one_section_at_a_time_is_current(page: Page) -> None:
    page.open()
    current = lambda: [link.text for link in page.all("#nav [aria-current]")]  # noqa: E731
    assert current() == ["Forecast"]
    for name in ("Stock", "Accuracy", "Models", "Forecast"):
        page.js("[...document.querySelectorAll('#nav a')].find(a => a.textContent === arguments[0]).click()", name)
        page.wait(lambda name=name: current() == [name])


def test_methods_that_are_equally_good_are_both_bold(page: Page, reports: Callable[..., Path]) -> None:
    tie = "update fct_salesfc__accuracy set metric_value = 0.5 where metric_name = 'wape' and level = 'all'"
    page.url = reports(changes=(tie,)).as_uri()
    page.open()
    row = "[...document.querySelectorAll('#section-accuracy tbody tr')].find(tr => tr.textContent.includes('50.0%'))"
    assert page.js(f"return {row}.querySelectorAll('td.best').length") == 2


def test_a_driver_that_cancels_out_tells_its_size_and_stands_before_smaller_ones(
    page: Page, reports: Callable[..., Path]
) -> None:
    swing = """update fct_salesfc__explanation set contribution = case when driver <> 'weekly season' then 0.01
        when day(ts) % 2 = 0 then 5 else -5 end"""
    page.url = reports(changes=(swing,)).as_uri()
    page.open(f"#series={SERIES}")
    first = page.text(".explanation .members li")
    assert first.startswith("Weekly season± 5")
    assert first.endswith(" · 0")


def test_the_page_holds_the_licences_of_what_is_in_it(page: Page) -> None:
    page.open()
    page.click(".licences summary")
    text = page.text(".licences pre")
    for words in ("Apache ECharts", "zrender", "TERMS AND CONDITIONS", "Redistribution"):
        assert words in text


def test_five_thousand_series_are_on_the_screen_within_two_seconds(page: Page, reports: Callable[..., Path]) -> None:
    report = reports(5_000, 180)
    assert report.stat().st_size < 6_000_000
    page.url = report.as_uri()
    times = []
    for _ in range(3):
        page.open()
        times.append(page.js("return performance.getEntriesByName('first-chart')[0].startTime"))
    assert min(times) < 2_000, times
    field = page.one("#picker")
    field.click()
    field.send_keys("SKU-1666")
    assert len(page.all("#picker-options [role=option]")) == 2  # the item in two shops; its third is no. 5,000
    started = page.js("return performance.now()")
    field.send_keys(Keys.ENTER)
    assert page.js("return performance.now()") - started < 1_000
