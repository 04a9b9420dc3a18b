// How good the forecasts were where they could be checked.

const METRICS = ["wape", "scaled_quantile_loss", "mase", "rmsse", "smape", "mse", "mae", "bias", "coverage"];
const SHARES = ["wape", "bias", "coverage", "smape"];

function accuracySection() {
  const charts = [stepCard(), calibrationCard()].filter(Boolean);
  const cards = [metricCard(), charts.length ? h("div", { class: "grid" }, charts) : null, levelCard(), worstCard()];
  return cards.some(Boolean) ? part("accuracy", ...cards) : null;
}

/** Our method first, the naive one second. */
function methodsOf(list) {
  const order = [store.meta.method, store.meta.naive];
  const rank = (method) => (order.includes(method) ? order.indexOf(method) : order.length);
  return [...new Set(list)].sort((a, b) => rank(a) - rank(b) || String(a).localeCompare(b));
}

const OTHER_HUES = ["good", "bad", "sold", "driver-2", "driver-5", "driver-6"];
const hueOf = (method, i) =>
  method === store.meta.method ? "ahead" : method === store.meta.naive ? "naive" : OTHER_HUES[i % OTHER_HUES.length];
const metricText = (metric, value) =>
  metric === "bias"
    ? signedPercent(value)
    : SHARES.includes(metric)
      ? percent(value)
      : isNumber(value) && value < 100
        ? format({ minimumSignificantDigits: 3, maximumSignificantDigits: 3 }).format(value)
        : number(value);

