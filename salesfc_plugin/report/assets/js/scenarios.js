// What the user's scenarios would change.

function scenarioSection() {
  if (!store.scenarios) return null;
  const list = rows(store.scenarios);
  const share = (row) =>
    isNumber(row.uplift_units) && row.forecast - row.uplift_units > 0
      ? row.uplift_units / (row.forecast - row.uplift_units)
      : null;
  const columns = [
    { name: "scenario_id", text: t("column.scenario"), value: (row) => row.scenario_id },
    { name: "series", text: t("column.count"), kind: "number", value: (row) => row.series },
    { name: "forecast", text: t("line.forecast"), kind: "number", value: (row) => row.forecast },
    {
      name: "uplift_units",
      text: t("column.uplift"),
      kind: "number",
      value: (row) => row.uplift_units,
      show: (row) => signed(row.uplift_units),
    },
    {
      name: "share",
      text: t("column.uplift_share"),
      kind: "number",
      value: share,
      show: (row) => signedPercent(share(row)),
    },
    {
      name: "uplift_revenue",
      text: t("column.uplift_revenue"),
      kind: "number",
      value: (row) => row.uplift_revenue,
      show: (row) => signed(row.uplift_revenue),
    },
  ].filter(
    (column) => column.name in store.scenarios || (column.name === "share" && "uplift_units" in store.scenarios),
  );
  return part(
    "scenarios",
    h(
      "div",
      { class: store.scenario_days ? "grid loose" : "" },
      card(
        null,
        null,
        dataTable({
          name: "scenarios",
          caption: t("scenarios.title"),
          columns,
          rows: list,
          sort: { name: "uplift_units", descending: true },
        }),
      ),
      store.scenario_days ? upliftCard() : null,
    ),
  );
}

const HUES = ["ahead", "naive", "good", "bad", "sold", "warn"];

function upliftCard() {
  const points = rows(store.scenario_days);
  const names = [...new Set(points.map((row) => row.scenario_id))];
  const note = [t("scenarios.chart.note")];
  if (names.length > HUES.length) note.push(t("scenarios.chart.drawn", { shown: HUES.length, all: names.length }));
  return card(t("scenarios.chart"), note.join(t("comma")), upliftChart(points, names).figure);
}

/** As many lines as there are colours to tell them apart; the table has every scenario. */
function upliftChart(points, names) {
  const drawn = names.slice(0, HUES.length);
  const days = [...new Set(points.map((row) => row.ts))].sort();
  const found = new Map(points.map((row) => [`${row.ts} ${row.scenario_id}`, row.uplift_units]));
  const at = (day, name) => found.get(`${day} ${name}`) ?? null;
  return chart({
    describe: t("scenarios.chart"),
    legend: drawn.map((name, i) => swatch(HUES[i], name)),
    option: () => ({
      ...axes({
        type: "category",
        data: days,
        boundaryGap: false,
        axisLabel: { formatter: (day) => date(day, { day: "numeric", month: "short" }) },
      }),
      tooltip: tooltip((shown) => [
        period(Date.parse(days[shown[0].dataIndex]) / 86_400_000),
        shown.map((point) => [point.seriesName, signed(point.value)]),
      ]),
      series: drawn.map((name, i) =>
        straight(
          name,
          days.map((day) => at(day, name)),
          HUES[i],
        ),
      ),
    }),
    table: () => ({
      head: [t("period"), ...names],
      body: days.map((day) => [date(day), ...names.map((name) => signed(at(day, name)))]),
    }),
  });
}
