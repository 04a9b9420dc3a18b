// The main chart: sales and forecast of everything, a group or a series, and what is known about it.

const explorer = { entity: null, range: "", division: null, parts: null };
const RANGES = { quarter: 92, half: 183, year: 366, three: 1096, all: Infinity }; // days
// What is offered, and shown at first: about as many points of the past whatever the period.
const OFFERED = { day: ["quarter", "half", "year"], week: ["half", "year", "three"], month: ["year", "three"] };
const FIRST = { day: "half", week: "year", month: "three" };

function forecastSection() {
  const { ids } = store;
  const shorter =
    store.meta.series > ids.length
      ? h("p", { class: "dim" }, t("forecast.largest", { shown: ids.length, all: store.meta.series }))
      : null;
  const choice = picker({
    label: t("picker.label"),
    placeholder: t("picker.placeholder"),
    onchoose: (entity) => show(entity),
  });
  const past = store.days[store.split - 1] - store.days[0];
  const { frequency } = store.meta;
  const ranges = OFFERED[frequency].filter((name) => RANGES[name] < past);
  if (past > 0) ranges.push("all");
  if (!ranges.includes(explorer.range)) explorer.range = ranges.includes(FIRST[frequency]) ? FIRST[frequency] : (ranges.at(-1) ?? "");
  const main = h("div", { class: "middle" });
  const side = h("div", { class: "side" });
  explorer.parts = { choice, main, side };
  return part(
    "forecast",
    shorter,
    h(
      "div",
      { class: "toolbar" },
      choice.element,
      h(
        "div",
        { class: "steps" },
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            id: "previous",
            "aria-label": t("forecast.previous"),
            onclick: () => stepTo(-1),
          },
          "←",
        ),
        h(
          "button",
          { type: "button", class: "quiet", id: "next", "aria-label": t("forecast.next"), onclick: () => stepTo(1) },
          "→",
        ),
      ),
      ranges.length > 1
        ? segments(
            t("range.label"),
            "range",
            ranges.map((name) => [name, t(`range.${name}`)]),
            explorer.range,
            (range) => {
              explorer.range = range;
              drawEntity();
            },
          )
        : null,
    ),
    h("div", { class: "explorer" }, main, side),
  );
}

function stepTo(by) {
  const list = store.entities;
  show(list[(list.indexOf(explorer.entity) + by + list.length) % list.length]);
}

/** Show an entity: chart, facts, address of the page. */
function show(entity, { scroll = false } = {}) {
  explorer.entity = entity;
  drawEntity();
  writeAddress();
  announce(describeEntity(entity, lineOf(entity)));
  if (scroll) {
    byId("section-forecast").scrollIntoView();
    byId("section-forecast-title").focus({ preventScroll: true });
  }
}

function drawEntity() {
  const { entity, parts } = explorer;
  const line = lineOf(entity);
  parts.choice.set(entity);
  const drawn = entityChart(entity, line);
  const parents = parentsOf(entity);
  const chartCard = h(
    "div",
    { class: "card" },
    parents.length
      ? h(
          "ol",
          { class: "crumbs", "aria-label": t("forecast.within") },
          parents.map((parent, i) =>
            h(
              "li",
              { class: i && isWithin(parent, parents[i - 1]) ? "within" : null },
              h("button", { type: "button", class: "link", onclick: () => show(parent) }, entityName(parent)),
            ),
          ),
        )
      : null,
    h(
      "div",
      { class: "entity" },
      h("h3", { id: "entity", tabindex: "-1" }, entityName(entity)),
      entity.kind === "series" ? statusChip(store.status?.status[entity.i]) : null,
    ),
    entity.kind === "series" && entity.hint ? h("p", { class: "sub dim" }, entity.hint) : null,
    drawn.figure,
  );
  const wasInside = [parts.main, parts.side].some((place) => place.contains(document.activeElement));
  parts.main.replaceChildren(...[chartCard, explanationCard(entity)].filter(Boolean));
  parts.side.replaceChildren(...[factsCard(entity, line), membersCard(entity)].filter(Boolean));
  if (wasInside) byId("entity").focus({ preventScroll: true }); // what was pressed is gone
  drawCharts();
}

const statusChip = (status) =>
  status
    ? h(
        "span",
        { class: `chip ${["ok", "fallback", "skipped"].includes(status) ? status : ""}` },
        word("status", status),
      )
    : null;

function describeEntity(entity, line) {
  const name = entityName(entity);
  if (!line.forecast) return t("forecast.describe.none", { name });
  return t("forecast.describe", {
    name,
    periods: periods(store.days.length - store.split),
    units: number(sum(line.forecast)),
  });
}

/** The first shown period of the past, by the chosen range. */
function firstShown() {
  const since = store.days[store.split - 1] - RANGES[explorer.range ?? "all"];
  return Math.max(
    0,
    store.days.findIndex((day) => day > since),
  );
}

