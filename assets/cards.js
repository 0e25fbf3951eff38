// Cards of products. Draws what the server sends, opens products, keeps judgements until the server has them.
// Everything that comes from a shop's files is set as text or as an attribute, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const outbox = new FlagOutbox(); // shared by all card components of this browser tab

export default function (component) {
  const { parentElement: root, data, setTriggerValue } = component;
  const state = (root.longtail ??= { data: null, waiting: null, selection: new Selection(), restSent: [] });
  state.component = component;
  state.data = data;
  if (data.judging) outbox.settle(data.judging.settled);
  state.selection.adopt(data.selecting);

  let frame = root.querySelector(".cards");
  if (!frame) {
    frame = element("div", "cards");
    root.appendChild(frame);
    frame.addEventListener("click", (event) => clicked(event, state, frame));
    frame.addEventListener("keydown", (event) => typed(event, state, frame));
    frame.addEventListener("pointerover", (event) => {
      state.hovered = event.target.closest?.(".card") ?? null;
    });
    frame.addEventListener("pointerleave", () => (state.hovered = null));
    state.listener = (event) => {
      // A page-wide key acts on the card under the pointer, unless someone is writing.
      const busy = event.composedPath()[0]?.closest?.("input, textarea, select, [contenteditable]");
      if (!busy && state.hovered?.isConnected && !event.composedPath().includes(frame)) typed(event, state, frame, state.hovered);
    };
  }
  document.addEventListener("keydown", state.listener); // once, however often it is added
  const drawn = JSON.stringify([data.layout, data.groups, Boolean(data.judging), Boolean(data.selecting)]);
  if (frame.dataset.drawn !== drawn) {
    frame.dataset.drawn = drawn;
    frame.className = `cards ${data.layout}`;
    frame.replaceChildren(...data.groups.map((group) => drawGroup(group, data)));
    state.restSent = [];
  }
  showMarks(state, frame);
  showChosen(state, frame);
  return () => document.removeEventListener("keydown", state.listener);
}

function drawGroup(group, data) {
  const section = element("section", "group");
  section.setAttribute("aria-label", group.title || "Products");
  if (group.title) {
    const heading = element("h3", "", group.title);
    if (group.hint) heading.title = group.hint;
    if (group.detail) heading.appendChild(element("small", "", group.detail));
    section.appendChild(heading);
  }
  if (!group.cards.length) {
    section.appendChild(element("p", "empty", group.empty));
    return section;
  }
  const list = element("ul", "list");
  group.cards.forEach((card) => list.appendChild(drawCard(card, group, data)));
  section.appendChild(list);
  return section;
}

function drawCard(card, group, data) {
  const item = element("li", "card");
  item.dataset.item = card.item_id;
  item.dataset.group = group.name;

  const link = element("a", "open");
  link.href = card.href;
  link.title = card.title;
  const picture = element("span", "picture");
  if (card.image) {
    const image = element("img");
    image.loading = "lazy";
    image.decoding = "async";
    image.alt = "";
    image.src = card.image;
    image.addEventListener("error", () => image.replaceWith(textCard(card)), { once: true });
    picture.appendChild(image);
  } else {
    picture.appendChild(textCard(card));
  }
  if (card.rank) picture.appendChild(element("span", "rank", String(card.rank)));
  link.appendChild(picture);
  link.appendChild(element("span", "title", card.title));
  const facts = element("span", "facts");
  if (card.brand) facts.appendChild(element("span", "brand", card.brand));
  if (card.price) facts.appendChild(element("span", "price", card.price));
  link.appendChild(facts);
  const badge = element("span", `badge ${card.level}`);
  badge.appendChild(element("span", "dot"));
  badge.appendChild(element("span", "", card.count));
  link.appendChild(badge);
  if (card.note) link.appendChild(element("span", "note", card.note));
  item.appendChild(link);
  drawWhy(item, card);

  if (data.judging) {
    const flag = element("button", "flag");
    flag.type = "button";
    flag.appendChild(flagIcon());
    item.appendChild(flag);
    item.appendChild(element("span", "verdict"));
  }
  if (data.selecting) drawBox(item, card.title);
  return item;
}

