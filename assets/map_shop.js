// What the map asks the server for: places, groups, names, and the facts of products that somebody looks at.

class MapShop {
  constructor(urls, version, onStale) {
    Object.assign(this, { urls, version, onStale });
    this.facts = new Map(); // row -> what its card shows, or null while it is on its way
    this.waiting = [];
  }

  async points() {
    return new Uint16Array(await (await this._get(this.urls.points)).arrayBuffer());
  }

  async colours(by) {
    const answer = await (await this._get(this.urls.colours, { by })).json();
    answer.codes = Uint8Array.from(atob(answer.codes), (letter) => letter.charCodeAt(0));
    return answer;
  }

  async regions() {
    return (await this._get(this.urls.regions)).json();
  }

  /** The facts of these rows that are not here yet, asked for a hundred at a time; then `done()`. */
  fetchFacts(rows, done) {
    const missing = rows.filter((row) => !this.facts.has(row)).slice(0, 100);
    if (!missing.length) return;
    missing.forEach((row) => this.facts.set(row, null));
    this._get(this.urls.products, { rows: missing.join(",") })
      .then((answer) => answer.json())
      .then((answer) => answer.products.forEach((product) => this.facts.set(product.row, product)))
      .catch(() => missing.forEach((row) => this.facts.delete(row)))
      .finally(done);
  }

  async find(text) {
    const answer = await fetch(`${this.urls.find}?${new URLSearchParams({ q: text, limit: "8" })}`);
    return answer.ok ? (await answer.json()).products : [];
  }

  async _get(url, query = {}) {
    const answer = await fetch(`${url}?${new URLSearchParams({ v: this.version, ...query })}`);
    if (answer.status === 409) this.onStale();
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
    return answer;
  }
}
