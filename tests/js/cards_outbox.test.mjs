// The outbox of the cards' flags: what is shown while a judgement is on its way, and that each travels until it is settled.

import assert from "node:assert/strict";
import test from "node:test";

import { Tab } from "./browser.mjs";

async function open() {
  const tab = new Tab();
  const { FlagOutbox } = await tab.load(["common.js", "cards_outbox.js"], ["FlagOutbox"]);
  return { tab, outbox: new FlagOutbox() };
}

const flag = (neighbour, verdict = "irrelevant", anchor = "a") => ({ anchor, neighbour, verdict, implied: false, release: "r1" });
const list = { anchor: "a", mine: { n1: "irrelevant", n2: "relevant" } };

test("a flag is shown before the server knows of it, and what the server has is shown otherwise", async () => {
  const { outbox } = await open();
  outbox.add(flag("n2"));
  outbox.add(flag("n9", "irrelevant", "another product"));
  assert.deepEqual(["n1", "n2", "n3", "n9"].map((id) => outbox.verdict(list, id)), ["irrelevant", "irrelevant", null, null]);
  assert.ok(outbox.waits("a") && outbox.waits("a", "n2") && !outbox.waits("a", "n1") && !outbox.waits("b"));
});

test("the last of several judgements of one neighbour holds; one that is taken back shows nothing", async () => {
  const { outbox } = await open();
  outbox.add(flag("n1", "withdrawn"));
  assert.equal(outbox.verdict(list, "n1"), null);
  outbox.add(flag("n1", "relevant"));
  assert.equal(outbox.verdict(list, "n1"), "relevant");
});

test("flags that follow one another closely travel together, in their order and with ids of their own", async () => {
  const { tab, outbox } = await open();
  const delivered = [];
  const component = {};
  for (const id of ["n1", "n2", "n3"]) {
    outbox.add(flag(id));
    outbox.deliverSoon(component, (entries) => delivered.push(entries));
    await tab.pass(50);
  }
  assert.equal(delivered.length, 0);
  await tab.pass(200);
  assert.deepEqual(delivered.map((entries) => entries.map((one) => one.neighbour)), [["n1", "n2", "n3"]]);
  assert.equal(new Set(delivered[0].map((one) => one.client_id)).size, 3);
  assert.match(delivered[0][0].client_id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});

test("what is not settled travels again under the same id with the next; what is settled never does", async () => {
  const { tab, outbox } = await open();
  const delivered = [];
  const component = {};
  const send = async (judgement) => {
    outbox.add(judgement);
    outbox.deliverSoon(component, (entries) => delivered.push(entries));
    await tab.pass(200);
  };
  await send(flag("n1"));
  await send(flag("n2"));
  const [first, both] = delivered;
  assert.deepEqual(both[0], first[0]);
  outbox.settle([first[0].client_id, "of another tab"]);
  assert.equal(outbox.waits("a", "n1"), false);
  await send(flag("n3"));
  assert.deepEqual(delivered[2].map((one) => one.neighbour), ["n2", "n3"]);
});

test("two lists of cards on one page each deliver everything: none waits for the other", async () => {
  const { tab, outbox } = await open();
  const delivered = [];
  outbox.add(flag("n1"));
  outbox.deliverSoon({}, (entries) => delivered.push(["first", entries.length]));
  outbox.add(flag("n2"));
  outbox.deliverSoon({}, (entries) => delivered.push(["second", entries.length]));
  await tab.pass(200);
  assert.deepEqual(delivered, [["first", 2], ["second", 2]]);
});

test("ids are random UUIDs where the browser has no function for them", async () => {
  const { tab } = await open();
  const { newId } = await tab.load(["common.js"], ["newId"]);
  const random = globalThis.crypto;
  globalThis.crypto = { getRandomValues: (bytes) => random.getRandomValues(bytes) };
  const ids = Array.from({ length: 200 }, newId);
  assert.ok(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)));
  assert.equal(new Set(ids).size, 200);
});
