// Words and numbers in the reader's language.

let language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const LOCALE = { en: "en-GB", zh: "zh-Hans-CN" };
const UNKNOWN = "–";

const hasText = (key) => key in TEXTS[language];

/** A text with its {placeholders} filled; `count` chooses between a text and its ".one" form. */
function t(key, values = {}) {
  const singular = values.count === 1 && hasText(`${key}.one`) ? `${key}.one` : key;
  const text = TEXTS[language][singular] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? number(value) : String(value);
  });
}

/** A word of the database (a method, a status, a metric, a driver) in the reader's language, or as it is. */
function word(kind, value) {
  if (value === null || value === undefined || value === "") return UNKNOWN;
  const text = String(value);
  const key = [`${kind}.${text}`, `${kind}.${text.replaceAll(" ", "_")}`].find(hasText);
  return key ? t(key) : text;
}

/** The reasons of a status or a verdict, which are joined by semicolons; one with numbers in it stays as it is. */
const reasonWords = (reason) =>
  String(reason)
    .split("; ")
    .map((one) => word("reason", one))
    .join(t("semicolon"));

const formats = new Map();
function format(options) {
  const key = language + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(LOCALE[language], options));
  return formats.get(key);
}

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** As many digits as mean something: 12,345 · 123 · 12.3 · 1.23; whole numbers without any, unless others beside them have. */
function number(value, whole = Number.isInteger(value)) {
  if (!isNumber(value)) return UNKNOWN;
  const digits = Math.abs(value) >= 100 || whole ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return minus(format({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value));
}

/** A measured share, 26.80 as 26.8% and 47 as 47.0%, so that columns line up; and a chosen one, 90% or 97.5%. */
const percent = (value, digits = 1) =>
  isNumber(value)
    ? format({ style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)
    : UNKNOWN;
const levelText = (value) =>
  isNumber(value) ? format({ style: "percent", maximumFractionDigits: 1 }).format(value) : UNKNOWN;
const signedPercent = (value) =>
  isNumber(value)
    ? minus(
        format({
          style: "percent",
          minimumFractionDigits: 1,
          maximumFractionDigits: 1,
          signDisplay: "exceptZero",
        }).format(value),
      )
    : UNKNOWN;
const minus = (text) => text.replace("-", "−");
const signed = (value) => {
  if (!isNumber(value)) return UNKNOWN;
  if (Math.abs(value) < 0.005) return "0";
  return (value > 0 ? "+" : "−") + number(Math.abs(value));
};

const dates = new Map();
function dateFormat(options) {
  const key = language + JSON.stringify(options);
  if (!dates.has(key)) dates.set(key, new Intl.DateTimeFormat(LOCALE[language], { timeZone: "UTC", ...options }));
  return dates.get(key);
}

/** A day given as ISO text or as days since 1970-01-01. */
function date(day, options = { day: "numeric", month: "short", year: "numeric" }) {
  if (day === null || day === undefined) return UNKNOWN;
  const time = typeof day === "number" ? day * 86_400_000 : Date.parse(`${day.slice(0, 10)}T00:00:00Z`);
  return Number.isNaN(time) ? String(day) : dateFormat(options).format(time);
}

/** A period's name: a day with its weekday, a week by its first day, a month by its name. */
function period(day) {
  if (store.meta.frequency === "month") return date(day, { month: "long", year: "numeric" });
  if (store.meta.frequency === "week") return t("week_of", { day: date(day) });
  return date(day, { weekday: "short", day: "numeric", month: "short", year: "numeric" });
}

/** The last period of something, given as its first day. */
const periodDate = (day) =>
  store.meta.frequency === "month" ? date(day, { month: "long", year: "numeric" }) : date(day);

/** A period's name where there is little room. */
const shortPeriod = (day) =>
  store.meta.frequency === "month"
    ? date(day, { month: "short", year: "2-digit" })
    : date(day, { day: "numeric", month: "short" });

/** What a level's groups are: the user's own columns as they are, the package's own levels in words. */
function levelName(level) {
  if (hasText(`level.${level}`)) return t(`level.${level}`);
  return level.startsWith("total:") ? t("level.totals", { level: levelName(level.slice(6)) }) : level;
}

const periods = (count) => t(`periods.${store.meta.frequency}`, { count });
