"use strict";
// The cluster bootstrap of a paired difference, as glassbench.metrics.paired_difference does it.
const bootstrap = (() => {
  // Mulberry32: a small generator with a seed, so that a page shows the same numbers each time.
  function generator(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  function quantile(sorted, share) {
    const at = share * (sorted.length - 1);
    const k = Math.floor(at);
    return k + 1 < sorted.length ? sorted[k] + (at - k) * (sorted[k + 1] - sorted[k]) : sorted[k];
  }

  // Mean of first - second over configurations, with its 95 % interval over parents.
  function difference(first, second, parents, draws, shares) {
    const values = first.map((value, k) => (value === null || second[k] === null ? NaN : value - second[k]));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const names = [...new Set(parents)];
    const share = shares[String(names.length)]; // not there where samples are too few for an interval
    if (!isFinite(mean) || share === undefined) return { mean: isFinite(mean) ? mean : null, low: null, high: null };
    const sums = new Float64Array(names.length);
    const counts = new Float64Array(names.length);
    values.forEach((value, k) => { const g = names.indexOf(parents[k]); sums[g] += value; counts[g] += 1; });
    const random = generator(0);
    const sampled = new Float64Array(draws);
    for (let draw = 0; draw < draws; draw += 1) {
      let [sum, count] = [0, 0];
      for (let g = 0; g < names.length; g += 1) {
        const k = Math.floor(random() * names.length);
        sum += sums[k];
        count += counts[k];
      }
      sampled[draw] = sum / count;
    }
    sampled.sort();
    return { mean, low: quantile(sampled, share), high: quantile(sampled, 1 - share) };
  }
  return { difference };
})();
