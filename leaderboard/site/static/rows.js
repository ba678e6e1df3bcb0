// The table of models: sorting by its headings, and choosing two to compare. Rows are the page's own, only moved.
"use strict";
(() => {
  const { element, ordered } = molmix;
  const DESCENDING_FIRST = ["date"];
  const state = { key: "rank", descending: false, picked: new Map() };

  const table = () => document.getElementById("ranking");
  const rows = () => [...table().tBodies[0].rows];
  const isText = (key) => key === "model" || key === "date";

  const startsDescending = (key) =>
    DESCENDING_FIRST.includes(key) ||
    (["score", "reliable"].includes(key) && table().dataset.direction === "higher");

  const arrange = () => {
    if (!table()) return;
    const all = rows();
    const value = (place) => {
      const found = all[place].dataset[state.key];
      return isText(state.key) || found === "" ? found : Number(found);
    };
    const byRank = ordered((place) => Number(all[place].dataset.rank), all.keys(), false);
    const sorted = ordered((place) => value(byRank[place]), byRank.keys(), state.descending).map((at) => byRank[at]);
    table().tBodies[0].replaceChildren(...sorted.map((place) => all[place]));
    table().classList.toggle("unranked", state.key !== "rank" || state.descending);
    for (const head of table().tHead.querySelectorAll("[data-sort]")) {
      if (head.dataset.sort === state.key) head.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  };

  const sortBy = (key, descending) => {
    state.key = key || "rank";
    state.descending = descending ?? (table() ? startsDescending(state.key) : false);
    arrange();
  };

  const makeHeadings = () => {
    for (const head of table().tHead.querySelectorAll("[data-sort]")) {
      const button = element("button", { type: "button" });
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const { sort } = head.dataset;
        sortBy(sort, state.key === sort ? !state.descending : undefined);
        document.dispatchEvent(new CustomEvent("molmix:sorted"));
      });
    }
  };

  const showPicked = () => {
    const bar = document.getElementById("picked");
    const names = [...state.picked.values()];
    bar.hidden = names.length === 0;
    const link = bar.querySelector("a");
    link.hidden = names.length < 2;
    bar.querySelector("p").textContent =
      names.length < 2 ? `${names.join("")} chosen; choose a second model` : `${names[0]} and ${names[1]}`;
    const [a, b] = [...state.picked.keys()];
    if (b) link.href = `compare.html?${new URLSearchParams({ a, b })}`;
    for (const box of table()?.querySelectorAll(".pick input") ?? []) {
      box.checked = state.picked.has(box.value);
      box.disabled = !box.checked && names.length === 2;
    }
  };

  const makePicks = () => {
    if (rows().length < 2) return;
    table().tHead.rows[0].prepend(
      element("th", { scope: "col", class: "pick" }, element("span", { class: "unseen" }, "Compare")),
    );
    for (const row of rows()) {
      // With version and authors, by which models of one name differ.
      const label = `Compare ${row.dataset.model} ${row.querySelector("th .under").textContent}`;
      const box = element("input", { type: "checkbox", value: row.dataset.id, "aria-label": label, title: label });
      row.prepend(element("td", { class: "pick" }, box));
    }
    table().addEventListener("change", ({ target }) => {
      if (target.checked) state.picked.set(target.value, target.closest("tr").dataset.model);
      else state.picked.delete(target.value);
      showPicked();
    });
  };

  const enhance = () => {
    if (!table()) return;
    makeHeadings();
    makePicks();
    arrange();
    showPicked();
  };
  document.querySelector("#picked button").addEventListener("click", () => {
    state.picked.clear();
    showPicked();
    document.querySelector(".pick input")?.focus();
  });
  Object.assign(molmix, { arrangement: state, enhanceRanking: enhance, rankingRows: rows, sortBy });
  enhance();
})();
