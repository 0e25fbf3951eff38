// Why a product stands on a list: a sentence under its card, and a panel with what is behind it.
// The panel asks the server when it opens, and again for as long as ranks are being worked out.

const ASK_AGAIN = 700; // milliseconds
const MOST_TIMES = 90;

function drawWhy(item, card) {
  if (!card.why) return;
  const line = element("p", "why", card.why);
  line.title = card.why;
  item.appendChild(line);
  if (!card.why_href) return;
  const button = element("button", "why-more", "Why?");
  button.type = "button";
  button.setAttribute("aria-haspopup", "dialog");
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-label", `Why? ${card.title}`);
  button.addEventListener("click", () => toggleWhy(button, card));
  item.appendChild(button);
}

function toggleWhy(button, card) {
  const place = button.closest(".cards").parentNode;
  const open = place.querySelector(".why-panel");
  open?.remove();
  if (open?.dataset.of === card.why_href) return;
  const panel = element("div", "why-panel");
  panel.dataset.of = card.why_href;
  panel.popover = "auto"; // Escape and a click elsewhere close it
  panel.tabIndex = -1;
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", `Why ${card.title} is here`);
  place.appendChild(panel);
  fillWhy(panel, { title: "Why it is here", sentence: card.why, bars: [], ranks: [], pending: true, note: "" });
  panel.showPopover();
  button.setAttribute("aria-expanded", "true");
  const follow = () => placeWhy(panel, button);
  follow();
  panel.focus({ preventScroll: true });
  window.addEventListener("scroll", follow, { capture: true, passive: true });
  window.addEventListener("resize", follow);
  let held = false; // whether the focus was in the panel when it closed: then it goes back to the button
  panel.addEventListener("beforetoggle", () => (held = panel.contains(panel.getRootNode().activeElement)));
  panel.addEventListener("toggle", (event) => {
    if (event.newState === "open") return;
    window.removeEventListener("scroll", follow, { capture: true });
    window.removeEventListener("resize", follow);
    button.setAttribute("aria-expanded", "false");
    panel.remove();
    if (held) button.focus({ preventScroll: true });
  });
  askWhy(panel, card, follow, 0);
}

async function askWhy(panel, card, follow, times) {
  let answer;
  try {
    const response = await fetch(card.why_href, { headers: { Accept: "application/json" } });
    answer = await response.json();
  } catch {
    answer = { error: "The server did not answer. Close this and try again." };
  }
  if (!panel.isConnected) return;
  fillWhy(panel, answer.error ? { title: "Why it is here", sentence: card.why, bars: [], ranks: [], pending: false, note: answer.error } : answer);
  follow();
  if (answer.pending && times < MOST_TIMES) setTimeout(() => panel.isConnected && askWhy(panel, card, follow, times + 1), ASK_AGAIN);
}

function fillWhy(panel, answer) {
  const head = element("div", "why-head");
  head.appendChild(element("h4", "", answer.title));
  const close = element("button", "why-close", "×");
  close.type = "button";
  close.setAttribute("aria-label", "Close");
  close.addEventListener("click", () => panel.hidePopover());
  head.appendChild(close);
  const parts = [head, element("p", "why-said", answer.sentence)];
  if (answer.bars.length) parts.push(element("h5", "", "What puts it here"), whyBars(answer.bars));
  if (answer.ranks.length || answer.pending) parts.push(element("h5", "", "Where it would rank"), whyRanks(answer));
  if (answer.note) parts.push(element("p", "why-note", answer.note));
  panel.replaceChildren(...parts);
  panel.setAttribute("aria-busy", String(answer.pending));
}

function whyBars(bars) {
  const list = element("ul", "why-bars");
  for (const bar of bars) {
    const row = element("li");
    row.appendChild(element("span", "why-name", bar.name));
    row.appendChild(element("span", "why-much", bar.much));
    const track = element("span", "why-track");
    const fill = element("span", "why-fill");
    fill.style.inlineSize = `${Math.round(100 * bar.share)}%`;
    track.appendChild(fill);
    row.appendChild(track);
    row.appendChild(element("span", "why-words", bar.words));
    list.appendChild(row);
  }
  return list;
}

function whyRanks(answer) {
  const list = element("ul", "why-ranks");
  for (const line of answer.ranks) {
    const row = element("li");
    row.appendChild(element("span", "why-name", line.name));
    row.appendChild(element("span", "why-rank", line.rank));
    row.appendChild(element("span", "why-moved", line.moved));
    list.appendChild(row);
  }
  if (answer.pending) list.appendChild(element("li", "why-waiting", "Making the lists again…"));
  return list;
}

function placeWhy(panel, button) {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = panel;
  const left = Math.min(Math.max(at.left, 8), window.innerWidth - width - 8);
  const below = at.bottom + 6;
  const top = below + height <= window.innerHeight - 8 ? below : Math.max(8, at.top - height - 6);
  panel.style.left = `${Math.max(8, left)}px`;
  panel.style.top = `${top}px`;
}
