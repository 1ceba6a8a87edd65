"use strict";
// A record's drawings: parity, learning curve; and its numbers where there are many conditions.
document.addEventListener("DOMContentLoaded", () => {
  const { element, load, whenSeen } = glassbench;
  const { style, library, drawing, numbers, select, table, show, plain, width, redraw } = figures;
  const explanation = (name) => load(`explain/${name}`, `data/explain/${name}.js`);
  const words = (condition) => Object.entries(condition).map(([name, value]) => `${name} ${plain(value)}`).join(", ");

  const parity = document.getElementById("parity");
  if (parity) whenSeen(parity, async () => {
    const [data] = await Promise.all([explanation(parity.dataset.entry), library()]);
    const known = data.conditions.filter((one) => one.parity);
    let index = 0;
    const tools = () => element("div", { class: "figure-tools" }, select("At", known.map((one, k) => [String(k), one.words]), String(index), (value) => { index = +value; draw(); }));

    // Labels are 0 or 1: how the predictions of each class lie, and what follows for any threshold.
    function classes({ low, high, bins, counts }, where) {
      const step = (high - low) / bins;
      const both = [0, 1].map((label) => {
        const share = new Float64Array(bins);
        for (const [i, j, n] of counts) if (Number(low + (i + 0.5) * step > 0.5) === label) share[j] += n;
        return share;
      });
      const totals = both.map((share) => share.reduce((a, b) => a + b, 0));
      const at = (j) => low + j * step;
      const names = ["does not rearrange", "rearranges"];
      const bars = both.flatMap((share, label) => [...share].map((n, j) => ({ x: at(j + 0.5), y: totals[label] ? n / totals[label] : 0, label: names[label], ...style(label) })));
      const curve = [];
      let [hits, alarms] = [0, 0];
      for (let j = bins - 1; j >= 0; j -= 1) {
        hits += both[1][j];
        alarms += both[0][j];
        curve.push({ threshold: at(j), recall: hits / totals[1], alarms: alarms / totals[0], precision: hits / (hits + alarms) });
      }
      const size = { width: width(parity, 380), height: 320, marginTop: 26, marginLeft: 50, marginBottom: 42 };
      const line = (data, x, y) => [Plot.line(data, { x, y, stroke: style(0).colour, strokeWidth: 2 }), Plot.dot(data, { x, y, fill: style(0).colour, r: 2.5 })];
      const whole = (name, label) => ({ domain: [0, 1], label, grid: true });
      return [
        element("ul", { class: "legend" }, ...names.map((name, k) => element("li", {}, figures.key(style(k)), ` ${name}`))),
        element("div", { class: "panels three" },
          element("figure", {}, element("figcaption", {}, "Distribution by class"), drawing({ ...size, x: { label: "predicted" }, y: { label: "share of the class", grid: true }, marks: [Plot.line(bars, { x: "x", y: "y", z: "label", stroke: "colour", strokeWidth: 2, curve: "step" })] }, `Distribution of predictions by class at ${where}`)),
          element("figure", {}, element("figcaption", {}, "ROC"), drawing({ ...size, x: whole("x", "false alarms, share of those that do not"), y: whole("y", "found, share of those that rearrange"), marks: [Plot.line([[0, 0], [1, 1]], { stroke: "currentColor", strokeDasharray: "4 3" }), ...line([{ recall: 0, alarms: 0 }, ...curve], "alarms", "recall")] }, `Receiver operating characteristic at ${where}`)),
          element("figure", {}, element("figcaption", {}, "Precision and recall"), drawing({ ...size, x: whole("x", "recall"), y: { label: "precision", grid: true, zero: true, nice: true }, marks: [Plot.ruleY([totals[1] / (totals[0] + totals[1])], { stroke: "currentColor", strokeDasharray: "4 3" }), ...line(curve.filter((p) => isFinite(p.precision)), "recall", "precision")] }, `Precision against recall at ${where}`))),
        element("p", { class: "small" }, "Dashed: chance. From predictions in steps of the parity counts."),
        numbers(() => [["threshold", "recall", "false alarms", "precision"], curve.map((p) => [p.threshold, p.recall, p.alarms, p.precision].map((v) => show(v, 4)))]),
      ];
    }

    function draw() {
      const { parity: counts, unit, words: where } = known[index];
      if (parity.dataset.labels) { parity.replaceChildren(tools(), ...classes(counts, where), figures.saver(parity)); return; }
      const step = (counts.high - counts.low) / counts.bins;
      const cells = counts.counts.map(([i, j, n]) => ({ x1: counts.low + i * step, x2: counts.low + (i + 1) * step, y1: counts.low + j * step, y2: counts.low + (j + 1) * step, n }));
      const ends = [counts.low, counts.high];
      const label = (name) => `${name}${unit ? ` (${unit})` : ""}`;
      const drawn = drawing({
        width: width(parity, 460), height: Math.min(430, width(parity, 460)), marginLeft: 52, marginBottom: 42,
        x: { domain: ends, label: label("true") }, y: { domain: ends, label: label("predicted") },
        color: { type: "log", scheme: "cividis", label: "particles", legend: false },
        marks: [
          Plot.rect(cells, { x1: "x1", x2: "x2", y1: "y1", y2: "y2", fill: "n", inset: 0, title: (c) => `${c.n} particles` }),
          Plot.line([[ends[0], ends[0]], [ends[1], ends[1]]], { stroke: "currentColor", strokeDasharray: "4 3" }),
        ],
      }, `Predicted against true value at ${where}, number of particles by colour`);
      const most = Math.max(...cells.map((cell) => cell.n));
      parity.replaceChildren(
        tools(),
        element("div", { class: "panels single" }, drawn),
        figures.saver(parity),
        element("div", { class: "ramp", "aria-hidden": "true" }), element("div", { class: "ramp-ends" }, element("span", {}, "1 particle"), element("span", {}, `${most} (log scale)`)),
        numbers(() => [["true, from", "predicted, from", "particles"], cells.map((cell) => [plain(cell.x1.toPrecision(4)), plain(cell.y1.toPrecision(4)), cell.n])]),
      );
    }
    draw();
    redraw(parity, draw);
  });

  const extremes = document.getElementById("extremes");
  if (extremes) whenSeen(extremes, async () => {
    const [data] = await Promise.all([explanation(extremes.dataset.entry), library()]);
    const known = data.extremes;
    const name = (curve) => `${curve.end}, ${curve.by}`;
    const look = (curve) => style(curve.end === "highest" ? 1 : 0);
    let index = 0;
    function draw() {
      const { distances, curves, unit } = known[index];
      const points = curves.flatMap((curve) => distances.map((r, k) => ({ r, g: curve.values[k], k, curve: name(curve), open: curve.by === "predicted", ...look(curve) })));
      const drawn = drawing({
        width: width(extremes, 640), height: 320, marginLeft: 46, marginBottom: 42,
        x: { label: `distance (${unit})` }, y: { label: "g(r)", grid: true, nice: true },
        symbol: { legend: false },
        marks: [
          Plot.line(points.filter((p) => !p.open), { x: "r", y: "g", z: "curve", stroke: "colour", strokeWidth: 2 }),
          Plot.line(points.filter((p) => p.open), { x: "r", y: "g", z: "curve", stroke: "colour", strokeWidth: 2, strokeDasharray: "1 4" }),
          Plot.dot(points.filter((p) => p.k % 5 === 0), { x: "r", y: "g", stroke: "colour", fill: (p) => (p.open ? "var(--surface)" : p.colour), symbol: "symbol", r: 3.5 }),
        ],
      }, `Radial distribution function around the particles with the highest and lowest target at ${known[index].words}`);
      extremes.replaceChildren(
        element("div", { class: "figure-tools" }, select("At", known.map((one, k) => [String(k), one.words]), String(index), (value) => { index = +value; draw(); })),
        element("div", { class: "panels single" }, drawn),
        element("ul", { class: "legend" }, ...curves.map((curve) => element("li", {}, figures.key(look(curve), curve.by === "predicted"), ` ${name(curve)}`))),
        numbers(() => [[`distance (${unit})`, ...curves.map(name)], distances.map((r, k) => [plain(r), ...curves.map((curve) => plain(curve.values[k]))])]),
      );
    }
    draw();
    redraw(extremes, draw);
  });

  const turns = document.getElementById("turns");
  if (turns) whenSeen(turns, async () => {
    const [record] = await Promise.all([load(`record/${turns.dataset.record}`, `data/record/${turns.dataset.record}.js`), library()]);
    const titles = turns.dataset.words.split("|");
    const known = record.conditions.map((one, k) => ({ words: titles[k], ...one.rotation_probe?.curves })).filter((one) => one.particles?.length);
    let index = 0;
    function draw() {
      const { configuration, degrees, particles, values, words: where } = known[index];
      // A turn of 360 degrees is none.
      const points = particles.flatMap((particle, k) => [...degrees, degrees[0] + 360].map((angle, j) => ({ particle: `particle ${particle}`, angle, y: values[k][j % degrees.length], ...style(k) })));
      const drawn = drawing({
        width: width(turns, 640), height: 320, marginLeft: 52, marginBottom: 42, marginRight: 24,
        x: { label: "turn of the structure (degrees)", ticks: [0, 90, 180, 270, 360] }, y: { label: "prediction", grid: true, nice: true },
        marks: [
          Plot.ruleX([90, 270], { stroke: "currentColor", strokeOpacity: 0.4, strokeDasharray: "3 3" }),
          Plot.line(points, { x: "angle", y: "y", z: "particle", stroke: "colour", strokeWidth: 2 }),
          Plot.dot(points, { x: "angle", y: "y", fill: "colour", symbol: "symbol", r: 3.5 }),
        ],
      }, `Predictions for particles that rearrange against the turn of the structure, at ${where}`);
      turns.replaceChildren(
        element("div", { class: "figure-tools" }, select("At", known.map((one, k) => [String(k), one.words]), String(index), (value) => { index = +value; draw(); })),
        element("div", { class: "panels single" }, drawn),
        element("ul", { class: "legend" }, ...particles.map((particle, k) => element("li", {}, figures.key(style(k)), ` particle ${particle}`))),
        element("p", { class: "small" }, `Particles of ${configuration} that rearrange; the load is reversed at the dashed lines.`),
        numbers(() => [["turn (degrees)", ...particles.map((particle) => `particle ${particle}`)], degrees.map((angle, j) => [plain(angle), ...values.map((line) => show(line[j], 4))])]),
      );
    }
    if (known.length) { draw(); redraw(turns, draw); } else turns.replaceChildren(element("p", {}, "No probed structure has a particle that rearranges."));
  });

  const learning = document.getElementById("learning");
  if (learning) whenSeen(learning, async () => {
    await library();
    const names = [];
    const points = [...document.querySelectorAll("table.learning tr[data-n]")].filter((row) => row.dataset.v !== "").map((row) => {
      const name = row.dataset.condition;
      if (!names.includes(name)) names.push(name);
      const number = (text) => (text === "" ? null : +text);
      return { name, x: +row.dataset.n, y: +row.dataset.v, low: number(row.dataset.low), high: number(row.dataset.high), ...style(names.indexOf(name)) };
    });
    const ticks = [...new Set(points.map((point) => point.x))];
    const make = () => drawing({
      width: width(learning, 640), height: 320, marginLeft: 52, marginBottom: 42, marginRight: 24,
      x: { type: "log", label: "training configurations", ticks, tickFormat: "d" }, y: { label: "score", grid: true, nice: true },
      marks: [
        Plot.line(points, { x: "x", y: "y", z: "name", stroke: "colour", strokeWidth: 2 }),
        Plot.ruleX(points.filter((p) => p.low !== null), { x: "x", y1: "low", y2: "high", stroke: "colour", strokeWidth: 1.5 }),
        Plot.dot(points, { x: "x", y: "y", fill: "colour", symbol: "symbol", r: 4.5 }),
      ],
    }, "Score against number of training configurations");
    const legend = element("ul", { class: "legend" }, ...names.map((name, k) => element("li", {}, figures.key(style(k)), ` ${name}`)));
    const draw = () => learning.replaceChildren(legend, make());
    draw();
    redraw(learning, draw);
  });

  const each = document.getElementById("each");
  if (each) whenSeen(each, async () => {
    const record = await load(`record/${each.dataset.record}`, `data/record/${each.dataset.record}.js`);
    let index = 0;
    function draw() {
      const entry = record.conditions[index];
      const columns = [
        ...Object.entries(entry.scores).filter(([metric]) => each.dataset.by.split(" ").includes(metric)).flatMap(([metric, score]) => score.seeds.map((seed) => ({ name: record.seeds.length > 1 ? `${metric}, seed ${seed.seed}` : metric, ...seed }))),
        ...entry.floors.map((floor) => ({ name: `floor: ${floor.model}`, ...floor })),
      ];
      const lines = entry.configurations.map((name, k) => [name, ...columns.map((one) => show(one.by_configuration[k], 4))]);
      each.replaceChildren(
        element("div", { class: "figure-tools" }, select("Condition", record.conditions.map((one, k) => [String(k), words(one.condition)]), String(index), (value) => { index = +value; draw(); })),
        table(["Configuration", ...columns.map((one) => one.name)], [["all", ...columns.map((one) => show(one.value, 4))], ...lines]),
      );
    }
    draw();
  });
});
