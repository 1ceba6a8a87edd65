"use strict";
// Cost against score, with the Pareto front; the numbers stand in the ranked table.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("cost-figure");
  if (!place) return;
  const { element, state, setState, whenSeen } = glassbench;
  const { style, library, drawing, select, show, plain, powers, width, redraw } = figures;
  const measures = [["gpu", "GPU hours"], ["cpu", "CPU hours"], ["wall", "wall-clock hours"], ["parameters", "parameters"]];
  const rows = [...document.querySelectorAll("table.ranking tr[data-model]")].filter((row) => row.dataset.status !== "reported");
  const models = rows.map((row, index) => ({
    name: row.dataset.model, tier: row.dataset.tier, score: row.querySelector("td.score").dataset.v, ...style(index),
    gpu: row.dataset.gpu / 3600, cpu: row.dataset.cpu / 3600, wall: row.dataset.wall / 3600,
    parameters: row.dataset.parameters === "" ? NaN : +row.dataset.parameters,
  })).filter((model) => model.score !== "").map((model) => ({ ...model, score: +model.score }));
  const used = (name) => models.some((model) => model[name] > 0);
  let measure = state().get("cost") ?? (used("gpu") ? "gpu" : "cpu");

  function front(points) {
    const sign = place.dataset.higher ? 1 : -1;
    const best = [];
    for (const point of [...points].sort((a, b) => a.x - b.x || sign * (b.score - a.score))) {
      if (!best.length || sign * (point.score - best.at(-1).score) > 0) best.push(point);
    }
    return best;
  }

  // Of names that would lie on each other, the lower ones move down.
  function spread(body) {
    const placed = [];
    const names = [...body.querySelectorAll("g.names text")].map((text) => {
      const [x, y] = text.getAttribute("transform").match(/-?[\d.]+/g).map(Number);
      return { text, x, y, end: x + 6.8 * text.textContent.length };
    });
    for (const own of names.sort((a, b) => a.y - b.y)) {
      for (const other of placed) if (own.x < other.end && other.x < own.end && own.y < other.y + 13) own.y = other.y + 13;
      own.text.setAttribute("transform", `translate(${own.x},${own.y})`);
      placed.push(own);
    }
    return body;
  }

  async function draw() {
    await library();
    const points = models.filter((model) => model[measure] > 0).map((model) => ({ ...model, x: model[measure], words: `${model.name}\n${plain((+model[measure]).toPrecision(3))} ${measures.find(([name]) => name === measure)[1]}\n${show(model.score)}` }));
    const left = models.length - points.length;
    const words = measures.find(([name]) => name === measure)[1];
    const body = points.length ? spread(drawing({
      width: width(place, 720), height: 360, marginLeft: 48, marginBottom: 42, marginRight: 110,
      x: { type: "log", label: words, domain: [Math.min(...points.map((p) => p.x)) / 1.5, Math.max(...points.map((p) => p.x)) * 1.5], grid: true, ticks: width(place, 720) < 500 ? 2 : 5, tickFormat: powers }, y: { label: place.dataset.score, grid: true, nice: true },
      marks: [
        ...[...new Set(points.map((point) => point.tier))].map((tier) => Plot.line(front(points.filter((point) => point.tier === tier)), { x: "x", y: "score", stroke: "currentColor", strokeOpacity: 0.6, curve: "step-after" })),
        Plot.dot(points, { x: "x", y: "score", fill: "colour", symbol: "symbol", r: 6 }),
        points.length <= 15 ? Plot.text(points, { x: "x", y: "score", text: "name", dx: 10, textAnchor: "start", fontSize: 12, className: "names" }) : null,
        Plot.tip(points, Plot.pointer({ x: "x", y: "score", title: "words" })),
      ],
    }, `${place.dataset.score} against ${words}; a line is the Pareto front of models with the same input`)) : element("p", {}, `No model here used any ${words}.`);
    place.replaceChildren(
      element("div", { class: "figure-tools" }, select("Cost in", measures, measure, (value) => { measure = value; setState({ cost: value }); draw(); })),
      body,
      element("p", { class: "small" }, left && points.length ? `${left} without a known amount are left out.` : ""),
    );
  }
  whenSeen(place, () => { draw(); redraw(place, draw); });
});
