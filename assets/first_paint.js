/* Shows the page once it is whole: before that, parts that come one after the other would push each other about. */
(() => {
  const STILL_LOOKS = 4, LOOK_MS = 40, PATIENCE_MS = 4000, AT_MOST_MS = 12000;
  const html = document.documentElement;
  let still = 0, before = "", first = 0;
  const show = (why) => { html.dataset.whole = why; };
  const look = () => {
    const app = document.querySelector("[data-testid=stApp]");
    const main = document.querySelector("[data-testid=stMain]");
    const drawn = main ? main.querySelectorAll(".stElementContainer").length : 0;
    if (drawn && !first && [...main.querySelectorAll(".stElementContainer")].some((one) => one.offsetHeight > 8)) first = performance.now(); // something to see
    const awaited = (one) => !one.shadowRoot || one.shadowRoot.querySelector(".loading"); // a component whose script is on its way
    const ended = app?.dataset.testScriptState === "notRunning" && drawn > 0 && !main.querySelector("[data-testid=stSkeleton], .lt-wait, [data-testid=stVegaLiteChart]:empty")
      && ![...main.querySelectorAll("[data-testid=stBidiComponentIsolated]")].some(awaited);
    const now = ended ? `${drawn} ${main.scrollHeight} ${document.querySelectorAll("section a").length}` : "";
    still = now && now === before ? still + 1 : 0;
    before = now;
    const waited = first && performance.now() - first > PATIENCE_MS;
    if (still >= STILL_LOOKS || document.querySelector("[role=dialog]")) show("");
    else if (waited || performance.now() > AT_MOST_MS) show("late"); // whatever comes now pushes what is there
    else setTimeout(look, LOOK_MS);
  };
  look();
})();
/* Streamlit's navigation is a list whose items lie in a block of their own, which readers of screens cannot follow: each section becomes a group with its name. */
(() => {
  const name = () => {
    for (const list of document.querySelectorAll("[data-testid=stSidebarNavItems]")) {
      list.setAttribute("role", "none");
      for (const item of list.querySelectorAll("li:not([role])")) {
        item.setAttribute("role", "none");
        const header = item.parentElement.querySelector(":scope > [data-testid=stNavSectionHeader] p");
        if (!header) continue;
        item.parentElement.setAttribute("role", "group");
        item.parentElement.setAttribute("aria-label", header.textContent);
      }
    }
  };
  new MutationObserver(name).observe(document.documentElement, { childList: true, subtree: true });
})();
