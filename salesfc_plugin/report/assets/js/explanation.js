// What drives the forecast: each driver's part of it, in all and period by period.

const DRIVERS = [
  "level_and_trend",
  "weekly_season",
  "yearly_season",
  "holidays_and_events",
  "price_and_promotion",
  "behaviour",
  "product",
];

/** A driver keeps its colour whatever is shown; what is not known by name is like the rest. */
function driverHue(driver) {
  const place = DRIVERS.indexOf(driver.replaceAll(" ", "_"));
  return `driver-${place < 0 ? "rest" : place}`;
}

/** One line a driver over the forecast periods, those of a group added up, and how many series are in them. */
function contributionsOf(entity) {
  const { explanation } = store;
  if (entity.kind === "all") return { lines: explanation.total.map((line) => readLine(line, 0)), explained: explanation.explained };
  const members = entity.kind === "series" ? [entity] : membersOf(entity);
  const explained = members.filter(({ i }) => explanation.series.some((line) => line.start[i] < line.periods));
  const added = (lines) =>
    lines.reduce((total, line) => total?.map((value, k) => (value ?? 0) + (line[k] ?? 0)) ?? line, null);
  const lines = explanation.series.map((line) => added(explained.map(({ i }) => readLine(line, i)).filter(Boolean)));
  return { lines, explained: explained.length };
}

function explanationCard(entity) {
  if (!store.explanation) return null;
  const { lines, explained } = contributionsOf(entity);
  const drivers = store.explanation.drivers
    .map((driver, d) => ({ name: word("driver", driver), hue: driverHue(driver), line: lines[d] }))
    .filter(({ line }) => line?.some((value) => value));
  if (!drivers.length) return null;
  for (const driver of drivers) {
    driver.total = sum(driver.line);
    driver.size = sum(driver.line.map(Math.abs)); // a season adds on some days what it takes on others
  }
  const members =
    entity.kind === "all" ? store.meta.series : entity.kind === "group" ? membersOf(entity).length : explained;
  return h(
    "div",
    { class: "card explanation" },
    h("h3", {}, t("explanation.title")),
    h(
      "p",
      { class: "sub dim" },
      [
        t("explanation.note"),
        explained < members ? t("explanation.part", { count: explained, all: members }) : null,
      ]
        .filter(Boolean)
        .join(t("comma")),
    ),
    driverList(drivers),
    driverChart(drivers, explained < members).figure,
  );
}

function driverList(drivers) {
  const low = Math.min(0, ...drivers.map(({ total }) => total));
  const span = Math.max(0, ...drivers.map(({ total }) => total)) - low || 1;
  const bar = ({ total, hue }) => ({
    width: `${(100 * Math.abs(total)) / span}%`,
    marginInlineStart: `${(100 * (Math.min(total, 0) - low)) / span}%`,
    background: `var(--${hue})`,
  });
  return h(
    "ul",
    { class: "members columns" },
    [...drivers]
      .sort((a, b) => b.size - a.size)
      .map((driver) =>
        h(
          "li",
          {},
          h(
            "span",
            {},
            h("i", { class: "dot", "aria-hidden": "true", style: { background: `var(--${driver.hue})` } }),
            driver.name,
          ),
          h("span", {}, cancels(driver) ? h("span", { class: "dim" }, `± ${number(driver.size / driver.line.length)} · `) : null, signed(driver.total)),
          h("span", { class: "bar", "aria-hidden": "true" }, h("i", { style: bar(driver) })),
        ),
      ),
  );
}

/** Whether most of what a driver does in some periods it takes back in others; then its mean size is told, too. */
const cancels = ({ total, size }) => Math.abs(total) < size / 2;

/** A column a period: what adds stands on zero, what takes away hangs below it, and the line is what is left. */
function driverChart(drivers, partly) {
  const whole = t(partly ? "explanation.forecast" : "line.forecast"); // a sum over the explained is not the whole forecast
  const days = store.days.slice(store.split);
  const left = days.map((_, k) => drivers.reduce((total, { line }) => total + (line[k] ?? 0), 0));
  return chart({
    describe: t("explanation.chart"),
    option: () => ({
      ...axes({
        type: "category",
        data: days,
        axisLabel: { formatter: (day) => shortPeriod(Number(day)) },
      }),
      tooltip: tooltip((points) => {
        const k = points[0].dataIndex;
        return [
          period(days[k]),
          [...drivers.map(({ name, line }) => [name, signed(line[k])]), [whole, number(left[k])]],
        ];
      }),
      series: [
        ...drivers.map(({ name, hue, line }) => ({
          name,
          type: "bar",
          stack: "drivers",
          data: line,
          color: colour(hue),
          barCategoryGap: "22%",
          emphasis: { disabled: true },
        })),
        straight(whole, left, "ink", { line: { width: 1.6 }, z: 5 }),
      ],
    }),
    table: () => ({
      head: [t("period"), ...drivers.map(({ name }) => name), whole],
      body: days.map((day, k) => [period(day), ...drivers.map(({ line }) => signed(line[k])), number(left[k])]),
    }),
  });
}
