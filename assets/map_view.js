// The two panels: draws them, moves them together, and tells what was clicked, pinned or selected.

const REACH = 11, TAP = 6, DRAG = 4;
const MOST_THUMBS = 70, THUMB = [42, 54];
const HOVER_MS = 50, AROUND = 40, MOST_AROUND = 40;
const ROOM_FOR_A_NAME = 17_000; // square pixels
const MANY = 20_000, SLOW_MS = 34, QUICK_MS = 12, MOST_LEFT_OUT = 16; // when to leave points out while the map moves
const RING = "#d23f57";

class MapView {
  constructor(frame, on) {
    Object.assign(this, { frame, on, camera: new Camera(), hidden: new Set(), chosen: new Set(), ringed: [], tool: "move", hovered: -1, pinned: -1, pointers: new Map(), names: {}, every: 1, moving: false });
    this.stages = frame.querySelector(".stages");
    this.canvas = frame.querySelector("canvas.points");
    this.marks = frame.querySelector("canvas.marks");
    this.panels = [...frame.querySelectorAll(".stage")].map((stage, place) => ({ name: stage.dataset.panel, stage, offset: place * 2, over: stage.querySelector(".over"), nodes: [] }));
    this.card = frame.querySelector(".lookup");
    this.layer = makeLayer(this);
    for (const panel of this.panels) listen(this, panel);
    this.sizes = new ResizeObserver(() => ((this.size = null), this.draw()));
    this.sizes.observe(this.stages);
  }

  setShop(shop, packed) {
    this.shop = shop;
    this.packed = packed;
    for (const panel of this.panels) panel.places = new Places(packed, panel.offset);
    this.groups = new Uint8Array(packed.length);
    this.layer.setPlaces(packed);
    this.chosen = new Set();
  }

  setColours(answer) {
    this.colours = answer;
    this.hidden = new Set();
    for (let row = 0; row < this.groups.length / 4; row++) {
      this.groups[row * 4] = answer.codes[row * 2];
      this.groups[row * 4 + 1] = answer.codes[row * 2 + 1];
    }
    this._groupsChanged();
  }

  setRinged(rows) {
    this.ringed = rows;
    this.draw();
  }

  choose(rows, panel) {
    this.chosen = new Set(rows);
    this.chosenIn = panel;
    for (let row = 0; row < this.groups.length / 4; row++) this.groups[row * 4 + 2] = 0;
    rows.forEach((row) => (this.groups[row * 4 + 2] = 1));
    this._groupsChanged();
  }

  toggle(group) {
    if (!this.hidden.delete(group)) this.hidden.add(group);
    this.draw();
  }

  isShown(row, panel) {
    return !this.hidden.has(this.groups[row * 4 + panel.offset / 2]);
  }

  zoomAll(factor) {
    if (factor === 0) Object.assign(this.camera, { x: 0, y: 0, k: 1 });
    else this.camera.zoom(this.panels[0], factor);
    this.draw();
  }

  /** Everything that is in sight on a panel and not hidden. */
  inSight(panel) {
    const [left, top] = this.camera.toWorld(panel, panel.x, panel.y);
    const [right, bottom] = this.camera.toWorld(panel, panel.x + panel.width, panel.y + panel.height);
    return panel.places.inside([[left, bottom], [right, bottom], [right, top], [left, top]], (row) => this.isShown(row, panel));
  }

  /** Draw while the camera moves: fewer points where the machine cannot keep up, and all of them once it rests. */
  move() {
    this.moving = true;
    this.draw();
  }

  draw() {
    if (this.frameAsked || !this.colours) return;
    this.frameAsked = true;
    requestAnimationFrame(() => {
      this.frameAsked = false;
      if (this.frame.isConnected) this._drawNow();
    });
  }

  _groupsChanged() {
    this.layer.setGroups(this.groups);
    this.draw();
  }

