"use strict";
// Particles of one test configuration in a slice: true, predicted, and their difference.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("slice");
  if (!place) return;
  const { element, load, whenSeen } = glassbench;
  const { numbers, select, plain } = figures;
  const stops = [[0, 32, 77], [0, 51, 111], [57, 72, 107], [87, 92, 109], [112, 113, 115], [138, 135, 121], [166, 157, 117], [196, 181, 108], [228, 207, 91], [255, 234, 70]];
  const apart = [[0, 90, 181], [150, 190, 225], [240, 240, 236], [240, 190, 150], [200, 80, 10]];
  const mixed = (scale, share) => {
    const at = Math.min(0.9999, Math.max(0, share)) * (scale.length - 1);
    const k = Math.floor(at);
    return `rgb(${scale[k].map((one, c) => Math.round(one + (at - k) * (scale[k + 1][c] - one))).join(",")})`;
  };
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const words16 = (text) => { const raw = bytes(text); return Uint16Array.from({ length: raw.length / 2 }, (_, k) => raw[2 * k] + 256 * raw[2 * k + 1]); };
  const pixels = 480;

  whenSeen(place, async () => {
    const data = await load(`explain/${place.dataset.entry}`, `data/explain/${place.dataset.entry}.js`);
    let index = 0;
    let depth = 0.5;
    const unpacked = data.structures.map((one) => ({ ...one, species: bytes(one.species), steps: words16(one.positions), dimensions: one.box.length }));

    function inside(structure) {
      const { box, steps, dimensions, spacing, species } = structure;
      const chosen = [];
      for (let i = 0; i < species.length; i += 1) {
        const at = box.map((edge, k) => steps[i * dimensions + k] / 65536 * edge);
        let away = dimensions === 3 ? Math.abs(at[2] - depth * box[2]) : 0;
        if (dimensions === 3) away = Math.min(away, box[2] - away);
        if (away <= spacing / 2) chosen.push({ i, x: at[0], y: at[1], species: species[i] });
      }
      return chosen;
    }

    function canvas(structure, particles, colour, label) {
      const made = element("canvas", { width: pixels, height: Math.round(pixels * structure.box[1] / structure.box[0]), role: "img", "aria-label": `${label}. The numbers are in the table below.` });
      const context = made.getContext("2d");
      const scale = pixels / structure.box[0];
      context.lineWidth = 0.6;
      context.strokeStyle = "rgba(0,0,0,.45)";
      for (const one of particles) {
        context.beginPath();
        context.arc(one.x * scale, made.height - one.y * scale, structure.spacing * scale * (one.species ? 0.4 : 0.475), 0, 7);
        context.fillStyle = colour(one.i);
        context.fill();
        context.stroke();
      }
      return element("figure", {}, element("figcaption", {}, label), made);
    }

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
      const structure = unpacked[map.structure];
      const [target, prediction] = [bytes(map.target), bytes(map.prediction)];
      const particles = inside(structure);
      const unit = map.unit ? ` ${map.unit}` : "";
      const beyond = (end, word) => map.cut?.[end] === false ? "" : ` or ${word}`;
      const value = (byte) => map.limits[0] + byte / 255 * (map.limits[1] - map.limits[0]);
      maps.replaceChildren(
        canvas(structure, particles, (i) => mixed(stops, target[i] / 255), "true"),
        canvas(structure, particles, (i) => mixed(stops, prediction[i] / 255), "predicted"),
        canvas(structure, particles, (i) => mixed(apart, 0.5 + (prediction[i] - target[i]) / 255), "predicted minus true"),
      );
      const open = below.querySelector("details")?.open;
      const details = numbers(() => [["particle", "species", `x (${structure.unit})`, "y", `true${unit}`, `predicted${unit}`], particles.map((one) => [one.i, structure.species_names?.[one.species] ?? "AB"[one.species] ?? one.species, plain(one.x.toPrecision(4)), plain(one.y.toPrecision(4)), plain(value(target[one.i]).toPrecision(3)), plain(value(prediction[one.i]).toPrecision(3))])]);
      below.replaceChildren(
        element("div", { class: "ramp", "aria-hidden": "true" }),
        element("div", { class: "ramp-ends" }, element("span", {}, `${plain(map.limits[0])}${unit}${beyond(0, "less")}`), element("span", {}, `${plain(map.limits[1])}${unit}${beyond(1, "more")}`)),
        element("p", { class: "small" }, `Test configuration ${map.configuration}, ${particles.length} particles; values in 256 steps. Difference: blue where the prediction is too low, orange where it is too high.`),
        details,
      );
      details.open = Boolean(open);
    }
    draw();
  });
});
