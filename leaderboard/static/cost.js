"use strict";
// Cost against score, with the Pareto front; the numbers stand in the ranked table.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("cost-figure");
  if (!place) return;
  const { element, state, setState, whenSeen } = glassbench;
  const { own, saver, library, drawing, select, show, plain, powers, width, redraw } = figures;
  const measures = [["gpu", "GPU time"], ["cpu", "CPU time"], ["wall", "wall-clock time"], ["parameters", "parameters"]];
  const rows = [...document.querySelectorAll("table.ranking tr[data-model]")].filter((row) => row.dataset.status !== "reported");
  const models = rows.map((row) => ({
    name: row.dataset.model, tier: row.dataset.tier, score: row.querySelector("td.score").dataset.v, ...own(row.dataset.style.split(" ")),
    gpu: +row.dataset.gpu, cpu: +row.dataset.cpu, wall: +row.dataset.wall,
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

  // The horizontal and vertical pieces of the steps through some points, as thin boxes in pixels.
  function steps(body, points) {
    const [across, down] = ["x", "y"].map((name) => body.scale(name));
    const at = points.map((point) => [across.apply(point.x), down.apply(point.score)]);
    return at.slice(1).flatMap(([x, y], k) => [[at[k][0], at[k][1] - 1, x, at[k][1] + 1], [x - 1, Math.min(y, at[k][1]), x + 1, Math.max(y, at[k][1])]]);
  }

  // Each name stands beside its mark where it meets neither marks nor names nor lines; where there is
  // no such place it is left out, and the legend has it.
  function spread(body, inside, base, lines) {
    const marks = [...body.querySelectorAll("g.marks path, g.marks circle")].map((mark) => mark.getBBox && mark).map((mark) => {
      const [x, y] = (mark.getAttribute("transform") ?? "0,0").match(/-?[\d.]+/g).map(Number);
      return [x - 6, y - 6, x + 6, y + 6];
    });
    const placed = [];
    for (const text of body.querySelectorAll("g.names text")) {
      const [x, y] = text.getAttribute("transform").match(/-?[\d.]+/g).map(Number);
      const long = 6.7 * text.textContent.length;
      const boxes = [[9, 4], [-9 - long, 4], [9, -7], [9, 15], [-9 - long, -7], [-9 - long, 15], [-long / 2, -11], [-long / 2, 20], [9, -20], [9, 28]].map(([dx, dy]) => [x + dx, y + dy - 10, x + dx + long, y + dy + 2]);
      const meets = (one, other) => one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];
      const box = boxes.find((one) => one[0] > 48 && one[2] < inside && one[1] > 8 && one[3] < base && !placed.some((other) => meets(one, other)) && ![...marks, ...lines].some((other) => meets(one, other)));
      if (!box) { text.remove(); continue; }
      placed.push(box);
      text.setAttribute("transform", `translate(${box[0]},${box[1] + 10})`);
    }
    return body;
  }

  async function draw() {
    await library();
    const costly = models.filter((model) => model[measure] > 0);
    const hours = Math.max(...costly.map((model) => model[measure])) > 7200;
    const [unit, size] = measure === "parameters" ? ["", 1] : hours ? ["h", 3600] : ["s", 1];
    const name = measures.find(([one]) => one === measure)[1];
    const points = costly.map((model) => ({ ...model, x: model[measure] / size, words: `${model.name}\n${plain((model[measure] / size).toPrecision(3))} ${unit || name}\n${show(model.score)}` }));
    const left = models.length - points.length;
    const words = unit ? `${name} (${unit})` : name;
    const fronts = [...new Set(points.map((point) => point.tier))].map((tier) => front(points.filter((point) => point.tier === tier)));
    const wide = width(place, 1100);
    const drawn = points.length && drawing({
      width: wide, height: 400, marginTop: 26, marginLeft: 48, marginBottom: 42, marginRight: 30,
      x: { type: "log", label: words, domain: [Math.min(...points.map((p) => p.x)) / 1.5, Math.max(...points.map((p) => p.x)) * 1.5], grid: true, ticks: wide < 500 ? 2 : 5, tickFormat: powers }, y: { label: place.dataset.score, grid: true, nice: true },
      marks: [
        ...fronts.map((best) => Plot.line(best, { x: "x", y: "score", stroke: "currentColor", strokeOpacity: 0.6, curve: "step-after" })),
        Plot.dot(points, { x: "x", y: "score", fill: "colour", symbol: "symbol", r: 5.5, className: "marks" }),
        Plot.text(points, { x: "x", y: "score", text: "name", textAnchor: "start", fontSize: 12, stroke: "var(--surface)", strokeWidth: 3, fill: "currentColor", className: "names" }),
        Plot.tip(points, Plot.pointer({ x: "x", y: "score", title: "words" })),
      ],
    }, `${place.dataset.score} against ${words}; a line is the Pareto front of models with the same input`);
    const body = drawn ? spread(drawn, wide - 4, 356, fronts.flatMap((best) => steps(drawn, best))) : element("p", {}, `No model here used any ${name}.`);
    place.replaceChildren(
      element("div", { class: "figure-tools" }, select("Cost in", measures, measure, (value) => { measure = value; setState({ cost: value }); draw(); })),
      body,
      element("ul", { class: "legend", "aria-label": "Models" }, ...points.map((point) => element("li", {}, figures.key(point), ` ${point.name}`))),
      saver(place),
      element("p", { class: "small" }, left && points.length ? `${left} without a known amount are left out.` : ""),
    );
  }
  whenSeen(place, () => { draw(); redraw(place, draw); });
});