  _drawNow() {
    const began = performance.now();
    this._keepUp(began);
    if (!this.moving || !this.size) this._measure();
    if (!this.size[0]) return;
    const [width, height, ratio] = this.size;
    const palette = paletteOf(groupColours(this.colours, this.shade), this.hidden, this.packed.length > 40_000 ? 0.85 : 0.75);
    const look = { palette, choosing: this.chosen.size > 0, every: this.moving ? this.every : 1, size: pointSize(this.packed.length / 4, this.panels[0].width, this.camera.k) };
    this.layer.begin(width, height, ratio);
    for (const panel of this.panels) this.layer.panel(panel, this.camera, look);
    this.layer.end();
    this._drawMarks(width, height, ratio);
    for (const panel of this.panels) this._drawNames(panel);
    this._placeThumbs();
    this._placeCard();
    Object.assign(this.frame.dataset, { kind: this.layer.kind, painted: "yes", ms: (performance.now() - began).toFixed(1) });
  }

  /** Where the panels are, and whether the page is dark: asked of the browser while the map rests, because it then works out the page's layout. */
  _measure() {
    const outer = this.stages.getBoundingClientRect();
    for (const panel of this.panels) {
      const box = panel.stage.getBoundingClientRect();
      Object.assign(panel, { x: box.left - outer.left, y: box.top - outer.top, width: box.width, height: box.height });
    }
    this.size = [Math.round(outer.width), Math.round(outer.height), Math.min(2, Math.max(1, Math.round(devicePixelRatio || 1)))];
    this.ink = getComputedStyle(this.frame).color;
    this.shade = shadeOf(this.ink);
  }

  _keepUp(now) {
    const since = now - (this.drawnAt ?? 0), n = this.packed.length / 4;
    this.drawnAt = now;
    if (!this.moving || n < MANY) return;
    const least = this.layer.kind === "plain" ? Math.ceil(n / MANY / 2) : 1; // it takes the script's own time, and keys wait for that
    if (since > SLOW_MS && since < 600) this.every = Math.min(MOST_LEFT_OUT, this.every * 2);
    else if (since < QUICK_MS) this.every = Math.floor(this.every / 2);
    this.every = Math.max(least, this.every);
  }

  _drawMarks(width, height, ratio) {
    const { marks } = this;
    if (marks.width !== width * ratio || marks.height !== height * ratio) [marks.width, marks.height] = [width * ratio, height * ratio];
    const context = marks.getContext("2d"), dot = pointSize(this.packed.length / 4, this.panels[0].width, this.camera.k) / 2;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const looked = this.pinned >= 0 ? this.pinned : this.hovered;
    // A canvas that was only cleared goes on showing what it had where Chromium draws without a graphics card.
    marks.style.visibility = this.ringed.length || looked >= 0 || this.area ? "visible" : "hidden";
    for (const panel of this.panels) {
      context.save();
      context.beginPath();
      context.rect(panel.x, panel.y, panel.width, panel.height);
      context.clip();
      this.ringed.forEach((row, place) => ring(context, this, panel, row, dot + (place ? 2.5 : 5), RING, place ? 1.5 : 3));
      if (looked >= 0) ring(context, this, panel, looked, 9, this.ink, 2);
      if (this.area?.panel === panel) outline(context, this, panel, this.area.corners);
      context.restore();
    }
  }

  /** Names of regions: the coarse ones, and the fine ones once there is room. */
  _drawNames(panel) {
    const regions = (this.names[panel.name] ?? []).filter((region) => region.level === 0 || this.camera.k > 1.6);
    const boxes = [];
    for (const region of regions) {
      const [x, y] = this.camera.toScreen(panel, region.x, region.top);
      const wide = Math.min(region.name.length * 6.4 + 10, 190);
      const left = x - panel.x - wide / 2, top = y - panel.y - 22;
      if (left > -wide / 2 && top > 0 && left < panel.width - wide / 2 && top < panel.height - 20) boxes.push([Math.min(Math.max(left, 2), panel.width - wide - 2), top, wide, 20, region.name]);
    }
    const kept = apart(boxes).slice(0, Math.ceil((panel.width * panel.height) / ROOM_FOR_A_NAME));
    while (panel.nodes.length < kept.length) panel.nodes.push(panel.over.appendChild(element("span", "name")));
    panel.nodes.forEach((node, place) => {
      const box = kept[place];
      node.hidden = !box;
      if (!box) return;
      if (node.textContent !== box[4]) node.textContent = box[4];
      if (node.style.width !== `${box[2]}px`) node.style.width = `${box[2]}px`;
      node.style.transform = `translate(${box[0]}px, ${box[1]}px)`;
    });
  }