function flagIcon() {
  const icon = document.createElementNS(SVG, "svg");
  for (const [name, value] of [["viewBox", "0 0 20 20"], ["width", "16"], ["height", "16"], ["aria-hidden", "true"]]) icon.setAttribute(name, value);
  const path = document.createElementNS(SVG, "path");
  const line = { d: "M5 17V3.5M5 4h9l-2 3 2 3H5", fill: "none", stroke: "currentColor", "stroke-width": "1.7", "stroke-linecap": "round", "stroke-linejoin": "round" };
  for (const [name, value] of Object.entries(line)) path.setAttribute(name, value);
  icon.appendChild(path);
  return icon;
}

// --- judging -----------------------------------------------------------------------------------------------------

function showMarks(state, frame) {
  const judging = state.data.judging;
  if (!judging) return;
  for (const item of frame.querySelectorAll(".card")) {
    const verdict = outbox.verdict(judging, item.dataset.item);
    const title = item.querySelector(".title").textContent;
    item.classList.toggle("irrelevant", verdict === "irrelevant");
    item.classList.toggle("relevant", verdict === "relevant");
    const flag = item.querySelector(".flag");
    flag.setAttribute("aria-pressed", String(verdict === "irrelevant"));
    flag.setAttribute("aria-label", verdict === "irrelevant" ? `${title}: remove flag` : `${title}: mark irrelevant`);
    flag.title = verdict === "irrelevant" ? "Remove flag (X)" : "Mark irrelevant (X)";
    const others = judging.others[item.dataset.item] ?? "";
    item.querySelector(".verdict").textContent = outbox.waits(judging.anchor, item.dataset.item)
      ? "Saving…"
      : verdict in judging.words ? capitalised(judging.words[verdict]) : others;
  }
  const rest = judging.rest ? unjudged(state, frame).length : 0;
  let bar = frame.parentNode.querySelector(".rest");
  if (!judging.rest) {
    bar?.remove();
    return;
  }
  if (!bar) {
    bar = element("div", "rest");
    const button = element("button", "", "The rest fit");
    button.type = "button";
    button.addEventListener("click", () => {
      state.restSent = unjudged(state, frame);
      send(state, frame, state.restSent.map((id) => [id, "relevant", true]));
    });
    const undo = element("button", "undo", "Undo");
    undo.type = "button";
    undo.addEventListener("click", () => {
      const ids = state.restSent.filter((id) => outbox.verdict(state.data.judging, id) === "relevant");
      state.restSent = [];
      send(state, frame, ids.map((id) => [id, "withdrawn", false]));
    });
    bar.append(button, element("span"), undo);
    frame.after(bar);
  }
  bar.querySelector("button").disabled = rest === 0;
  bar.querySelector(".undo").hidden = state.restSent.length === 0;
  bar.querySelector("span").textContent = outbox.waits(judging.anchor)
    ? "Saving…"
    : rest === 0
      ? "Everything here has been judged."
      : rest === 1 ? "Marks the other one as a good match" : `Marks the other ${rest} as good matches`;
}

function unjudged(state, frame) {
  const ids = [...frame.querySelectorAll(".card")].map((item) => item.dataset.item);
  return [...new Set(ids)].filter((id) => outbox.verdict(state.data.judging, id) === null);
}

function toggle(state, frame, item) {
  const flagged = outbox.verdict(state.data.judging, item.dataset.item) === "irrelevant";
  send(state, frame, [[item.dataset.item, flagged ? "withdrawn" : "irrelevant", false]]);
}

function send(state, frame, verdicts) {
  const { anchor, release } = state.data.judging;
  for (const [neighbour, verdict, implied] of verdicts) outbox.add({ anchor, neighbour, verdict, implied, release });
  showMarks(state, frame);
  outbox.deliverSoon(state, (entries) => state.component.setStateValue("outbox", entries));
}

// --- events ------------------------------------------------------------------------------------------------------

function clicked(event, state, frame) {
  if (chose(event, state, frame)) return;
  const flag = event.target.closest(".flag");
  if (flag) {
    toggle(state, frame, flag.closest(".card"));
    return;
  }
  const link = event.target.closest("a.open");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  state.component.setTriggerValue("open", link.closest(".card").dataset.item);
}

function typed(event, state, frame, item = event.target.closest?.(".card")) {
  if (choseByKey(event, state, frame)) return;
  if (event.key.toLowerCase() !== "x" || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (!item || !state.data.judging) return;
  event.preventDefault();
  const chosen = shownIds(frame).filter((id) => state.selection.chosen.has(id));
  if (chosen.length) send(state, frame, [...new Set(chosen)].map((id) => [id, "irrelevant", false]));
  else toggle(state, frame, item);
}
