// Building the page. Text reaches it only as text nodes, so nothing from the database can become markup.

const byId = (id) => document.getElementById(id);

/** An element: h("p", { class: "note", onclick: f }, "text", child, null). Properties with null or false are left out. */
function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Say something to a screen reader without moving the focus. */
function announce(text) {
  byId("live").textContent = text;
}

/** A section of the page: a landmark named by its heading, with the text `lead` (by default its own) below. */
const part = (name, ...children) => partWithLead(name, `${name}.lead`, ...children);

function partWithLead(name, lead, ...children) {
  const id = `section-${name}`;
  return h(
    "section",
    { class: "part", id, "aria-labelledby": `${id}-title` },
    h(
      "header",
      {},
      h("h2", { id: `${id}-title`, tabindex: "-1" }, t(`${name}.title`)),
      hasText(lead) ? h("p", {}, t(lead)) : null,
    ),
    ...children,
  );
}

function card(title, subtitle, ...children) {
  return h(
    "div",
    { class: "card" },
    title ? h("h3", {}, title) : null,
    subtitle ? h("p", { class: "sub" }, subtitle) : null,
    ...children,
  );
}

/** One choice out of a few, as radio buttons that look like one control. */
function segments(label, name, options, chosen, onchange) {
  return h(
    "fieldset",
    { class: "field", style: { border: "0", padding: "0", margin: "0" } },
    h("legend", { class: "unseen" }, label),
    h(
      "span",
      { class: "segments" },
      options.map(([value, text]) =>
        h(
          "label",
          {},
          h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value) }),
          text,
        ),
      ),
    ),
  );
}

/** Give the browser a file to save. */
function download(name, text) {
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
