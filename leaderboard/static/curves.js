"use strict";
// Scores against an axis of the task, one panel for each value of the others.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("curve-figure");
  if (!place) return;
  const { element, load, script, state, setState, whenSeen } = glassbench;
  const { own, apart, saver, library, drawing, numbers, key, select, show, plain, powers, width, redraw, grey } = figures;
  const metrics = place.dataset.metrics.split(" ");
  const titles = place.dataset.titles.split("|");
  const files = place.dataset.files.split(" ");
  const reduced = new Set(place.dataset.reduced.split(" "));
  const leaders = new Set(place.dataset.leaders.split(" "));
  const mostPanels = 6;
  const mostColoured = 8;
  let alone = state().get("model") ?? "";
  let metric = metrics.includes(state().get("metric")) ? state().get("metric") : metrics[0];
  let axis = state().get("x");
  const order = place.dataset.order.split(" ");

  function panels(data, x) {
    const groups = new Map();
    data.points.forEach((point, index) => {
      const rest = point.filter((_, k) => k !== x);
      const name = data.axes.filter((_, k) => k !== x)
        .map((each, k) => `${each.symbol} = ${plain(rest[k])}${each.unit && !each.unit.includes("/") ? ` ${each.unit}` : ""}`).join(", ");
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(index);
    });
    return groups;
  }

  // The axis with most values is drawn along x; where two have as many, the later one.
  function longest(data) {
    const counts = data.axes.map((_, k) => new Set(data.points.map((point) => point[k])).size);
    return counts.lastIndexOf(Math.max(...counts));
  }

  function abscissa(data, indices, x) {
    const scaled = data.axes[x].name === "time" && indices.every((i) => data.tau[i]);
    const values = indices.map((i) => (scaled ? data.points[i][x] / data.tau[i] : data.points[i][x]));
    const one = data.axes[x];
    const label = scaled ? `${one.symbol} / τ_α` : one.unit ? `${one.symbol} (${one.unit})` : one.symbol;
    return { values, label, log: Math.min(...values) > 0 && Math.max(...values) > 9.99 * Math.min(...values) };
  }

  const series = (data) => [
    ...data.models.filter((one) => !data.floors.some((floor) => floor.name === one.name)).map((one) => ({ ...one, kind: one.status })),
    ...data.reported.map((one) => ({ ...one, kind: "reported", low: [], high: [] })),
  ].sort((one, other) => place_of(one.name) - place_of(other.name))
    // Of many, all but those of the first places, and the first of each tier, are grey until chosen.
    .map((one, index) => ({ ...one, ...own(one.style), ...(index >= mostColoured && alone !== one.name && !leaders.has(one.name) ? { colour: grey, quiet: true } : {}) }));
  const label_of = (one) => `${one.name}${one.kind === "reported" ? " (reported)" : reduced.has(one.name) ? " (reduced)" : ""}`;
  const place_of = (name) => (order.indexOf(name) + 1 || 1e9);

  function panel(data, all, name, indices, x, isOnly) {
    const { values, label, log } = abscissa(data, indices, x);
    const points = all.flatMap((one) => indices.map((i, k) => ({
      x: values[k], y: one.values[i], low: one.low[i] ?? null, high: one.high[i] ?? null, model: one.name, kind: one.kind,
      colour: one.colour, symbol: one.symbol, quiet: one.quiet, faded: alone && alone !== one.name,
      words: `${one.name} (${one.kind})\n${label.split(" (")[0]} = ${plain(values[k])}\n${show(one.values[i])}${one.low[i] === null || one.low[i] === undefined ? "" : ` [${show(one.low[i])}, ${show(one.high[i])}]`}`,
    }))).filter((point) => point.y !== null);
    if (!points.length) return element("figure", {}, element("figcaption", {}, name), element("p", {}, "No model has a value here."));
    const floors = data.floors.flatMap((floor) => indices.map((i, k) => ({ x: values[k], y: floor.values[i], floor: floor.name }))).filter((point) => point.y !== null);
    const ceiling = indices.map((i, k) => ({ x: values[k], y: data.ceiling[i] })).filter((point) => point.y !== null).sort((a, b) => a.x - b.x);
    const wide = isOnly ? 1400 : Math.min(560, place.clientWidth / 2 - 40);
    const size = { width: width(place, wide), height: isOnly ? Math.min(460, width(place, wide) * 0.8) : 330 };
    const drawn = several(values)
      ? curve(data.metric, points, floors, ceiling, { ...size, times: [...new Set(values)].sort((a, b) => a - b), x: { label, type: log ? "log" : "linear", domain: widened(values, log) }, label: `${data.metric.title} against ${label}${name ? ` at ${name}` : ""}` })
      : figures.single(data.metric, points, floors, ceiling, { width: size.width, label: `${data.metric.title} at ${[name, `${label} = ${plain(values[0])}`].filter(Boolean).join(", ")}` });
    drawn.addEventListener("click", () => isolate(drawn.value?.model ?? ""));
    drawn.style.cursor = "pointer";
    return element("figure", {}, element("figcaption", {}, name), drawn);
  }

  const several = (values) => new Set(values).size > 1;

  function widened(values, log) {
    const [first, last] = [Math.min(...values), Math.max(...values)];
    const margin = 0.05 * (last - first);
    return log ? [first / 1.5, last * 1.5] : [first - margin, last + margin];
  }

  // Names at the ends of the lines that stand out, where there is room; those of floors, too.
  function names(points, floors, high, low, height, room) {
    const last = new Map();
    for (const point of points) if (!point.faded && !point.quiet && (last.get(point.model)?.x ?? -Infinity) <= point.x) last.set(point.model, point);
    const ends = [...last.values()].map((point) => ({ name: point.model, x: point.x, y: point.y, colour: point.colour }));
    const inside = height - 60;
    const at = (y) => 18 + inside * (high - y) / (high - low);
    const placed = apart(ends.map((end) => at(end.y)), 13, height - 44);
    return ends.map((end, k) => ({ ...end, dy: placed[k] - at(end.y) })).filter(() => room);
  }

  function curve(metric, points, floors, ceiling, { width, height, x, label, times }) {
    const measured = points.filter((point) => point.kind !== "reported");
    const published = points.filter((point) => point.kind === "reported");
    const opacity = (point) => (point.faded ? 0.12 : 1);
    const extended = ceiling.length ? [{ x: x.domain[0], y: ceiling[0].y }, ...ceiling, { x: x.domain[1], y: ceiling.at(-1).y }] : [];
    const ys = [...points.flatMap((p) => [p.y, p.low, p.high]), ...floors.map((p) => p.y)].filter((y) => y !== null);
    const low = Math.min(...ys, metric.bounded ? 0 : Infinity);
    const high = metric.bounded ? 1 : Math.max(...ys);
    const margin = metric.bounded ? 0 : 0.06 * (high - low || 1);
    const longest = Math.max(0, ...points.filter((p) => !p.quiet).map((p) => p.model.length), ...floors.map((p) => p.floor.length));
    const room = width > 420;
    const ends = names(points, floors, high + margin, low - margin, height, room);
    // Measured values are labelled, as many as there is room for.
    const span = x.type === "log" ? (value) => Math.log(value / x.domain[0]) / Math.log(x.domain[1] / x.domain[0]) : (value) => (value - x.domain[0]) / (x.domain[1] - x.domain[0]);
    const inner = width - 62 - (room ? 7 * longest : 0);
    // That nearest to one first: in units of the relaxation time it says most.
    const first = [...times].sort((a, b) => Math.abs(Math.log(a)) - Math.abs(Math.log(b)))[0];
    const ticks = (x.type === "log" ? [first, ...times] : times).reduce((kept, value) => (kept.some((one) => Math.abs(span(value) - span(one)) * inner < 34) ? kept : [...kept, value]), []);
    return drawing({
      width, height, marginTop: 26, marginLeft: 48, marginBottom: 42, marginRight: room ? 20 + 6.6 * longest : 14,
      x: { type: x.type, domain: x.domain, axis: null },
      y: { domain: [low - margin, high + margin], label: metric.title, grid: true, nice: !metric.bounded },
      marks: [
        // A logarithmic scale would leave out labels that are no powers of ten.
        Plot.ruleX(ticks, { x: (value) => value, y1: low - margin, y2: low - margin + 0.012 * (high - low + 2 * margin), stroke: "currentColor" }),
        Plot.text(ticks, { x: (value) => value, text: (value) => powers(+value.toPrecision(2)), frameAnchor: "bottom", dy: 16 }),
        Plot.text([x.label], { text: (words) => words, frameAnchor: "bottom", dy: 34 }),
        extended.length && metric.bounded ? Plot.areaY(extended, { x: "x", y1: "y", y2: 1, fill: "currentColor", fillOpacity: 0.13 }) : null,
        extended.length ? Plot.line(extended, { x: "x", y: "y", stroke: "currentColor", strokeOpacity: 0.5 }) : null,
        Plot.line(floors, { x: "x", y: "y", z: "floor", stroke: grey, strokeDasharray: "5 4", strokeWidth: 1.4 }),
        Plot.line(measured, { x: "x", y: "y", z: "model", stroke: "colour", strokeWidth: 2, strokeOpacity: opacity }),
        Plot.ruleX(measured.filter((p) => p.low !== null), { x: "x", y1: "low", y2: "high", stroke: "colour", strokeWidth: 1.6, strokeOpacity: opacity }),
        Plot.dot(measured, { x: "x", y: "y", fill: "colour", symbol: "symbol", r: 4, fillOpacity: opacity }),
        Plot.line(published, { x: "x", y: "y", z: "model", stroke: "colour", strokeDasharray: "1 4", strokeWidth: 1.2, strokeOpacity: opacity }),
        Plot.dot(published, { x: "x", y: "y", stroke: "colour", symbol: "symbol", r: 4, strokeWidth: 1.5, strokeOpacity: opacity }),
        ...ends.map((end) => Plot.text([end], { x: "x", y: "y", text: "name", dx: 9, dy: end.dy, textAnchor: "start", fill: "colour", fontSize: 11 })),
        Plot.tip(points.filter((p) => !p.faded), Plot.pointer({ x: "x", y: "y", title: "words", maxRadius: 30 })),
      ],
    }, label);
  }

  function isolate(name) {
    alone = alone === name ? "" : name;
    setState({ model: alone });
    draw();
  }

  function legend(data, all) {
    const item = (child) => element("li", {}, child);
    const models = all.map((one) => item(element("button", {
      type: "button", "aria-pressed": String(alone === one.name), onclick: () => isolate(one.name),
    }, key(one.quiet ? { ...one, colour: grey } : one, one.kind === "reported"), label_of(one))));
    const floors = data.floors.length ? [item(element("span", { class: "small" }, `dashed: floors ${data.floors.map((floor) => floor.name).join(", ")}`))] : [];
    return element("ul", { class: "legend", "aria-label": "Models; choose one to see it alone" }, ...models, ...floors);
  }

  const asTable = (data, all) => () => [
    [...data.axes.map((one) => `${one.symbol}${one.unit ? ` (${one.unit})` : ""}`), ...all.map((one) => `${one.name} (${one.kind})`), data.ceiling_words, ...data.floors.map((floor) => `floor ${floor.name}`)],
    data.points.map((point, i) => [...point.map(plain), ...all.map((one) => `${show(one.values[i])}${(one.low[i] ?? null) === null ? "" : ` [${show(one.low[i])}, ${show(one.high[i])}]`}`), show(data.ceiling[i]), ...data.floors.map((floor) => show(floor.values[i]))]),
  ];

  async function draw() {
    const index = metrics.indexOf(metric);
    const [data] = await Promise.all([load(`${place.dataset.board}/${metric}`, `data/board/${files[index]}.js`), library()]);
    const all = series(data);
    if (!all.length) { place.replaceChildren(element("p", {}, "Nothing to draw yet.")); return; }
    const names = data.axes.map((one) => one.name);
    const x = names.includes(axis) ? names.indexOf(axis) : longest(data);
    const groups = [...panels(data, x)];
    const chosen = groups.slice(0, mostPanels);
    const only = state().get("panel");
    if (groups.some(([, indices]) => !several(indices.map((i) => data.points[i][x])))) await script("static/single.js");
    const visible = groups.length > mostPanels ? (groups.some(([name]) => name === only) ? groups.filter(([name]) => name === only) : chosen.slice(0, 1)) : groups;
    const tools = element("div", { class: "figure-tools" });
    if (metrics.length > 1) tools.append(select("Metric", metrics.map((name, k) => [name, titles[k]]), metric, (value) => { metric = value; setState({ metric: value === metrics[0] ? "" : value }); draw(); }));
    if (names.length > 1) tools.append(select("Along x", data.axes.map((one) => [one.name, one.name.replaceAll("_", " ")]), names[x], (value) => { axis = value; setState({ x: value, panel: "" }); draw(); }));
    if (groups.length > mostPanels) tools.append(select("At", groups.map(([name]) => [name, name]), visible[0][0], (value) => { setState({ panel: value }); draw(); }));
    const body = element("div", { class: visible.length > 1 ? "panels" : "panels single" }, ...visible.map(([name, indices]) => panel(data, all, name, indices, x, visible.length === 1)));
    const open = place.querySelector("details")?.open;
    const details = numbers(asTable(data, all));
    place.replaceChildren(tools, legend(data, all), body, saver(place), details);
    details.open = Boolean(open);
    figures.subscripts(body);
  }

  whenSeen(place, () => { draw(); redraw(place, draw); });
});
