"""How fast the report opens in Chromium, by the measures of Lighthouse.

Usage: ``python benchmarks/report_page.py [REPORT ...]``; without one, made-up reports of 300 and 5,000 series.

Each report is opened several times in a fresh tab, on this machine as it is and with its processor slowed down four
times (Lighthouse's telephone), and the median is told: first contentful paint, largest contentful paint, the first
chart, everything drawn, the time in which the page would not have answered (what each task takes beyond 50 ms) and how
far things moved (cumulative layout shift).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from salesfc_plugin.report import write_report
from tests.bi.tools import chromium, wait
from tests.synthetic_marts import write_marts

RUNS = 5
SLOWDOWNS = {"desktop": (1, 1280, 900), "telephone": (4, 390, 844)}
WATCH = """
window.seen = { blocked: 0, moved: 0, largest: 0 };
const watch = (type, each) =>
  new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true });
watch("longtask", (entry) => { seen.blocked += Math.max(0, entry.duration - 50); });
watch("layout-shift", (entry) => { if (!entry.hadRecentInput) seen.moved += entry.value; });
watch("largest-contentful-paint", (entry) => { seen.largest = entry.startTime; });
new MutationObserver(() => {
  if (document.documentElement?.dataset.ready) seen.ready ??= performance.now();
}).observe(document, { attributes: true, subtree: true });
"""
READ = """
const at = (name) => performance.getEntriesByName(name)[0]?.startTime;
return [at("first-contentful-paint"), seen.largest, at("first-chart"), seen.ready, seen.blocked, seen.moved];
"""
COLUMNS = ("first paint", "largest paint", "first chart", "all drawn", "blocked")


def measured(driver: Any, report: Path, slowdown: int, width: int, height: int) -> list[float]:
    """Medians of a report's measures, in milliseconds; the last is without a unit."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    runs = []
    for _ in range(RUNS):
        driver.get("about:blank")
        driver.get(report.as_uri())
        wait(lambda: driver.execute_script("return seen.ready"), 60)
        runs.append(driver.execute_script(READ))
    return [median(values) for values in zip(*runs, strict=True)]


def main() -> None:
    """Print a Markdown table, a row for each report and screen."""
    folder = Path(tempfile.mkdtemp())
    try:
        reports = [Path(name).resolve() for name in sys.argv[1:]] or [
            write_report(write_marts(folder / f"{n}.duckdb", n, days, later=True), folder / f"{n} series.html")
            for n, days in ((300, 1_000), (5_000, 180))
        ]
        print(f"| report | MB | screen | {' | '.join(f'{name}, ms' for name in COLUMNS)} | layout shift |")
        print(f"| {' | '.join(['---'] * (len(COLUMNS) + 4))} |")
        with chromium(folder / "profile") as driver:
            driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
            for report in reports:
                for screen, settings in SLOWDOWNS.items():
                    *times, moved = measured(driver, report, *settings)
                    told = " | ".join(f"{time:,.0f}" for time in times)
                    megabytes = report.stat().st_size / 1e6
                    print(f"| {report.stem} | {megabytes:.1f} | {screen} | {told} | {moved:.3f} |")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
