// Where things lie on the map: the camera, what is nearest, what is inside an area. Draws nothing.

const NOWHERE = 65535;
const MOST_ZOOM = 60;
const CELLS = 128;

/** World coordinates are -1..1; `k` is the zoom, 1 shows everything. All panels look through the same camera. */
class Camera {
  constructor(x = 0, y = 0, k = 1) {
    Object.assign(this, { x, y, k });
  }

  scale(panel) {
    return (Math.min(panel.width, panel.height) / 2) * 0.94 * this.k;
  }

  toScreen(panel, x, y) {
    const scale = this.scale(panel);
    return [panel.x + panel.width / 2 + (x - this.x) * scale, panel.y + panel.height / 2 - (y - this.y) * scale];
  }

  toWorld(panel, px, py) {
    const scale = this.scale(panel);
    return [this.x + (px - panel.x - panel.width / 2) / scale, this.y - (py - panel.y - panel.height / 2) / scale];
  }

  pan(panel, dx, dy) {
    const scale = this.scale(panel);
    this.x -= dx / scale;
    this.y += dy / scale;
    this.settle();
  }

  /** Zoom so that what lies under a point of the screen stays there. */
  zoom(panel, factor, px = panel.x + panel.width / 2, py = panel.y + panel.height / 2) {
    const [x, y] = this.toWorld(panel, px, py);
    this.k = Math.min(MOST_ZOOM, Math.max(1, this.k * factor));
    const [nowX, nowY] = this.toWorld(panel, px, py);
    this.x += x - nowX;
    this.y += y - nowY;
    this.settle();
  }

  /** Keep part of the map in sight. */
  settle() {
    const most = 1.1 - 1 / this.k / 2;
    this.x = Math.min(most, Math.max(-most, this.x));
    this.y = Math.min(most, Math.max(-most, this.y));
    if (this.k === 1) this.x = this.y = 0;
  }
}

/** The places of one panel: (n, 4) uint16 of all panels, and where this panel's two begin. */
class Places {
  constructor(packed, offset) {
    this.packed = packed;
    this.offset = offset;
    this.n = packed.length / 4;
    this.count = 0;
    this._sort();
  }

  has(row) {
    return this.packed[row * 4 + this.offset] !== NOWHERE;
  }

  x(row) {
    return (this.packed[row * 4 + this.offset] / 65534) * 2 - 1;
  }

  y(row) {
    return (this.packed[row * 4 + this.offset + 1] / 65534) * 2 - 1;
  }

  /** Rows by cell of a grid, so that what is near is found without looking at everything. */
  _sort() {
    const start = new Int32Array(CELLS * CELLS + 1);
    for (let row = 0; row < this.n; row++) {
      if (!this.has(row)) continue;
      this.count++;
      start[this._cell(this.x(row), this.y(row)) + 1]++;
    }
    for (let cell = 0; cell < CELLS * CELLS; cell++) start[cell + 1] += start[cell];
    const next = start.slice();
    this.rows = new Int32Array(this.count);
    for (let row = 0; row < this.n; row++) {
      if (this.has(row)) this.rows[next[this._cell(this.x(row), this.y(row))]++] = row;
    }
    this.start = start;
  }

  _cell(x, y) {
    return column(y) * CELLS + column(x);
  }

  /** Calls `visit(row)` for every row in a rectangle of the world. */
  within(left, bottom, right, top, visit) {
    for (let line = column(bottom); line <= column(top); line++) {
      const first = this.start[line * CELLS + column(left)], last = this.start[line * CELLS + column(right) + 1];
      for (let place = first; place < last; place++) {
        const row = this.rows[place], x = this.x(row), y = this.y(row);
        if (x >= left && x <= right && y >= bottom && y <= top) visit(row, x, y);
      }
    }
  }

  /** The nearest row that is shown, at most `reach` away; -1 where there is none. */
  nearest(x, y, reach, isShown) {
    let best = -1, least = reach * reach;
    this.within(x - reach, y - reach, x + reach, y + reach, (row, rowX, rowY) => {
      const distance = (rowX - x) ** 2 + (rowY - y) ** 2;
      if (distance <= least && isShown(row)) [best, least] = [row, distance];
    });
    return best;
  }

  /** The rows inside a polygon [[x, y], ...] that are shown, ascending. */
  inside(polygon, isShown) {
    const xs = polygon.map((corner) => corner[0]), ys = polygon.map((corner) => corner[1]);
    const found = [];
    this.within(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (row, x, y) => {
      if (isShown(row) && isInside(polygon, x, y)) found.push(row);
    });
    return found.sort((one, other) => one - other);
  }
}

function column(value) {
  return Math.min(CELLS - 1, Math.max(0, Math.floor(((value + 1) / 2) * CELLS)));
}

/** Whether a point lies in a polygon: a ray from it crosses the edges an odd number of times. */
function isInside(polygon, x, y) {
  let inside = false;
  for (let one = 0, last = polygon.length - 1; one < polygon.length; last = one++) {
    const [x1, y1] = polygon[one], [x2, y2] = polygon[last];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}

/** Rows as base64 of one bit each, the first row in the highest bit of the first byte. */
function toBits(rows, n) {
  const bytes = new Uint8Array(Math.ceil(n / 8));
  for (const row of rows) bytes[row >> 3] |= 128 >> (row & 7);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** The rows that `toBits` packed. */
function fromBits(text) {
  const rows = [];
  [...atob(text)].forEach((letter, place) => {
    for (let bit = 0, byte = letter.charCodeAt(0); bit < 8; bit++) if (byte & (128 >> bit)) rows.push(place * 8 + bit);
  });
  return rows;
}

/** Of boxes [left, top, width, height, ...] in order of importance, those that overlap none before them. */
function apart(boxes) {
  const kept = [];
  for (const box of boxes) {
    const [left, top, width, height] = box;
    if (kept.every(([x, y, w, h]) => left >= x + w || left + width <= x || top >= y + h || top + height <= y)) kept.push(box);
  }
  return kept;
}
