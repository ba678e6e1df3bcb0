// Filters of the table of models; what is chosen stands in the address too.
"use strict";
(() => {
  const { arrangement, fitting, later, rankingRows, sortBy, whole, words } = molmix;
  const form = document.getElementById("filters");
  if (!form) return;
  const status = document.getElementById("status");
  const FIELDS = ["find", "verification", "external", "size", "open", "sort"];

  const chosen = () => {
    const data = new FormData(form);
    return Object.fromEntries(FIELDS.map((name) => [name, data.get(name) ?? ""]));
  };
  const inRange = (value, range) => {
    const [low, high] = range.split("-").map((end) => (end === "" ? Infinity : Number(end)));
    return value > low && value <= high;
  };

  const apply = () => {
    const isThere = document.getElementById("ranking") !== null;
    form.hidden = !isThere;
    status.textContent = "";
    if (!isThere) return;
    const { find, verification, external, size, open } = chosen();
    const asked = words(find);
    let shown = 0;
    const all = rankingRows();
    for (const row of all) {
      const { dataset } = row;
      const fits =
        fitting(dataset.find.toLocaleLowerCase("en"), asked) &&
        (!verification || dataset.verification === verification) &&
        (!external || dataset.external === external) &&
        (!size || inRange(Number(dataset.parameters), size)) &&
        (!open || dataset.open === "yes");
      row.hidden = !fits;
      shown += fits;
    }
    status.textContent = `${whole(shown)} of ${whole(all.length)} models`;
  };

  const remember = () => {
    const query = new URLSearchParams(Object.entries(chosen()).filter(([, value]) => value));
    const text = query.toString();
    // A page opened as a file has no address that may be changed in some browsers.
    if (location.protocol !== "file:") history.replaceState(null, "", location.pathname + (text && `?${text}`));
  };
  // On a narrow page filters are folded away until they are asked for.
  const more = form.querySelector(".unfold");
  const unfold = (isOpen) => more.setAttribute("aria-expanded", String(isOpen));
  more.addEventListener("click", () => unfold(more.getAttribute("aria-expanded") === "false"));

  const clear = (field) => {
    if (field.type === "checkbox") field.checked = false;
    else if (field.tagName === "SELECT") field.selectedIndex = 0;
    else field.value = "";
  };

  const recall = () => {
    const query = new URLSearchParams(location.search);
    for (const name of FIELDS) {
      const field = form.elements[name];
      if (field.type === "checkbox") field.checked = query.has(name);
      else field.value = query.get(name) ?? "";
      if (field.value === "" && field.tagName === "SELECT") field.selectedIndex = 0;
    }
    unfold(["verification", "external", "size", "open"].some((name) => query.has(name)));
    if (query.get("sort")) sortBy(form.elements.sort.value);
  };

  form.addEventListener("input", later(() => (apply(), remember()), 80));
  form.elements.sort.addEventListener("change", () => sortBy(form.elements.sort.value));
  form.addEventListener("submit", (event) => event.preventDefault());
  // The event comes before fields are cleared, so they are cleared here and the table follows within the click.
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    for (const name of FIELDS) clear(form.elements[name]);
    sortBy("");
    apply();
    remember();
  });
  document.addEventListener("molmix:sorted", () => {
    form.elements.sort.value = arrangement.key === "rank" ? "" : arrangement.key;
    remember();
  });
  molmix.applyFilters = apply;
  recall();
  apply();
})();
