// A session of the Review page: decisions survive a reload and a crash, are sent once, and can be taken back.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { Tab } from "./browser.mjs";

const VIEW = readFileSync(new URL("./fake_view.js", import.meta.url), "utf8");
const SCRIPTS = ["common.js", "review_outbox.js", "review.js"];
const URLS = { cards: "/review/cards", decisions: "/review/decisions" };
const PAGE = { querySelector: () => null, appendChild() {} }; // where the component is drawn

/** A server with cards in a row that stores decisions once; `down` makes it refuse decisions with that status. */
class Server {
  constructor() {
    this.down = 0;
    this.stored = [];
    this.next = 1;
  }

  answer({ url, body }) {
    return url === URLS.cards ? this.cards(body) : this.decisions(body);
  }

  cards({ want, have }) {
    const cards = [];
    while (cards.length < want && have.length + cards.length < 6) cards.push(card(`c${this.next++}`));
    return { status: 200, body: { cards, progress: this.progress() } };
  }

  decisions({ decisions }) {
    if (this.down) return { status: this.down, body: { error: "Not now." } };
    for (const one of decisions) if (!this.stored.some((other) => other.id === one.id)) this.stored.push(one);
    return { status: 200, body: { stored: decisions.map((one) => one.id), progress: this.progress() } };
  }

  progress() {
    return { mine: this.stored.length, done: this.stored.length, target: 10 };
  }
}

function card(id) {
  const product = (name) => ({ item_id: `${id}-${name}`, title: name });
  return { id, expires: 10_000, anchor: product("anchor"), neighbours: ["n1", "n2", "n3"].map(product) };
}

async function open(server, tab = new Tab()) {
  const triggers = [];
  const { Session } = await tab.load(SCRIPTS, ["Session"], VIEW);
  tab.server = (request) => server.answer(request);
  const data = { session: "Ada", token: "token", url: URLS, warmup: [], progress: server.progress(), reasons: [] };
  const session = new Session(data);
  const component = { data, setTriggerValue: (name, value) => triggers.push([name, value]) };
  session.attach(component, PAGE);
  await tab.pass(200);
  return { tab, session, triggers, data, component };
}

/** Mark these places and submit, as somebody does who takes a second. */
async function judge({ tab, session }, ...places) {
  await tab.pass(1_000);
  places.forEach((place) => session.mark(place));
  session.submit();
  await tab.pass(0);
}

const reload = ({ tab }, server) => open(server, new Tab({ storage: tab.storage, session: tab.session }));
const states = ({ session }) => session.history.map((past) => past.state);

test("what is marked is irrelevant, the rest fits by implication, and all of it is one decision", async () => {
  const server = new Server();
  const page = await open(server);
  await judge(page, 1);
  const [stored] = server.stored;
  assert.deepEqual([stored.kind, stored.card, stored.seconds], ["judged", "c1", 1.2]);
  assert.deepEqual(
    stored.verdicts.map((one) => [one.neighbour, one.verdict, one.implied]),
    [["c1-n1", "relevant", true], ["c1-n2", "irrelevant", false], ["c1-n3", "relevant", true]],
  );
  assert.equal(new Set(stored.verdicts.map((one) => one.client_id)).size, 3);
  assert.equal(page.session.card.id, "c2");
  assert.deepEqual(states(page), ["saved"]);
});

test("the tail of a double press submits no second card", async () => {
  const server = new Server();
  const page = await open(server);
  await judge(page);
  page.session.submit();
  page.session.skip();
  await page.tab.pass(1_000);
  assert.equal(server.stored.length, 1);
});

test("a decision is called saved only when the server said so, and a reload sends what it did not hear of", async () => {
  const server = new Server();
  server.down = 503;
  const page = await open(server);
  await judge(page, 0);
  await judge(page);
  assert.deepEqual(states(page), ["waiting", "waiting"]);
  await page.tab.pass(100);
  server.down = 0;
  const again = await reload(page, server);
  assert.deepEqual(server.stored.map((one) => one.card), ["c1", "c2"]);
  assert.deepEqual(states(again), ["saved", "saved"]);
  assert.equal(again.session.card.id, "c3"); // no card that was decided comes up again
});

