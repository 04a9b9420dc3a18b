// Every series of the input: forecast, fallen back or skipped, and why.

function statusSection() {
  if (!store.status_counts) return null;
  return part(
    "status",
    h("div", { class: "card" }, h("h3", {}, t("status.counts")), reasonCounts()),
    store.status ? card(null, null, statusTable()) : null,
  );
}

/** Why a series has its status; with a forecast by the network a reason is no more than a note. */
function reasonText({ status, reason }) {
  if (!reason) return t("status.no_reason");
  return status === "ok" ? t("status.noted", { reason: reasonWords(reason) }) : reasonWords(reason);
}

function reasonCounts() {
  return h(
    "div",
    { class: "counts", style: { marginTop: ".5rem" } },
    rows(store.status_counts).map((row) => [
      h("span", {}, statusChip(row.status)),
      h("span", {}, reasonText(row)),
      h("span", {}, number(row.n)),
    ]),
  );
}

function statusTable() {
  const list = rows(store.status).map((row, i) => ({ ...row, id: store.ids[i] }));
  const columns = [
    { name: "id", text: t("column.series"), value: (row) => row.id, show: (row) => seriesLink(row.id) },
    {
      name: "status",
      text: t("column.status"),
      value: (row) => row.status,
      show: (row) => statusChip(row.status) ?? UNKNOWN,
    },
    { name: "method", text: t("fact.method"), value: (row) => row.method, show: (row) => word("method", row.method) },
    {
      name: "demand_class",
      text: t("fact.class"),
      value: (row) => row.demand_class,
      show: (row) => word("class", row.demand_class),
    },
    { name: "rows_read", text: t("column.rows_read"), kind: "number", value: (row) => row.rows_read },
    { name: "rows_dropped", text: t("column.rows_dropped"), kind: "number", value: (row) => row.rows_dropped },
    { name: "stock_out_days", text: t("column.stock_out_days"), kind: "number", value: (row) => row.stock_out_days },
    {
      name: "reason",
      text: t("fact.reason"),
      class: "reason",
      value: (row) => row.reason,
      show: (row) => (row.reason ? reasonText(row) : ""),
    },
  ].filter((column) => column.name === "id" || column.name in store.status);
  return dataTable({
    name: "status",
    caption: t("status.title"),
    columns,
    rows: list,
    search: (row) => `${row.id} ${row.reason ?? ""}`,
    filter: { text: t("column.status"), value: (row) => row.status, show: (value) => word("status", value) },
  });
}
