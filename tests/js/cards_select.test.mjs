// Selecting cards: ranges, pages that are not on screen, and who has the last word.

import assert from "node:assert/strict";
import test from "node:test";

import { Tab } from "./browser.mjs";

async function open() {
  const { Selection } = await new Tab().load(["common.js", "cards_select.js"], ["Selection"]);
  return new Selection();
}

const page = ["a", "b", "c", "d", "e"];
const chosen = (selection) => [...selection.chosen].sort();

test("a range goes from the card before to this one, in either direction, on and off", async () => {
  const selection = await open();
  selection.set("b", true);
  selection.set("d", true, page);
  assert.deepEqual(chosen(selection), ["b", "c", "d"]);
  selection.set("a", true, page);
  assert.deepEqual(chosen(selection), ["a", "b", "c", "d"]);
  selection.set("c", false, page);
  assert.deepEqual(chosen(selection), ["d"]);
});

test("a range that begins on another page is the one card", async () => {
  const selection = await open();
  selection.set("x", true);
  selection.set("d", true, page);
  assert.deepEqual(chosen(selection), ["d", "x"]);
});

test("what the server says again does not undo what was chosen since; what it sets anew does", async () => {
  const selection = await open();
  selection.adopt({ chosen: ["x"], version: 0 });
  selection.set("a", true);
  selection.adopt({ chosen: ["x"], version: 0 });
  assert.deepEqual(chosen(selection), ["a", "x"]);
  selection.adopt({ chosen: [], version: 1 });
  assert.deepEqual(chosen(selection), []);
  selection.adopt(null);
  selection.all(page);
  assert.deepEqual(chosen(selection), page);
  selection.clear();
  assert.deepEqual(chosen(selection), []);
});
