// A table of thousands of rows, shown by pages: sorted by any heading, searched by name.
"use strict";
(() => {
  const { element, fitting, ordered, whole, words } = molmix;
  const PAGE = 25;

  // `columns`: {title, value(row), cell(row) -> text or node, number, sort}; `name(row)` is what a search looks in.
  const grid = (place, { caption, columns, count, name, sort, descending, said }) => {
    const state = { sort, descending, page: 0, found: [], asked: [] };
    const heads = columns.map((column, at) => {
      const head = element("th", { scope: "col", class: column.number && "number" });
      if (column.value) {
        const button = element("button", { type: "button" }, column.title);
        button.addEventListener("click", () => {
          state.descending = state.sort === at ? !state.descending : Boolean(column.number);
          state.sort = at;
          refresh();
        });
        head.append(button);
      } else head.append(column.title);
      return head;
    });
    const body = element("tbody");
    const table = element(
      "table",
      { class: "data tasks" },
      element("caption", { class: "unseen" }, caption),
      element("thead", {}, element("tr", {}, ...heads)),
      body,
    );
    const turn = (by, text) => {
      const button = element("button", { type: "button", class: "plain" }, text);
      button.addEventListener("click", () => {
        state.page += by;
        show();
      });
      return button;
    };
    const [back, on] = [turn(-1, "Previous"), turn(1, "Next")];
    const where = element("span", { role: "status" });
    const pager = element("nav", { class: "pager small", "aria-label": `Pages of ${caption}` }, back, where, on);

    const show = () => {
      const first = state.page * PAGE;
      const some = state.found.slice(first, first + PAGE);
      body.replaceChildren(
        ...some.map((row) =>
          element(
            "tr",
            {},
            ...columns.map((column, at) =>
              at === 0
                ? element("th", { scope: "row" }, element("bdi", {}, column.cell(row)))
                : element("td", { class: [column.number && "number", column.wide && "wide"].filter(Boolean).join(" ") }, column.cell(row)),
            ),
          ),
        ),
      );
      back.disabled = first === 0;
      on.disabled = first + PAGE >= state.found.length;
      pager.hidden = state.found.length <= PAGE && state.found.length === count;
      where.textContent = some.length ? `${whole(first + 1)} to ${whole(first + some.length)} of ${whole(state.found.length)}` : "no such task";
      said?.(state.found.length);
    };
    const refresh = () => {
      heads.forEach((head, at) => {
        if (at === state.sort) head.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      });
      const all = ordered(columns[state.sort].value, Array.from({ length: count }, (_, row) => row), state.descending);
      state.found = state.asked.length ? all.filter((row) => fitting(name(row).toLocaleLowerCase("en"), state.asked)) : all;
      state.page = 0;
      show();
    };
    columns.forEach((column, at) => column.wide && heads[at].classList.add("wide"));
    place.replaceChildren(element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption }, table), pager);
    refresh();
    return {
      find: (text) => {
        state.asked = words(text);
        refresh();
      },
    };
  };
  molmix.grid = grid;
})();
