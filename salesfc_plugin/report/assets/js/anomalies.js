// Past periods that were not as expected.

const DAY = 86_400_000;
let anomalyIndex = null;

function anomaliesOf(id) {
  if (!anomalyIndex) {
    anomalyIndex = new Map();
    for (const row of rows(store.anomalies)) {
      if (!anomalyIndex.has(row.unique_id)) anomalyIndex.set(row.unique_id, []);
      anomalyIndex.get(row.unique_id).push({ ...row, time: Date.parse(row.ts) });
    }
  }
  return anomalyIndex.get(id) ?? [];
}

function anomalySection() {
  if (!store.anomalies) return null;
  const why = ["explained_by", "explanation"].find((name) => name in store.anomalies);
  const columns = [
    {
      name: "unique_id",
      text: t("column.series"),
      value: (row) => row.unique_id,
      show: (row) => seriesLink(row.unique_id),
    },
    { name: "ts", text: t("period"), value: (row) => row.ts, show: (row) => period(Date.parse(row.ts) / DAY) },
    { name: "quantity", text: t("line.sold"), kind: "number", value: (row) => row.quantity },
    { name: "expected", text: t("column.expected"), kind: "number", value: (row) => row.expected },
    {
      name: "interval",
      text: t("column.interval"),
      kind: "number",
      value: (row) => row.upper_bound,
      show: (row) => `${number(row.lower_bound)} – ${number(row.upper_bound)}`,
    },
    { name: "score", text: t("column.score"), kind: "number", value: (row) => row.score },
    { name: "why", text: t("column.why"), value: (row) => row[why], show: (row) => word("why", row[why]) },
  ].filter(
    (column) =>
      column.name in store.anomalies ||
      (column.name === "interval" && "upper_bound" in store.anomalies) ||
      (column.name === "why" && why),
  );
  return part(
    "anomalies",
    card(
      null,
      store.anomaly_count > store.anomalies.ts.length
        ? t("anomalies.most", { count: store.anomalies.ts.length, all: store.anomaly_count })
        : null,
      dataTable({
        name: "anomalies",
        caption: t("anomalies.title"),
        columns,
        rows: rows(store.anomalies),
        sort: { name: "score", descending: true },
        search: (row) => row.unique_id,
      }),
    ),
  );
}
