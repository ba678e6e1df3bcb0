// Another dataset or metric without leaving the page: the parts of its page that differ are put in place of these.
"use strict";
(() => {
  const PARTS = ["datasets", "place", "view"];
  const fileOf = (address) => new URL(address, location.href).pathname;
  let shown = location.pathname;

  const put = (page) => {
    document.title = page.title;
    for (const id of PARTS) {
      const [mine, theirs] = [document.getElementById(id), page.getElementById(id)];
      if (mine && theirs) mine.replaceWith(document.adoptNode(theirs));
    }
    molmix.enhanceRanking();
    molmix.applyFilters?.();
    document.querySelector('#datasets [aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  const go = async (path) => {
    const view = document.getElementById("view");
    view.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(path);
      if (!answer.ok) throw new Error(String(answer.status));
      put(new DOMParser().parseFromString(await answer.text(), "text/html"));
      shown = path;
    } catch {
      // The link itself still works, or the browser says why not.
      location.assign(path);
    }
  };

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-view]");
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    if (!link || !isPlain || location.protocol === "file:") return;
    event.preventDefault();
    const path = fileOf(link.href);
    const nav = link.closest("nav").getAttribute("aria-label");
    await go(path);
    history.pushState(null, "", path + location.search);
    // The link that was used is there again, as another element.
    document.querySelector(`nav[aria-label="${nav}"] [aria-current="page"]`)?.focus({ preventScroll: true });
    const status = document.getElementById("status");
    if (status) status.textContent = [document.title, status.textContent].filter(Boolean).join(": ");
  });
  window.addEventListener("popstate", () => {
    if (location.pathname !== shown) go(location.pathname);
  });
})();
