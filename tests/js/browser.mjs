// A browser of a few dozen lines: storage, a clock that only the test moves, a server that answers what it is told to,
// and the scripts of assets/ joined as the dashboard joins them.

import { readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";

const ASSETS = new URL("../../assets/", import.meta.url);
const turn = setImmediate; // kept before any test replaces the timers
let loads = 0;

/** A tab of a browser. `storage` and `session` outlive a reload: hand them to the tab that comes after. */
export class Tab {
  constructor({ storage = newStorage(), session = newStorage() } = {}) {
    this.storage = storage;
    this.session = session;
    this.now = 1_000_000;
    this.timers = [];
    this.listeners = new Map();
    this.requests = []; // what was sent: {url, body}
    this.server = () => ({ status: 200, body: {} });
    this.enter();
  }

  /** Make this tab the one that scripts see. */
  enter() {
    const tab = this;
    const globals = {
      localStorage: this.storage,
      sessionStorage: this.session,
      addEventListener: (name, listener) => tab.listeners.set(name, [...(tab.listeners.get(name) ?? []), listener]),
      fetch: (url, options) => tab.fetch(url, options),
      setTimeout: (run, after = 0) => tab.later(run, after),
      clearTimeout: (timer) => (tab.timers = tab.timers.filter((one) => one !== timer)),
      performance: { now: () => tab.now },
      crypto: webcrypto,
      innerWidth: 1300,
    };
    for (const [name, value] of Object.entries(globals)) {
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
    Date.now = () => tab.now;
  }

  /** The names that these files of assets/ define, run together in this tab; `extra` is script that follows them. */
  async load(files, names, extra = "") {
    const scripts = files.map((file) => readFileSync(new URL(file, ASSETS), "utf8"));
    const text = [...scripts, extra, `export { ${names.join(", ")} }; // ${(loads += 1)}`].join("\n");
    return import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
  }

  later(run, after) {
    const timer = { run, at: this.now + after };
    this.timers.push(timer);
    return timer;
  }

  /** Let this much time pass: timers run in their order, and answers arrive. */
  async pass(milliseconds = 0) {
    const end = this.now + milliseconds;
    await settle();
    for (;;) {
      const due = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.timers = this.timers.filter((timer) => timer !== due);
      this.now = Math.max(this.now, due.at);
      due.run();
      await settle();
    }
    this.now = end;
  }

  /** Tell the listeners of an event of the window. */
  tell(name, event = {}) {
    for (const listener of this.listeners.get(name) ?? []) listener(event);
  }

  async fetch(url, { body, signal }) {
    const request = { url, body: JSON.parse(body) };
    this.requests.push(request);
    const answer = await Promise.race([
      this.server(request, this.requests.length),
      new Promise((_, refuse) => signal.addEventListener("abort", () => refuse(new Error("aborted")))),
    ]);
    const { status, body: content, text } = answer;
    return {
      status,
      ok: status >= 200 && status < 300,
      json: async () => (text === undefined ? content : JSON.parse(text)),
    };
  }
}

/** What localStorage is to scripts: its entries are its own keys. */
export function newStorage() {
  return Object.create({
    getItem(key) {
      return Object.hasOwn(this, key) ? this[key] : null;
    },
    setItem(key, value) {
      this[key] = String(value);
    },
    removeItem(key) {
      delete this[key];
    },
  });
}

/** Storage of a browser that forbids it. */
export function forbiddenStorage() {
  const refuse = () => {
    throw new Error("SecurityError");
  };
  return new Proxy({}, { get: refuse, set: refuse, ownKeys: refuse, deleteProperty: refuse });
}

/** A server that stores every decision it is sent, once each, and remembers them in order. */
export function storing() {
  const stored = [];
  const answer = ({ body }) => {
    for (const decision of body.decisions) if (!stored.some((one) => one.id === decision.id)) stored.push(decision);
    return { status: 200, body: { stored: body.decisions.map((one) => one.id), progress: { mine: stored.length } } };
  };
  return { stored, answer };
}

/** Promises that wait for nothing but one another are through. */
async function settle() {
  for (let round = 0; round < 5; round += 1) await new Promise((done) => turn(done));
}
