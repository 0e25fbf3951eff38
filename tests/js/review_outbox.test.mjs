// The outbox of the Review page: what is kept, what is sent when, and that each decision is settled once.

import assert from "node:assert/strict";
import test from "node:test";

import { Tab, forbiddenStorage, newStorage, storing } from "./browser.mjs";

const PREFIX = "longtail-review:Ada:out:";
const ADDRESS = "/review/decisions";

async function open(tab = new Tab()) {
  const { Outbox } = await tab.load(["common.js", "review_outbox.js"], ["Outbox"]);
  const settled = [];
  const outbox = new Outbox(PREFIX, (some, progress) => settled.push(...some.map((one) => ({ ...one, progress }))));
  return { tab, outbox, settled };
}

function decision(id, at = 1) {
  return { id, at, kind: "judged", card: `card-${id}`, verdicts: [] };
}

const keptIds = (storage) => Object.keys(storage).map((key) => JSON.parse(storage[key]).id);

test("a decision is kept before it is sent and forgotten when it is stored", async () => {
  const { tab, outbox, settled } = await open();
  outbox.add(decision("a"));
  assert.deepEqual(keptIds(tab.storage), ["a"]);
  await tab.pass(60_000);
  assert.equal(tab.requests.length, 0); // nobody has said where to
  const server = storing();
  tab.server = server.answer;
  outbox.use(ADDRESS, "pass-1");
  await tab.pass();
  assert.deepEqual(tab.requests[0], { url: ADDRESS, body: { token: "pass-1", decisions: [decision("a")] } });
  assert.deepEqual(settled, [{ decision: decision("a"), refused: null, progress: { mine: 1 } }]);
  assert.equal(outbox.size, 0);
  assert.deepEqual(keptIds(tab.storage), []);
});

test("decisions are sent in their order, at most twenty at once and one request at a time", async () => {
  const { tab, outbox } = await open();
  const server = storing();
  let open_ = 0;
  let most = 0;
  tab.server = async (request) => {
    most = Math.max(most, (open_ += 1));
    await new Promise((done) => setTimeout(done, 50));
    open_ -= 1;
    return server.answer(request);
  };
  outbox.use(ADDRESS, "pass");
  const ids = Array.from({ length: 45 }, (_, at) => `d${at}`);
  ids.forEach((id) => outbox.add(decision(id)));
  await tab.pass(1_000);
  assert.deepEqual(server.stored.map((one) => one.id), ids);
  assert.ok(tab.requests.every((one) => one.body.decisions.length <= 20));
  assert.equal(most, 1);
});

test("without a connection it is tried again, ever more seldom, and at once when the network is back", async () => {
  const { tab, outbox } = await open();
  tab.server = () => Promise.reject(new Error("no network"));
  outbox.use(ADDRESS, "pass");
  outbox.add(decision("a"));
  await tab.pass();
  assert.deepEqual([outbox.problem.status, outbox.problem.message], [0, "No connection to the dashboard."]);
  const moments = [];
  tab.server = () => {
    moments.push(tab.now);
    return Promise.reject(new Error("no network"));
  };
  await tab.pass(120_000);
  const waits = moments.slice(1).map((moment, at) => moment - moments[at]);
  assert.deepEqual(waits.slice(0, 5), [1_000, 2_000, 4_000, 8_000, 15_000]);
  assert.ok(waits.slice(5).every((wait) => wait === 15_000));
  const server = storing();
  tab.server = server.answer;
  tab.tell("online");
  await tab.pass();
  assert.deepEqual([server.stored.length, outbox.size, outbox.problem], [1, 0, null]);
});

test("a request that is never answered is given up after twenty seconds and sent again", async () => {
  const { tab, outbox } = await open();
  const server = storing();
  tab.server = (request, number) => (number === 1 ? new Promise(() => {}) : server.answer(request));
  outbox.use(ADDRESS, "pass");
  outbox.add(decision("a"));
  await tab.pass(19_000);
  assert.equal(tab.requests.length, 1);
  await tab.pass(2_000);
  assert.deepEqual([tab.requests.length, server.stored.length, outbox.size], [2, 1, 0]);
});

test("an answer that was lost on the way stores nothing twice", async () => {
  const { tab, outbox, settled } = await open();
  const server = storing();
  tab.server = (request, number) => {
    const answer = server.answer(request);
    return number < 3 ? Promise.reject(new Error("lost")) : answer;
  };
  outbox.use(ADDRESS, "pass");
  outbox.add(decision("a"));
  await tab.pass(10_000);
  assert.equal(tab.requests.length, 3);
  assert.deepEqual(server.stored, [decision("a")]);
  assert.equal(settled.length, 1);
});

for (const status of [400, 403, 503]) {
  test(`an answer of ${status} keeps the decision, says why and tries again`, async () => {
    const { tab, outbox, settled } = await open();
    tab.server = () => ({ status, body: { error: "The database is gone." } });
    outbox.use(ADDRESS, "pass");
    outbox.add(decision("a"));
    await tab.pass();
    assert.deepEqual([outbox.problem.status, outbox.problem.message], [status, "The database is gone."]);
    assert.deepEqual(keptIds(tab.storage), ["a"]);
    assert.deepEqual(settled, []);
    const server = storing();
    tab.server = server.answer;
    await tab.pass(1_000);
    assert.deepEqual([server.stored.length, outbox.problem, settled.length], [1, null, 1]);
  });
}

