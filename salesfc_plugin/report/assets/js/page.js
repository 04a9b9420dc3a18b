// The whole page: put together, kept in step with its address, its language, its light and the paper it is printed on.

const SECTIONS = [
  ["forecast", forecastSection],
  ["stock", stockSection],
  ["scenarios", scenarioSection],
  ["accuracy", accuracySection],
  ["anomalies", anomalySection],
  ["status", statusSection],
  ["models", modelSection],
];

function build() {
  document.title = t("title");
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]"))
    element.setAttribute("aria-label", t(element.dataset.label));
  const main = byId("main");
  const nothing = !store.entities.some((entity) => entity.kind === "series");
  const first = nothing ? [headline(), h("p", { class: "notice" }, t("empty"))] : [headline(), forecastSection()];
  main.replaceChildren(...first);
  if (!nothing) drawEntity();
  // The first chart is on the screen before the rest of the page is made.
  const rest = () => {
    main.append(
      ...SECTIONS.slice(1)
        .map(([, make]) => make())
        .filter(Boolean),
    );
    navigation();
    footer();
    drawCharts();
    document.documentElement.dataset.ready = "true";
  };
  performance.mark("first-chart");
  setTimeout(rest, 0);
}

function navigation() {
  byId("nav").replaceChildren(
    ...SECTIONS.filter(([name]) => byId(`section-${name}`)).map(([name]) =>
      h(
        "a",
        {
          href: `#section=${name}`,
          onclick: (event) => {
            event.preventDefault();
            goTo(name);
          },
        },
        t(`${name}.title`),
      ),
    ),
  );
  watcher?.disconnect();
  const sections = [...document.querySelectorAll("section.part")];
  const markCurrent = () => {
    const passed = sections.filter((section) => section.getBoundingClientRect().top < innerHeight * 0.4);
    const current = (passed.at(-1) ?? sections[0])?.id.slice(8);
    for (const link of byId("nav").children) {
      if (link.getAttribute("href") === `#section=${current}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  watcher = new IntersectionObserver(markCurrent, { rootMargin: "0px 0px -60% 0px", threshold: [0, 0.01] });
  sections.forEach((section) => watcher.observe(section));
  markCurrent();
}
let watcher = null;

function goTo(name) {
  byId(`section-${name}`)?.scrollIntoView();
  byId(`section-${name}-title`)?.focus({ preventScroll: true });
}

function footer() {
  const { meta } = store;
  byId("footer").replaceChildren(
    h(
      "p",
      {},
      t("footer.made", {
        when: new Intl.DateTimeFormat(LOCALE[language], { dateStyle: "long", timeStyle: "short" }).format(
          new Date(meta.made_at),
        ),
        version: meta.package_version ?? "",
      }),
    ),
    h("p", {}, t("footer.private")),
    h(
      "details",
      {},
      h("summary", {}, t("footer.words")),
      h(
        "dl",
        {},
        ["wape", "bias", "scaled_quantile_loss", "mase", "rmsse", "coverage"].map((metric) =>
          h("div", {}, h("dt", {}, word("metric", metric)), h("dd", {}, ` ${t(`metric.${metric}.note`)}`)),
        ),
      ),
    ),
  );
}

// --- the address: #series=…, #group=level:id, #lang=…, #section=… -----------------------------------------------------

function readAddress() {
  const state = {};
  for (const pair of location.hash.slice(1).split("&")) {
    const at = pair.indexOf("=");
    if (at < 1) continue;
    try {
      state[pair.slice(0, at)] = decodeURIComponent(pair.slice(at + 1));
    } catch {
      state[pair.slice(0, at)] = pair.slice(at + 1);
    }
  }
  return state;
}

let givenLanguage = null;

function writeAddress() {
  const { entity } = explorer;
  const pairs = entity.kind === "all" ? [] : [[entity.kind, entity.key]];
  if (language !== givenLanguage) pairs.push(["lang", language]);
  const hash = pairs
    .map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2F", "/").replaceAll("%3A", ":")}`)
    .join("&");
  if (hash !== location.hash.slice(1))
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
}

/** Follow the address; true if it named something that is not here. */
function followAddress() {
  const state = readAddress();
  const asked =
    state.series !== undefined ? `series=${state.series}` : state.group !== undefined ? `group=${state.group}` : null;
  const first = store.entities.length === 2 ? store.entities[1] : store.entities[0]; // a sole series is all there is
  const found = asked ? store.byKey.get(asked) : first;
  explorer.entity = found ?? explorer.entity ?? first;
  if (state.lang in TEXTS) language = state.lang;
  const section = state.section ?? (found && asked ? "forecast" : null); // whoever follows a link wants its chart
  return { missing: asked !== null && !found, name: state.series ?? state.group, section };
}

function arrive() {
  const { missing, name, section } = followAddress();
  build();
  if (missing) {
    byId("main").prepend(
      h("p", { class: "notice", role: "alert", style: { padding: "1rem 0 0" } }, t("unknown_series", { name })),
    );
  }
  if (section) setTimeout(() => goTo(section), 0);
}

// --- language, light, paper ------------------------------------------------------------------------------------------

const dark = matchMedia("(prefers-color-scheme: dark)");
let chosenLight = null;

function setLight(light = chosenLight ?? (dark.matches ? "dark" : "light")) {
  document.documentElement.dataset.theme = light;
  byId("theme").textContent = light === "dark" ? "☀" : "☾";
  byId("theme").setAttribute("aria-label", t(light === "dark" ? "theme.light" : "theme.dark"));
  drawCharts();
}

function switches() {
  const other = language === "zh" ? "en" : "zh";
  const button = byId("language");
  button.textContent = TEXTS[other].language;
  button.lang = other === "zh" ? "zh-Hans" : "en";
}

function startPage(payload) {
  givenLanguage = language;
  openStore(payload);
  try {
    chosenLight = localStorage.getItem("salesfc-theme");
  } catch {
    chosenLight = null; // a page opened from disk may have no storage
  }
  setLight();
  arrive();
  switches();
  setLight();
  byId("language").addEventListener("click", () => {
    language = language === "zh" ? "en" : "zh";
    build();
    switches();
    setLight();
    writeAddress();
  });
  byId("theme").addEventListener("click", () => {
    chosenLight = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("salesfc-theme", chosenLight);
    } catch {
      // remembered for this visit only
    }
    setLight();
  });
  dark.addEventListener("change", () => setLight());
  addEventListener("hashchange", () => {
    arrive();
    switches();
  });
  addEventListener("resize", resizeCharts);
  addEventListener("beforeprint", () => {
    setLight("light");
    paperCharts(true);
  });
  addEventListener("afterprint", () => {
    paperCharts(false);
    setLight();
  });
}

unpack(byId("payload").textContent)
  .then(startPage)
  .catch((error) => {
    byId("main").replaceChildren(h("p", { class: "notice", role: "alert" }, t("broken")));
    console.error(error);
  });
