// The search field that chooses a series: a combobox with a list, after the ARIA authoring practices.

const MOST_OPTIONS = 60;

function picker({ label, placeholder, onchoose }) {
  const list = h("ul", { class: "options", role: "listbox", id: "picker-options", "aria-label": label, hidden: true });
  const input = h("input", {
    type: "text",
    id: "picker",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    placeholder,
    "aria-controls": list.id,
    "aria-expanded": "false",
    "aria-autocomplete": "list",
  });
  const state = { found: [], active: -1, shown: null };

  const isOpen = () => !list.hidden;
  const close = () => {
    list.hidden = true;
    state.active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    if (state.shown) input.value = entityName(state.shown);
  };
  const choose = (entity) => {
    state.shown = entity;
    close();
    onchoose(entity);
  };
  const open = (query = "") => {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = store.entities.filter((entity) =>
      words.every((piece) => `${entity.search} ${entityName(entity).toLowerCase()}`.includes(piece)),
    );
    state.found = hits.slice(0, MOST_OPTIONS);
    list.replaceChildren(...state.found.map((entity, i) => listItem(entity, words, i, choose)));
    if (hits.length > MOST_OPTIONS)
      list.append(
        h("li", { class: "none", role: "presentation" }, t("picker.more", { count: hits.length - MOST_OPTIONS })),
      );
    if (!hits.length) list.append(h("li", { class: "none", role: "presentation" }, t("picker.none")));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    const chosen = words.length ? (hits.length ? 0 : -1) : state.found.indexOf(state.shown);
    activate(chosen);
    if (words.length) announce(t("picker.found", { count: hits.length }));
  };
  const activate = (i) => {
    list.children[state.active]?.setAttribute("aria-selected", "false");
    state.active = i;
    const item = i >= 0 ? list.children[i] : null;
    if (!item) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    item.setAttribute("aria-selected", "true");
    input.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest", behavior: "instant" });
  };
  const keys = {
    ArrowDown: () => (isOpen() ? activate(Math.min(state.active + 1, state.found.length - 1)) : open()),
    ArrowUp: () => (isOpen() ? activate(Math.max(state.active - 1, 0)) : open()),
    PageDown: () => isOpen() && activate(Math.min(state.active + 8, state.found.length - 1)),
    PageUp: () => isOpen() && activate(Math.max(state.active - 8, 0)),
    Enter: () => (isOpen() ? state.found[state.active] && choose(state.found[state.active]) : open()),
    Escape: () => close(),
  };
  input.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.isComposing) return;
    if (event.key !== "Escape" || isOpen()) event.preventDefault();
    keys[event.key]();
    if (event.key === "Escape") input.select();
  });
  input.addEventListener("input", () => open(input.value));
  input.addEventListener("click", () => isOpen() || open());
  input.addEventListener("focus", () => input.select());
  input.addEventListener("blur", close);
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
  return {
    element: h(
      "div",
      { class: "field grow" },
      h("label", { for: "picker" }, label),
      h("div", { class: "picker" }, input, list),
    ),
    set(entity) {
      state.shown = entity;
      input.value = entityName(entity);
    },
  };
}

function listItem(entity, words, i, choose) {
  return h(
    "li",
    { role: "option", id: `picker-option-${i}`, "aria-selected": "false", onclick: () => choose(entity) },
    h("span", { class: "name" }, marked(entityName(entity), words)),
    h("span", { class: "amount" }, entity.volume === null ? "" : number(entity.volume)),
    entity.hint ? h("span", { class: "hint" }, marked(entity.hint, words)) : null,
  );
}

/** A text with the searched words marked. */
function marked(text, words) {
  if (!words.length) return [text];
  const pattern = new RegExp(`(${words.map((one) => one.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "gi");
  return text.split(pattern).map((piece, i) => (i % 2 ? h("mark", {}, piece) : piece));
}
