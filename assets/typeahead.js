// Suggestions under a text field: a listbox that the field owns (ARIA's combobox). The field itself is Streamlit's; Enter
// without a suggestion chosen searches as ever. Texts are set as text, never as markup.

const WAIT_MS = 120;
const LEAST_LETTERS = 2;

export default function (component) {
  const { parentElement: root, data, setTriggerValue } = component;
  const state = (root.longtail ??= { products: [], active: -1, asked: "" });
  if (!state.list) build(root, state);
  state.open = (itemId) => {
    hide(state);
    setTriggerValue("open", itemId);
  };
  const field = (event) => event.target?.closest?.(`.st-key-${CSS.escape(data.field)} input`) ?? null;
  const listeners = {
    input: (event) => field(event) && later(state, data, field(event)),
    focusin: (event) => field(event) && own(state, field(event)),
    focusout: (event) => field(event) && hide(state),
    keydown: (event) => field(event) && typed(event, state),
  };
  for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener, true);
  const moved = () => place(state);
  window.addEventListener("resize", moved);
  window.addEventListener("scroll", moved, true);
  return () => {
    for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener, true);
    window.removeEventListener("resize", moved);
    window.removeEventListener("scroll", moved, true);
    clearTimeout(state.timer);
    hide(state);
  };
}

function build(root, state) {
  state.list = make("div", "lt-suggested");
  state.list.id = `suggested-${Math.random().toString(36).slice(2)}`;
  state.list.setAttribute("role", "listbox");
  state.list.setAttribute("aria-label", "Suggested products");
  state.list.hidden = true;
  state.said = make("div", "lt-said");
  state.said.setAttribute("role", "status");
  root.append(state.list, state.said);
  state.list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
  state.list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) state.open(state.products[Number(option.dataset.place)].item_id);
  });
}

// The field says that it has a list, and which entry is chosen.
function own(state, input) {
  state.input = input;
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", state.list.id);
  input.setAttribute("aria-expanded", String(!state.list.hidden));
  input.setAttribute("autocomplete", "off");
}

function later(state, data, input) {
  own(state, input);
  clearTimeout(state.timer);
  state.timer = setTimeout(() => ask(state, data, input.value.trim()), WAIT_MS);
}

async function ask(state, data, text) {
  state.asked = text;
  if (text.length < LEAST_LETTERS) return hide(state);
  try {
    const answer = await fetch(`${data.address}?${new URLSearchParams({ q: text, limit: data.limit })}`);
    const { products } = answer.ok ? await answer.json() : { products: [] };
    // An older answer that comes late is no answer to what stands there now.
    if (state.asked === text && document.activeElement === state.input) show(state, products);
  } catch {
    hide(state); // suggestions are a help: searching works without them
  }
}

function show(state, products) {
  if (!products.length) return hide(state);
  state.products = products;
  state.list.replaceChildren(...products.map((product, number) => draw(state, product, number)));
  state.list.append(make("p", "", "Enter shows everything that is found."));
  state.list.hidden = false;
  state.said.textContent = products.length === 1 ? "1 product suggested" : `${products.length} products suggested`;
  choose(state, -1);
  place(state);
}

function draw(state, product, number) {
  const option = make("div", "lt-option");
  option.id = `${state.list.id}-${number}`;
  option.dataset.place = number;
  option.setAttribute("role", "option");
  const picture = product.image ? make("img") : make("i");
  if (product.image) Object.assign(picture, { src: product.image, alt: "" });
  const words = make("span");
  words.append(make("b", "", product.title), make("small", "", [product.brand, product.item_id].filter(Boolean).join(" · ")));
  option.append(picture, words);
  return option;
}

function typed(event, state) {
  if (event.isComposing) return;
  // A search was made: what is still asked for would open over what it found.
  if (event.key === "Enter" && (state.list.hidden || state.active < 0)) return hide(state);
  if (state.list.hidden) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    const many = state.products.length + 1; // one of the places is the field itself
    choose(state, ((state.active + 1 + step + many) % many) - 1);
  } else if (event.key === "Enter") state.open(state.products[state.active].item_id);
  else if (event.key === "Escape") hide(state);
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

function choose(state, active) {
  state.active = active;
  [...state.list.querySelectorAll("[role=option]")].forEach((option, number) => {
    option.setAttribute("aria-selected", String(number === active));
    if (number === active) option.scrollIntoView({ block: "nearest" });
  });
  if (active >= 0) state.input.setAttribute("aria-activedescendant", `${state.list.id}-${active}`);
  else state.input.removeAttribute("aria-activedescendant");
  state.input.setAttribute("aria-expanded", "true");
}

function hide(state) {
  state.asked = "";
  clearTimeout(state.timer);
  if (state.list.hidden) return;
  state.list.hidden = true;
  state.said.textContent = "";
  state.input?.setAttribute("aria-expanded", "false");
  state.input?.removeAttribute("aria-activedescendant");
}

function place(state) {
  if (state.list.hidden || !state.input) return;
  const box = (state.input.closest('[data-testid="stTextInputRootElement"]') ?? state.input).getBoundingClientRect();
  Object.assign(state.list.style, { left: `${box.left}px`, top: `${box.bottom + 4}px`, width: `${Math.max(box.width, 260)}px` });
}

function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}
