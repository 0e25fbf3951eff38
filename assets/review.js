// The Review page: cards, keys and what happens to a decision. No key waits for the server: cards are fetched ahead,
// decisions go to the outbox (review_outbox.js), and a decision is called saved only when the server said so.

const AHEAD = 6; // the card on screen and five more
const HISTORY = 20;
const SETTLING_MS = 150; // a card that has just come up is not submitted by the tail of a double press
const LOOK_AGAIN_MS = 10000;
const RENEW_MS = 8000;
const LEASE_MARGIN_MS = 3000;
const AFTER_PAINT_MS = 60; // what nobody waits for is done once the key has had its effect

const sessions = new Map(); // one for each curator and campaign, alive as long as the tab, whatever the page does

export default function (component) {
  const { parentElement: root, data } = component;
  let session = sessions.get(data.session);
  if (!session) sessions.set(data.session, (session = new Session(data)));
  session.attach(component, root);
  return () => session.detach(root);
}

class Session {
  constructor(data) {
    this.key = `longtail-review:${data.session}`;
    this.data = data;
    this.cards = recall(`${this.key}:cards`).filter((card) => card.expires * 1000 > Date.now() + LEASE_MARGIN_MS);
    this.history = recall(`${this.key}:history`);
    this.nodes = new Map(); // card id -> its elements, drawn and with pictures fetched before it is shown
    this.marks = new Map();
    this.warmup = recall(`${this.key}:warm`, false) ? [] : [...data.warmup];
    this.progress = data.progress;
    this.parts = drawFrame();
    this.outbox = new Outbox(`${this.key}:out:`, (settled, progress) => this.settled(settled, progress));
    this.parts.root.addEventListener("click", (event) => this.clicked(event));
    this.listener = (event) => this.typed(event);
    this.cards = this.cards.filter((card) => !this.decided(card.id));
    // Never confirmed here: sent again under the same id, which stores nothing twice.
    for (const past of [...this.history].reverse()) {
      if (past.state === "waiting" && !this.outbox.entries.has(past.id)) this.outbox.add(decisionOf(past));
      if (past.undone && past.state !== "undone" && !this.outbox.entries.has(past.undone.id)) this.outbox.add(past.undone);
    }
  }

  attach(component, root) {
    this.component = component;
    this.data = component.data;
    if (this.parts.root.parentNode !== root) {
      root.querySelector(":scope > .review")?.remove(); // another curator's or campaign's
      root.appendChild(this.parts.root);
    }
    document.addEventListener("keydown", this.listener);
    this.outbox.use(this.data.url.decisions, this.data.token);
    this.guide();
    this.refill();
    this.show();
  }

  detach(root) {
    if (this.parts.root.parentNode === root || !this.parts.root.isConnected) {
      document.removeEventListener("keydown", this.listener);
      clearTimeout(this.again);
    }
  }

  // --- cards ---------------------------------------------------------------------------------------------------

  get card() {
    return this.warmup[0] ?? this.cards[0] ?? null;
  }

  async refill() {
    clearTimeout(this.again);
    const want = AHEAD - this.cards.length;
    if (want <= 0 || this.fetching || this.data.closed) return;
    this.fetching = true;
    const body = { token: this.data.token, want, have: this.cards.map((card) => card.id), pair: this.data.pair };
    const answer = await post(this.data.url.cards, body);
    this.fetching = false;
    this.trouble = answer.failed ? answer : null;
    if (answer.failed) {
      this.renew(answer);
    } else {
      this.progress = answer.progress ?? this.progress;
      this.message = answer.message;
      const have = new Set(this.cards.map((card) => card.id));
      this.cards.push(...answer.cards.filter((card) => !have.has(card.id) && !this.decided(card.id)));
      this.remember();
    }
    this.show();
    if (this.cards.length < AHEAD && this.parts.root.isConnected) {
      this.again = setTimeout(() => this.refill(), this.cards.length && !answer.failed ? LOOK_AGAIN_MS * 3 : LOOK_AGAIN_MS / 2);
    }
  }

  /** Whether a decision on this card waits in the outbox: the server does not know yet and may hand it out again. */
  decided(cardId) {
    const last = [...this.outbox.entries.values()].filter((entry) => entry.card === cardId).pop();
    return Boolean(last) && last.kind !== "undone";
  }

