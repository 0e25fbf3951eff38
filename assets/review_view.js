// What the Review page looks like: builds its elements once and keeps them up to date. What comes from a shop's files is
// set as text or as an attribute, never as markup; the guidelines are markup that the server made from Markdown.

/** The page's frame, empty: `parts` holds the elements that change. */
function drawFrame() {
  const root = element("div", "review");
  const parts = { root };
  parts.mine = element("span", "mine");
  parts.meter = element("span", "meter");
  parts.meter.appendChild(element("i"));
  parts.team = element("span", "team");
  parts.status = element("span", "status");
  parts.status.setAttribute("role", "status");
  const bar = element("header", "bar");
  bar.append(parts.mine, parts.meter, parts.team, parts.status);

  parts.banner = element("p", "banner");
  parts.anchor = element("section", "anchor");
  parts.anchor.setAttribute("aria-label", "The product");
  parts.others = element("section", "others");
  parts.why = element("div", "why");
  parts.actions = element("div", "actions");
  parts.submit = action("submit", "Submit", "Enter");
  parts.unsure = action("unsure", "Can't tell", "T");
  parts.skip = action("skip", "Skip", "S");
  parts.undo = action("undo", "Undo", "U");
  parts.help = action("help", "Keys", "?");
  parts.actions.append(parts.submit, parts.unsure, parts.skip, parts.undo, parts.help);
  parts.guidelines = fold("What counts as irrelevant");
  parts.history = fold("Your last decisions");
  parts.guidelines.classList.add("guidelines");
  parts.body = element("div", "body");
  const [left, right] = [element("div", "left"), element("div", "right")];
  left.append(parts.anchor, parts.guidelines);
  right.append(parts.others, parts.why, parts.actions, parts.history);
  parts.body.append(left, right);
  root.append(bar, parts.banner, parts.body);
  return parts;
}

/** One card: what goes to the left, the product, and to the right, those that may or may not belong beside it. */
function drawCard(card) {
  const pair = card.neighbours.length === 1;
  const question = element("h2", "question");
  if (pair) question.textContent = "Does this belong beside it?";
  else question.append("Which of these would you ", element("em", "", "not"), " show beside it?");
  const list = element("ol", "picks");
  card.neighbours.forEach((neighbour, position) => list.appendChild(drawPick(neighbour, position, pair)));
  const touch = matchMedia("(hover: none)").matches;
  const hint = pair ? (touch ? "If not, tap it." : PAIR_HINT) : touch ? "Tap them. The rest fit." : CARD_HINT;
  return {
    pair,
    anchor: [element("p", "over", "A shopper is viewing"), picture(card.anchor, card.anchor.large), facts(card.anchor)],
    others: [question, element("p", "hint", hint), list],
    list,
  };
}

const CARD_HINT = "Press their numbers, or click them. Then press Enter: the rest fit.";
const PAIR_HINT = "If not, press 1 or click it. Then press Enter.";

function drawPick(neighbour, position, pair) {
  const item = element("li");
  const pick = element("button", "pick");
  pick.type = "button";
  pick.dataset.item = neighbour.item_id;
  const shown = picture(neighbour, pair ? neighbour.large : neighbour.image);
  shown.append(element("kbd", "", keyOf(position)), element("span", "mark"));
  pick.append(shown, facts(neighbour));
  item.appendChild(pick);
  return item;
}

function picture(product, source) {
  const frame = element("span", "picture");
  if (!source) {
    frame.appendChild(textCard(product));
    return frame;
  }
  const image = element("img");
  image.alt = "";
  image.decoding = "sync"; // it was fetched before it is shown, so it must not flash
  image.addEventListener("error", () => image.replaceWith(textCard(product)), { once: true });
  image.src = source;
  image.decode?.().catch(() => {});
  frame.appendChild(image);
  return frame;
}

function facts(product) {
  const block = element("span", "facts");
  block.append(element("span", "title", product.title));
  const line = [product.brand, product.price].filter(Boolean).join(" · ");
  block.append(element("span", "detail", line));
  block.title = [product.title, line].filter(Boolean).join(" · ");
  return block;
}

/** Show what is marked on a card that is drawn; `answers` (warm-up) says what colleagues said. */
function showMarks(list, marks, words, answers = null) {
  for (const pick of list.querySelectorAll(".pick")) {
    const verdict = marks.get(pick.dataset.item)?.verdict ?? null;
    const said = verdict ?? "relevant";
    const right = answers && (answers[pick.dataset.item] === said || answers[pick.dataset.item] === "any");
    pick.className = ["pick", verdict ?? "", answers ? (right ? "right" : "wrong") : ""].filter(Boolean).join(" ");
    pick.setAttribute("aria-pressed", String(verdict === "irrelevant"));
    pick.setAttribute("aria-label", `${pick.querySelector(".title").textContent}: ${words[said]}`);
    pick.querySelector(".mark").textContent = answers
      ? right ? "✓ agreed" : `answer: ${words[answers[pick.dataset.item]] ?? "either"}`
      : verdict ? words[verdict] : "";
  }
}

/** Reason chips for the product that was marked last; the row keeps its height so that nothing jumps. */
function showWhy(why, target, reasons) {
  why.replaceChildren();
  if (!target || !reasons.length) return;
  why.append(element("span", "", `Why is ${target.key} irrelevant? (optional)`));
  for (const [value, label] of reasons) {
    const chip = element("button", "chip", label);
    chip.type = "button";
    chip.dataset.reason = value;
    chip.setAttribute("aria-pressed", String(target.reason === value));
    why.appendChild(chip);
  }
}

function showHistory(fold, history, words) {
  const list = element("ol", "history");
  for (const past of history) {
    const row = element("li", past.state);
    const thumb = element("span", "thumb");
    if (past.card.anchor.image) {
      const image = element("img");
      image.alt = "";
      image.src = past.card.anchor.image;
      thumb.appendChild(image);
    }
    const text = element("span", "what");
    text.append(element("span", "title", past.card.anchor.title), element("span", "detail", sentence(past, words)));
    row.append(thumb, text, element("span", "state", STATES[past.state] ?? past.state));
    if (past.message) row.append(element("span", "message", past.message));
    if (["saved", "waiting"].includes(past.state) && !past.undone) {
      const again = element("button", "again", "Change");
      again.type = "button";
      again.dataset.decision = past.id;
      row.appendChild(again);
    }
    list.appendChild(row);
  }
  const summary = fold.querySelector("summary");
  summary.textContent = history.length ? `Your last decisions (${history.length})` : "Your last decisions: none yet";
  fold.replaceChildren(summary, list);
}

const STATES = { waiting: "Saving…", saved: "Saved", refused: "Not saved", undone: "Undone" };

function sentence(past, words) {
  if (past.kind === "skipped") return "skipped";
  const counts = { irrelevant: 0, unsure: 0, relevant: 0 };
  for (const { verdict } of past.verdicts) counts[verdict] += 1;
  return Object.entries(counts)
    .filter(([, count]) => count)
    .map(([verdict, count]) => (verdict === "relevant" ? `${count} ${count === 1 ? words.relevant : "fit"}` : `${count} ${words[verdict]}`))
    .join(", ");
}

function action(name, label, key) {
  const button = element("button", `act ${name}`);
  button.type = "button";
  button.dataset.act = name;
  button.append(element("span", "label", label), element("kbd", "", key));
  return button;
}

function fold(title) {
  const details = element("details");
  details.appendChild(element("summary", "", title));
  return details;
}

function keyOf(position) {
  return position === 9 ? "0" : String(position + 1);
}
