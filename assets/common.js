// What every component needs: elements whose text is never markup, and ids for what is sent.

function element(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

/** A picture of one line, 24 by 24, in the colour of the text beside it; says nothing to screen readers. */
function lineIcon(path) {
  const [svg, line] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", width: 20, height: 20, "aria-hidden": "true" })) svg.setAttribute(name, value);
  const drawn = { d: path, fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round", "stroke-linejoin": "round" };
  for (const [name, value] of Object.entries(drawn)) line.setAttribute(name, value);
  svg.appendChild(line);
  return svg;
}

/** The first letter or digit of a product's title, shown where there is no picture. */
function initial(product) {
  const letter = [...product.title].find((char) => /[\p{L}\p{N}]/u.test(char)) ?? "?";
  return element("span", "initial", letter.toLocaleUpperCase());
}

function capitalised(text) {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}

/** A random UUID: what is sent twice under one id is stored once. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID(); // only where the page is served securely or on localhost
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