  draw(card) {
    let node = this.nodes.get(card.id);
    if (!node) this.nodes.set(card.id, (node = drawCard(card)));
    return node;
  }

  show() {
    const { card, parts } = this;
    const drawn = card && this.draw(card);
    if (!card) {
      parts.anchor.replaceChildren();
      parts.others.replaceChildren(this.nothing());
      this.shown = null;
    } else if (this.shown !== card.id) {
      parts.anchor.replaceChildren(...drawn.anchor);
      parts.others.replaceChildren(...drawn.others);
      this.shown = card.id;
      this.since = performance.now();
    }
    parts.body.className = !card ? "body bare" : drawn.pair ? "body pair" : "body";
    if (card) showMarks(drawn.list, this.marks, this.data.verdicts, this.answered ? card.answers : null);
    parts.banner.textContent = this.banner(card);
    parts.root.classList.toggle("telling", Boolean(this.telling));
    showWhy(parts.why, this.target(), this.data.reasons);
    if (this.telling) parts.why.replaceChildren(element("strong", "", "Can't tell which? Press its number, or T again for all."));
    this.label();
    this.tell();
    // After this paint, not in it: draw the cards that come next, so that their pictures are there when they are.
    clearTimeout(this.ahead);
    this.ahead = setTimeout(() => {
      for (const next of [...this.warmup, ...this.cards].slice(1, AHEAD)) this.draw(next);
      const held = new Set([...this.warmup, ...this.cards].map((one) => one.id));
      for (const id of this.nodes.keys()) if (!held.has(id)) this.nodes.delete(id);
    }, AFTER_PAINT_MS);
  }

  nothing() {
    const box = element("div", "nothing");
    const [title, text] = this.trouble
      ? ["Can't load the next cards", `${this.trouble.message} This page keeps trying; your judgements are safe.`]
      : this.message
        ? [this.message.title, this.message.text]
        : ["Loading cards…", ""];
    box.append(element("strong", "", title), element("span", "", text));
    return box;
  }

  banner(card) {
    if (card?.again) return "You undid this one. Judge it again.";
    if (!card?.answers) return "";
    if (this.answered) return this.verdictOnWarmup(card);
    return `Warm-up, ${this.warmup.length} to go. Nothing is saved here: judge it, then see what others said.`;
  }

  verdictOnWarmup(card) {
    const agreed = agreements(card, this.marks);
    return `You agreed with the others on ${agreed} of ${card.neighbours.length}. Press Enter to continue.`;
  }

  label() {
    const { submit, undo, skip, unsure } = this.parts;
    const marked = [...this.marks.values()].filter((mark) => mark.verdict).length;
    const total = this.card?.neighbours.length ?? 0;
    const rest = total - marked;
    const text = this.answered
      ? "Continue"
      : total === 1
        ? marked ? "Submit" : "It fits"
        : rest === total ? "All fit" : rest ? `The other ${rest} fit` : "Submit";
    submit.querySelector(".label").textContent = text;
    submit.disabled = !this.card;
    unsure.disabled = !this.card || this.answered;
    skip.disabled = !this.card;
    skip.querySelector(".label").textContent = this.warmup.length ? "Skip the warm-up" : "Skip";
    undo.disabled = !this.undoable();
  }

  // --- what a curator does -------------------------------------------------------------------------------------

  mark(position) {
    const neighbour = this.card?.neighbours[position];
    if (!neighbour || this.answered) return;
    const wanted = this.telling ? "unsure" : "irrelevant";
    const same = this.marks.get(neighbour.item_id)?.verdict === wanted;
    if (same) this.marks.delete(neighbour.item_id);
    else this.marks.set(neighbour.item_id, { verdict: wanted, reason: null, key: keyOf(position) });
    this.last = same ? null : neighbour.item_id;
    this.telling = false;
    this.show();
  }

  unsure() {
    if (!this.card || this.answered) return;
    const all = this.card.neighbours;
    if (this.telling || all.length === 1) {
      const taken = all.every(({ item_id: id }) => this.marks.get(id)?.verdict === "unsure");
      this.marks.clear();
      if (!taken) all.forEach(({ item_id: id }, at) => this.marks.set(id, { verdict: "unsure", reason: null, key: keyOf(at) }));
      this.telling = false;
      this.last = null;
    } else {
      this.telling = true;
    }
    this.show();
  }

  reason(value) {
    const mark = this.marks.get(this.last);
    if (!mark) return;
    mark.reason = mark.reason === value ? null : value;
    this.show();
  }

