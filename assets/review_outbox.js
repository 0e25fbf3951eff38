// The outbox of the Review page: decisions on their way to the store. One entry in the browser's storage for each, so
// that two tabs never overwrite one another; removed only when the server says that it has stored or refused it.

const BATCH = 20;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15000;
const PATIENCE_MS = 20000;

class Outbox {
  /** `prefix` names whose decisions these are; `onChange(settled)` hears of every change, with what was just settled. */
  constructor(prefix, onChange) {
    this.prefix = prefix;
    this.onChange = onChange;
    this.entries = new Map();
    this.newest = 0; // when the last one was decided: a clock that is set back must not change their order
    this.problem = null;
    this.kept = true;
    this.sending = false;
    this.wait = FIRST_WAIT_MS;
    this.credentials = null;
    this.adopt();
    addEventListener("online", () => this.hurry());
    addEventListener("storage", (event) => this.seenElsewhere(event));
  }

  get size() {
    return this.entries.size;
  }

  /** Where to send, and with which token; what waits is sent at once. */
  use(url, token) {
    if (this.credentials?.token === token && this.credentials?.url === url) return;
    this.credentials = { url, token };
    this.hurry();
  }

  add(decision) {
    if (decision.at < this.newest) decision.at = this.newest + 1;
    this.newest = decision.at;
    this.entries.set(decision.id, decision);
    this.keep(decision);
    this.onChange([]);
    this.hurry();
  }

  hurry() {
    clearTimeout(this.timer);
    this.wait = FIRST_WAIT_MS;
    this.flush();
  }

  async flush() {
    if (this.sending || !this.entries.size || !this.credentials) return;
    this.sending = true;
    const batch = [...this.entries.values()].slice(0, BATCH);
    const answer = await post(this.credentials.url, { token: this.credentials.token, decisions: batch });
    this.sending = false;
    if (answer.failed) {
      this.problem = answer;
      this.onChange([]);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.flush(), this.wait);
      this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
      return;
    }
    this.problem = null;
    this.wait = FIRST_WAIT_MS;
    const stored = new Set(answer.stored ?? []);
    const settled = [];
    for (const decision of batch) {
      const refused = answer.refused?.[decision.id];
      if (stored.has(decision.id) || refused) {
        settled.push({ decision, refused: refused ?? null });
        this.drop(decision.id);
      }
    }
    this.onChange(settled, answer.progress);
    // A server that settles nothing is asked again, but not in a tight loop.
    if (this.entries.size) this.timer = setTimeout(() => this.flush(), settled.length ? 0 : FIRST_WAIT_MS);
  }

  /** Take up what an earlier visit, or a tab that was closed, left behind. */
  adopt() {
    try {
      const found = Object.keys(localStorage)
        .filter((key) => key.startsWith(this.prefix))
        .map((key) => readDecision(localStorage.getItem(key)))
        .filter((decision) => decision !== null)
        .sort((a, b) => a.at - b.at);
      for (const decision of found) this.entries.set(decision.id, decision);
      this.newest = found.at(-1)?.at ?? 0;
    } catch {
      this.kept = false; // storage is forbidden here
    }
  }

  keep(decision) {
    try {
      localStorage.setItem(this.prefix + decision.id, JSON.stringify(decision));
    } catch {
      this.kept = false;
    }
  }

  drop(id) {
    this.entries.delete(id);
    try {
      localStorage.removeItem(this.prefix + id);
    } catch {
      this.kept = false;
    }
  }

  /** Another tab settled one of ours. Storage that was wiped is not the same: then it is written again. */
  seenElsewhere(event) {
    if (event.key === null) for (const decision of this.entries.values()) this.keep(decision);
    if (!event.key?.startsWith(this.prefix) || event.newValue !== null) return;
    const decision = this.entries.get(event.key.slice(this.prefix.length));
    // Our own request will learn the answer; only what nobody here is sending is forgotten.
    if (decision && !this.sending) this.hurry();
  }
}

/** A decision as it was kept; null for what is not one, so that it keeps no other from being sent. */
function readDecision(text) {
  try {
    const decision = JSON.parse(text);
    return decision?.id ? decision : null;
  } catch {
    return null;
  }
}

/** The server's answer, or `{failed, status, message}`; never throws. */
async function post(url, body) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
  try {
    const response = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: stop.signal,
    });
    const answer = (await response.json().catch(() => null)) ?? {};
    if (response.ok) return answer;
    return { failed: true, status: response.status, message: answer.error ?? `The server answered ${response.status}.` };
  } catch {
    return { failed: true, status: 0, message: "No connection to the dashboard." };
  } finally {
    clearTimeout(timer);
  }
}
