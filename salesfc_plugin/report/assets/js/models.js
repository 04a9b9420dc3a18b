// Where the forecasts come from: the models kept, and what was published before.

function modelSection() {
  if (!store.models && !store.vintages) return null;
  return part(
    "models",
    store.models ? card(null, null, modelTable()) : null,
    store.vintages ? card(t("models.vintages"), t("models.vintages.note"), vintageTable()) : null,
  );
}

function modelTable() {
  const list = rows(store.models).map((row) => ({ ...row, measured: metricsOf(row.metrics) }));
  const measured = ["wape", "scaled_quantile_loss", "loss"].filter((name) =>
    list.some((row) => isNumber(row.measured[name])),
  );
  const columns = [
    { name: "model_version", text: t("column.model"), value: (row) => row.model_version },
    { name: "stage", text: t("column.stage"), value: (row) => row.stage, show: (row) => word("stage", row.stage) },
    {
      name: "network",
      text: t("column.network"),
      value: (row) => row.network,
      show: (row) => word("method", row.network),
    },
    { name: "preset", text: t("column.preset"), value: (row) => row.preset },
    { name: "cutoff", text: t("column.cutoff"), value: (row) => row.cutoff, show: (row) => date(row.cutoff) },
    {
      name: "created_at",
      text: t("column.created"),
      value: (row) => row.created_at,
      show: (row) => row.created_at?.slice(0, 16) ?? UNKNOWN,
    },
    ...measured.map((name) => ({
      name,
      text: word("metric", name),
      kind: "number",
      value: (row) => row.measured[name] ?? null,
      show: (row) => metricText(name, row.measured[name]),
    })),
    { name: "reason", text: t("fact.reason"), class: "reason", value: verdictOf },
  ].filter(
    (column) =>
      column.name in store.models ||
      measured.includes(column.name) ||
      (column.name === "reason" && list.some((row) => row.measured.promotion)),
  );
  return dataTable({
    name: "models",
    caption: t("models.title"),
    columns,
    rows: list,
    sort: { name: "created_at", descending: true },
  });
}

/** Why a model makes the forecasts, or why it does not; a backtest model never does. */
function verdictOf(row) {
  return row.role === "backtest" ? "" : reasonWords(row.measured.promotion?.reason ?? "");
}

/** The numbers of a model's metrics, which are JSON text. */
function metricsOf(text) {
  try {
    const found = JSON.parse(text ?? "{}");
    return found && typeof found === "object" ? found : {};
  } catch {
    return {};
  }
}

function vintageTable() {
  const columns = [
    { name: "made_at", text: t("column.created"), value: (row) => row.made_at },
    { name: "cutoff", text: t("column.cutoff"), value: (row) => row.cutoff, show: (row) => date(row.cutoff) },
    { name: "model_version", text: t("column.model"), value: (row) => row.model_version },
    { name: "forecast", text: t("line.forecast"), kind: "number", value: (row) => row.forecast },
    { name: "arrived", text: t("column.arrived"), kind: "number", value: (row) => row.arrived },
    {
      name: "wape",
      text: t("metric.wape"),
      kind: "number",
      value: (row) => row.wape,
      show: (row) => percent(row.wape),
    },
  ];
  return dataTable({
    name: "vintages",
    caption: t("models.vintages"),
    columns,
    rows: rows(store.vintages),
    sort: { name: "made_at", descending: true },
  });
}
