"use strict";
// Models side by side: differences to a reference at each condition.
document.addEventListener("DOMContentLoaded", async () => {
  const place = document.getElementById("compare");
  const { element, load, state, setState } = glassbench;
  const { own, saver, library, drawing, select, table, show, plain, key, width, redraw } = figures;
  const index = await load("index", place.dataset.index);
  if (!index.boards.length) { place.append(element("p", {}, "There is no record to compare yet.")); return; }
  const most = 7;

  function choice() {
    const now = state();
    const board = index.boards.find((one) => one.name === now.get("board")) ?? index.boards.find((one) => one.models.length > 1) ?? index.boards[0];
    const known = new Set(board.models.map((model) => model.name));
    let models = (now.get("models") ?? "").split(",").filter((name) => known.has(name)).slice(0, most);
    for (const model of board.models) if (models.length < 2 && !models.includes(model.name)) models.push(model.name);
    const reference = models.includes(now.get("reference")) ? now.get("reference") : models[0];
    const metric = board.metrics.find((one) => one.name === now.get("metric")) ?? board.metrics[0];
    return { board, models, reference, metric };
  }

  const averaged = (score) => score.seeds[0].by_configuration.map((_, k) => {
    const values = score.seeds.map((seed) => seed.by_configuration[k]);
    return values.some((value) => value === null) ? null : values.reduce((a, b) => a + b, 0) / values.length;
  });

  function differences(records, { models, reference, metric, board }) {
    const at = (record) => new Map(record.conditions.map((entry) => [JSON.stringify(board.axes.map((axis) => entry.condition[axis.name])), entry]));
    const base = at(records.get(reference));
    const lines = [];
    for (const name of models) {
      if (name === reference) continue;
      const all = [];
      for (const [point, entry] of at(records.get(name))) {
        const other = base.get(point);
        if (!other?.scores[metric.name] || !entry.scores[metric.name]) continue;
        const [own, theirs] = [averaged(entry.scores[metric.name]), averaged(other.scores[metric.name])];
        const byName = new Map(other.configurations.map((one, k) => [one, theirs[k]]));
        if (!entry.configurations.every((one) => byName.has(one)) || byName.size !== own.length) continue;
        const paired = entry.configurations.map((one) => byName.get(one));
        const found = bootstrap.difference(own, paired, entry.parents, index.draws, index.shares);
        lines.push({ model: name, condition: entry.condition, value: entry.scores[metric.name].value, reference: other.scores[metric.name].value, ...found });
        all.push({ own, paired, entry, value: entry.scores[metric.name].value, reference: other.scores[metric.name].value });
      }
      // The mean over conditions, where all have the same configurations.
      if (all.length < 2 || all.some(({ entry }) => String(entry.configurations) !== String(all[0].entry.configurations))) continue;
      const mean = (values) => (values.includes(null) ? null : values.reduce((a, b) => a + b, 0) / values.length);
      const [own, paired] = ["own", "paired"].map((side) => all[0].own.map((_, k) => mean(all.map((one) => one[side][k]))));
      const found = bootstrap.difference(own, paired, all[0].entry.parents, index.draws, index.shares);
      lines.push({ model: name, condition: null, value: mean(all.map((one) => one.value)), reference: mean(all.map((one) => one.reference)), ...found });
    }
    return lines;
  }

  async function draw() {
    const chosen = choice();
    const { board, models, reference, metric } = chosen;
    const of = new Map(board.models.map((model) => [model.name, model]));
    const loaded = await Promise.all([library(), ...models.map((name) => load(`record/${of.get(name).record}`, `data/record/${of.get(name).record}.js`))]);
    const records = new Map(models.map((name, k) => [name, loaded[k + 1]]));
    const lines = differences(records, chosen);
    const conditions = lines.filter((line) => line.condition);
    const varying = board.axes.filter((axis) => new Set(conditions.map((line) => line.condition[axis.name])).size > 1);
    const told = varying.length ? varying : board.axes;
    const words = (condition) => !condition ? "mean over these" : told.map((axis) => `${axis.symbol} = ${plain(condition[axis.name])}${axis.unit ? ` ${axis.unit}` : ""}`).join(", ");
    const tools = element("div", { class: "figure-tools" },
      select("Board", index.boards.map((one) => [one.name, one.title]), board.name, (value) => { setState({ board: value, models: "", reference: "", metric: "" }); draw(); }),
      select("Metric", board.metrics.map((one) => [one.name, one.title]), metric.name, (value) => { setState({ metric: value }); draw(); }),
      select("Reference", models.map((name) => [name, name]), reference, (value) => { setState({ models: models.join(","), reference: value }); draw(); }));
    const boxes = board.models.map((model) => {
      const box = element("input", { type: "checkbox", value: model.name, checked: models.includes(model.name), disabled: !models.includes(model.name) && models.length >= most });
      box.addEventListener("change", () => {
        const next = box.checked ? [...models, model.name] : models.filter((name) => name !== model.name);
        setState({ models: next.join(","), reference: next.includes(reference) ? reference : "" });
        draw();
      });
      return element("label", {}, box, `${model.name} `, element("span", { class: `chip ${model.status}` }, model.status));
    });
    const labels = [...new Set(lines.map((line) => words(line.condition)))];
    const others = models.filter((name) => name !== reference);
    const drawable = lines.filter((line) => line.mean !== null).map((line) => ({ ...line, ...own(of.get(line.model).style), y: words(line.condition), tip: `${line.model} minus ${reference}\n${words(line.condition)}\n${show(line.mean)}${line.low === null ? "" : ` [${show(line.low)}, ${show(line.high)}]`}` }));
    const figure = drawable.length ? drawing({
      width: width(place, 1100), height: 60 + labels.length * (14 + 14 * others.length), marginLeft: 20, marginBottom: 42, marginRight: 30 + 7 * Math.max(...labels.map((label) => label.length)),
      x: { label: width(place, 1100) < 500 ? `right: ${metric.higher ? "better" : "worse"}` : `difference in ${metric.title} (right: ${metric.higher ? "better" : "worse"} than ${reference})`, ticks: width(place, 1100) < 500 ? 2 : 8, grid: true, nice: true },
      y: { label: null, domain: others }, fy: { label: null, domain: labels, padding: 0.2 },
      marks: [
        Plot.ruleX([0], { stroke: "currentColor", strokeDasharray: "3 3" }),
        Plot.ruleY(drawable.filter((line) => line.low !== null), { x1: "low", x2: "high", y: "model", fy: "y", stroke: "colour", strokeWidth: 2 }),
        Plot.dot(drawable, { x: "mean", y: "model", fy: "y", fill: "colour", symbol: "symbol", r: 4.5 }),
        Plot.axisY({ ticks: [], label: null }), Plot.tip(drawable, Plot.pointer({ x: "mean", y: "model", fy: "y", title: "tip" })),
      ],
    }, `Paired differences to ${reference} at each condition`) : element("p", {}, "These models share no condition, or one is chosen alone.");
    const legend = element("ul", { class: "legend" }, ...others.map((name) => element("li", {}, key(own(of.get(name).style)), ` ${name}`)));
    place.replaceChildren(tools,
      element("fieldset", { class: "choice" }, element("legend", {}, `Models, up to ${most}`), ...boxes),
      element("div", { class: "figure", id: "differences" }, legend, figure, ...(drawable.length ? [saver({ id: "differences", querySelectorAll: () => [figure] })] : [])),
      table(["Condition", "Model", "Difference", "95 % interval", "Score", reference], lines.map((line) => [words(line.condition), line.model, show(line.mean), line.low === null ? "–" : `[${show(line.low)}, ${show(line.high)}]`, show(line.value), show(line.reference)]), true));
  }
  window.addEventListener("hashchange", draw);
  redraw(place, draw);
  draw();
});
