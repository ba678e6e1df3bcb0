// Two models: the paired differences of all tasks together, then each task's.
"use strict";
(() => {
  const { count, element, grid, interval, leanBar, later, load, number, paired, scatter, signed, trouble, under, whole } = molmix;
  const root = document.getElementById("compare");
  if (!root) return;
  const names = JSON.parse(root.dataset.names);
  const titles = Object.fromEntries(root.dataset.titles.split("|").map((pair) => pair.split("=")));
  const [models, tasks] = root.querySelectorAll("form");
  const { a, b, swap } = models.elements;
  const { section, metric, find } = tasks.elements;
  const part = (name) => root.querySelector(name);
  const metricName = (key) => names[key] ?? key;
  const label = (select) => select.selectedOptions[0].text.split(" · ")[0];
  const both = () => {
    const [one, other] = [label(a), label(b)];
    return one === other ? [a.selectedOptions[0].text, b.selectedOptions[0].text] : [one, other];
  };
  const sectionsOf = (select) => select.selectedOptions[0].dataset.sections.split(" ").filter(Boolean);
  let shown = null;
  let asked = 0;

  const fillSections = () => {
    const theirs = new Set(sectionsOf(b));
    const shared = sectionsOf(a).filter((name) => theirs.has(name));
    const wanted = shared.includes(section.value) ? section.value : shared[0];
    section.replaceChildren(...shared.map((name) => element("option", { value: name, selected: name === wanted }, titles[name])));
    return shared;
  };

  const over = (mine, theirs) => {
    const key = (score) => `${score.section} ${score.metric}`;
    const others = new Map(theirs.scores.map((score) => [key(score), score]));
    const pairs = mine.scores.filter((score) => others.has(key(score))).map((score) => [score, others.get(key(score))]);
    const rows = pairs.map(([one, other]) => {
      const found = paired(one, other);
      const verdict = found.low === null ? "no interval" : ["", "first", "second"].at(found.better) || "neither";
      const winner = { first: both()[0], second: both()[1] }[verdict] ?? verdict;
      const ends = found.low === null ? "-" : `${signed(found.low)} to ${signed(found.high)}`;
      const metricText = `${metricName(one.metric)} ${one.direction === "higher" ? "↑" : "↓"}`;
      return element(
        "tr",
        { class: one.primary ? "" : "minor" },
        element("th", { scope: "row" }, under(titles[one.section], metricText)),
        element("td", { class: "wide" }, metricText),
        element("td", { class: "number wide" }, number(one.value)),
        element("td", { class: "number wide" }, number(other.value)),
        element("td", { class: "number" }, under(signed(found.difference), ends)),
        element("td", { class: "number wide" }, ends),
        element("td", {}, element("span", { class: `verdict ${verdict}` }, element("bdi", {}, winner))),
      );
    });
    const heads = [["Dataset"], ["Metric", "wide"], [both()[0], "number wide"], [both()[1], "number wide"]];
    heads.push(["Difference", "number"], ["95 % interval", "number wide"], ["Verdict"]);
    const caption = "Paired differences over all tasks";
    const head = heads.map(([text, kind]) => element("th", { scope: "col", class: kind }, element("bdi", {}, text)));
    const table = element(
      "table",
      { class: "data" },
      element("caption", { class: "unseen" }, caption),
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows),
    );
    part(".over").replaceChildren(element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption }, table));
  };

  const joined = (mine, theirs) => {
    const at = new Map(theirs.tasks.map((task, place) => [task, place]));
    const rows = mine.tasks.map((task, place) => [task, place, at.get(task)]).filter(([, , other]) => other !== undefined);
    const [one, other] = [mine.metrics[metric.value], theirs.metrics[metric.value]];
    const take = (values, place) => rows.map((row) => values[row[place]]);
    return {
      tasks: rows.map(([task]) => task),
      labels: take(mine.num_labels, 1),
      direction: one.direction,
      a: take(one.values, 1),
      b: take(other.values, 2),
      ends: [take(one.low, 1), take(one.high, 1), take(other.low, 2), take(other.high, 2)],
    };
  };

  const verdicts = (data) => {
    const sign = data.direction === "higher" ? 1 : -1;
    const lean = data.a.map((value, row) => sign * (value - data.b[row]));
    const [low, high, otherLow, otherHigh] = data.ends;
    const apart = data.tasks.map((_, row) => low[row] !== null && otherLow[row] !== null && (low[row] > otherHigh[row] || high[row] < otherLow[row]));
    const won = (which, only) => lean.filter((value, row) => which * value > 0 && (!only || apart[row])).length;
    const text = `Of ${count(data.tasks.length, "task")}, ${both()[0]} is better on ${won(1)}, ${both()[1]} on ${won(-1)}; their own intervals lie apart on ${won(1, true)} and ${won(-1, true)} of these.`;
    return { lean, text };
  };

  const ends = ([low, high, otherLow, otherHigh]) =>
    element("span", { class: "small soft" }, interval(low, high), element("br"), interval(otherLow, otherHigh));

  const draw = (mine, theirs) => {
    const data = joined(mine, theirs);
    const { lean, text } = verdicts(data);
    const most = Math.max(...lean.map(Math.abs).filter(Number.isFinite), 1e-12);
    part(".summary").textContent = text;
    part(".plot").replaceChildren(element("figure", { class: "chart" }, scatter(data.a, data.b, data.tasks, both())));
    shown = grid(part(".rows"), {
      caption: `${metricName(metric.value)} of each task of ${titles[section.value]}`,
      count: data.tasks.length,
      name: (row) => data.tasks[row],
      sort: 3,
      descending: true,
      columns: [
        { title: "Task", value: (row) => data.tasks[row], cell: (row) => data.tasks[row] },
        { title: both()[0], number: true, value: (row) => data.a[row], cell: (row) => number(data.a[row]) },
        { title: both()[1], number: true, value: (row) => data.b[row], cell: (row) => number(data.b[row]) },
        { title: "Difference", number: true, value: (row) => data.a[row] - data.b[row], cell: (row) => signed(data.a[row] - data.b[row]) },
        { title: "Better", wide: true, cell: (row) => leanBar(lean[row] / most) },
        { title: "Intervals", wide: true, cell: (row) => ends(data.ends.map((values) => values[row])) },
        { title: "Labels", number: true, wide: true, value: (row) => data.labels[row], cell: (row) => whole(data.labels[row]) },
      ],
    });
    shown.find(find.value);
  };

  const changeTasks = async () => {
    const mine = (asked += 1);
    const file = (select) => load(`entries/${select.value}/${section.value}.json`);
    const [one, other] = await Promise.all([file(a), file(b)]);
    if (mine !== asked) return;
    const keys = Object.keys(one.metrics).filter((key) => other.metrics[key]);
    const wanted = keys.includes(metric.value) ? metric.value : keys[0];
    metric.replaceChildren(...keys.map((key) => element("option", { value: key, selected: key === wanted }, metricName(key))));
    draw(one, other);
  };

  const change = async () => {
    const status = part("[role=status]");
    status.textContent = "";
    const shared = fillSections();
    if (location.protocol !== "file:") history.replaceState(null, "", `?${new URLSearchParams({ a: a.value, b: b.value, section: section.value })}`);
    try {
      const all = await Promise.all([a, b].map((select) => load(`entries/${select.value}/replicates.json`)));
      over(...all);
      tasks.hidden = shared.length === 0;
      if (shared.length) await changeTasks();
      else status.textContent = "These two have predicted no dataset in common.";
    } catch (error) {
      status.textContent = trouble(error);
    }
  };

  const start = () => {
    const query = new URLSearchParams(location.search);
    const has = (select, value) => [...select.options].some((option) => option.value === value);
    const { first, second } = root.dataset;
    a.value = has(a, query.get("a")) ? query.get("a") : first;
    b.value = has(b, query.get("b")) ? query.get("b") : a.value === second ? first : second;
    fillSections();
    if (has(section, query.get("section"))) section.value = query.get("section");
    root.hidden = false;
    change();
  };
  for (const form of [models, tasks]) form.addEventListener("submit", (event) => event.preventDefault());
  for (const select of [a, b, section]) select.addEventListener("change", change);
  metric.addEventListener("change", change);
  find.addEventListener("input", later(() => shown?.find(find.value)));
  swap.addEventListener("click", () => {
    [a.value, b.value] = [b.value, a.value];
    change();
  });
  start();
})();
