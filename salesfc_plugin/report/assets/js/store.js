// The data: unpacked once, then read series by series.

let store = null;

async function unpack(text) {
  const binary = atob(text.trim());
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

/** Where the values of each line begin in the flat list (see `encode` in timelines.py). */
function offsets(lines) {
  let next = 0;
  return lines.start.map((start) => {
    const offset = next;
    next += lines.periods - start;
    return offset;
  });
}

/** One line as numbers, unknown ones null; null if the line has none at all. */
function readLine(lines, i) {
  if (!lines || i === null || i === undefined) return null;
  lines.offsets ??= offsets(lines);
  const start = lines.start[i];
  if (start === lines.periods) return null;
  const scale = 10 ** lines.decimals[i];
  const line = new Array(lines.periods).fill(null);
  for (let k = start; k < lines.periods; k += 1) {
    const value = lines.values[lines.offsets[i] + k - start];
    line[k] = value === null ? null : value / scale;
  }
  return line;
}

const sum = (line) => (line ? line.reduce((total, value) => total + (value ?? 0), 0) : null);
const rows = (columns) => {
  if (!columns) return [];
  const names = Object.keys(columns);
  return (columns[names[0]] ?? []).map((_, i) => Object.fromEntries(names.map((name) => [name, columns[name][i]])));
};

/** What can be shown in the main chart: everything, a group of the hierarchy, or a series. */
function entities() {
  const { ids, lines, levels, attributes } = store;
  const list = [{ kind: "all", key: "all", name: null, i: 0, volume: sum(readLine(store.total.forecast, 0)) }];
  levels.forEach((level, l) =>
    level.id.forEach((id, i) => {
      if (level.id.length === 1) Object.assign(list[0], { level: l, totals: true });
      else
        list.push({
          kind: "group",
          key: `${level.name}:${id}`,
          name: id,
          level: l,
          i,
          hint: level.name,
          volume: sum(readLine(level.lines.forecast, i)),
        });
    }),
  );
  const inId = ({ values, codes }) => ids.slice(0, 50).every((id, i) => id.includes(values[codes[i]] ?? ""));
  const isNumeric = ({ values }) => values.every((value) => value.trim() !== "" && !Number.isNaN(Number(value)));
  const described = attributes.filter((attribute) => !inId(attribute) && !isNumeric(attribute)).slice(0, 4);
  ids.forEach((id, i) => {
    const hint = described
      .map((attribute) => attribute.values[attribute.codes[i]])
      .filter(Boolean)
      .join(" · ");
    list.push({ kind: "series", key: id, name: id, i, hint, volume: sum(readLine(lines.forecast, i)) });
  });
  for (const entity of list) entity.search = `${entity.name ?? ""} ${entity.hint ?? ""}`.toLowerCase();
  return list;
}

const entityName = (entity) => (entity.kind === "all" ? t("all_series") : entity.name || t("nameless"));

/** Everything the main chart draws for an entity, along `store.days`. */
function lineOf(entity) {
  const { lines, total, levels, backtest } = store;
  if (entity.kind === "series") {
    const read = (name) => readLine(lines[name], entity.i);
    return {
      quantity: read("quantity"),
      forecast: read("forecast"),
      lower: read("lower_bound"),
      upper: read("upper_bound"),
      innerLower: read("inner_lower"),
      innerUpper: read("inner_upper"),
      backtest: backtest && readLine(backtest.forecast, entity.i),
    };
  }
  const group = entity.level === undefined ? null : levels[entity.level].lines;
  return {
    quantity: entity.kind === "all" ? readLine(total.quantity, 0) : readLine(group.quantity, entity.i),
    forecast: entity.kind === "all" && !group ? readLine(total.forecast, 0) : readLine(group.forecast, entity.i),
    lower: group && readLine(group.lower_bound, entity.i),
    upper: group && readLine(group.upper_bound, entity.i),
  };
}

/** The series of a group, or all of them. */
function membersOf(entity) {
  const every = store.entities.filter((other) => other.kind === "series");
  if (entity.kind === "all") return every;
  const member = store.levels[entity.level].member;
  return member ? every.filter((series) => member[series.i] === entity.i) : [];
}

/** The ways to divide an entity: by each finer level whose groups lie within it, the widest first, then by series. */
function divisionsOf(entity) {
  const members = membersOf(entity);
  const inside = (level) => new Set(members.map((series) => level.member[series.i]));
  const finer = store.levels
    .map((level, l) => ({ name: level.name, level, l }))
    .filter(({ level, l }) => level.member && level.id.length > 1 && l > (entity.level ?? -1))
    .filter(({ level }) => isPartition(entity, level, members))
    .map(({ name, level, l }) => {
      const groups = inside(level);
      return { name, children: store.entities.filter((e) => e.kind === "group" && e.level === l && groups.has(e.i)) };
    });
  return [...finer, { name: null, children: members }];
}

function isPartition(entity, level, members) {
  if (entity.kind === "all") return true;
  const own = store.levels[entity.level].member;
  const inside = new Set(members.map((series) => level.member[series.i]));
  return inside.size > 1 && level.member.every((group, i) => !inside.has(group) || own[i] === entity.i);
}

/** Whether all series of a group are in another one. */
const isWithin = (group, other) =>
  other.kind === "all" || isPartition(other, store.levels[group.level], membersOf(other));

/** Sales a year before each forecast period: of the same weekday, or the same month. Null where none is known. */
function yearBefore(quantity) {
  if (!quantity) return null;
  const { days, split, meta } = store;
  store.places ??= new Map(days.map((day, i) => [day, i]));
  const place = (i) => (meta.frequency === "month" ? i - 12 : store.places.get(days[i] - 364));
  const line = days.slice(split).map((_, k) => quantity[place(split + k)] ?? null);
  return line.some((value) => value !== null) ? line : null;
}

/** The groups around an entity, the widest first. */
function parentsOf(entity) {
  if (entity.kind === "all") return [];
  const first = entity.kind === "series" ? entity : membersOf(entity)[0];
  const wider = store.entities.filter((other) => {
    if (other.kind !== "group" || !first || (entity.kind === "group" && other.level >= entity.level)) return false;
    const level = store.levels[other.level];
    return (
      level.member?.[first.i] === other.i &&
      (entity.kind === "series" || isPartition(other, store.levels[entity.level], membersOf(other)))
    );
  });
  return [store.entities[0], ...wider.sort((a, b) => a.level - b.level)];
}

function openStore(payload) {
  store = payload;
  store.entities = entities();
  store.byKey = new Map(store.entities.map((entity) => [`${entity.kind}=${entity.key}`, entity]));
  return store;
}
