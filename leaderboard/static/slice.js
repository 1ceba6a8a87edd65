"use strict";
// Particles of one test configuration in colour, as a slice or as spheres that can be turned: what
// the pages of records and boards share; and the maps of a record: true, predicted, difference.
const glass = (() => {
  const { element } = glassbench;
  const stops = [[0, 32, 77], [0, 51, 111], [57, 72, 107], [87, 92, 109], [112, 113, 115], [138, 135, 121], [166, 157, 117], [196, 181, 108], [228, 207, 91], [255, 234, 70]];
  const away = [[0, 90, 181], [150, 190, 225], [240, 240, 236], [240, 190, 150], [200, 80, 10]];
  const mixed = (scale, share) => {
    const at = Math.min(0.9999, Math.max(0, share)) * (scale.length - 1);
    const k = Math.floor(at);
    return scale[k].map((one, c) => Math.round(one + (at - k) * (scale[k + 1][c] - one)));
  };
  const css = (rgb) => `rgb(${rgb.join(",")})`;
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const words16 = (text) => { const raw = bytes(text); return Uint16Array.from({ length: raw.length / 2 }, (_, k) => raw[2 * k] + 256 * raw[2 * k + 1]); };
  const pixels = 480;

  // Positions as shares of the box, and values of a map in the unit of the target.
  function unpack(one) {
    const [steps, dimensions] = [words16(one.positions), one.box.length];
    const species = bytes(one.species);
    const at = (i) => one.box.map((edge, k) => (steps[i * dimensions + k] / 65536) * edge);
    return { ...one, species, dimensions, at, count: species.length };
  }
  // Where all of the truth is one value, such as no particle that rearranges, a step is 1 / 255.
  const reach = ({ limits: [low, high] }) => [low, high > low ? high : low + 1];
  const values = (map, text) => { const [low, high] = reach(map); return Float32Array.from(bytes(text), (byte) => low + (byte / 255) * (high - low)); };
  const radius = (structure, i) => structure.spacing * (structure.species[i] ? 0.4 : 0.475);

  function inside(structure, depth) {
    const chosen = [];
    for (let i = 0; i < structure.count; i += 1) {
      const [x, y, z] = structure.at(i);
      let off = structure.dimensions === 3 ? Math.abs(z - depth * structure.box[2]) : 0;
      if (structure.dimensions === 3) off = Math.min(off, structure.box[2] - off);
      if (off <= structure.spacing / 2) chosen.push({ i, x, y, species: structure.species[i] });
    }
    return chosen;
  }

  // A picture is a list of discs, from far to near; it is painted on a canvas, or saved as SVG.
  function paint(canvas, discs) {
    canvas.discs = discs;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (const { x, y, r, fill, line, width, pale } of discs) {
      context.globalAlpha = pale || 1;
      context.fillStyle = fill;
      context.beginPath();
      context.arc(x, y, r, 0, 7);
      context.fill();
      if (!line) continue;
      context.lineWidth = width;
      context.strokeStyle = line;
      context.stroke();
    }
    return canvas;
  }
  const ink = "#d01c8b"; // of marked particles

  // A slice as a canvas; `marked` particles are ringed, the others pale where some are marked.
  function slice(structure, particles, colour, label, marked = new Set()) {
    const made = element("canvas", { width: pixels, height: Math.round((pixels * structure.box[1]) / structure.box[0]), role: "img", "aria-label": `${label}. The numbers are in the table below.` });
    const scale = pixels / structure.box[0];
    return paint(made, particles.map((one) => {
      const on = marked.has(one.i);
      return { x: one.x * scale, y: made.height - one.y * scale, r: radius(structure, one.i) * scale, fill: css(colour(one.i)), line: on ? ink : "rgba(0,0,0,.45)", width: on ? 2 : 0.6, pale: marked.size && !on && 0.25 };
    }));
  }

  // All particles as lit spheres, from far to near; drag or use the arrow keys to turn them.
  function spheres(structure, colour, label, turn, changed, marked = new Set()) {
    const made = element("canvas", { width: pixels, height: pixels, tabindex: 0, role: "img", "aria-label": `${label}: spheres, arrow keys turn them` });
    const half = structure.box.map((edge) => edge / 2);
    const points = Array.from({ length: structure.count }, (_, i) => structure.at(i).map((x, k) => x - half[k]));
    const scale = (0.56 * pixels) / Math.hypot(...structure.box) * 1.7;
    function draw() {
      const [a, b] = turn;
      const [ca, sa, cb, sb] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)];
      const seen = points.map(([x, y, z], i) => {
        const [u, w] = [ca * x + sa * z, -sa * x + ca * z];
        return { i, x: u, y: cb * y - sb * w, z: sb * y + cb * w };
      }).sort((one, other) => one.z - other.z);
      const deep = Math.max(...half) * 1.8;
      // Where some are marked the others are small, so that one sees between them.
      paint(made, seen.flatMap((one) => {
        const on = marked.has(one.i);
        const [x, y, r] = [pixels / 2 + one.x * scale, pixels / 2 - one.y * scale, radius(structure, one.i) * scale * (marked.size && !on ? 0.35 : 1)];
        const light = 0.55 + 0.45 * Math.min(1, Math.max(0, 0.5 + one.z / deep));
        const rgb = colour(one.i);
        return [
          { x, y, r, fill: css(rgb.map((c) => Math.round(c * light * 0.8))), line: on && ink, width: 2 },
          { x: x - 0.18 * r, y: y - 0.18 * r, r: 0.68 * r, fill: css(rgb.map((c) => Math.round(Math.min(255, (c * 0.9 + 25) * light)))) },
        ];
      }));
    }
    let from = null;
    made.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY, ...turn]; made.setPointerCapture(event.pointerId); });
    made.addEventListener("pointerup", () => { from = null; });
    made.addEventListener("pointermove", (event) => {
      if (!from) return;
      turn[0] = from[2] + (event.clientX - from[0]) / 120;
      turn[1] = from[3] + (event.clientY - from[1]) / 120;
      changed();
    });
    made.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] }[event.key];
      if (!step) return;
      event.preventDefault();
      turn[0] += step[0];
      turn[1] += step[1];
      changed();
    });
    made.redraw = draw;
    draw();
    return made;
  }

  // A canvas with its name and the ends of its colour bar, which go along when it is saved.
  function figure(canvas, label, ramp) {
    canvas.words = { label, colours: ramp.colours, ends: ramp.ends };
    return element("figure", {}, element("figcaption", { title: label }, label), canvas, ramp);
  }
  const ramp = (kind, low, high) => Object.assign(bar(kind, low, high), { colours: kind ? away : stops, ends: [low, high] });
  const bar = (kind, low, high) => element("div", {}, element("div", { class: `ramp ${kind}`, "aria-hidden": "true" }), element("div", { class: "ramp-ends" }, element("span", {}, low), element("span", {}, high)));
  // The canvas as SVG on white: its name above, its colour bar below; `_` begins a subscript.
  function asSvg({ width, height, discs, words: { label, colours, ends } }) {
    const plain = (text) => text.replace(/[&<>]/g, "");
    const symbols = (text) => plain(text).replace(/(\p{L})_([\p{L}\d]+)/gu, '$1<tspan dy="4" font-size="12">$2</tspan>');
    const shapes = discs.map(({ x, y, r, fill, line, width: wide, pale }) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r.toFixed(1)}" fill="${fill}"${line ? ` stroke="${line}" stroke-width="${wide}"` : ""}${pale ? ` opacity="${pale}"` : ""}/>`);
    const stop = (rgb, k) => `<stop offset="${(k / (colours.length - 1)).toFixed(3)}" stop-color="${css(rgb)}"/>`;
    const bar = colours ? `<defs><linearGradient id="bar">${colours.map(stop).join("")}</linearGradient></defs><rect y="${height + 38}" width="${width}" height="12" fill="url(#bar)"/>` : "";
    const below = `<text y="${height + 70}">${symbols(ends[0])}</text><text x="${width}" y="${height + 70}" text-anchor="end">${symbols(ends[1])}</text>`;
    const total = height + 80;
    return [`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${total}" viewBox="0 0 ${width} ${total}" font-family="system-ui, sans-serif" font-size="16" fill="#1c2126"><rect width="${width}" height="${total}" fill="#fff"/><text y="20">${plain(label)}</text><svg y="30" width="${width}" height="${height}">${shapes.join("")}</svg>${bar}${below}</svg>`, width, total];
  }
  return { stops, away, mixed, bytes, unpack, reach, values, inside, paint, slice, spheres, figure, ramp, asSvg, ink };
})();