  submit() {
    const card = this.card;
    if (!card || performance.now() - this.since < SETTLING_MS) return;
    if (card.answers) return this.warmed(card);
    const verdicts = card.neighbours.map(({ item_id: neighbour }) => {
      const mark = this.marks.get(neighbour);
      const verdict = mark?.verdict ?? "relevant";
      return { client_id: newId(), neighbour, verdict, implied: !mark, reason: mark?.reason ?? null };
    });
    this.decide(card, "judged", verdicts);
  }

  warmed(card) {
    if (!this.answered) this.answered = true;
    else this.leaveWarmup(1);
    this.since = performance.now();
    this.show();
  }

  leaveWarmup(count) {
    this.warmup.splice(0, count);
    if (!this.warmup.length) keepFor(localStorage, `${this.key}:warm`, true);
    this.fresh();
  }

  skip() {
    if (!this.card || performance.now() - this.since < SETTLING_MS) return;
    if (this.warmup.length) {
      this.leaveWarmup(this.warmup.length);
      this.show();
    } else {
      this.decide(this.card, "skipped", []);
    }
  }

  decide(card, kind, verdicts) {
    const { again: _again, ...plain } = card;
    const decision = { id: newId(), at: Date.now(), kind, card: card.id, verdicts };
    decision.seconds = Math.round(performance.now() - this.since) / 1000;
    this.history.unshift({ ...decision, card: plain, state: "waiting" });
    this.history.length = Math.min(this.history.length, HISTORY);
    this.cards.shift();
    this.fresh();
    this.show();
    this.outbox.add(decision); // in the browser's storage before anything else can happen
    setTimeout(() => {
      this.remember();
      this.refill();
    }, AFTER_PAINT_MS);
  }

  undoable() {
    return this.history.find((past) => ["waiting", "saved"].includes(past.state) && !past.undone) ?? null;
  }

  undo(past = this.undoable()) {
    if (!past) return;
    past.undone = { id: newId(), at: Date.now(), kind: "undone", of: past.kind, card: past.card.id, undoes: past.id, verdicts: [] };
    const restored = past.verdicts.filter((one) => !one.implied);
    this.cards = this.cards.filter((card) => card.id !== past.card.id);
    this.cards.unshift({ ...past.card, again: true });
    this.nodes.delete(past.card.id);
    this.fresh();
    for (const { neighbour, verdict, reason } of restored) {
      const position = past.card.neighbours.findIndex((one) => one.item_id === neighbour);
      this.marks.set(neighbour, { verdict, reason, key: keyOf(position) });
    }
    this.outbox.add(past.undone);
    this.remember();
    this.show();
  }

  fresh() {
    this.marks = new Map();
    this.last = null;
    this.telling = false;
    this.answered = false;
    this.shown = null;
  }

  target() {
    const mark = this.marks.get(this.last);
    return mark?.verdict === "irrelevant" && !this.answered ? mark : null;
  }

  // --- what the server says ------------------------------------------------------------------------------------

  settled(settled, progress) {
    for (const { decision, refused } of settled) {
      const undo = decision.kind === "undone";
      const past = this.history.find((one) => one.id === (undo ? decision.undoes : decision.id));
      if (!past) continue;
      if (refused) {
        past.message = refused;
        past.state = undo ? "saved" : "refused";
        if (undo) past.undone = null;
      } else {
        past.state = undo ? "undone" : "saved";
      }
    }
    if (progress) this.progress = progress;
    if (!this.outbox) return; // still being made
    if (settled.length) this.remember();
    if (this.outbox.problem) this.renew(this.outbox.problem);
    this.tell();
  }

  /** A token that is no longer good: ask the page for a new one, which knows who is there. */
  renew(answer) {
    if (![401, 403].includes(answer.status) || performance.now() - (this.renewed ?? -RENEW_MS) < RENEW_MS) return;
    this.renewed = performance.now();
    this.component?.setTriggerValue("renew", this.renewed);
  }

