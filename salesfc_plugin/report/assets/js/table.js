// A table that sorts, searches, turns pages and can be saved as CSV.

const PAGE = 12;

/**
 * columns: [{ name, text, value(row), show?(row), kind? }] where kind is "number" or "text" (default); `value` sorts and is saved,
 * `show` is what stands in the cell (a string or an element). The first column heads the row.
 */
function dataTable({ name, caption, columns, rows: every, sort, search, filter }) {
  for (const column of columns.filter(({ kind }) => kind === "number")) {
    column.whole = every.every((row) => !isNumber(column.value(row)) || Number.isInteger(column.value(row)));
  }
  const state = { sort: sort ?? null, page: 0, query: "", chosen: "" };
  const body = h("tbody");
  const count = h("span", { class: "grow", role: "status" });
  const heads = columns.map((column) =>
    h(
      "th",
      { scope: "col", class: column.kind === "number" ? "number" : null },
      h("button", { type: "button", onclick: () => sortBy(column) }, column.text),
    ),
  );
  const back = h("button", { type: "button", class: "quiet", onclick: () => turn(-1) }, t("table.back"));
  const next = h("button", { type: "button", class: "quiet", onclick: () => turn(1) }, t("table.next"));
  const save = h(
    "button",
    { type: "button", class: "quiet", onclick: () => download(`${name}.csv`, csv(columns, matching())) },
    t("table.save"),
  );

  const matching = () => {
    const words = state.query.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = every.filter(
      (row) =>
        (!words.length || words.every((piece) => search(row).toLowerCase().includes(piece))) &&
        (!state.chosen || filter.value(row) === state.chosen),
    );
    return state.sort
      ? kept.sort(
          comparison(
            columns.find((column) => column.name === state.sort.name),
            state.sort.descending,
          ),
        )
      : kept;
  };
  const sortBy = (column) => {
    const descending = state.sort?.name === column.name ? !state.sort.descending : column.kind === "number";
    Object.assign(state, { sort: { name: column.name, descending }, page: 0 });
    update();
  };
  const turn = (by) => {
    state.page += by;
    update();
  };
  const update = () => {
    const found = matching();
    const first = state.page * PAGE;
    body.replaceChildren(...found.slice(first, first + PAGE).map((row) => tableRow(columns, row)));
    heads.forEach((head, i) => {
      if (state.sort?.name === columns[i].name)
        head.setAttribute("aria-sort", state.sort.descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    count.textContent = found.length
      ? t("table.range", { first: first + 1, last: Math.min(first + PAGE, found.length), all: found.length })
      : t("table.none");
    back.disabled = first === 0;
    next.disabled = first + PAGE >= found.length;
  };
  update();
  const paged = every.length > PAGE;
  return h(
    "div",
    {},
    paged && (search || filter)
      ? h(
          "div",
          { class: "tools" },
          search ? searchField(name, state, update) : null,
          filter ? filterField(name, filter, every, state, update) : null,
        )
      : null,
    h(
      "div",
      { class: "scroller", tabindex: "0", role: "region", "aria-label": caption },
      h("table", {}, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, heads)), body),
    ),
    h("div", { class: "pager" }, count, paged ? [back, next] : null, save),
  );
}

function tableRow(columns, row) {
  return h(
    "tr",
    {},
    columns.map((column, i) => {
      const shown = column.show
        ? column.show(row)
        : column.kind === "number"
          ? number(column.value(row), column.whole)
          : (column.value(row) ?? UNKNOWN);
      return i === 0
        ? h("th", { scope: "row" }, shown)
        : h("td", { class: column.class ?? (column.kind === "number" ? "number" : null) }, shown);
    }),
  );
}

/** Unknown values last, whichever way it is sorted. */
function comparison(column, descending) {
  const collator = new Intl.Collator(LOCALE[language], { numeric: true });
  const known = (value) => value !== null && value !== undefined && value !== "";
  return (one, other) => {
    const [a, b] = [column.value(one), column.value(other)];
    if (!known(a) || !known(b)) return known(b) - known(a);
    return (descending ? -1 : 1) * (column.kind === "number" ? a - b : collator.compare(a, b));
  };
}

function searchField(name, state, update) {
  const input = h("input", {
    type: "search",
    id: `${name}-search`,
    autocomplete: "off",
    oninput: () => {
      Object.assign(state, { query: input.value, page: 0 });
      update();
    },
  });
  return h("div", { class: "field" }, h("label", { for: input.id }, t("table.search")), input);
}

function filterField(name, filter, every, state, update) {
  const values = [...new Set(every.map(filter.value))].filter(Boolean).sort();
  const select = h(
    "select",
    {
      id: `${name}-filter`,
      onchange: () => {
        Object.assign(state, { chosen: select.value, page: 0 });
        update();
      },
    },
    h("option", { value: "" }, t("table.every")),
    values.map((value) => h("option", { value }, filter.show(value))),
  );
  return h("div", { class: "field" }, h("label", { for: select.id }, filter.text), select);
}

/** Texts that a spreadsheet would run as a formula get an apostrophe. */
function csv(columns, kept) {
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [
    columns.map((column) => cell(column.text)),
    ...kept.map((row) => columns.map((column) => cell(column.value(row)))),
  ]
    .map((line) => line.join(","))
    .join("\r\n");
}

/** A series' id as a way to its chart, where it has one. */
function seriesLink(id) {
  const entity = store.byKey.get(`series=${id}`);
  return entity
    ? h("button", { type: "button", class: "link", onclick: () => show(entity, { scroll: true }) }, id)
    : id;
}