test("a tab that dies in the moment after Enter loses no decision", async () => {
  const server = new Server();
  server.down = 503;
  const page = await open(server);
  await page.tab.pass(1_000);
  page.session.mark(0);
  page.session.submit();
  server.down = 0;
  const again = await reload(page, server);
  assert.deepEqual(server.stored.map((one) => [one.card, one.verdicts[0].verdict]), [["c1", "irrelevant"]]);
  assert.equal(again.session.card.id, "c2");
});

test("a decision that the outbox lost is sent again from the history, under its id", async () => {
  const server = new Server();
  server.down = 503;
  const page = await open(server);
  await judge(page, 2);
  await page.tab.pass(200);
  const { id } = page.session.history[0];
  for (const key of Object.keys(page.tab.storage)) page.tab.storage.removeItem(key);
  server.down = 0;
  await reload(page, server);
  assert.deepEqual(server.stored.map((one) => [one.id, one.card]), [[id, "c1"]]);
  await reload(page, server);
  assert.equal(server.stored.length, 1);
});

test("a card whose decision is on its way is not shown again where the server hands it out once more", async () => {
  const server = new Server();
  server.down = 503;
  const page = await open(server);
  server.next = 1;
  await judge(page);
  await page.tab.pass(200);
  assert.equal(page.tab.requests.filter((one) => one.url === URLS.cards).length, 2);
  assert.ok(page.session.cards.every((one) => one.id !== "c1"));
});

test("taking back brings the card with its marks and is sent after what it takes back", async () => {
  const server = new Server();
  server.down = 503;
  const page = await open(server);
  await judge(page, 1);
  page.session.undo();
  assert.equal(page.session.card.id, "c1");
  assert.deepEqual([...page.session.marks.keys()], ["c1-n2"]);
  server.down = 0;
  await page.tab.pass(5_000);
  const [first, second] = server.stored;
  assert.deepEqual([first.kind, second.kind, second.undoes], ["judged", "undone", first.id]);
  assert.deepEqual(states(page), ["undone"]);
  await judge(page);
  assert.equal(server.stored.length, 3);
});

test("what is refused is said in the history with its reason", async () => {
  const server = new Server();
  const page = await open(server);
  page.tab.server = (request) =>
    request.url === URLS.cards
      ? server.answer(request)
      : { status: 200, body: { refused: { [request.body.decisions[0].id]: "The campaign has ended." } } };
  await judge(page);
  assert.deepEqual(page.session.history.map((past) => [past.state, past.message]), [["refused", "The campaign has ended."]]);
  assert.equal(page.session.undoable(), null);
});

test("a token that is no longer good is asked for anew, not with every try, and what waits goes with the new one", async () => {
  const server = new Server();
  server.down = 403;
  const page = await open(server);
  await judge(page);
  await page.tab.pass(7_000);
  assert.deepEqual(page.triggers.map(([name]) => name), ["renew"]);
  server.down = 0;
  page.component.data = { ...page.data, token: "new token" };
  page.session.attach(page.component, PAGE);
  await page.tab.pass(0);
  assert.equal(page.tab.requests.at(-1).body.token, "new token");
  assert.deepEqual(states(page), ["saved"]);
});

for (const status of [400, 503]) {
  test(`an answer of ${status} asks for no new token and is tried again`, async () => {
    const server = new Server();
    server.down = status;
    const page = await open(server);
    await judge(page);
    await page.tab.pass(10_000);
    assert.deepEqual(page.triggers, []);
    server.down = 0;
    await page.tab.pass(15_000);
    assert.deepEqual(states(page), ["saved"]);
  });
}

test("cards whose lease has run out while the page was closed are fetched anew", async () => {
  const server = new Server();
  const page = await open(server);
  const tab = new Tab({ storage: page.tab.storage, session: page.tab.session });
  tab.now = 10_000_000;
  const later = await open(server, tab);
  assert.equal(later.session.card.id, "c7");
});
