// Charts: colours from the page's own variables, a table beside each, sharp on paper.

const charts = new Set();
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const still = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * A chart as a figure: `option()` gives ECharts' option in the present colours, `describe` what it shows in words,
 * `table()` its numbers as { head, body }. A function, because language, theme and paper change under it.
 */
function chart({ describe, option, table, legend, large }) {
  const canvas = h("div", { class: large ? "chart large" : "chart", role: "img", "aria-label": describe });
  const figure = h(
    "figure",
    {},
    canvas,
    legend ? h("ul", { class: "legend" }, legend) : null,
    dataDetails(describe, table),
  );
  const drawn = {
    figure,
    canvas,
    option,
    instance: null,
    draw() {
      if (!canvas.isConnected) return;
      drawn.instance ??= echarts.init(canvas, null, { renderer: "svg" });
      drawn.instance.setOption({ ...frame(), ...option() }, true);
    },
  };
  charts.add(drawn);
  return drawn;
}

/** Drawn for paper: at once, and as a picture that scales to the sheet's width. */
let onPaper = false;

const SHEET = 680; // pixels: all charts of a sheet have one width, so that their letters are of one size

function paperCharts(paper) {
  onPaper = paper;
  for (const { canvas, instance } of charts) {
    const height = canvas.classList.contains("large") ? 260 : 200;
    instance?.resize(paper ? { width: SHEET, height } : { width: "auto", height: "auto" });
  }
  drawCharts();
  for (const { canvas } of charts) {
    const picture = canvas.querySelector("svg");
    if (paper)
      picture?.setAttribute("viewBox", `0 0 ${picture.getAttribute("width")} ${picture.getAttribute("height")}`);
    else picture?.removeAttribute("viewBox");
  }
}

const frame = () => ({
  animation: !still.matches && !onPaper,
  animationDuration: 250,
  textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
  useUTC: true, // periods are days without a time zone: a tick at the reader's midnight is another day in UTC
});

/** Draw what is new, forget what is gone. */
function drawCharts() {
  for (const drawn of charts) {
    if (drawn.canvas.isConnected) drawn.draw();
    else {
      drawn.instance?.dispose();
      charts.delete(drawn);
    }
  }
}

function resizeCharts() {
  for (const drawn of charts) drawn.instance?.resize();
}

function dataDetails(caption, table) {
  if (!table) return null;
  const details = h("details", { class: "data" }, h("summary", {}, t("as_table")));
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return;
    const { head, body } = table();
    details.append(
      h(
        "div",
        { class: "scroller", tabindex: "0", role: "region", "aria-label": caption },
        h(
          "table",
          {},
          h("caption", { class: "unseen" }, caption),
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              head.map((text, i) => h("th", { scope: "col", class: i ? "number" : null }, text)),
            ),
          ),
          h(
            "tbody",
            {},
            body.map((row) =>
              h(
                "tr",
                {},
                row.map((cell, i) => (i ? h("td", { class: "number" }, cell) : h("th", { scope: "row" }, cell))),
              ),
            ),
          ),
        ),
      ),
    );
  });
  return details;
}

const swatch = (name, text, kind = "") =>
  h(
    "li",
    {},
    h("span", {
      class: `swatch ${kind}`,
      "aria-hidden": "true",
      style:
        kind.startsWith("band") || kind === "dot"
          ? { background: `var(--${name})`, opacity: kind === "band" ? ".18" : kind === "band inner" ? ".36" : "1" }
          : { borderColor: `var(--${name})` },
    }),
    text,
  );

/** Axes that keep quiet. */
function axes(x, y = {}) {
  const label = { color: colour("dim"), fontSize: 12 };
  return {
    grid: { left: 4, right: 14, top: 16, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    xAxis: {
      axisLine: { lineStyle: { color: colour("line") } },
      axisTick: { show: false },
      splitLine: { show: false },
      ...x,
      axisLabel: { ...label, hideOverlap: true, ...x.axisLabel },
    },
    yAxis: {
      splitLine: { lineStyle: { color: colour("line") } },
      axisLine: { show: false },
      axisTick: { show: false },
      ...y,
      axisLabel: { ...label, formatter: (value) => number(value), ...y.axisLabel },
    },
  };
}

/** A tooltip built of elements, never of markup: `rowsOf(points)` gives a title and [name, text] pairs. */
function tooltip(rowsOf, trigger = "axis") {
  return {
    trigger,
    confine: true,
    transitionDuration: 0,
    backgroundColor: colour("card"),
    borderColor: colour("line"),
    padding: [8, 11],
    textStyle: { color: colour("ink"), fontSize: 13 },
    axisPointer: { type: "line", lineStyle: { color: colour("dim"), width: 1 } },
    formatter: (points) => {
      const [title, pairs] = rowsOf(Array.isArray(points) ? points : [points]);
      return h(
        "div",
        { class: "tip" },
        h("b", {}, title),
        pairs.map(([name, text]) => h("div", {}, h("span", { class: "dim" }, name), h("span", {}, text))),
      );
    },
  };
}

const straight = (name, data, colourName, more = {}) => ({
  name,
  type: "line",
  data,
  showSymbol: false,
  symbol: "circle",
  color: colour(colourName),
  connectNulls: false,
  lineStyle: { width: 1.6, color: colour(colourName), ...more.line },
  emphasis: { disabled: true },
  ...more,
});

/** The area between two lines: an unseen one, and their difference stacked on it. */
function band(name, lower, upper, colourName, opacity) {
  const hidden = {
    type: "line",
    stack: name,
    stackStrategy: "all",
    showSymbol: false,
    silent: true,
    lineStyle: { width: 0 },
    emphasis: { disabled: true },
    tooltip: { show: false },
  };
  const height = upper.map((point, i) => (point[1] === null ? [point[0], null] : [point[0], point[1] - lower[i][1]]));
  return [
    { ...hidden, data: lower },
    {
      ...hidden,
      data: height,
      areaStyle: {
        color: colour(colourName),
        opacity: opacity * (document.documentElement.dataset.theme === "dark" ? 1.6 : 1),
      },
    },
  ];
}