  /** Pictures instead of points where few enough are in sight. Those that are here move along; others come when the map rests. */
  _placeThumbs() {
    clearTimeout(this.resting);
    for (const panel of this.panels) {
      for (const [row, node] of panel.thumbs ?? []) {
        const [x, y] = this.camera.toScreen(panel, panel.places.x(row), panel.places.y(row));
        node.style.transform = `translate(${x - panel.x - THUMB[0] / 2}px, ${y - panel.y - THUMB[1] / 2}px)`;
      }
    }
    this.resting = setTimeout(() => {
      if (this.moving && this.every > 1) this.draw();
      this.moving = false;
      this._chooseThumbs();
    }, 160);
  }

  _chooseThumbs() {
    for (const panel of this.panels) {
      const seen = panel.width && this.camera.k > 1 ? this.inSight(panel) : [];
      const boxes = seen.length > 900 ? [] : apart(this._thumbBoxes(panel, seen)).slice(0, MOST_THUMBS);
      const rows = boxes.map((box) => box[4]);
      panel.stage.classList.toggle("nothing", this.camera.k > 1 && seen.length === 0);
      const dense = rows.length && seen.length / rows.length > 14; // pictures of a few among very many hide the map
      this._showThumbs(panel, dense ? [] : rows);
    }
  }

  _thumbBoxes(panel, rows) {
    const first = rows.filter((row) => this.chosen.has(row) || this.ringed.includes(row));
    return [...first, ...rows].map((row) => {
      const [x, y] = this.camera.toScreen(panel, panel.places.x(row), panel.places.y(row));
      return [x - panel.x - THUMB[0] / 2, y - panel.y - THUMB[1] / 2, ...THUMB, row];
    });
  }

  _showThumbs(panel, rows) {
    const before = panel.thumbs ?? new Map();
    panel.thumbs = new Map();
    for (const row of rows) {
      const product = this.shop.facts.get(row);
      if (!product?.image) continue;
      const node = before.get(row) ?? thumb(product);
      before.delete(row);
      panel.thumbs.set(row, node);
      if (!node.isConnected) panel.over.prepend(node);
      const [x, y] = this.camera.toScreen(panel, panel.places.x(row), panel.places.y(row));
      node.style.transform = `translate(${x - panel.x - THUMB[0] / 2}px, ${y - panel.y - THUMB[1] / 2}px)`;
    }
    before.forEach((node) => node.remove());
    this.shop.fetchFacts(rows, () => this._chooseThumbs());
  }

  // --- the card of one product -------------------------------------------------------------------------------------

  look(row, panel, pinned) {
    if (!pinned && this.pinned >= 0) return;
    if (row === (pinned ? this.pinned : this.hovered)) return;
    this.hovered = pinned ? -1 : row;
    this.pinned = pinned ? row : -1;
    this.lookedIn = panel;
    this._fillCard();
    clearTimeout(this.asking);
    if (row >= 0 && !this.shop.facts.has(row)) this.asking = setTimeout(() => this._ask(row, panel), pinned ? 0 : HOVER_MS);
    this.draw();
  }

  /** Ask for a product's facts, and for those of the products around it: whoever hovers goes on to them. */
  _ask(row, panel) {
    const [x, y] = [panel.places.x(row), panel.places.y(row)], reach = AROUND / this.camera.scale(panel), near = [];
    panel.places.within(x - reach, y - reach, x + reach, y + reach, (one) => near.push(one));
    this.shop.fetchFacts([row, ...near.filter((one) => one !== row).slice(0, MOST_AROUND)], () => this._fillCard());
  }

