"use strict";
// One test configuration of a board, seen by two models beside the simulation: slices or spheres,
// linked to a parity plot. What is chosen stands in the address.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("glass-figure");
  if (!place) return;
  const { element, load, state, setState, whenSeen } = glassbench;
  const { numbers, select, plain, saver } = figures;
  const { stops, away, mixed, ink } = glass;
  const colours = new Map([...document.querySelectorAll("table.ranking tr[data-model]")].map((row) => [row.dataset.model, row.dataset.style.split(" ")[0]]));
  const entries = new Map(place.dataset.entries.split(" ").map((pair) => pair.split("=")));
  const names = [...entries.keys()];
  const marked = new Set();
  const turn = [0.6, 0.4];
  let three = state().get("glassThree") === "1";
  let depth = 0.5;

  async function draw() {
    const chosen = (key, usual) => (entries.has(state().get(key)) ? state().get(key) : usual);
    const [a, b] = [chosen("glassA", names[0]), chosen("glassB", names[1] ?? names[0])];
    const [one, other] = await Promise.all([a, b].map((name) => load(`explain/${entries.get(name)}`, `data/explain/${entries.get(name)}.js`)));
    const shared = one.maps.map((map) => [map, other.maps.find((its) => its.words === map.words && its.configuration === map.configuration)]).filter((pair) => pair[1]);
    const tools = element("div", { class: "figure-tools" });
    const pick = (label, key, value, options) => tools.append(select(label, options, value, (next) => { setState({ [key]: next }); if (key !== "glassView") marked.clear(); draw(); }));
    pick("Model A", "glassA", a, names.map((name) => [name, name]));
    pick("Model B", "glassB", b, names.map((name) => [name, name]));
    if (!shared.length) { place.replaceChildren(tools, element("p", {}, "These two were not explained at a common condition.")); return; }
    const words = shared.map(([map]) => map.words);
    const at = words.includes(state().get("glassAt")) ? state().get("glassAt") : words.at(-1);
    pick("At", "glassAt", at, words.map((text) => [text, text]));
    const [mapA, mapB] = shared[words.indexOf(at)];
    const structure = glass.unpack(one.structures[mapA.structure]);
    const truth = glass.values(mapA, mapA.target);
    const [first, second] = [glass.values(mapA, mapA.prediction), glass.values(mapB, mapB.prediction)];
    const [reachA, reachB] = [mapA, mapB].map(glass.reach);
    const limits = [Math.min(reachA[0], reachB[0]), Math.max(reachA[1], reachB[1])];
    const unit = mapA.unit ? ` ${mapA.unit}` : "";
    const span = limits[1] - limits[0];
    const share = (array) => (i) => mixed(stops, (array[i] - limits[0]) / span);
    // Labels are 0 or 1: in the parity plot each class is a broad column.
    const labels = truth.every((value) => value === 0 || value === 1);
    const across = (i) => (labels ? 0.25 + 0.5 * truth[i] + 0.35 * (((i * 0.618034) % 1) - 0.5) : (truth[i] - limits[0]) / span);
    const gap = (i) => mixed(away, 0.5 + (first[i] - second[i]) / (2 * span));
    const views = [["simulation", share(truth)], [a, share(first)], [b, share(second)], [`${a} minus ${b}`, gap]];
    const view = ["all", ...views.map(([name]) => name)].includes(state().get("glassView")) ? state().get("glassView") : "all";
    pick("Show", "glassView", view, [["all", "all four"], ...views.map(([name]) => [name, name])]);
    if (structure.dimensions === 3) {
      tools.append(element("button", { type: "button", "aria-pressed": String(three), onclick: () => { three = !three; setState({ glassThree: three ? "1" : "" }); draw(); } }, three ? "As a slice" : "As spheres in 3D"));
      if (!three) {
        const slider = element("input", { type: "range", min: 0, max: 1, step: 0.01, value: depth });
        slider.addEventListener("input", () => { depth = +slider.value; show(); });
        tools.append(element("label", { class: "slider" }, "Depth of the slice", slider));
      }
    }
    const maps = element("div", { class: "maps" });
    const parity = element("div");
    const below = element("div");
    place.replaceChildren(tools, maps, parity, below);
    const ends = (k) => (k < 3 ? glass.ramp("", `${plain(+limits[0].toPrecision(3))}${unit}`, `${plain(+limits[1].toPrecision(3))}${unit}`) : glass.ramp("apart", `−${plain(+span.toPrecision(3))}${unit}`, `+${plain(+span.toPrecision(3))}${unit}`));

    function show() {
      const particles = glass.inside(structure, depth);
      const drawn = views.map(([name, colour], k) => [name, colour, k]).filter(([name]) => view === "all" || view === name).map(([name, colour, k]) => {
        const canvas = three
          ? glass.spheres(structure, colour, name, turn, () => maps.querySelectorAll("canvas").forEach((each) => each.redraw()), marked)
          : brushed(glass.slice(structure, particles, colour, name, marked), (box) => {
            const edge = structure.box;
            mark(particles.filter((p) => p.x / edge[0] >= box[0] && p.x / edge[0] <= box[2] && 1 - p.y / edge[1] >= box[1] && 1 - p.y / edge[1] <= box[3]).map((p) => p.i));
          });
        return glass.figure(canvas, name, ends(k));
      });
      maps.replaceChildren(...drawn);
      const [left, right] = [first, second].map((array, k) => glass.figure(brushed(scatter(array, colours.get([a, b][k])), (box) => mark([...array.keys()].filter((i) => {
        const [x, y] = [across(i), 1 - (array[i] - limits[0]) / span];
        return x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];
      }))), [a, b][k], axis()));
      parity.replaceChildren(element("h3", {}, labels ? "Predicted (up), by what the particle does" : "Parity: predicted (up) against simulated"), element("div", { class: "maps parity" }, left, ...(a === b ? [] : [right])));
      const details = numbers(() => [["particle", "species", `x (${structure.unit})`, "y", `simulation${unit}`, a, b], (marked.size ? [...marked].map((i) => ({ i, x: structure.at(i)[0], y: structure.at(i)[1] })) : particles).map((p) => [p.i, structure.species_names?.[structure.species[p.i]] ?? structure.species[p.i], ...[p.x, p.y, truth[p.i], first[p.i], second[p.i]].map((value) => plain(+value.toPrecision(3)))])]);
      below.replaceChildren(
        saver(place, "glass"),
        element("p", { class: "small" }, `Test configuration ${mapA.configuration}, values in 256 steps, cut at the ends of the scale. ${marked.size ? `${marked.size} particles are marked. ` : ""}`, ...(marked.size ? [element("button", { type: "button", onclick: () => mark([]) }, "Unmark")] : [])),
        details,
      );
      figures.subscripts(place);
    }

    // Both axes of a parity plot go from one limit to the other.
    function axis() {
      const ends = labels ? ["does not rearrange", "rearranges"] : limits.map((limit) => `${plain(+limit.toPrecision(3))}${unit}`);
      return Object.assign(element("div", { class: "ramp-ends" }, element("span", {}, ends[0]), element("span", {}, ends[1])), { ends });
    }

    function scatter(array, colour) {
      const size = 300;
      const made = element("canvas", { width: size, height: size, role: "img", "aria-label": "Predicted against simulated value of each particle. The numbers are in the table below." });
      const dot = (i) => ({ x: across(i) * size, y: (1 - (array[i] - limits[0]) / span) * size, r: marked.has(i) ? 1.8 : 1.2, fill: marked.has(i) ? ink : colour, pale: !marked.has(i) && 0.5 });
      const diagonal = Array.from({ length: 60 }, (_, k) => ({ x: 5 * k + 2.5, y: size - 5 * k - 2.5, r: 0.8, fill: "#82888e" }));
      return glass.paint(made, [...(labels ? [] : diagonal), ...[...array.keys()].sort((i, j) => marked.has(i) - marked.has(j)).map(dot)]);
    }

    function brushed(canvas, act) {
      let from = null;
      const share = (event) => { const box = canvas.getBoundingClientRect(); return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]; };
      canvas.classList.add("brushed");
      canvas.addEventListener("pointerdown", (event) => { from = share(event); canvas.setPointerCapture(event.pointerId); });
      canvas.addEventListener("pointerup", (event) => {
        if (!from) return;
        const to = share(event);
        act([Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.max(from[0], to[0]), Math.max(from[1], to[1])]);
      });
      return canvas;
    }

    function mark(particles) {
      marked.clear();
      particles.forEach((i) => marked.add(i));
      show();
    }
    show();
  }

  whenSeen(place, draw);
});
