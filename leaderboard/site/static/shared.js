// What the other scripts share: making elements, writing numbers, fetching files. Text is only ever set as text.
"use strict";
window.molmix = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  const fill = (node, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === false || value === null || value === undefined) continue;
      node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children);
    return node;
  };
  const element = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
  const drawn = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

  // As `numbers.number` writes it.
  const number = (value) => {
    if (value === null || value === undefined || !Number.isFinite(value)) return "-";
    const size = Math.abs(value);
    if (size >= 1e6 || (size > 0 && size < 1e-4)) return value.toExponential(3).replace(/(e[+-])(\d)$/, "$10$2");
    return value.toFixed(Math.max(0, 5 - String(Math.trunc(size)).length));
  };
  const signed = (value) => (value > 0 ? "+" : "") + number(value);
  const whole = (value) => value.toLocaleString("en-GB");
  const interval = (low, high) => (low === null || high === null ? "-" : `${number(low)} – ${number(high)}`);
  const count = (value, word) => `${whole(value)} ${word}${value === 1 ? "" : "s"}`;

  // What stands beside a cell on a wide page and under it on a narrow one.
  const under = (main, text) => element("span", {}, main, element("span", { class: "under narrow" }, text));

  const kept = new Map();
  const load = (path) => {
    if (!kept.has(path)) {
      const answer = fetch(path).then((found) => {
        if (!found.ok) throw new Error(`${path}: ${found.status}`);
        return found.json();
      });
      answer.catch(() => kept.delete(path));
      kept.set(path, answer);
    }
    return kept.get(path);
  };
  const trouble = (error) =>
    location.protocol === "file:"
      ? "A page opened as a file may not read others. Serve the folder: python -m http.server"
      : `This could not be loaded (${error.message}). Try again in a moment.`;

  const later = (work, milliseconds = 120) => {
    let waiting;
    return (...values) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => work(...values), milliseconds);
    };
  };
  // Missing values come last in either direction.
  const { compare } = new Intl.Collator("en", { numeric: true });
  const missing = (value) => value === null || value === undefined || value === "" || Number.isNaN(value);
  const ordered = (values, places, descending) => {
    const sign = descending ? -1 : 1;
    const keyed = Array.from(places, (place) => [place, values(place)]);
    keyed.sort(([one, a], [other, b]) => {
      if (missing(a) || missing(b)) return missing(a) - missing(b) || one - other;
      return sign * (typeof a === "string" ? compare(a, b) : a - b) || one - other;
    });
    return keyed.map(([place]) => place);
  };
  const fitting = (text, words) => words.every((word) => text.includes(word));
  const words = (text) => text.toLocaleLowerCase("en").split(/\s+/).filter(Boolean);

  return { count, drawn, element, fitting, interval, later, load, number, ordered, signed, trouble, under, whole, words };
})();