document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("slice");
  if (!place) return;
  const { element, load, whenSeen } = glassbench;
  const { numbers, select, plain } = figures;
  const { stops, away, mixed, bytes } = glass;

  whenSeen(place, async () => {
    const data = await load(`explain/${place.dataset.entry}`, `data/explain/${place.dataset.entry}.js`);
    const unpacked = data.structures.map(glass.unpack);
    let index = 0;
    let depth = 0.5;
    const tools = element("div", { class: "figure-tools" });
    const maps = element("div", { class: "maps" });
    const below = element("div");
    if (data.maps.length > 1) tools.append(select("At", data.maps.map((map, k) => [String(k), map.words]), "0", (value) => { index = +value; draw(); }));
    if (unpacked[0].dimensions === 3) {
      const slider = element("input", { type: "range", min: 0, max: 1, step: 0.01, value: depth });
      slider.addEventListener("input", () => { depth = +slider.value; draw(); });
      tools.append(element("label", { class: "slider" }, "Depth of the slice", slider));
    }
    place.replaceChildren(tools, maps, below);

    function draw() {
      const map = data.maps[index];
      const limits = glass.reach(map);
      const structure = unpacked[map.structure];
      const [target, prediction] = [bytes(map.target), bytes(map.prediction)];
      const particles = glass.inside(structure, depth);
      const unit = map.unit ? ` ${map.unit}` : "";
      const beyond = (end, word) => map.cut?.[end] === false ? "" : ` or ${word}`;
      const value = (byte) => limits[0] + byte / 255 * (limits[1] - limits[0]);
      const ends = () => glass.ramp("", `${plain(limits[0])}${unit}${beyond(0, "less")}`, `${plain(limits[1])}${unit}${beyond(1, "more")}`);
      const span = plain(+(limits[1] - limits[0]).toPrecision(3));
      const drawn = (colour, label, ramp) => glass.figure(glass.slice(structure, particles, colour, label), label, ramp);
      maps.replaceChildren(
        drawn((i) => mixed(stops, target[i] / 255), "true", ends()),
        drawn((i) => mixed(stops, prediction[i] / 255), "predicted", ends()),
        drawn((i) => mixed(away, 0.5 + (prediction[i] - target[i]) / 510), "difference", glass.ramp("apart", `−${span}${unit}`, `+${span}${unit}`)),
      );
      const open = below.querySelector("details")?.open;
      const details = numbers(() => [["particle", "species", `x (${structure.unit})`, "y", `true${unit}`, `predicted${unit}`], particles.map((one) => [one.i, structure.species_names?.[one.species] ?? "AB"[one.species] ?? one.species, plain(one.x.toPrecision(4)), plain(one.y.toPrecision(4)), plain(value(target[one.i]).toPrecision(3)), plain(value(prediction[one.i]).toPrecision(3))])]);
      below.replaceChildren(
        figures.saver(maps, "maps"),
        element("p", { class: "small" }, `Test configuration ${map.configuration}, ${particles.length} particles; values in 256 steps. Difference: predicted minus true.`),
        details,
      );
      details.open = Boolean(open);
      figures.subscripts(place);
    }
    draw();
  });
});
