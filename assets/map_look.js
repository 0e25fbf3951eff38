// Colours of the map's groups, and how large its points are.

const LEVEL_COLOURS = { light: ["#b4581f", "#a89b86", "#1f7a6c", "#5d70b8"], dark: ["#e0935c", "#8f8574", "#3fb5a2", "#93a4e6"] };
const VALUE_COLOURS = ["#4878b0", "#e8832a", "#3f9150", "#d84f52", "#9467b5", "#35a3a3", "#c9a400", "#e778a4", "#8c6448", "#6b8e23", "#5d5fd6", "#0d8ac7"];
const RAMP = { light: ["#bcd9a8", "#84c3a5", "#4ba5a5", "#2f7fa0", "#2c578d", "#262f66"], dark: ["#2f4b7c", "#2f7fa0", "#35a3a3", "#6cc49a", "#b1de8c", "#f4f3a1"] };
const RATES = ["#2f9e78", "#d9b23c", "#e2813a", "#d0393d"];
const OTHERS = { light: "#9a968f", dark: "#77797a" };
const UNKNOWN = { light: "#cfcac2", dark: "#4a4f52" };

/** A colour for each group of an answer of `colours`; "light" or "dark" is the page. */
function groupColours({ kind, labels, unknown }, shade) {
  return labels.map((label, group) => {
    if (group === unknown) return UNKNOWN[shade];
    if (kind === "levels") return LEVEL_COLOURS[shade][group];
    if (kind === "rates") return RATES[group];
    if (kind === "ramp") {
      const known = labels.length - (unknown === null ? 0 : 1);
      return RAMP[shade][known < 2 ? 3 : Math.round((group / (known - 1)) * 5)];
    }
    return group < VALUE_COLOURS.length - 1 || labels.length <= VALUE_COLOURS.length ? VALUE_COLOURS[group] ?? OTHERS[shade] : OTHERS[shade];
  });
}

/** (32, 4) numbers from 0 to 1 for the layer; the opacity of a hidden group is 0. */
function paletteOf(colours, hidden, opacity) {
  const palette = new Float32Array(32 * 4);
  colours.forEach((colour, group) => {
    const part = (from) => parseInt(colour.slice(from, from + 2), 16) / 255;
    palette.set([part(1), part(3), part(5), hidden.has(group) ? 0 : opacity], group * 4);
  });
  return palette;
}

/** Points are smaller where there are many, and grow while one zooms in. */
function pointSize(n, width, zoom) {
  const base = Math.min(7, Math.max(1.6, (width * 0.62) / Math.sqrt(n)));
  return Math.min(13, base * zoom ** 0.45);
}
