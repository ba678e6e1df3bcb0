// The page of a model: its scores task by task, of one dataset and metric at a time.
"use strict";
(() => {
  const { count, element, grid, histogram, interval, intervalLine, later, load, number, range, scale, trouble, under, whole } = molmix;
  const drill = document.getElementById("drill");
  if (!drill || !drill.querySelector("option")) return;
  const names = JSON.parse(drill.dataset.names);
  const form = drill.querySelector("form");
  const { section, metric, find } = form.elements;
  const [status, plot, rows] = ["[role=status]", ".plot", ".rows"].map((part) => drill.querySelector(part));
  let shown = null;
  let asked = 0;

  const options = (data) => {
    const wanted = data.metrics[metric.value] ? metric.value : section.selectedOptions[0].dataset.primary;
    metric.replaceChildren(
      ...Object.keys(data.metrics).map((key) => element("option", { value: key, selected: key === wanted }, names[key] ?? key)),
    );
  };

  const draw = (data) => {
    const scores = data.metrics[metric.value];
    const title = names[metric.value] ?? metric.value;
    const place = scale(range([...scores.values, ...scores.low, ...scores.high]), 2, 98);
    plot.replaceChildren(element("figure", { class: "chart" }, histogram(scores.values, `${title} (${scores.direction} is better)`)));
    plot.hidden = data.tasks.length < 8;
    shown = grid(rows, {
      caption: `${title} of each task of ${section.selectedOptions[0].text}`,
      count: data.tasks.length,
      name: (row) => data.tasks[row],
      sort: 1,
      descending: scores.direction === "higher",
      columns: [
        { title: "Task", value: (row) => data.tasks[row], cell: (row) => data.tasks[row] },
        { title, number: true, value: (row) => scores.values[row], cell: (row) => under(number(scores.values[row]), interval(scores.low[row], scores.high[row])) },
        { title: "95 % interval", number: true, wide: true, cell: (row) => interval(scores.low[row], scores.high[row]) },
        { title: "On one scale", wide: true, cell: (row) => intervalLine(scores.low[row], scores.high[row], scores.values[row], place) },
        { title: "Labels", number: true, value: (row) => data.num_labels[row], cell: (row) => whole(data.num_labels[row]) },
      ],
      said: (found) => {
        status.textContent = `${count(found, "task")} of ${section.selectedOptions[0].text}`;
      },
    });
    shown.find(find.value);
  };

  const change = async (isNew) => {
    asked += 1;
    const mine = asked;
    try {
      const data = await load(`${section.value}.json`);
      if (mine !== asked) return;
      if (isNew) options(data);
      draw(data);
    } catch (error) {
      status.textContent = trouble(error);
      plot.replaceChildren();
      rows.replaceChildren();
    }
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  section.addEventListener("change", () => change(true));
  metric.addEventListener("change", () => change(false));
  find.addEventListener("input", later(() => shown?.find(find.value)));
  drill.hidden = false;
  change(true);
})();
