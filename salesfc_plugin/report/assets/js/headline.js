// The first screen: what is expected, and how far it can be trusted.

function headline() {
  const { meta, split, days } = store;
  const expected = sum(readLine(store.total.forecast, 0));
  const past = readLine(store.total.quantity, 0);
  const horizon = days.length - split;
  const recent = past && split >= horizon ? sum(past.slice(split - horizon)) : null;
  const before = yearBefore(past);
  const then = before?.every(isNumber) ? sum(before) : null;
  const basis = then ?? recent; // a year before says more: the season is the same
  const change = basis && expected !== null ? expected / basis - 1 : null;
  const ours = overall(meta.method);
  const naive = overall(meta.naive);
  const onlyNaive = meta.method === meta.naive;
  const gain =
    !onlyNaive && isNumber(ours.wape) && isNumber(naive.wape) && naive.wape > 0 ? 1 - ours.wape / naive.wape : null;
  return h(
    "section",
    { class: "hero", "aria-labelledby": "headline" },
    h("p", { class: "eyebrow" }, t("headline.until", { day: periodDate(meta.cutoff), count: meta.series })),
    h(
      "h1",
      { id: "headline" },
      expected === null || !horizon
        ? t("headline.nothing")
        : t("headline.expected", { periods: periods(horizon), units: number(Math.round(expected)) }),
    ),
    h("p", { class: "lead" }, checkedSentence(gain, ours, naive)),
    h("dl", { class: "tiles" }, tiles({ change, horizon, basis, isYear: then !== null, gain, ours, naive })),
  );
}

function tiles({ change, horizon, basis, isYear, gain, ours, naive }) {
  const { meta } = store;
  const quantile =
    gain !== null && isNumber(ours.scaled_quantile_loss) && naive.scaled_quantile_loss > 0
      ? ours.scaled_quantile_loss / naive.scaled_quantile_loss - 1
      : null;
  const better = (value) => (value < 0 ? "good" : value > 0 ? "bad" : null);
  const risks = rows(store.reorder).map((row) => row.stockout_risk).filter(isNumber); // none where nobody counts stock
  const risky = risks.filter((risk) => risk >= 0.5).length;
  return [
    change === null
      ? null
      : tile(
          isYear ? t(`tile.year.${store.meta.frequency}`) : t("tile.change", { periods: periods(horizon) }),
          signedPercent(change),
          t("tile.change.note", { units: number(basis) }),
        ),
    gain === null && isNumber(ours.wape) ? tile(t("metric.wape"), percent(ours.wape), t("accuracy.levels.note")) : null,
    gain === null
      ? null
      : tile(
          t("tile.error"),
          signedPercent(-gain),
          t("tile.error.note", { ours: percent(ours.wape), naive: percent(naive.wape) }),
          better(-gain),
        ),
    quantile === null
      ? null
      : tile(
          t("tile.quantile"),
          signedPercent(quantile),
          t("tile.quantile.note", {
            ours: metricText("scaled_quantile_loss", ours.scaled_quantile_loss),
            naive: metricText("scaled_quantile_loss", naive.scaled_quantile_loss),
          }),
          better(quantile),
        ),
    isNumber(ours.bias)
      ? tile(t("tile.bias"), signedPercent(ours.bias), t(ours.bias > 0 ? "tile.bias.high" : "tile.bias.low"))
      : null,
    isNumber(ours.coverage)
      ? tile(
          t("tile.coverage", { level: levelText(meta.confidence_level) }),
          percent(ours.coverage),
          t("tile.coverage.note", { level: levelText(meta.confidence_level) }),
        )
      : null,
    meta.series ? tile(t("tile.series"), number(meta.series), statusNote()) : null,
    risks.length ? tile(t("tile.stock"), number(risky), t("tile.stock.note"), risky ? "bad" : "good") : null,
  ];
}

const tile = (name, figure, note, judgement) =>
  h(
    "div",
    { class: "tile" },
    h("dt", {}, name),
    h("dd", { class: `figure ${judgement ?? ""}` }, figure),
    h("dd", { class: "note" }, note),
  );

/** The metrics of a method over all series; sums of the backtest where the accuracy table has no such level. */
function overall(method) {
  const metrics = {};
  for (const row of rows(store.accuracy))
    if (isOverall(row.level) && row.method === method) metrics[row.metric] ??= row.value;
  if (metrics.wape === undefined && store.by_series && store.checked?.cutoff.length) {
    const both = rows(store.by_series).filter((row) => row.sold !== null && row.naive !== null);
    const sold = both.reduce((total, row) => total + row.sold, 0);
    const off = both.reduce((total, row) => total + (method === store.meta.naive ? row.naive : row.off), 0);
    if (sold > 0) metrics.wape = off / sold;
  }
  return metrics;
}

const isOverall = (level) => ["all", "overall", "total"].includes(level);

function checkedSentence(gain, ours, naive) {
  const { checked, meta } = store;
  if (!checked?.cutoff.length || !isNumber(ours.wape)) return t("headline.unchecked");
  if (gain === null)
    return t("headline.alone", {
      method: word("method", meta.method),
      ours: percent(ours.wape),
      last: periodDate(checked.last.at(-1)),
    });
  const figures = {
    ours: percent(ours.wape),
    naive: percent(naive.wape),
    gain: percent(Math.abs(gain)),
    last: periodDate(checked.last.at(-1)),
    count: checked.cutoff.length,
  };
  return t(Math.abs(gain) < 0.0005 ? "headline.same" : gain > 0 ? "headline.better" : "headline.worse", figures);
}

function statusNote() {
  const counts = new Map();
  for (const row of rows(store.status_counts)) counts.set(row.status, (counts.get(row.status) ?? 0) + row.n);
  const order = ["ok", "fallback", "skipped"];
  return [...counts]
    .sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0]))
    .map(([status, n]) => `${number(n)} ${word("status", status)}`)
    .join(" · ");
}
