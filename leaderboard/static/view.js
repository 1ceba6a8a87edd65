"use strict";
// One structure on a page of its own: its particles coloured by one of several values, as a slice
// or as spheres, those below a threshold left out.
document.addEventListener("DOMContentLoaded", () => {
  const { element } = glassbench;
  const { select, plain } = figures;
  const data = JSON.parse(document.getElementById("structure").textContent);
  const place = document.getElementById("view");
  const structure = glass.unpack(data.structure);
  const turn = [0.6, 0.4];
  const chosen = { map: data.maps.length - 1, three: false, depth: 0.5, least: 0 };

  function slider(label, key) {
    const input = element("input", { type: "range", min: 0, max: 1, step: 0.01, value: chosen[key] });
    input.addEventListener("input", () => { chosen[key] = +input.value; show(); });
    return element("label", { class: "slider" }, label, input);
  }

  const canvas = element("div", { class: "maps" });
  const words = element("p", { class: "small", role: "status" });
  function draw() {
    const tools = element("div", { class: "figure-tools" });
    tools.append(select("Coloured by", data.maps.map((map, k) => [String(k), map.name]), String(chosen.map), (value) => { chosen.map = +value; chosen.least = 0; draw(); }));
    if (structure.dimensions === 3) {
      tools.append(element("button", { type: "button", "aria-pressed": String(chosen.three), onclick: () => { chosen.three = !chosen.three; draw(); } }, chosen.three ? "As a slice" : "As spheres in 3D"));
      if (!chosen.three) tools.append(slider("Depth of the slice", "depth"));
    }
    tools.append(slider("Leave out values below", "least"));
    place.replaceChildren(tools, canvas, figures.saver(canvas, "structure"), words);
    show();
  }

  function show() {
    const map = data.maps[chosen.map];
    const bytes = glass.bytes(map.values);
    const [low, high] = map.limits;
    const kept = (i) => bytes[i] / 255 >= chosen.least;
    const colour = (i) => glass.mixed(map.signed ? glass.away : glass.stops, bytes[i] / 255);
    const label = `${map.name}${map.unit ? ` in ${map.unit}` : ""}`;
    let shown;
    let made;
    if (chosen.three) {
      shown = [...bytes.keys()].filter(kept);
      const some = { ...structure, count: shown.length, at: (k) => structure.at(shown[k]), species: shown.map((i) => structure.species[i]) };
      made = glass.spheres(some, (k) => colour(shown[k]), label, turn, () => made.redraw());
    } else {
      shown = glass.inside(structure, chosen.depth).filter((one) => kept(one.i));
      made = glass.slice(structure, shown, colour, label);
    }
    const ends = [low, high].map((value) => plain(+value.toPrecision(3)));
    if (map.names) [ends[0], ends[1]] = [map.names[0], map.names.at(-1)];
    canvas.replaceChildren(glass.figure(made, label, glass.ramp(map.signed ? "apart" : "", ...ends)));
    const least = low + chosen.least * (high - low);
    words.textContent = `${shown.length} of ${structure.count} particles${chosen.least ? `, from ${plain(+least.toPrecision(3))}` : ""}. Values in 256 steps.`;
  }
  draw();
});