function metricCard() {
  const list = rows(store.accuracy).filter((row) => isOverall(row.level));
  if (!list.length) return null;
  const methods = methodsOf(list.map((row) => row.method));
  const metrics = METRICS.filter((metric) => list.some((row) => row.metric === metric));
  const value = (metric, method) => list.find((row) => row.metric === metric && row.method === method)?.value ?? null;
  const distance = (metric, method) => {
    const found = value(metric, method);
    return found === null
      ? Infinity
      : metric === "bias"
        ? Math.abs(found)
        : metric === "coverage"
          ? Math.abs(found - store.meta.confidence_level)
          : found;
  };
  const isBest = (metric, method) =>
    methods.length > 1 && methods.every((other) => distance(metric, method) <= distance(metric, other));
  return card(
    t("accuracy.metrics"),
    [checkedSpan(), methods.length > 1 ? t("accuracy.metrics.note") : null].filter(Boolean).join(t("comma")),
    h(
      "div",
      { class: "scroller", tabindex: "0", role: "region", "aria-label": t("accuracy.metrics") },
      h(
        "table",
        {},
        h("caption", { class: "unseen" }, t("accuracy.metrics")),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, t("column.metric")),
            methods.map((method) => h("th", { scope: "col", class: "number" }, word("method", method))),
          ),
        ),
        h(
          "tbody",
          {},
          metrics.map((metric) =>
            h(
              "tr",
              {},
              h(
                "th",
                { scope: "row", title: hasText(`metric.${metric}.note`) ? t(`metric.${metric}.note`) : null },
                word("metric", metric),
              ),
              methods.map((method) =>
                h(
                  "td",
                  { class: `number ${isBest(metric, method) ? "best" : ""}` },
                  metricText(metric, value(metric, method)),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

/** How often it was checked, and up to when. */
function checkedSpan() {
  const { checked } = store;
  return checked?.cutoff.length
    ? t("accuracy.checked", { count: checked.cutoff.length, last: periodDate(checked.last.at(-1)) })
    : null;
}

/** Whether the judged method is further off in a group than the naive one would have been. */
const losesToNaive = (row, method) => method === store.meta.method && row[method] > row[store.meta.naive];

/** Error of the largest groups of each level, ours beside the naive method's. */
function levelCard() {
  const list = rows(store.accuracy).filter((row) => !isOverall(row.level) && row.metric === "wape");
  const isTotal = (level) => level.startsWith("total:");
  const levels = [...new Set(list.map((row) => row.level))].sort((a, b) => isTotal(a) - isTotal(b));
  if (!levels.length) return null;
  const holder = h("div", { style: { marginTop: ".6rem" } });
  const draw = (name) => {
    const groups = new Map();
    for (const row of list)
      if (row.level === name)
        groups.set(row.group_id, {
          ...groups.get(row.group_id),
          group: groupName(name, row.group_id),
          n: row.n,
          [row.method]: row.value,
        });
    const methods = methodsOf(list.filter((row) => row.level === name).map((row) => row.method));
    const columns = [
      { name: "group", text: levelName(name), value: (row) => row.group },
      ...methods.map((method) => ({
        name: method,
        text: word("method", method),
        kind: "number",
        value: (row) => row[method] ?? null,
        show: (row) => h("span", { class: losesToNaive(row, method) ? "bad" : null }, percent(row[method])),
      })),
      { name: "n", text: t("column.forecasts"), kind: "number", value: (row) => row.n },
    ];
    holder.replaceChildren(
      dataTable({
        name: "accuracy",
        caption: t("accuracy.levels"),
        columns,
        rows: [...groups.values()],
        sort: { name: methods[0], descending: true },
      }),
    );
  };
  draw(levels[0]);
  const choice = h(
    "select",
    { id: "accuracy-level", onchange: (event) => draw(event.target.value) },
    levels.map((name) => h("option", { value: name }, levelName(name))),
  );
  return card(
    t("accuracy.levels"),
    t("accuracy.levels.note"),
    levels.length > 1
      ? h(
          "div",
          { class: "choice", style: { marginTop: ".6rem" } },
          h("label", { for: choice.id }, t("accuracy.level")),
          choice,
        )
      : null,
    holder,
  );
}

/** A group of a level: a kind of demand in words, a stretch of the horizon as it is. */
const groupName = (level, group) =>
  level === "demand_class" ? word("class", group) : ["all", "total:all"].includes(level) ? t("all_series") : group || t("nameless");

/** A method that is neither the judged nor the naive one. */
const isOther = (method) => ![store.meta.method, store.meta.naive].includes(method);

function stepCard() {
  const list = rows(store.by_step).filter((row) => row.wape !== null);
  const steps = [...new Set(list.map((row) => row.step))].sort((a, b) => a - b);
  if (steps.length < 2) return null;
  const methods = methodsOf(list.map((row) => row.method));
  const found = new Map(list.map((row) => [`${row.method} ${row.step}`, row.wape]));
  const values = (method) => steps.map((step) => found.get(`${method} ${step}`) ?? null);
  const drawn = chart({
    describe: t("accuracy.steps"),
    legend: methods.map((method, i) => swatch(hueOf(method, i), word("method", method), isOther(method) ? "dashed" : "")),
    option: () => ({
      ...axes(
        { type: "category", data: steps, boundaryGap: false },
        { min: 0, axisLabel: { formatter: (value) => percent(value, 0) } },
      ),
      tooltip: tooltip((points) => [
        t(`ahead.${store.meta.frequency}`, { count: steps[points[0].dataIndex] }),
        points.map((point) => [point.seriesName, percent(point.value)]),
      ]),
      series: methods.map((method, i) =>
        straight(word("method", method), values(method), hueOf(method, i), {
          z: isOther(method) ? 4 : method === store.meta.method ? 3 : 2, // others may lie on ours, and show as dashes on it
          line: { width: method === store.meta.method ? 2.6 : 1.6, type: isOther(method) ? [5, 4] : "solid" },
        }),
      ),
    }),
    table: () => ({
      head: [t("column.step"), ...methods.map((method) => word("method", method))],
      body: steps.map((step, s) => [number(step), ...methods.map((method) => percent(values(method)[s]))]),
    }),
  });
  return card(t("accuracy.steps"), t("accuracy.steps.note"), drawn.figure);
}

/** Is what should happen in x of 100 cases seen in x of 100? */
function calibrationCard() {
  const list = rows(store.calibration).filter((row) => row.method === store.meta.method);
  if (list.length < 2) return null;
  const points = (name) => list.map((row) => [row.level, row[name]]);
  const share = {
    type: "value",
    min: 0,
    max: 1,
    interval: 0.25,
    axisLabel: { formatter: (value) => percent(value, 0) },
  };
  const drawn = chart({
    describe: t("accuracy.calibration"),
    legend: [swatch("ahead", t("calibration.seen"), "band"), swatch("dim", t("calibration.ideal"), "dashed")],
    option: () => ({
      ...axes(share, share),
      tooltip: tooltip((shown) => {
        const row = list.find((other) => other.level === shown[0].value[0]) ?? list[0];
        return [
          t("calibration.level", { level: levelText(row.level) }),
          [
            [t("calibration.below"), percent(row.below)],
            [t("calibration.at"), percent(row.at_or_below)],
          ],
        ];
      }),
      series: [
        {
          ...straight(
            "ideal",
            [
              [0, 0],
              [1, 1],
            ],
            "dim",
            { line: { width: 1.2, type: [4, 4] } },
          ),
          silent: true,
          tooltip: { show: false },
        },
        ...band("seen", points("below"), points("at_or_below"), "ahead", 0.22),
        straight("below", points("below"), "ahead", { line: { width: 1.2 }, showSymbol: true, symbolSize: 4 }),
        straight("at", points("at_or_below"), "ahead", { line: { width: 1.2 }, showSymbol: true, symbolSize: 4 }),
      ],
    }),
    table: () => ({
      head: [t("column.quantile"), t("calibration.below"), t("calibration.at")],
      body: list.map((row) => [levelText(row.level), percent(row.below), percent(row.at_or_below)]),
    }),
  });
  return card(t("accuracy.calibration"), t("accuracy.calibration.note"), drawn.figure);
}

/** Where the most units are missed. */
function worstCard() {
  const tested = rows(store.by_series)
    .map((row, i) => ({ ...row, id: store.ids[i], behind: row.naive === null ? null : row.off - row.naive }))
    .filter((row) => row.off !== null && row.off > 0);
  if (!tested.length) return null;
  const share = (row, name) => (row.sold > 0 && row[name] !== null ? row[name] / row.sold : null);
  const onlyNaive = store.meta.method === store.meta.naive;
  const columns = [
    { name: "id", text: t("column.series"), value: (row) => row.id, show: (row) => seriesLink(row.id) },
    { name: "off", text: t("column.off"), kind: "number", value: (row) => row.off },
    { name: "sold", text: t("column.sold"), kind: "number", value: (row) => row.sold },
    {
      name: "wape",
      text: t("metric.wape"),
      kind: "number",
      value: (row) => share(row, "off"),
      show: (row) => percent(share(row, "off")),
    },
    {
      name: "naive",
      text: t("column.naive_wape"),
      kind: "number",
      value: (row) => share(row, "naive"),
      show: (row) => percent(share(row, "naive")),
    },
    {
      name: "behind",
      text: t("column.behind"),
      kind: "number",
      value: (row) => row.behind,
      show: (row) => h("span", { class: row.behind > 0 ? "bad" : null }, signed(row.behind)),
    },
    {
      name: "bias",
      text: t("metric.bias"),
      kind: "number",
      value: (row) => share(row, "bias"),
      show: (row) => signedPercent(share(row, "bias")),
    },
  ].filter((column) => !(onlyNaive && ["naive", "behind"].includes(column.name)));
  return card(
    t("accuracy.worst"),
    t(onlyNaive ? "accuracy.worst.sums" : "accuracy.worst.note"),
    h(
      "div",
      { style: { marginTop: ".6rem" } },
      dataTable({
        name: "worst",
        caption: t("accuracy.worst"),
        columns,
        rows: tested,
        sort: { name: "off", descending: true },
        search: (row) => row.id,
      }),
    ),
  );
}
