// Where somebody was: a page opens at its top, Back returns to the place and the card it was left at, a reload stays.
//
// Streamlit keeps one scrolling element for all pages and never moves it. The server names the address that is shown; what
// belongs to an address (how far it was scrolled, which card was opened) is kept for the tab.

const SCROLLER = '[data-testid="stMain"]';
const KEPT = "longtail-places";
const MOST_KEPT = 100;
const PATIENCE_MS = 4000; // what is restored may take this long to be drawn
const SAME_MOVE_MS = 1000;

const FROZEN_MS = 1500; // after a press, whose page may be drawn before its address is known

const place = (window.longtailPlace ??= { address: null, movedByHistory: false, waiting: null, listens: false, frozenUntil: 0 });

export default function ({ data }) {
  listen();
  if (data.address === place.address) return;
  const first = place.address === null;
  const top = first || data.opens !== place.opens;
  const back = place.movedByHistory || (first && cameBack());
  Object.assign(place, { address: data.address, opens: data.opens, movedByHistory: false, frozenUntil: 0 });
  clearInterval(place.waiting);
  const kept = read()[data.address];
  if (back && kept) restore(kept, performance.now());
  else if (top && !first) scroller()?.scrollTo({ top: 0, behavior: "instant" });
}

function listen() {
  if (place.listens) return;
  place.listens = true;
  window.addEventListener("popstate", () => {
    place.movedByHistory = true;
    freeze();
  });
  document.addEventListener("scroll", (event) => {
    if (event.target === scroller() && performance.now() > place.frozenUntil) keepTop();
  }, true);
  document.addEventListener("click", (event) => {
    const card = event.composedPath().find((node) => node.matches?.(".card[data-item]"));
    if (card) keep({ item: card.dataset.item });
    keepTop();
    freeze();
  }, true);
  for (const name of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    // They have gone on by themselves.
    document.addEventListener(name, () => {
      clearInterval(place.waiting);
      place.frozenUntil = 0;
    }, { capture: true, passive: true });
  }
  oneEntryForOneMove();
}

/** Going to a page with a query, Streamlit 1.67 adds the query to the page that is left as an entry of its own, and Back leads there. */
function oneEntryForOneMove() {
  const push = history.pushState.bind(history);
  let last = null;
  history.pushState = (state, unused, url) => {
    const to = new URL(url ?? location.href, location.href);
    const follows = last && performance.now() - last.at < SAME_MOVE_MS && last.query === to.search && last.path !== to.pathname && to.search;
    last = { at: performance.now(), query: to.search, path: to.pathname };
    if (follows) history.replaceState(state, unused, url);
    else push(state, unused, url);
  };
}

function freeze() {
  place.frozenUntil = performance.now() + FROZEN_MS;
}

function keepTop() {
  const frame = scroller();
  if (frame) keep({ top: Math.round(frame.scrollTop) });
}

function scroller() {
  return document.querySelector(SCROLLER);
}

function cameBack() {
  const entry = performance.getEntriesByType("navigation")[0];
  return entry?.type === "reload" || entry?.type === "back_forward";
}

/** Scroll there as soon as there is enough to scroll, and give the focus back to the card that was opened. */
function restore(kept, began) {
  const attempt = () => {
    const frame = scroller();
    const there = frame && frame.scrollHeight - frame.clientHeight >= (kept.top ?? 0);
    if (there) frame.scrollTo({ top: kept.top ?? 0, behavior: "instant" });
    const card = kept.item && findCard(kept.item);
    if (card) card.focus({ preventScroll: true });
    if ((there && (card || !kept.item)) || performance.now() - began > PATIENCE_MS) clearInterval(place.waiting);
  };
  place.waiting = setInterval(attempt, 120);
}

function findCard(item) {
  for (const root of roots(document.querySelector(SCROLLER))) {
    const card = [...root.querySelectorAll(".card[data-item]")].find((one) => one.dataset.item === item);
    if (card) return card.querySelector("a.open");
  }
  return null;
}

function* roots(under) {
  if (!under) return;
  yield under;
  for (const node of under.querySelectorAll("*")) if (node.shadowRoot) yield node.shadowRoot;
}

function keep(changes) {
  if (place.address === null) return;
  const all = read();
  const before = all[place.address] ?? {};
  delete all[place.address]; // the last one changed stands last
  all[place.address] = { ...before, ...changes };
  for (const old of Object.keys(all).slice(0, -MOST_KEPT)) delete all[old];
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(all));
  } catch {
    // storage is full or forbidden: pages open at their top then
  }
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {};
  }
}
