// The map's geometry: the camera keeps what lies under the pointer, what is near is found, areas hold what lies in them.

import assert from "node:assert/strict";
import test from "node:test";

import { Tab } from "./browser.mjs";

const PANEL = { x: 100, y: 20, width: 600, height: 400 };
const { Camera, Places, apart, fromBits, isInside, toBits } = await new Tab().load(["map_geometry.js"], ["Camera", "Places", "apart", "fromBits", "isInside", "toBits"]);
const at = (value) => Math.round(((value + 1) / 2) * 65534);
const places = (...points) => new Places(Uint16Array.from(points.flatMap((point) => (point ? [0, 0, at(point[0]), at(point[1])] : [0, 0, 65535, 65535]))), 2);
const all = () => true;

test("a place on the screen is the place in the world that it shows", () => {
  const camera = new Camera(0.2, -0.1, 3);
  const [x, y] = camera.toWorld(PANEL, ...camera.toScreen(PANEL, 0.25, 0.3));
  assert.ok(Math.abs(x - 0.25) < 1e-9 && Math.abs(y - 0.3) < 1e-9);
  assert.deepEqual(new Camera().toScreen(PANEL, 0, 0), [400, 220]);
});

test("zooming keeps what lies under the pointer, and whoever zooms out sees everything in the middle", () => {
  const camera = new Camera();
  const before = camera.toWorld(PANEL, 450, 200);
  camera.zoom(PANEL, 2.5, 450, 200);
  const after = camera.toWorld(PANEL, 450, 200);
  assert.ok(Math.hypot(after[0] - before[0], after[1] - before[1]) < 1e-9);
  camera.pan(PANEL, 1e6, -1e6);
  assert.ok(Math.abs(camera.x) <= 1.1 && Math.abs(camera.y) <= 1.1);
  camera.zoom(PANEL, 1e-6);
  assert.deepEqual([camera.x, camera.y, camera.k], [0, 0, 1]);
  camera.zoom(PANEL, 1e9);
  assert.equal(camera.k, 60);
});

test("the nearest product that is shown is found, and none beyond reach or without a place", () => {
  const panel = places([0.5, 0.5], [0.52, 0.5], null, [-0.9, 0.9]);
  assert.equal(panel.count, 3);
  assert.equal(panel.nearest(0.515, 0.5, 0.05, all), 1);
  assert.equal(panel.nearest(0.515, 0.5, 0.05, (row) => row !== 1), 0);
  assert.equal(panel.nearest(0, 0, 0.1, all), -1);
  assert.equal(panel.has(2), false);
});

test("the nearest is the nearest wherever cells of the grid end", () => {
  let seed = 7;
  const random = () => ((seed = (seed * 16807) % 2147483647) / 2147483647) * 2 - 1;
  const points = Array.from({ length: 500 }, () => [random(), random()]);
  const panel = places(...points);
  for (let turn = 0; turn < 200; turn++) {
    const [x, y] = [random(), random()];
    const found = panel.nearest(x, y, 0.3, all);
    const distance = (row) => Math.hypot(panel.x(row) - x, panel.y(row) - y);
    const best = Math.min(...points.map((_, row) => distance(row)));
    if (best > 0.3) assert.equal(found, -1);
    else assert.ok(Math.abs(distance(found) - best) < 1e-12);
  }
});

test("an area holds what lies in it, dents left out, and hidden products are in none", () => {
  const panel = places([0, 0], [0.45, 0.4], [0.9, 0.9], null);
  const square = [[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]];
  assert.deepEqual(panel.inside(square, all), [0, 1]);
  assert.deepEqual(panel.inside(square, (row) => row !== 0), [1]);
  const dented = [[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [0, -0.2], [-0.5, 0.5]];
  assert.deepEqual(panel.inside(dented, all), [1]);
  assert.ok(!isInside(square, 0.6, 0));
});

test("rows travel as bits", () => {
  assert.deepEqual([...Buffer.from(toBits([0, 9, 15], 17), "base64")], [128, 65, 0]);
  assert.deepEqual(fromBits(toBits([0, 9, 15, 16], 17)), [0, 9, 15, 16]);
});

test("of boxes that overlap the first is kept", () => {
  assert.deepEqual(apart([[0, 0, 10, 10, "a"], [5, 5, 10, 10, "b"], [10, 0, 5, 5, "c"]]).map((box) => box[4]), ["a", "c"]);
});