  tell() {
    const { parts, progress, outbox } = this;
    const waiting = outbox.size;
    parts.status.className = `status ${outbox.problem ? "problem" : waiting ? "waiting" : "saved"}`;
    const cards = `${waiting} ${waiting === 1 ? "decision is" : "decisions are"}`;
    parts.status.textContent = outbox.problem && waiting
      ? `${cards} not saved yet. ${outbox.problem.message} ${outbox.kept ? "They are kept in this browser and will be sent again." : "Keep this tab open: it will try again."}`
      : waiting ? `Saving ${waiting}…` : this.history.length ? "✓ All saved" : "";
    const pace = this.pace();
    parts.mine.textContent = `You: ${progress.mine} ${progress.mine === 1 ? "card" : "cards"}${pace ? `, ${pace}` : ""}`;
    const share = progress.target ? Math.min(1, progress.done / progress.target) : 0;
    parts.meter.firstChild.style.width = `${100 * share}%`;
    parts.team.textContent = progress.target ? `Team: ${progress.done} of ${progress.target}` : `Team: ${progress.done}`;
    parts.undo.disabled = !this.undoable();
    clearTimeout(this.past);
    this.past = setTimeout(() => showHistory(parts.history, this.history, this.data.verdicts), AFTER_PAINT_MS);
  }

  pace() {
    const times = this.history.filter((past) => past.kind === "judged" && past.seconds < 120).map((past) => past.seconds);
    if (times.length < 3) return "";
    const middle = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];
    return `${middle < 10 ? middle.toFixed(1) : Math.round(middle)} s per card`;
  }

  guide() {
    const { guidelines } = this.parts;
    const text = this.data.guidelines ?? "";
    if (guidelines.dataset.text === text) return;
    guidelines.dataset.text = text;
    const body = element("div", "markdown");
    body.innerHTML = text; // made from Markdown by the server, without any HTML of its writer's
    guidelines.replaceChildren(guidelines.querySelector("summary"), body);
    guidelines.hidden = !text;
    guidelines.open = !this.history.length && innerWidth > 640;
  }

  remember() {
    keepFor(sessionStorage, `${this.key}:cards`, this.cards);
    keepFor(sessionStorage, `${this.key}:history`, this.history);
  }

  // --- events --------------------------------------------------------------------------------------------------

  clicked(event) {
    if (event.detail > 1 && event.target.closest("button")) return; // the second half of a double click
    const pick = event.target.closest(".pick");
    const chip = event.target.closest(".chip");
    const act = event.target.closest(".act");
    const again = event.target.closest(".again");
    if (pick) this.mark([...pick.closest(".picks").querySelectorAll(".pick")].indexOf(pick));
    else if (chip) this.reason(chip.dataset.reason);
    else if (act) {
      if (event.detail) act.blur(); // or Enter would press it again once the keys are closed; by Tab it stays in focus
      this.act(act.dataset.act);
    } else if (again) this.undo(this.history.find((past) => past.id === again.dataset.decision));
  }

  act(name) {
    if (name === "help") document.dispatchEvent(new CustomEvent("longtail-keys")); // palette.js shows the keys of every page
    else this[name]();
  }

  typed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !this.parts.root.isConnected) return;
    const at = event.composedPath()[0];
    if (at.closest?.("input, textarea, select, [contenteditable], [role=dialog]")) return;
    const name = KEY_NAMES[event.key.toLowerCase()];
    const digit = /^[0-9]$/.test(event.key);
    if (!name && !digit) return;
    // A button that was reached with the Tab key is pressed by Enter; one that was clicked before is not.
    const elsewhere = !this.parts.root.contains(at) && at.closest?.("a, button, summary");
    if (name === "submit" && (elsewhere || at.closest?.("summary, .act:focus-visible, .chip:focus-visible, .again:focus-visible"))) return;
    event.preventDefault();
    if (event.repeat) return; // a key that is held down counts once
    if (digit) this.mark(event.key === "0" ? 9 : Number(event.key) - 1);
    else this.act(name);
  }
}

const KEY_NAMES = { enter: "submit", u: "undo", s: "skip", t: "unsure" };

/** What was sent of a decision in the history. */
function decisionOf({ id, at, kind, card, verdicts, seconds }) {
  return { id, at, kind, card: card.id, verdicts, seconds };
}

function agreements(card, marks) {
  return card.neighbours.filter(({ item_id: id }) => {
    const said = marks.get(id)?.verdict ?? "relevant";
    return card.answers[id] === said || card.answers[id] === "any";
  }).length;
}

function recall(key, otherwise = []) {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function keepFor(storage, key, value) {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    // Full or forbidden: a reload then begins with fresh cards. Decisions are kept by the outbox, which says so.
  }
}
