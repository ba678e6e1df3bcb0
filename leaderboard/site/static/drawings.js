// Drawings of the scores of tasks: an interval, a histogram, one model against another.
"use strict";
(() => {
  const { drawn, number, signed } = molmix;
  const [WIDTH, HEIGHT] = [400, 280];
  const BOX = { left: 50, right: 388, top: 26, bottom: 238 };
  const finite = (values) => values.filter(Number.isFinite);

  const range = (values, room = 0) => {
    let [low, high] = [Infinity, -Infinity];
    for (const value of finite(values)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    if (low > high) return [0, 1];
    const more = (high - low || Math.abs(high) || 1) * room;
    return [low - more, high + more];
  };
  const scale = ([low, high], start, end) => (value) =>
    start + (high > low ? (value - low) / (high - low) : 0.5) * (end - start);

  const ticks = ([low, high], wanted = 5) => {
    const raw = (high - low) / wanted;
    const size = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((factor) => factor * size).find((one) => one >= raw * 0.999);
    const found = [];
    for (let at = Math.ceil(low / step - 1e-9); at * step <= high + 1e-9 * step; at += 1) found.push(at * step);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    return found.map((value) => [value, value.toFixed(Math.min(digits, 12))]);
  };

  const line = (low, high, value, place) => {
    const parts = [drawn("path", { class: "base", d: "M0 8H100" })];
    if (Number.isFinite(low) && Number.isFinite(high)) parts.push(drawn("path", { d: `M${place(low)} 8H${place(high)}` }));
    if (Number.isFinite(value)) parts.push(drawn("path", { d: `M${place(value)} 3V13` }));
    return drawn("svg", { class: "axis", viewBox: "0 0 100 16", preserveAspectRatio: "none", "aria-hidden": "true" }, ...parts);
  };
  // From the middle: to the right where the first is better.
  const lean = (share) => {
    const to = 50 + 48 * Math.max(-1, Math.min(1, share));
    return drawn(
      "svg",
      { class: "axis lean", viewBox: "0 0 100 16", preserveAspectRatio: "none", "aria-hidden": "true" },
      drawn("rect", { x: Math.min(50, to), y: 4, width: Math.abs(to - 50), height: 8, class: share > 0 ? "first" : "second" }),
      drawn("path", { class: "base", d: "M50 1V15" }),
    );
  };

  const frame = (label, [x, xTicks, xTitle], [y, yTicks, yTitle], ...content) => {
    const words = (place, [value, text], isX) =>
      drawn(
        "text",
        isX ? { x: place(value), y: BOX.bottom + 17, "text-anchor": "middle" } : { x: 44, y: place(value) + 4, "text-anchor": "end" },
        text,
      );
    return drawn(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
      drawn("g", { class: "grid" }, ...yTicks.map(([value]) => drawn("path", { d: `M${BOX.left} ${y(value)}H${BOX.right}` }))),
      drawn("g", { class: "ticks" }, ...xTicks.map((tick) => words(x, tick, true)), ...yTicks.map((tick) => words(y, tick, false))),
      drawn("path", { class: "foot", d: `M${BOX.left} ${BOX.bottom}H${BOX.right}` }),
      drawn("text", { class: "title", x: BOX.right, y: BOX.bottom + 35, "text-anchor": "end" }, xTitle),
      drawn("text", { class: "title", x: BOX.left, y: 9 }, yTitle),
      ...content,
    );
  };

  const histogram = (values, title) => {
    const there = finite(values);
    const ends = range(there, 0.02);
    const bins = Math.max(4, Math.min(40, Math.ceil(Math.sqrt(there.length) * 1.5)));
    const counts = new Array(bins).fill(0);
    for (const value of there) counts[Math.min(bins - 1, Math.floor(((value - ends[0]) / (ends[1] - ends[0])) * bins))] += 1;
    const most = Math.max(...counts);
    const x = scale(ends, BOX.left, BOX.right);
    const y = scale([0, most * 1.06], BOX.bottom, BOX.top);
    const mean = there.reduce((sum, value) => sum + value, 0) / there.length;
    const width = (BOX.right - BOX.left) / bins;
    const bars = counts.map((count, place) =>
      drawn("rect", { class: "bar", x: BOX.left + place * width + 0.5, y: y(count), width: width - 1, height: BOX.bottom - y(count) }),
    );
    const heights = ticks([0, most * 1.06], 4).filter(([value]) => Number.isInteger(value)).map(([value]) => [value, String(value)]);
    const words = `${there.length} tasks from ${number(Math.min(...there))} to ${number(Math.max(...there))}, mean ${number(mean)}`;
    return frame(
      `${title}: ${words}`,
      [x, ticks(ends), title],
      [y, heights, "tasks"],
      ...bars,
      drawn("path", { class: "mean", d: `M${x(mean)} ${BOX.top}V${BOX.bottom}` }),
      drawn("text", { class: "title", x: Math.min(x(mean) + 5, BOX.right - 74), y: BOX.top + 10 }, `mean ${number(mean)}`),
    );
  };

  const fillPoint = (mark, [across, up]) => {
    mark.setAttribute("cx", across);
    mark.setAttribute("cy", up);
  };
  // A point each task; one path, for a thousand elements would be slow.
  const scatter = (a, b, names, titles) => {
    const ends = range([...a, ...b], 0.04);
    const [x, y] = [scale(ends, BOX.left, BOX.right), scale(ends, BOX.bottom, BOX.top)];
    const places = a.map((value, place) => [x(value), y(b[place]), place]).filter(([across, up]) => Number.isFinite(across + up));
    const path = places.map(([across, up]) => `M${across.toFixed(1)} ${up.toFixed(1)}h0`).join("");
    const mark = drawn("circle", { r: 4, class: "mark", visibility: "hidden" });
    const told = drawn("text", { class: "told", x: BOX.left + 6, y: BOX.top + 12 });
    const svg = frame(
      `Score of each task: ${titles[1]} against ${titles[0]}`,
      [x, ticks(ends), titles[0]],
      [y, ticks(ends), titles[1]],
      drawn("path", { class: "even", d: `M${x(ends[0])} ${y(ends[0])}L${x(ends[1])} ${y(ends[1])}` }),
      drawn("path", { class: "dots", d: path }),
      mark,
      told,
    );
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const at = [((event.clientX - box.left) / box.width) * WIDTH, ((event.clientY - box.top) / box.height) * HEIGHT];
      let [nearest, best] = [null, 14 ** 2];
      for (const point of places) {
        const apart = (point[0] - at[0]) ** 2 + (point[1] - at[1]) ** 2;
        if (apart < best) [nearest, best] = [point, apart];
      }
      mark.setAttribute("visibility", nearest ? "visible" : "hidden");
      if (nearest) fillPoint(mark, nearest);
      told.textContent = nearest ? `${names[nearest[2]]}: ${number(a[nearest[2]])}, ${number(b[nearest[2]])} (${signed(a[nearest[2]] - b[nearest[2]])})` : "";
    });
    return svg;
  };

  Object.assign(molmix, { histogram, intervalLine: line, leanBar: lean, range, scale, scatter });
})();