  _fillCard() {
    const row = this.pinned >= 0 ? this.pinned : this.hovered;
    const product = row >= 0 ? this.shop.facts.get(row) : null;
    this.card.hidden = !product;
    if (!product) return;
    this.card.replaceChildren(...lookupCard(product, this.pinned >= 0, this.on, () => this.look(-1, null, true)));
    this.card.classList.toggle("pinned", this.pinned >= 0);
    if (this.pinned >= 0 && this.byKeyboard) this.card.querySelector("a").focus();
    this._placeCard();
  }

  _placeCard() {
    const row = this.pinned >= 0 ? this.pinned : this.hovered, panel = this.lookedIn;
    if (row < 0 || !panel || this.card.hidden) return;
    const [x, y] = this.camera.toScreen(panel, panel.places.x(row), panel.places.y(row));
    const { offsetWidth: wide, offsetHeight: high } = this.card;
    const left = x + 18 + wide > this.stages.clientWidth ? x - wide - 18 : x + 18;
    const most = this.stages.clientHeight - high - 4;
    this.card.style.transform = `translate(${Math.max(4, Math.min(left, this.stages.clientWidth - wide - 4))}px, ${Math.max(4, Math.min(y - high / 2, most))}px)`;
  }
}

function makeLayer(view) {
  const lost = () => {
    const canvas = element("canvas", "points");
    view.canvas.replaceWith(canvas);
    view.canvas = canvas;
    view.layer = pointsLayer(canvas, true);
    if (view.packed) view.layer.setPlaces(view.packed), view.layer.setGroups(view.groups);
    view.draw();
  };
  view.canvas.addEventListener("webglcontextlost", lost, { once: true });
  try {
    return pointsLayer(view.canvas, false);
  } catch {
    const canvas = element("canvas", "points"); // one that has given a WebGL context gives no other
    view.canvas.replaceWith(canvas);
    view.canvas = canvas;
    return pointsLayer(canvas, true);
  }
}

function ring(context, view, panel, row, radius, colour, width) {
  if (!panel.places.has(row)) return;
  const [x, y] = view.camera.toScreen(panel, panel.places.x(row), panel.places.y(row));
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.lineWidth = width;
  context.strokeStyle = colour;
  context.stroke();
}

function outline(context, view, panel, corners) {
  context.beginPath();
  corners.forEach(([x, y]) => context.lineTo(...view.camera.toScreen(panel, x, y)));
  context.closePath();
  context.fillStyle = "rgb(46 139 123 / 14%)";
  context.strokeStyle = "rgb(46 139 123)";
  context.lineWidth = 1.5;
  context.fill();
  context.stroke();
}

function thumb(product) {
  const image = element("img", "thumb");
  image.alt = "";
  image.decoding = "async";
  image.src = product.image;
  image.addEventListener("error", () => image.remove(), { once: true });
  return image;
}

function lookupCard(product, pinned, on, close) {
  const picture = element("span", "picture");
  if (product.image) {
    const image = element("img");
    image.alt = "";
    image.src = product.image;
    image.addEventListener("error", () => image.replaceWith(initial(product)), { once: true });
    picture.appendChild(image);
  } else {
    picture.appendChild(initial(product));
  }
  const facts = element("span", "facts");
  facts.append(element("strong", "", product.title), element("span", "", [product.brand, product.price].filter(Boolean).join(" · ")), element("span", "", [product.count, product.note].filter(Boolean).join(" · ")));
  if (!pinned) {
    facts.appendChild(element("span", "hint", "Click to open"));
    return [picture, facts];
  }
  const open = element("a", "button", "Open product");
  open.href = product.href;
  open.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    on.open(product.item_id);
  });
  const similar = element("button", "button", "Ring similar items");
  similar.type = "button";
  similar.addEventListener("click", () => (close(), on.near(product.item_id)));
  const shut = element("button", "close", "×");
  shut.type = "button";
  shut.setAttribute("aria-label", "Close");
  shut.addEventListener("click", close);
  const buttons = element("span", "buttons");
  buttons.append(open, similar);
  facts.appendChild(buttons);
  return [picture, facts, shut];
}

function shadeOf(ink) {
  const [red, green, blue] = (ink.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
  return red + green + blue > 384 ? "dark" : "light"; // light text stands on a dark page
}
