// Paired differences of two models, from the replicates of both: as molmix_bench/metrics/compare.py makes them.
"use strict";
(() => {
  const TAIL = 0.025;
  const MIN_DEFINED = 0.95;
  const ROUNDING = 1e-12;

  const decode = (text) => {
    const raw = atob(text);
    const bytes = Uint8Array.from(raw, (sign) => sign.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Float64Array.from({ length: bytes.length / 4 }, (_, place) => view.getFloat32(4 * place, true));
  };
  const quantile = (ordered, share) => {
    const place = share * (ordered.length - 1);
    const below = Math.floor(place);
    const [low, high] = [ordered[below], ordered[Math.min(below + 1, ordered.length - 1)]];
    return low + (place - below) * (high - low);
  };

  // {difference, low, high, better}: `better` is 1 for the first, -1 for the second, 0 where neither is.
  const paired = (one, other) => {
    const difference = one.value - other.value;
    const [mine, theirs] = [decode(one.deviations), decode(other.deviations)];
    const nothing = { difference, low: null, high: null, better: 0 };
    if (mine.length === 0 || mine.length !== theirs.length) return nothing;
    const apart = mine.map((value, place) => value - theirs[place]).filter((value) => !Number.isNaN(value));
    if (apart.length === 0 || apart.length < MIN_DEFINED * mine.length) return nothing;
    const mean = apart.reduce((sum, value) => sum + value, 0) / apart.length;
    apart.sort();
    const [low, high] = [TAIL, 1 - TAIL].map((share) => difference + quantile(apart, share) - mean);
    const least = ROUNDING * Math.max(Math.abs(one.value), Math.abs(other.value));
    const sign = one.direction === "higher" ? 1 : -1;
    return { difference, low, high, better: low > least ? sign : high < -least ? -sign : 0 };
  };
  molmix.paired = paired;
})();
