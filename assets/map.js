// The map: two panels over the same products. Everything that comes from a shop's files is set as text or as an attribute, never as markup.

const TOOLS = [["move", "Move"], ["box", "Box"], ["lasso", "Lasso"]];

export default function (component) {
  const { parentElement: root, data } = component;
  const state = (root.longtailMap ??= {});
  state.component = component;
  if (!state.view) build(root, state, data);
  const { view } = state;
  describe(state, data);
  if (state.version !== data.version) {
    state.version = data.version;
    state.shop = new MapShop(data.urls, data.version, () => component.setTriggerValue("stale", newId()));
    load(state, data);
  } else if (state.by !== data.by) {
    recolour(state, data);
  }
  if (view.packed && state.version === view.shop?.version) applyChosen(state, data);
  view.setRinged(data.ringed);
  return () => remember(state);
}

function build(root, state, data) {
  const frame = element("div", "map");
  const on = {
    open: (id) => state.component.setTriggerValue("open", id),
    near: (id) => state.component.setTriggerValue("near", id || "-"),
    choose: (rows, panel) => chosen(state, rows, panel),
  };
  const sentence = element("p", "sentence");
  const stages = element("div", "stages");
  stages.append(element("canvas", "points"), ...["als", "hybrid"].map((name) => panelOf(name)), element("canvas", "marks"), lookup());
  state.legend = element("div", "legend");
  state.legend.setAttribute("role", "group");
  state.status = element("p", "status");
  state.status.setAttribute("aria-live", "polite");
  state.chip = element("span", "chip");
  state.tools = toolbar(state);
  const top = element("div", "top");
  top.append(findField(() => state.shop, on.near), state.chip, colourField(state, data), state.tools);
  frame.append(sentence, top, stages, state.legend, state.status);
  frame.dataset.painted = "no";
  root.appendChild(frame);
  Object.assign(state, { frame, sentence, view: new MapView(frame, on) });
  recall(state, data);
}

function colourField(state, data) {
  const label = element("label", "colour", "Colour by ");
  const select = element("select");
  for (const [value, words] of data.choices) {
    const option = element("option", "", words);
    option.value = value;
    select.appendChild(option);
  }
  select.addEventListener("change", () => state.component.setTriggerValue("by", select.value));
  label.appendChild(select);
  state.select = select;
  return label;
}

function panelOf(name) {
  const section = element("section", "panel");
  const heading = element("h2");
  heading.append(element("span", "title"), element("small", "note"));
  const stage = element("div", "stage");
  stage.dataset.panel = name;
  stage.tabIndex = 0;
  stage.setAttribute("role", "application");
  stage.append(element("div", "over"), element("p", "wait", "Loading the map…"));
  section.append(heading, stage);
  return section;
}

function lookup() {
  const card = element("div", "lookup");
  card.hidden = true;
  return card;
}

function toolbar(state) {
  const bar = element("div", "tools");
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Map tools");
  const button = (text, title, act) => {
    const one = element("button", "", text);
    one.type = "button";
    one.title = title;
    one.addEventListener("click", act);
    bar.appendChild(one);
    return one;
  };
  const titles = { move: "Drag to move", box: "Drag a box to select (or hold Shift)", lasso: "Draw around products to select them" };
  const kinds = TOOLS.map(([tool, words]) => {
    const one = button(words, titles[tool], () => {
      state.view.tool = tool;
      state.frame.dataset.tool = tool;
      kinds.forEach((other) => other.setAttribute("aria-pressed", String(other === one)));
    });
    one.setAttribute("aria-pressed", String(tool === "move"));
    return one;
  });
  const signs = [["+", "Zoom in", 1.6], ["−", "Zoom out", 1 / 1.6], ["All", "Show the whole map", 0]];
  for (const [sign, title, factor] of signs) button(sign, title, () => state.view.zoomAll(factor)).setAttribute("aria-label", sign === "All" ? "All: show the whole map" : title);
  button("Select what is in sight", "Selects the products that Longtail's panel shows now", () => {
    const panel = state.view.panels[1];
    if (state.view.colours) selectRows(state.view, panel, state.view.inSight(panel));
  }).className = "sight";
  return bar;
}

/** Words that depend on what the page says: notes, the product that is ringed, what the panels are called. */
function describe(state, data) {
  const { frame, chip } = state;
  data.panels.forEach((panel, place) => {
    const section = frame.querySelectorAll(".panel")[place];
    section.querySelector(".title").textContent = panel.title;
    section.querySelector(".note").textContent = panel.note;
    section.querySelector(".stage").setAttribute("aria-label", panel.label);
  });
  state.select.value = data.by;
  chip.replaceChildren();
  chip.hidden = !data.near;
  frame.querySelector(".find").hidden = Boolean(data.near);
  if (data.near) {
    const shut = element("button", "", "×");
    shut.type = "button";
    shut.setAttribute("aria-label", `Stop highlighting ${data.near}`);
    shut.addEventListener("click", () => state.component.setTriggerValue("near", "-"));
    chip.append(element("span", "", data.near), shut);
  }
}

