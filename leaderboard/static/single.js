"use strict";
// Scores at one value of the axis along x, where there is no curve: one line for each model.
figures.single = (metric, points, floors, ceiling, { width, label }) => {
  const names = [...new Set(points.map((point) => point.model))];
  const xs = [...points.flatMap((p) => [p.y, p.low, p.high]), ...floors.map((p) => p.y)].filter((x) => x !== null);
  const low = Math.min(...xs, metric.bounded ? 0 : Infinity);
  const high = metric.bounded ? 1 : Math.max(...xs);
  const opacity = (point) => (point.faded ? 0.12 : 1);
  const published = (point) => point.kind === "reported";
  return figures.drawing({
    width, height: 60 + 26 * names.length, marginLeft: 16 + 7 * Math.max(...names.map((name) => name.length)), marginBottom: 42, marginRight: 14,
    x: { domain: [low, high], label: metric.title, grid: true, nice: !metric.bounded, ticks: width < 500 ? 3 : 8 },
    y: { domain: names, label: null, tickSize: 0 },
    marks: [
      ceiling.length && metric.bounded ? Plot.rect(ceiling, { x1: "y", x2: 1, fill: "currentColor", fillOpacity: 0.13 }) : null,
      Plot.ruleX(ceiling, { x: "y", stroke: "currentColor", strokeOpacity: 0.5 }),
      Plot.ruleX(floors, { x: "y", stroke: figures.grey, strokeDasharray: "5 4", strokeWidth: 1.4 }),
      Plot.ruleY(points.filter((p) => p.low !== null), { x1: "low", x2: "high", y: "model", stroke: "colour", strokeWidth: 2, strokeOpacity: opacity }),
      Plot.dot(points.filter((p) => !published(p)), { x: "y", y: "model", fill: "colour", symbol: "symbol", r: 4.5, fillOpacity: opacity }),
      Plot.dot(points.filter(published), { x: "y", y: "model", stroke: "colour", symbol: "symbol", r: 4.5, strokeWidth: 1.5, strokeOpacity: opacity }),
      Plot.tip(points.filter((p) => !p.faded), Plot.pointer({ x: "y", y: "model", title: "words", maxRadius: 30 })),
    ],
  }, label);
};
