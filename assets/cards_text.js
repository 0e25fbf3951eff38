// A product without a picture, as a card of words: its category, what sets it apart, its brand.

/** What stands where a picture would; the title stands under it, as under every picture. */
function textCard(card) {
  const words = element("span", "words");
  const [kind, ...rest] = card.facts;
  if (kind) words.appendChild(element("span", "kind", kind));
  const list = element("span", "said");
  rest.forEach((fact) => list.appendChild(element("span", "", fact)));
  if (rest.length) words.appendChild(list);
  if (!kind) words.appendChild(initial(card));
  return words;
}