async function load(state, data) {
  const { shop, view, frame } = state;
  try {
    const [packed, colours] = await Promise.all([shop.points(), shop.colours(data.by)]);
    if (shop !== state.shop) return;
    view.setShop(shop, packed);
    state.by = data.by;
    view.setColours(colours);
    drawLegend(state, data);
    frame.querySelectorAll(".wait").forEach((wait) => wait.remove());
    state.bits = "";
    applyChosen(state, state.component.data);
    const { regions, sentence } = await shop.regions();
    if (shop !== state.shop) return;
    state.sentence.textContent = sentence;
    view.names = regions;
    view.draw();
  } catch {
    frame.querySelectorAll(".wait").forEach((wait) => (wait.textContent = "The map could not be loaded. Reload the page to try again."));
  }
}

async function recolour(state, data) {
  state.by = data.by;
  const answer = await state.shop.colours(data.by).catch(() => null);
  if (!answer || state.by !== data.by || !state.view.packed) return;
  state.view.setColours(answer);
  drawLegend(state, data);
}

function drawLegend(state, data) {
  const { legend, view } = state;
  const { labels, counts } = view.colours;
  const differ = counts[0].some((count, group) => count !== counts[1][group]) && view.colours.kind === "rates";
  const colours = groupColours(view.colours, shadeOf(getComputedStyle(state.frame).color));
  legend.setAttribute("aria-label", `Coloured by ${wordsOf(data)}. Press a group to hide or show it.`);
  legend.replaceChildren(
    element("span", "by", `${wordsOf(data)}:`),
    ...labels.map((label, group) => {
      const one = element("button");
      one.type = "button";
      const swatch = element("span", "swatch");
      swatch.style.background = colours[group];
      const many = differ ? `${counts[0][group].toLocaleString("en")} | ${counts[1][group].toLocaleString("en")}` : counts[1][group].toLocaleString("en");
      one.hidden = !counts[0][group] && !counts[1][group];
      one.append(swatch, element("span", "", label), element("small", "", many));
      one.setAttribute("aria-pressed", "true");
      one.title = "Hide or show this group";
      one.addEventListener("click", () => {
        view.toggle(group);
        one.setAttribute("aria-pressed", String(!view.hidden.has(group)));
      });
      return one;
    }),
  );
}

function wordsOf(data) {
  return data.choices.find(([name]) => name === data.by)[1];
}

/** Somebody selected rows, or took the selection away. */
function chosen(state, rows, panel) {
  const most = state.component.data.most_chosen;
  if (rows.length > most) {
    state.view.choose([], panel);
    state.status.replaceChildren(element("span", "", `That is ${rows.length.toLocaleString("en")} products. Draw a smaller area: at most ${most.toLocaleString("en")} can be selected.`));
    state.bits = "";
    return void state.component.setTriggerValue("chosen", { version: state.version, panel, bits: "" });
  }
  state.bits = rows.length ? toBits(rows, state.view.packed.length / 4) : "";
  sayChosen(state, rows.length);
  state.component.setTriggerValue("chosen", { version: state.version, panel, bits: state.bits });
}

/** The selection is in the page's address: show what that says, after Back and after a reload too. */
function applyChosen(state, data) {
  if (data.chosen === state.bits) return;
  state.bits = data.chosen;
  const rows = fromBits(data.chosen);
  state.view.choose(rows, "");
  sayChosen(state, rows.length);
}

function sayChosen(state, many) {
  const { view, status } = state;
  status.replaceChildren();
  if (!many) return;
  const words = many === 1 ? "1 product selected. It is" : `${many.toLocaleString("en")} products selected. They are`;
  const clear = element("button", "", "Clear");
  clear.type = "button";
  clear.addEventListener("click", () => selectRows(view, view.panels[1], []));
  status.append(element("span", "", `${words} listed below.`), clear);
}

// The place on the map outlives the page: whoever comes back from a product finds it as they left it.

const PLACE = "longtail-map-place";

function remember({ view }) {
  const { x, y, k } = view.camera;
  try {
    sessionStorage.setItem(PLACE, JSON.stringify([x, y, k]));
  } catch {
    // a browser that keeps nothing shows the whole map
  }
}

function recall({ view }) {
  try {
    const place = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
    if (Array.isArray(place) && place.length === 3 && place.every(Number.isFinite)) [view.camera.x, view.camera.y, view.camera.k] = place;
  } catch {
    // as above
  }
}