test("an error page that is no JSON is said by its number", async () => {
  const { tab, outbox } = await open();
  tab.server = () => ({ status: 502, text: "<html>Bad gateway</html>" });
  outbox.use(ADDRESS, "pass");
  outbox.add(decision("a"));
  await tab.pass();
  assert.equal(outbox.problem.message, "The server answered 502.");
});

for (const text of ["<html>Please sign in</html>", "null", "{}"]) {
  test(`an answer of 200 that settles nothing (${text}) loses nothing and is no tight loop`, async () => {
    const { tab, outbox } = await open();
    tab.server = () => ({ status: 200, text });
    outbox.use(ADDRESS, "pass");
    outbox.add(decision("a"));
    await tab.pass(5_000);
    assert.deepEqual(keptIds(tab.storage), ["a"]);
    assert.ok(tab.requests.length > 5 && tab.requests.length <= 11);
  });
}

test("a new pass is used at once for what waits", async () => {
  const { tab, outbox } = await open();
  const server = storing();
  tab.server = (request) => (request.body.token === "old" ? { status: 403, body: {} } : server.answer(request));
  outbox.use(ADDRESS, "old");
  outbox.add(decision("a"));
  await tab.pass();
  assert.equal(outbox.problem.status, 403);
  outbox.use(ADDRESS, "old"); // the page ran again with the same pass: nothing new to try
  await tab.pass();
  assert.equal(tab.requests.length, 1);
  outbox.use(ADDRESS, "new");
  await tab.pass();
  assert.equal(server.stored.length, 1);
});

test("what is refused is settled with its reason, and the others with it", async () => {
  const { tab, outbox, settled } = await open();
  tab.server = () => ({ status: 200, body: { stored: ["b"], refused: { a: "That product is gone." } } });
  outbox.add(decision("a"));
  outbox.add(decision("b"));
  outbox.use(ADDRESS, "pass");
  await tab.pass();
  assert.deepEqual(settled.map((one) => [one.decision.id, one.refused]), [["a", "That product is gone."], ["b", null]]);
  assert.deepEqual(keptIds(tab.storage), []);
});

test("after a reload what was not sent is sent, oldest first, under the same ids", async () => {
  const before = await open();
  before.tab.server = () => Promise.reject(new Error("no network"));
  before.outbox.use(ADDRESS, "pass");
  [decision("z", 2), decision("y", 3), decision("x", 4)].forEach((one) => before.outbox.add(one));
  before.tab.storage.setItem(`${PREFIX}w`, JSON.stringify(decision("w", 1))); // of another tab
  await before.tab.pass();
  const after = await open(new Tab({ storage: before.tab.storage }));
  const server = storing();
  after.tab.server = server.answer;
  after.outbox.use(ADDRESS, "pass");
  await after.tab.pass();
  assert.deepEqual(server.stored.map((one) => one.id), ["w", "z", "y", "x"]);
  assert.deepEqual(keptIds(after.tab.storage), []);
});

test("other curators' decisions and broken entries are left where they are, and block nothing", async () => {
  const storage = newStorage();
  storage.setItem("longtail-review:Bo:out:b", JSON.stringify(decision("b")));
  storage.setItem(`${PREFIX}broken`, "{not json");
  storage.setItem(`${PREFIX}null`, "null");
  storage.setItem(`${PREFIX}a`, JSON.stringify(decision("a")));
  const { tab, outbox } = await open(new Tab({ storage }));
  assert.deepEqual([...outbox.entries.keys()], ["a"]);
  const server = storing();
  tab.server = server.answer;
  outbox.use(ADDRESS, "pass");
  await tab.pass();
  assert.deepEqual(server.stored.map((one) => one.id), ["a"]);
  assert.equal(Object.keys(storage).length, 3);
});

test("where storage is forbidden decisions are sent all the same, and the page knows", async () => {
  const { tab, outbox } = await open(new Tab({ storage: forbiddenStorage() }));
  assert.equal(outbox.kept, false);
  const server = storing();
  tab.server = server.answer;
  outbox.use(ADDRESS, "pass");
  outbox.add(decision("a"));
  await tab.pass();
  assert.deepEqual([server.stored.length, outbox.size], [1, 0]);
});

test("storage that is wiped is written again; what another tab settled is asked about again", async () => {
  const { tab, outbox } = await open();
  outbox.add(decision("a"));
  outbox.add(decision("b"));
  tab.storage.removeItem(`${PREFIX}a`);
  tab.storage.removeItem(`${PREFIX}b`);
  tab.tell("storage", { key: null, newValue: null });
  assert.deepEqual(keptIds(tab.storage), ["a", "b"]);
  tab.server = () => ({ status: 503, body: {} });
  outbox.use(ADDRESS, "pass");
  await tab.pass();
  const server = storing();
  server.stored.push(decision("a")); // by the other tab
  tab.server = server.answer;
  tab.tell("storage", { key: `${PREFIX}a`, newValue: null });
  await tab.pass();
  assert.deepEqual(server.stored.map((one) => one.id), ["a", "b"]);
  assert.equal(outbox.size, 0);
});

test("a clock that is set back does not change the order of decisions, in a later visit neither", async () => {
  const { tab, outbox } = await open();
  outbox.add(decision("judged", 90_000));
  outbox.add(decision("undone", 1_000));
  outbox.add(decision("again", 2_000));
  const later = await open(new Tab({ storage: tab.storage }));
  later.outbox.add(decision("new", 3_000));
  const last = await open(new Tab({ storage: tab.storage }));
  assert.deepEqual([...last.outbox.entries.keys()], ["judged", "undone", "again", "new"]);
});
