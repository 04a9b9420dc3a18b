// What will sell out, and what to order.

function stockSection() {
  const list = rows(store.reorder);
  if (!list.length) return null;
  const isKnown = ({ name, value }) => name in store.reorder && list.some((row) => value(row) !== null);
  const columns = [
    {
      name: "unique_id",
      text: t("column.series"),
      value: (row) => row.unique_id,
      show: (row) => seriesLink(row.unique_id),
    },
    {
      name: "stockout_risk",
      text: t("column.risk"),
      kind: "number",
      value: (row) => row.stockout_risk,
      show: (row) => riskBar(row.stockout_risk),
    },
    {
      name: "order_quantity",
      text: t("column.order"),
      kind: "number",
      value: (row) => row.order_quantity,
      show: (row) => h("strong", {}, number(row.order_quantity)),
    },
    {
      name: "stockout_date",
      text: t("column.sold_out"),
      value: (row) => row.stockout_date,
      show: (row) => date(row.stockout_date),
    },
    { name: "on_hand", text: t("column.on_hand"), kind: "number", value: (row) => row.on_hand },
    { name: "reorder_point", text: t("column.reorder_point"), kind: "number", value: (row) => row.reorder_point },
    { name: "safety_stock", text: t("column.safety_stock"), kind: "number", value: (row) => row.safety_stock },
    {
      name: "demand_over_lead_time",
      text: t("column.lead_demand"),
      kind: "number",
      value: (row) => row.demand_over_lead_time,
    },
    { name: "lead_time", text: t("column.lead_time"), kind: "number", value: (row) => row.lead_time },
    {
      name: "service_level",
      text: t("column.service_level"),
      kind: "number",
      value: (row) => row.service_level,
      show: (row) => levelText(row.service_level),
    },
  ].filter(isKnown); // a shop that counts no stock has columns of nothing
  return partWithLead(
    "stock",
    columns.some(({ name }) => name === "stockout_risk") ? "stock.lead" : "stock.lead.uncounted",
    card(
      null,
      null,
      dataTable({
        name: "reorder",
        caption: t("stock.title"),
        columns,
        rows: list,
        sort: { name: columns[1].name, descending: true },
        search: (row) => row.unique_id,
      }),
    ),
  );
}

const riskBar = (risk) =>
  h(
    "span",
    { class: "risk" },
    percent(risk, 0),
    h(
      "i",
      { "aria-hidden": "true" },
      h("b", {
        style: {
          width: `${100 * (risk ?? 0)}%`,
          background: risk >= 0.5 ? "var(--bad)" : risk >= 0.2 ? "var(--naive)" : "var(--good)",
        },
      }),
    ),
  );
