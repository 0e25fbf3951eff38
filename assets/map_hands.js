// What hands do to a panel: drag, scroll, pinch, click, tap, draw an area, and all of it by keys.

function listen(view, panel) {
  const { stage } = panel;
  const at = (event) => {
    const box = view.stages.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const pick = (event, reach) => {
    if (!view.colours) return -1;
    const [x, y] = view.camera.toWorld(panel, ...at(event));
    return panel.places.nearest(x, y, reach / view.camera.scale(panel), (row) => view.isShown(row, panel));
  };
  let from = null;

  stage.addEventListener("pointerdown", (event) => {
    if (!view.colours || event.button !== 0) return;
    view.pointers.set(event.pointerId, at(event));
    stage.setPointerCapture(event.pointerId);
    view.byKeyboard = false;
    if (view.pointers.size > 1) {
      [from, view.area] = [null, null];
      return;
    }
    const tool = event.shiftKey && view.tool === "move" ? "box" : view.tool;
    from = { point: at(event), last: at(event), tool, far: false };
  });
  stage.addEventListener("pointermove", (event) => {
    if (view.pointers.size === 2 && view.pointers.has(event.pointerId)) return pinch(view, panel, event, at(event));
    if (!from) {
      if (event.pointerType === "mouse") view.look(pick(event, REACH), panel, false);
      return;
    }
    const [x, y] = at(event);
    from.far ||= Math.hypot(x - from.point[0], y - from.point[1]) > (event.pointerType === "mouse" ? DRAG : TAP);
    if (!from.far) return;
    view.look(-1, panel, false);
    if (from.tool === "move") view.camera.pan(panel, x - from.last[0], y - from.last[1]);
    else view.area = { panel, corners: grown(view, panel, from, [x, y]) };
    from.last = [x, y];
    view.move();
  });
  stage.addEventListener("pointerup", (event) => {
    view.pointers.delete(event.pointerId);
    const [done, area] = [from, view.area];
    [from, view.area] = [null, null];
    if (!done) return;
    if (done.far) {
      if (area) selectRows(view, panel, panel.places.inside(area.corners, (row) => view.isShown(row, panel)));
      return view.draw();
    }
    const row = pick(event, event.pointerType === "mouse" ? REACH : REACH * 2);
    if (row < 0 || event.pointerType !== "mouse") return view.look(row, panel, true);
    const product = view.shop.facts.get(row);
    if (product) view.on.open(product.item_id);
    else view.look(row, panel, true);
  });
  stage.addEventListener("pointercancel", (event) => {
    view.pointers.delete(event.pointerId);
    [from, view.area] = [null, null];
    view.draw();
  });
  stage.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && !from && view.look(-1, panel, false));
  stage.addEventListener(
    "wheel",
    (event) => {
      if (!view.colours || (view.camera.k === 1 && event.deltaY > 0)) return; // nothing to zoom out of: the page scrolls
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      view.camera.zoom(panel, Math.exp((-event.deltaY * lines) / (event.ctrlKey ? 90 : 420)), ...at(event));
      view.move();
    },
    { passive: false },
  );
  stage.addEventListener("keydown", (event) => pressed(view, panel, event));
}

/** Select these rows, or nothing where there are none. */
function selectRows(view, panel, rows) {
  view.choose(rows, panel.name);
  view.on.choose(rows, panel.name);
}

function grown(view, panel, from, [x, y]) {
  const corner = view.camera.toWorld(panel, x, y);
  if (from.tool === "lasso") return [...(view.area?.corners ?? [view.camera.toWorld(panel, ...from.point)]), corner];
  const [left, top] = view.camera.toWorld(panel, ...from.point);
  return [[left, top], [corner[0], top], corner, [left, corner[1]]];
}

function pinch(view, panel, event, point) {
  const other = [...view.pointers].find(([id]) => id !== event.pointerId)[1], before = view.pointers.get(event.pointerId);
  const middle = [(other[0] + point[0]) / 2, (other[1] + point[1]) / 2];
  const apartNow = Math.hypot(other[0] - point[0], other[1] - point[1]), apartThen = Math.hypot(other[0] - before[0], other[1] - before[1]);
  view.camera.zoom(panel, apartNow / Math.max(apartThen, 1), ...middle);
  view.camera.pan(panel, (point[0] - before[0]) / 2, (point[1] - before[1]) / 2);
  view.pointers.set(event.pointerId, point);
  view.move();
}

function pressed(view, panel, event) {
  if (!view.colours || event.ctrlKey || event.metaKey || event.altKey) return;
  const steps = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
  if (steps[event.key]) view.camera.pan(panel, ...steps[event.key]);
  else if (event.key === "+" || event.key === "=") view.camera.zoom(panel, 1.5);
  else if (event.key === "-") view.camera.zoom(panel, 1 / 1.5);
  else if (event.key === "0") view.zoomAll(0);
  else if (event.key === "Enter") {
    view.byKeyboard = true;
    const row = panel.places.nearest(view.camera.x, view.camera.y, 2, (one) => view.isShown(one, panel));
    view.look(row, panel, true);
  } else if (event.key === "Escape" && view.pinned >= 0) view.look(-1, panel, true);
  else if (event.key === "Escape" && view.chosen.size) selectRows(view, panel, []);
  else return;
  event.preventDefault();
  event.stopPropagation();
  view.move();
}