function entityChart(entity, line) {
  const { days, split, meta, backtest } = store;
  const first = explorer.range ? firstShown() : 0;
  const time = (i) => days[i] * 86_400_000;
  const past = (values) => values?.slice(first).map((value, i) => [time(first + i), value]) ?? [];
  const future = (values) => values?.map((value, i) => [time(split + i), value]) ?? [];
  const held =
    line.backtest &&
    line.backtest.map((value, i) => [time(backtest.start + i), value]).filter(([at]) => at >= time(first));
  const odd = entity.kind === "series" ? anomaliesOf(entity.key).filter((row) => row.time >= time(first)) : [];
  const outer = levelText(meta.confidence_level);
  const inner = line.innerLower && line.innerUpper;
  const before = yearBefore(line.quantity);
  const innerLevel = levelText(meta.inner_band[1] - meta.inner_band[0]);
  const legend = [
    line.quantity ? swatch("sold", t("line.sold")) : null,
    line.forecast ? swatch("ahead", t("line.forecast")) : null,
    line.lower ? swatch("ahead", t("line.interval", { level: outer }), "band") : null,
    inner ? swatch("ahead", t("line.interval", { level: innerLevel }), "band inner") : null,
    held?.length ? swatch("ahead", t("line.backtest"), "dashed") : null,
    before ? swatch("sold", t(`year_before.${store.meta.frequency}`), "dotted") : null,
    odd.length ? swatch("bad", t("line.anomaly"), "dot") : null,
  ];
  const above = spikes(
    [...past(line.quantity), ...future(line.forecast), ...future(line.upper), ...future(before), ...(held ?? [])],
  );
  if (above) {
    const [at, value] = above.highest;
    const day = period(Math.round(at / 86_400_000));
    legend.push(h("li", { class: "spikes" }, t("line.spikes", { count: above.count, units: number(value), day })));
  }
  const option = () => ({
    ...axes(
      { type: "time", axisLabel: { formatter: (at) => axisDate(at) }, min: "dataMin", max: "dataMax" },
      { min: 0, max: above?.top },
    ),
    tooltip: tooltip((points) => entityTip(points[0].value[0] / 86_400_000, line, before)),
    series: [
      ...(line.lower ? band("interval", future(line.lower), future(line.upper), "ahead", 0.15) : []),
      ...(inner ? band("inner", future(line.innerLower), future(line.innerUpper), "ahead", 0.2) : []),
      straight("sold", past(line.quantity), "sold", {
        line: { width: 1.3 },
        markLine: split && line.forecast ? cutoffMark(time(split - 1)) : undefined,
      }),
      ...(held?.length ? [straight("backtest", held, "ahead", { line: { width: 1.4, type: [4, 4] } })] : []),
      ...(before ? [straight("before", future(before), "sold", { line: { width: 1.4, type: [1, 3] } })] : []),
      straight("forecast", future(line.forecast), "ahead", {
        line: { width: 2.2 },
        showSymbol: store.days.length - split === 1,
      }),
      ...(odd.length
        ? [
            {
              type: "scatter",
              data: odd.map((row) => [row.time, row.quantity]),
              symbolSize: 8,
              color: colour("bad"),
              silent: true,
            },
          ]
        : []),
    ],
  });
  const table = () => ({
    head: [t("period"), t("line.sold"), t("line.forecast"), t("line.low"), t("line.high")],
    body: days
      .map((day, i) => i)
      .slice(first)
      .reverse()
      .map((i) => [period(days[i]), ...valuesAt(line, i).map((value) => (value === null ? "" : number(value)))]),
  });
  return chart({ describe: describeEntity(entity, line), option, table, legend, large: true });
}

const FEW = 3; // points that may lie above a chart
const FAR = 8; // times the next highest, from which they would press all others flat

/** Where the axis ends if a few points are far above all others: { top, count, highest }, else null. */
function spikes(points) {
  const down = points.filter(([, value]) => isNumber(value)).sort((a, b) => b[1] - a[1]);
  const rest = down[FEW]?.[1];
  if (!(rest > 0) || down[0][1] <= FAR * rest) return null;
  const highestShown = down.find(([, value]) => value <= FAR * rest)[1];
  const step = 10 ** Math.floor(Math.log10(highestShown)) / 2;
  const top = step * Math.ceil((1.1 * highestShown) / step); // so that its label is a round one
  const count = down.filter(([, value]) => value > top).length;
  return count ? { top, count, highest: down[0] } : null;
}

function valuesAt(line, i) {
  const { split } = store;
  const ahead = (values) => (i >= split ? (values?.[i - split] ?? null) : null);
  return [i < split ? (line.quantity?.[i] ?? null) : null, ahead(line.forecast), ahead(line.lower), ahead(line.upper)];
}

function entityTip(day, line, before) {
  const i = store.days.indexOf(Math.round(day));
  const [sold, forecast, low, high] = valuesAt(line, i);
  const held = store.backtest && line.backtest?.[i - store.backtest.start];
  const then = i >= store.split ? before?.[i - store.split] : null;
  return [
    period(store.days[i]),
    [
      i < store.split ? [t("line.sold"), sold === null ? t("unknown") : number(sold)] : null,
      isNumber(held) ? [t("line.backtest"), number(held)] : null,
      forecast === null ? null : [t("line.forecast"), number(forecast)],
      low === null
        ? null
        : [t("line.interval", { level: levelText(store.meta.confidence_level) }), `${number(low)} – ${number(high)}`],
      isNumber(then) ? [t(`year_before.${store.meta.frequency}`), number(then)] : null,
    ].filter(Boolean),
  ];
}

const cutoffMark = (at) => ({
  silent: true,
  symbol: "none",
  animation: false,
  data: [{ xAxis: at }],
  lineStyle: { color: colour("dim"), type: [3, 3], width: 1 },
  label: {
    formatter: t("line.cutoff"),
    color: colour("dim"),
    fontSize: 12,
    position: "insideEndTop",
    rotate: 0,
    align: "right",
    padding: [0, 6, 0, 0],
  },
});

function axisDate(at) {
  const day = Math.round(at / 86_400_000);
  const [year, month, dayOfMonth] = new Date(at).toISOString().slice(0, 10).split("-");
  if (dayOfMonth !== "01") return date(day, { day: "numeric", month: "short" });
  return month === "01" ? year : date(day, { month: "short" });
}
