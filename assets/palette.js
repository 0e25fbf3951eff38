// The command palette (Ctrl/Cmd-K) and the keyboard map (?): any page, set, product or action, a few letters away.
// Texts are set as text; where to go is told to the server, which opens the page without losing the session.
// Whatever dispatches "longtail-keys" at the document opens the keyboard map.

const ASK_MS = 140;
const PRODUCTS = 8;
const ENTRIES = 8;
const AT_FIRST = 60; // everything but most sets, while nothing is typed
const GLASS = "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm4.8-1.7L20 20";
const ON_MAC = /Mac|iPhone|iPad/.test(navigator.platform);

/** A key as this machine's keyboard calls it. */
const keyName = (key) => (ON_MAC ? key.replace(/^Ctrl /, "⌘") : key);

export default function (component) {
  const { parentElement: root, data } = component;
  const state = (root.longtailPalette ??= build(root));
  state.component = component;
  state.data = data;
  document.addEventListener("keydown", state.listener);
  document.addEventListener("longtail-keys", state.keysWanted);
  return () => {
    document.removeEventListener("keydown", state.listener);
    document.removeEventListener("longtail-keys", state.keysWanted);
  };
}

function build(root) {
  const state = { shown: [], chosen: 0, asked: 0, timer: null };
  const opener = element("button", "opener");
  opener.type = "button";
  opener.title = `Go to any product or page, or do something (${keyName("Ctrl K")})`;
  const glass = element("span", "glass"); // stands for the words on a phone
  glass.appendChild(lineIcon(GLASS));
  opener.append(glass, element("span", "words", "Go to…"), element("kbd", "", keyName("Ctrl K")));
  opener.addEventListener("click", () => openPalette(state));
  Object.assign(state, buildPalette(state), { help: element("dialog", "help") });
  state.help.setAttribute("role", "dialog");
  state.help.setAttribute("aria-label", "Keys");
  state.listener = (event) => heard(event, state);
  state.keysWanted = () => openHelp(state);
  root.append(opener, state.dialog, state.help);
  return state;
}

function buildPalette(state) {
  const dialog = element("dialog", "palette");
  dialog.setAttribute("role", "dialog"); // Review leaves keys alone that are pressed in one
  dialog.setAttribute("aria-label", "Go to a product or page, or do something");
  const field = element("input");
  Object.assign(field, { type: "text", autocomplete: "off", spellcheck: false, placeholder: "Type a product, a page, a set or what to do" });
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list", "aria-label": "Go to" })) field.setAttribute(name, value);
  const list = element("ul");
  list.id = "palette-list";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Found");
  const hint = element("p", "hint", "↑ ↓ to choose · Enter to open · Esc to close");
  dialog.append(field, list, hint);
  field.addEventListener("input", () => search(state));
  field.addEventListener("keydown", (event) => moved(event, state));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return { dialog, field, list };
}

function heard(event, state) {
  if (event.repeat || event.altKey) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && !event.shiftKey) {
    event.preventDefault();
    state.dialog.open ? state.dialog.close() : openPalette(state);
    return;
  }
  const writing = event.composedPath()[0]?.closest?.("input, textarea, select, [contenteditable]");
  if (event.key === "?" && !writing && !event.ctrlKey && !event.metaKey && !event.defaultPrevented) {
    event.preventDefault();
    state.help.open ? state.help.close() : openHelp(state);
  }
}

function openPalette(state) {
  state.help.close();
  state.field.value = "";
  state.dialog.showModal();
  state.field.focus();
  search(state);
}

function openHelp(state) {
  const list = element("dl");
  for (const [key, meaning] of state.data.keys) list.append(element("dt", "", keyName(key)), element("dd", "", meaning));
  const close = element("button", "close", "Close");
  close.type = "button";
  close.autofocus = true;
  close.addEventListener("click", () => state.help.close());
  const foot = element("div", "foot");
  const tour = state.data.entries.find((entry) => entry.act === "tour");
  if (tour) {
    const take = element("button", "close", tour.label);
    take.type = "button";
    take.addEventListener("click", () => open(state, tour));
    foot.append(take);
  }
  foot.append(close);
  state.help.replaceChildren(element("h2", "", "Keys"), list, foot);
  if (!state.help.open) state.help.showModal();
}

const isAction = (entry) => Number(entry.kind === "Action");

/** Pages, sets and actions at once, products as soon as the server has found them. */
function search(state) {
  const text = state.field.value.trim();
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const fits = (entry) => words.every((word) => `${entry.label} ${entry.also ?? ""}`.toLocaleLowerCase().includes(word));
  const fitting = state.data.entries.filter(fits);
  // Pages are in sight anyway, so what can be done comes first until something is typed.
  const entries = words.length ? fitting.slice(0, ENTRIES) : [...fitting].sort((one, other) => isAction(other) - isAction(one)).slice(0, AT_FIRST);
  clearTimeout(state.timer);
  const asked = ++state.asked;
  const asks = text.length >= 2;
  show(state, entries, asks ? "Searching…" : "Nothing found");
  if (!asks) return;
  state.timer = setTimeout(async () => {
    try {
      const answer = await fetch(`${state.data.find}?${new URLSearchParams({ q: text, limit: PRODUCTS })}`);
      if (!answer.ok) throw new Error(answer.statusText);
      const { products } = await answer.json();
      if (asked !== state.asked) return;
      show(state, [...entries, ...products.map((one) => ({ kind: "Product", label: one.title, detail: one.brand, image: one.image, item: one.item_id }))]);
    } catch {
      if (asked === state.asked) show(state, entries, "Products cannot be searched at the moment");
    }
  }, ASK_MS);
}

function show(state, entries, otherwise = "Nothing found") {
  state.shown = entries;
  state.chosen = 0;
  state.list.replaceChildren(...entries.map((entry, place) => drawEntry(state, entry, place)));
  if (!entries.length) state.list.appendChild(element("li", "nothing", otherwise));
  mark(state);
}

function drawEntry(state, entry, place) {
  const item = element("li", "entry");
  item.id = `palette-${place}`;
  item.setAttribute("role", "option");
  if (entry.image) {
    const image = element("img");
    image.alt = "";
    image.src = entry.image;
    image.addEventListener("error", () => image.remove(), { once: true });
    item.appendChild(image);
  }
  item.append(element("span", "label", entry.label), element("span", "detail", entry.detail || entry.kind));
  item.addEventListener("click", () => go(state, place));
  item.addEventListener("pointermove", () => {
    if (state.chosen === place) return;
    state.chosen = place;
    mark(state);
  });
  return item;
}

function mark(state) {
  [...state.list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === state.chosen)));
  const chosen = state.shown.length ? state.list.children[state.chosen] : null;
  if (chosen) state.field.setAttribute("aria-activedescendant", chosen.id);
  else state.field.removeAttribute("aria-activedescendant");
  chosen?.scrollIntoView({ block: "nearest" });
}

function moved(event, state) {
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in steps && state.shown.length) {
    event.preventDefault();
    state.chosen = (state.chosen + steps[event.key] + state.shown.length) % state.shown.length;
    mark(state);
  } else if (event.key === "Enter") {
    event.preventDefault();
    go(state, state.chosen);
  }
}

function go(state, place) {
  if (state.shown[place]) open(state, state.shown[place]);
}

function open(state, entry) {
  state.dialog.close();
  state.help.close();
  if (entry.act === "keys") {
    openHelp(state);
    return;
  }
  state.component.setTriggerValue("go", entry.item === undefined ? { page: entry.page, query: entry.query ?? {}, act: entry.act ?? "" } : { page: "similar_items", query: { item: entry.item } });
}
