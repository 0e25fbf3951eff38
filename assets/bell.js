// The bell: what happened, newest first, each a link to the page it is about. Texts are set as text.
// Asks the server while its tab is looked at; an answer that has not changed is empty (304, which fetch hides).

const ASK_MS = 5000; // nothing goes on
const FOLLOW_MS = 2000; // a run is at work
const TROUBLE_MS = 30000;
const BELL = "M6 16v-5.5a6 6 0 0 1 12 0V16l1.5 2h-15L6 16Zm4 5h4";

export default function (component) {
  const { parentElement: root, data } = component;
  const state = (root.longtailBell ??= build(root));
  state.component = component;
  state.data = data;
  document.addEventListener("visibilitychange", state.looked);
  addEventListener("resize", state.moved);
  ask(state);
  return () => {
    document.removeEventListener("visibilitychange", state.looked);
    removeEventListener("resize", state.moved);
    clearTimeout(state.timer);
    state.timer = null;
  };
}

function build(root) {
  const state = { entries: [], unread: 0, seen: null, timer: null, asked: 0, told: "", fresh: new Set(), drawn: "" };
  const opener = element("button", "opener");
  Object.assign(opener, { type: "button", title: "Notifications" });
  opener.setAttribute("aria-haspopup", "dialog");
  opener.setAttribute("aria-expanded", "false");
  opener.appendChild(lineIcon(BELL));
  const number = element("span", "number");
  opener.appendChild(number);
  const list = element("div", "list");
  list.popover = "auto";
  list.tabIndex = -1;
  list.setAttribute("role", "dialog");
  list.setAttribute("aria-label", "Notifications");
  root.append(opener, list);
  Object.assign(state, { opener, number, list, looked: () => ask(state), moved: () => place(state) });
  opener.addEventListener("click", () => list.togglePopover());
  list.addEventListener("toggle", (event) => toggled(state, event.newState === "open"));
  return state;
}

function toggled(state, open) {
  state.opener.setAttribute("aria-expanded", String(open));
  state.fresh = new Set(open ? state.entries.filter((entry) => entry.new).map(nameOf) : []);
  if (!open) return;
  draw(state);
  place(state);
  state.list.focus();
  if (state.unread) {
    state.component.setTriggerValue("seen", state.seen);
    state.unread = 0;
    count(state);
  }
}

/** Under the bell, and within the window. */
function place(state) {
  if (!state.list.matches(":popover-open")) return;
  const at = state.opener.getBoundingClientRect(), margin = 12;
  const width = Math.min(400, innerWidth - 2 * margin);
  const left = Math.max(margin, Math.min(at.right - width, innerWidth - width - margin));
  Object.assign(state.list.style, { width: `${width}px`, left: `${left}px`, top: `${at.bottom + 6}px`, maxHeight: `${Math.max(160, innerHeight - at.bottom - 24)}px` });
}

async function ask(state) {
  clearTimeout(state.timer);
  if (document.hidden) return; // "visibilitychange" asks again
  const asked = ++state.asked;
  let wait = TROUBLE_MS;
  try {
    const answer = await fetch(state.data.news);
    if (asked !== state.asked) return;
    if (answer.ok) {
      const news = await answer.json();
      take(state, news);
      wait = news.now.endsWith("|") ? ASK_MS : FOLLOW_MS;
    }
  } catch {
    // Asked again later; the page itself says that the server is gone.
  }
  if (asked === state.asked) state.timer = setTimeout(() => ask(state), wait);
}

function take(state, news) {
  Object.assign(state, { entries: news.entries, seen: news.seen });
  if (state.list.matches(":popover-open")) {
    // What was new when the list was opened stays marked until it is closed.
    news.entries.filter((entry) => entry.new).forEach((entry) => state.fresh.add(nameOf(entry)));
    if (news.unread) state.component.setTriggerValue("seen", news.seen);
    if (state.drawn !== news.entries.map(nameOf).join("\n")) draw(state);
  } else {
    state.unread = news.unread;
    count(state);
  }
  // The bar shows something else by now: once for each change, or a bar that cannot be drawn would be asked for ever.
  if (news.now !== state.data.now && news.now !== state.told) {
    state.told = news.now;
    state.component.setTriggerValue("changed", news.now);
  }
}

function count(state) {
  const { unread, opener, number } = state;
  number.textContent = unread > 9 ? "9+" : unread ? String(unread) : "";
  number.hidden = !unread;
  opener.setAttribute("aria-label", unread ? `Notifications: ${unread > 9 ? "9+" : unread} new` : "Notifications");
}

const nameOf = (entry) => `${entry.text} ${entry.when}`;

function draw(state) {
  state.drawn = state.entries.map(nameOf).join("\n");
  const rows = state.entries.map((entry) => {
    const fresh = state.fresh.has(nameOf(entry));
    const link = element("a", fresh ? "entry new" : "entry");
    link.href = entry.href;
    link.append(element("span", "text", entry.text), element("span", "when", fresh ? `${entry.when} · new` : entry.when));
    link.addEventListener("click", (event) => {
      if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      state.list.hidePopover();
      state.component.setTriggerValue("go", { page: entry.page, query: entry.query });
    });
    return link;
  });
  const title = element("h2", "", "Notifications");
  const nothing = element("p", "nothing", "Nothing yet. Releases, trainings, approved drafts, shared sets and reviews show up here.");
  state.list.replaceChildren(title, ...(rows.length ? rows : [nothing]));
}
