// Stands for assets/review_view.js where a test is about what a session remembers and sends, not about what it draws.

function node() {
  const methods = { querySelector: () => null, contains: () => false, closest: () => null };
  const own = { parentNode: null, style: {}, dataset: {}, isConnected: true, classList: { toggle() {} }, ...methods };
  return new Proxy(own, {
    get(target, name) {
      if (name === "firstChild") return (target.firstChild ??= node());
      return name in target ? target[name] : () => undefined;
    },
  });
}

function drawFrame() {
  const parts = new Proxy({}, { get: (target, name) => (target[name] ??= node()) });
  for (const name of ["submit", "skip"]) {
    const label = node();
    parts[name].querySelector = () => label;
  }
  return parts;
}

globalThis.document = { createElement: () => node(), addEventListener() {}, removeEventListener() {} };

const drawCard = (card) => ({ pair: card.neighbours.length === 1, anchor: [], others: [], list: node() });
const showMarks = () => {};
const showWhy = () => {};
const showHistory = () => {};
const keyOf = (position) => String((position + 1) % 10);
