// Beside the main chart: figures, what is inside, what drives the forecast.

function factsCard(entity, line) {
  const horizon = store.days.length - store.split;
  const facts = [];
  if (line.forecast) facts.push([t("fact.expected", { periods: periods(horizon) }), number(sum(line.forecast))]);
  if (line.quantity && store.split >= horizon)
    facts.push([t("fact.recent", { periods: periods(horizon) }), number(sum(line.quantity.slice(-horizon)))]);
  const before = yearBefore(line.quantity);
  if (before?.every(isNumber)) facts.push([t(`year_before.${store.meta.frequency}`), number(sum(before))]);
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

/** What an entity is made of: by one of the levels below it, or by series. */
function membersCard(entity) {
  if (entity.kind === "series") return null;
  const divisions = divisionsOf(entity).filter(({ children }) => children.length > 1);
  if (!divisions.length) return null;
  const key = ({ name }) => name ?? "";
  const chosen = divisions.find((division) => key(division) === explorer.division) ?? divisions[0];
  const holder = h("div");
  const draw = (division) => holder.replaceChildren(...memberList(division.children));
  const choice = h(
    "select",
    {
      id: "division",
      "aria-label": t("members.by"),
      onchange: (event) => {
        explorer.division = event.target.value;
        draw(divisions.find((division) => key(division) === explorer.division));
      },
    },
    divisions.map((division) =>
      h("option", { value: key(division), selected: division === chosen }, divisionText(division)),
    ),
  );
  draw(chosen);
  const title = h("h3", {}, divisions.length > 1 ? t("members.by") : headingText(chosen));
  const head = divisions.length > 1 ? h("div", { class: "choice" }, title, choice) : title;
  return h("div", { class: "card" }, head, holder);
}

const headingText = (division) => (division.name === null ? t("members.largest") : divisionText(division));

const divisionText = ({ name }) => (name === null ? t("members.series") : levelName(name));

function memberList(children) {
  const sorted = children.filter((child) => child.volume !== null).sort((a, b) => b.volume - a.volume);
  const shown = sorted.slice(0, 8);
  const largest = sorted[0]?.volume || 1;
  const item = (child) =>
    h(
      "li",
      {},
      h("button", { type: "button", class: "link", title: child.name, onclick: () => show(child) }, entityName(child)),
      h("span", {}, number(child.volume)),
      h(
        "span",
        { class: "bar", "aria-hidden": "true" },
        h("i", { style: { width: `${(100 * child.volume) / largest}%` } }),
      ),
    );
  const more = sorted.length - shown.length;
  return [
    h("ul", { class: "members" }, shown.map(item)),
    more > 0 ? h("p", { class: "dim more" }, t("members.more", { count: more })) : "",
  ];
}
