// Pictures pasted anywhere on the page go into the page's uploader, and from there the way of every other upload.

export default function (component) {
  const { data } = component;
  const paste = (event) => {
    const pictures = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
    const input = document.querySelector(`.st-key-${CSS.escape(data.uploader)} input[type="file"]`);
    if (!pictures.length || !input || input.disabled || event.defaultPrevented) return;
    const target = event.composedPath()[0];
    // The uploader takes what is pasted while it has the focus; text that came with a picture goes where somebody writes.
    if (target?.closest?.(`.st-key-${CSS.escape(data.uploader)}`)) return;
    const writes = target?.closest?.("input, textarea, [contenteditable]");
    if (writes && event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    const transfer = new DataTransfer();
    pictures.slice(0, input.multiple ? undefined : 1).forEach((file) => transfer.items.add(named(file)));
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  document.addEventListener("paste", paste);
  // It shows nothing and takes no room.
  document.querySelector(`.st-key-${CSS.escape(data.own)}`)?.style.setProperty("position", "absolute");
  return () => document.removeEventListener("paste", paste);
}

// The uploader goes by the ending; what is copied off a page may have none.
function named(file) {
  const ending = file.type.split("/")[1];
  return /\.\w+$/.test(file.name) ? file : new File([file], `pasted.${ending}`, { type: file.type });
}
