// Selecting cards: a box in the corner of each, a range with Shift, everything on the page with Ctrl/Cmd-A, nothing with Escape.
// The browser keeps what is chosen, also of other pages of a list; the server hears of every change, and may set it anew.

class Selection {
  constructor() {
    this.chosen = new Set();
    this.version = null; // of what the server set last
    this.last = null; // the card that a range begins with
  }

  /** Take over what the server says, where it says something new. */
  adopt(selecting) {
    if (!selecting || selecting.version === this.version) return;
    this.version = selecting.version;
    this.chosen = new Set(selecting.chosen);
    this.last = null;
  }

  /** Choose a card or not; with `ids`, the cards as they stand, all between the last one and this one likewise. */
  set(id, on, ids = null) {
    const from = ids ? ids.indexOf(this.last) : -1;
    const to = ids ? ids.indexOf(id) : -1;
    const range = from >= 0 && to >= 0 ? ids.slice(Math.min(from, to), Math.max(from, to) + 1) : [id];
    range.forEach((one) => (on ? this.chosen.add(one) : this.chosen.delete(one)));
    this.last = id;
  }

  all(ids) {
    ids.forEach((id) => this.chosen.add(id));
  }

  clear() {
    this.chosen.clear();
    this.last = null;
  }
}

function drawBox(item, title) {
  const label = element("label", "choose");
  const box = element("input");
  box.type = "checkbox";
  box.setAttribute("aria-label", `Select ${title}`);
  label.appendChild(box);
  item.appendChild(label);
}

function shownIds(within) {
  return [...within.querySelectorAll(".card")].map((item) => item.dataset.item);
}

function showChosen(state, frame) {
  if (!state.data.selecting) return;
  frame.classList.toggle("choosing", state.selection.chosen.size > 0);
  for (const item of frame.querySelectorAll(".card")) {
    const on = state.selection.chosen.has(item.dataset.item);
    item.classList.toggle("chosen", on);
    const box = item.querySelector(".choose input");
    if (box) box.checked = on;
  }
}

function tellChosen(state, frame) {
  showChosen(state, frame);
  clearTimeout(state.telling);
  state.telling = setTimeout(() => state.component.setStateValue("chosen", [...state.selection.chosen]), 250);
}

/** Whether a click was one on a box, and is dealt with. */
function chose(event, state, frame) {
  const box = event.target.closest(".choose input");
  if (!box) return Boolean(event.target.closest(".choose"));
  const id = box.closest(".card").dataset.item;
  state.selection.set(id, box.checked, event.shiftKey ? shownIds(box.closest(".list")) : null);
  tellChosen(state, frame);
  return true;
}

/** Whether a key was one for selecting, and is dealt with. */
function choseByKey(event, state, frame) {
  if (!state.data.selecting) return false;
  if (event.key === "Escape" && state.selection.chosen.size) state.selection.clear();
  else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey) && !event.altKey) state.selection.all(shownIds(frame));
  else return false;
  event.preventDefault();
  tellChosen(state, frame);
  return true;
}
