/* Streamlit says of a file that was not taken "AxiosError: Request failed with status code 413"; the server said why in a sentence, and that is shown instead. */
(() => {
  const CODE = /^AxiosError: Request failed with status code (\d+)$/, sentences = new Map();
  let watched = false;
  const say = () => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT, (text) => CODE.test(text.data) ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP);
    while (texts.nextNode()) {
      const sentence = sentences.get(texts.currentNode.data.match(CODE)[1]);
      if (sentence) texts.currentNode.data = sentence;
    }
  };
  const open = XMLHttpRequest.prototype.open;
  XMLHttpRequest.prototype.open = function (method, address, ...more) {
    if (/\/_stcore\/upload_file\//.test(address)) this.addEventListener("load", () => {
      if (this.status < 400) return;
      try { sentences.set(String(this.status), JSON.parse(this.responseText).error); } catch { return; } // a proxy's own page has no sentence
      if (!watched) new MutationObserver(say).observe(document.body, { childList: true, subtree: true });
      watched = true;
    });
    return open.call(this, method, address, ...more);
  };
})();
