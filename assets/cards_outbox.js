// The outbox of the cards' flags: judgements on their way to the server, kept until it says that it has stored or refused
// them. What is not settled travels again with the next judgement, under the same id, which stores nothing twice.

const TOGETHER_MS = 120;

class FlagOutbox {
  constructor() {
    this.entries = new Map(); // client id -> judgement
  }

  /** Take up a judgement, {anchor, neighbour, verdict, implied, release}, under an id of its own. */
  add(judgement) {
    const id = newId();
    this.entries.set(id, { client_id: id, ...judgement });
  }

  /** Forget what the server has stored, or has refused and told the person about. */
  settle(ids) {
    ids.forEach((id) => this.entries.delete(id));
  }

  /** The verdict to show for a neighbour: what is on its way to the server, else what the server has. */
  verdict(judging, itemId) {
    const last = this.onTheirWay(judging.anchor, itemId).pop();
    if (!last) return judging.mine[itemId] ?? null;
    return last.verdict === "withdrawn" ? null : last.verdict;
  }

  /** Whether the server has yet to confirm a judgement of this anchor's list, or of one neighbour in it. */
  waits(anchor, itemId = null) {
    return this.onTheirWay(anchor, itemId).length > 0;
  }

  onTheirWay(anchor, itemId) {
    return [...this.entries.values()].filter((e) => e.anchor === anchor && (itemId === null || e.neighbour === itemId));
  }

  /** Hand everything to `deliver` in a moment; what one list, `state`, adds until then travels with it. */
  deliverSoon(state, deliver) {
    clearTimeout(state.waiting);
    state.waiting = setTimeout(() => deliver([...this.entries.values()]), TOGETHER_MS);
  }
}
