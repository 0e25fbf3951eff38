// The field that finds a product on the map: suggestions while one writes, by keyboard and by pointer.

const WAIT_MS = 140;

function findField(shop, onChoose) {
  const field = element("div", "find");
  const input = element("input");
  Object.assign(input, { type: "search", placeholder: "Find a product", autocomplete: "off", spellcheck: false });
  const list = element("ul", "found");
  list.id = `found-${newId().slice(0, 8)}`;
  for (const [name, value] of Object.entries({ role: "combobox", "aria-label": "Find a product on the map", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list" })) {
    input.setAttribute(name, value);
  }
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Products found");
  list.hidden = true;
  field.append(input, list);
  let timer = null, found = [], active = -1, asked = 0;

  const show = (products, nothing) => {
    [found, active] = [products, -1];
    list.replaceChildren(...products.map((product, place) => suggestion(product, `${list.id}-${place}`)));
    if (nothing) list.appendChild(element("li", "nothing", "Nothing found"));
    list.hidden = !products.length && !nothing;
    input.setAttribute("aria-expanded", String(products.length > 0));
    input.removeAttribute("aria-activedescendant");
  };
  const move = (to) => {
    if (!found.length) return;
    active = (to + found.length) % found.length;
    [...list.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === active)));
    input.setAttribute("aria-activedescendant", `${list.id}-${active}`);
    list.children[active].scrollIntoView({ block: "nearest" });
  };
  const choose = (product) => {
    input.value = "";
    show([], false);
    onChoose(product.item_id);
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    const text = input.value.trim(), turn = ++asked;
    if (!text) return show([], false);
    timer = setTimeout(async () => {
      const products = await shop().find(text).catch(() => []);
      if (turn === asked) show(products, !products.length);
    }, WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "ArrowDown") move(active + 1);
    else if (event.key === "ArrowUp") move(active < 0 ? -1 : active - 1);
    else if (event.key === "Enter" && found.length) choose(found[Math.max(active, 0)]);
    else if (event.key === "Escape") show([], false);
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", () => setTimeout(() => show([], false), 150));
  list.addEventListener("pointerdown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault();
    choose(found[[...list.children].indexOf(option)]);
  });
  return field;
}

function suggestion(product, id) {
  const option = element("li");
  option.id = id;
  option.setAttribute("role", "option");
  option.setAttribute("aria-selected", "false");
  if (product.image) {
    const image = element("img");
    image.alt = "";
    image.src = product.image;
    option.appendChild(image);
  } else {
    option.appendChild(initial(product));
  }
  const words = element("span", "", product.title);
  if (product.brand) words.appendChild(element("small", "", product.brand));
  option.appendChild(words);
  return option;
}
