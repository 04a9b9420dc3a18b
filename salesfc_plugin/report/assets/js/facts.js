// Beside the main chart: figures, what is inside, what drives the forecast.

function factsCard(entity, line) {
  const horizon = store.days.length - store.split;
  const facts = [];
  if (line.forecast) facts.push([t("fact.expected", { periods: periods(horizon) }), number(sum(line.forecast))]);
  if (line.quantity && store.split >= horizon)
    facts.push([t("fact.recent", { periods: periods(horizon) }), number(sum(line.quantity.slice(-horizon)))]);
  if (entity.kind === "series") facts.push(...seriesFacts(entity));
  if (entity.kind !== "series")
    facts.push([t("fact.members"), number(entity.kind === "all" ? store.meta.series : membersOf(entity).length)]);
  return facts.length
    ? h(
        "div",
        { class: "card" },
        h(
          "dl",
          { class: "facts" },
          facts
            .filter(([, value]) => value !== null && value !== UNKNOWN)
            .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
        ),
      )
    : null;
}

function seriesFacts({ i }) {
  const { status, by_series: tested, attributes, meta } = store;
  const share = (name) =>
    tested?.sold[i] > 0 && tested[name][i] !== null ? percent(tested[name][i] / tested.sold[i]) : null;
  return [
    [t("fact.error", { method: word("method", meta.method) }), share("off")],
    [t("fact.error", { method: word("method", meta.naive) }), meta.method === meta.naive ? null : share("naive")],
    [t("fact.method"), status ? word("method", status.method?.[i]) : null],
    [t("fact.reason"), status?.reason?.[i] ? reasonText({ status: status.status[i], reason: status.reason[i] }) : null],
    [t("fact.class"), status?.demand_class ? word("class", status.demand_class[i]) : null],
    ...attributes.map((attribute) => [attribute.name, attribute.values[attribute.codes[i]] ?? null]),
  ];
}

function membersCard(entity) {
  if (entity.kind === "series") return null;
  const children = childrenOf(entity)
    .filter((child) => child.volume !== null)
    .sort((a, b) => b.volume - a.volume);
  if (children.length < 2) return null;
  const largest = children[0].volume || 1;
  const shown = children.slice(0, 8);
  return h(
    "div",
    { class: "card" },
    h(
      "h3",
      {},
      t(children[0].kind === "group" ? "members.groups" : "members.series", { level: children[0].hint ?? "" }),
    ),
    h(
      "ul",
      { class: "members" },
      shown.map((child) =>
        h(
          "li",
          {},
          h(
            "button",
            { type: "button", class: "link", title: child.name, onclick: () => show(child) },
            entityName(child),
          ),
          h("span", {}, number(child.volume)),
          h(
            "span",
            { class: "bar", "aria-hidden": "true" },
            h("i", { style: { width: `${(100 * child.volume) / largest}%` } }),
          ),
        ),
      ),
    ),
    children.length > shown.length
      ? h(
          "p",
          { class: "dim", style: { marginTop: ".6rem", fontSize: ".86rem" } },
          t("members.more", { count: children.length - shown.length }),
        )
      : null,
  );
}

/** What drives the forecast, summed over the horizon. */
function explanationCard(entity) {
  const { explanation } = store;
  if (!explanation) return null;
  const members = entity.kind === "series" ? [entity] : entity.kind === "all" ? null : membersOf(entity);
  const contribution = explanation.drivers.map((driver, d) =>
    members ? members.reduce((total, { i }) => total + (explanation.series[d][i] ?? 0), 0) : explanation.total[d],
  );
  if (!contribution.some((value) => value)) return null;
  const ordered = explanation.drivers
    .map((driver, d) => [word("driver", driver), contribution[d]])
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const list = h(
    "ul",
    { class: "members columns" },
    ordered.map(([name, value]) =>
      h(
        "li",
        {},
        h("span", {}, name),
        h("span", {}, signed(value)),
        h("span", { class: "bar", "aria-hidden": "true" }, h("i", { style: contributionBar(value, ordered) })),
      ),
    ),
  );
  return h(
    "div",
    { class: "card explanation" },
    h("h3", {}, t("explanation.title")),
    h("p", { class: "sub dim", style: { fontSize: ".86rem" } }, t("explanation.note")),
    list,
  );
}

/** A bar left or right of a common zero. */
function contributionBar(value, ordered) {
  const low = Math.min(0, ...ordered.map(([, other]) => other));
  const span = Math.max(0, ...ordered.map(([, other]) => other)) - low || 1;
  return {
    width: `${(100 * Math.abs(value)) / span}%`,
    marginInlineStart: `${(100 * (Math.min(value, 0) - low)) / span}%`,
    background: value < 0 ? "var(--bad)" : "var(--ahead)",
  };
}
