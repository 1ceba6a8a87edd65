"use strict";
// What all drawings share: colours, symbols, legend, loading the library, numbers as a table.
const figures = (() => {
  const { element, script } = glassbench;
  // Okabe & Ito: colours that colour-blind readers tell apart; symbols say the same again. Those
  // of the second row are not apart from the first for every eye: there the symbol decides.
  const colours = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8b8000",
    "#7570b3", "#a6611a", "#1b9e9e", "#d01c8b", "#5aae33", "#b2384a", "#6b7f99",
  ];
  const symbols = ["circle", "square", "triangle", "diamond", "star", "wye", "cross"];
  const grey = "#8a8f94";

  // A model of the second row has another symbol than the one of the first in its place.
  const style = (index) => ({
    colour: colours[index] ?? grey,
    symbol: symbols[(index + 3 * Math.floor(index / symbols.length)) % symbols.length],
  });

  const library = () => script("static/plot.min.js").then(() => Plot);
  const show = (value, digits = 3) => (value === null || value === undefined || !isFinite(value)
    ? "–" : (+value).toFixed(digits).replace("-", "−"));
  const raised = (text) => [...text].map((letter) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[letter] ?? "⁻").join("");
  function plain(value) {
    if (value === null || !isFinite(value)) return "–";
    const size = Math.abs(value);
    if (size === 0 || (size >= 1e-3 && size < 1e6)) return String(+(+value).toPrecision(6)).replace("-", "−");
    const [mantissa, power] = (+(+value).toPrecision(6)).toExponential().split("e");
    const ten = `10${raised(power.replace("+", ""))}`;
    return mantissa === "1" ? ten : `${mantissa.replace("-", "−")}·${ten}`;
  }

  // Plot would write 0.1 as 100m, which reads as metres or minutes.
  const powers = (value) => plain(value);

  function drawing(options, label) {
    const drawn = Plot.plot({ style: { background: "transparent", fontSize: "12px" }, ...options });
    const svg = drawn.tagName === "svg" ? drawn : drawn.querySelector("svg");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `${label}. The numbers are in the table below.`);
    // Groups inside a picture have no role, so that names of their own are not allowed.
    const unname = () => svg.querySelectorAll("[aria-label]").forEach((one) => one.removeAttribute("aria-label"));
    unname();
    new MutationObserver(unname).observe(svg, { childList: true, subtree: true });
    return drawn;
  }

  function table(heads, lines) {
    const row = (cells, name) => element("tr", {}, ...cells.map((cell, k) => (
      element(name === "th" || k === 0 ? "th" : "td", { class: k && /^([−\d[–]|$)/.test(String(cell)) ? "num" : null, scope: name === "th" ? "col" : k ? null : "row" }, String(cell)))));
    const body = element("tbody", {}, ...lines.map((line) => row(line, "td")));
    return element("div", { class: "wide", role: "region", tabindex: "0", "aria-label": "Numbers of the drawing" },
      element("table", { class: "plain" }, element("thead", {}, row(heads, "th")), body));
  }

  // The table is made when it is opened, since it may be long.
  function numbers(make) {
    const details = element("details", {}, element("summary", {}, "Data as a table"));
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(table(...make()));
    });
    return details;
  }

  // Drawings are as wide as their place allows, so that their words stay readable on a phone.
  const width = (place, most) => Math.max(260, Math.min(most, place.clientWidth - 36));
  function redraw(place, act) {
    let before = place.clientWidth;
    new ResizeObserver(() => {
      if (Math.abs(place.clientWidth - before) < 40) return;
      before = place.clientWidth;
      act();
    }).observe(place);
    document.addEventListener("themechange", act);
  }

  // The marks of the drawings, about the origin.
  const ray = (radius, turn) => `${(radius * Math.sin(turn)).toFixed(2)} ${(-radius * Math.cos(turn)).toFixed(2)}`;
  const closed = (points) => `M${points.join("L")}Z`;
  const corners = (count, radius, inner) => closed([...Array(count).keys()].map((k) => ray(k % 2 ? inner : radius, (2 * Math.PI * k) / count)));
  const shapes = {
    circle: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z", square: "M-3.6 -3.6H3.6V3.6H-3.6Z",
    triangle: corners(3, 5, 5), diamond: "M0 -5.5L3.4 0L0 5.5L-3.4 0Z", star: corners(10, 5.5, 2.3),
    wye: [1, 3, 5].map((k) => closed([[0, 1], [5.5, 0.27], [5.5, -0.27], [0, -1]].map(([r, off]) => ray(r || 1.5, (Math.PI * k) / 3 + off)))).join(""),
    cross: "M-4.5 -1.5H-1.5V-4.5H1.5V-1.5H4.5V1.5H1.5V4.5H-1.5V1.5H-4.5Z",
  };

  function key({ colour, symbol }, open) {
    const name = "http://www.w3.org/2000/svg";
    const part = (kind, attributes) => {
      const made = document.createElementNS(name, kind);
      for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
      return made;
    };
    const svg = part("svg", { "aria-hidden": "true", viewBox: "0 0 26 12" });
    svg.append(
      part("path", { d: "M0 6H26", stroke: colour, "stroke-width": 2, ...(open ? { "stroke-dasharray": "1 4" } : {}) }),
      part("path", { d: shapes[symbol], transform: "translate(13 6)", stroke: colour, "stroke-width": 1.5, fill: open ? "var(--surface)" : colour }),
    );
    return svg;
  }

  function select(label, options, chosen, act) {
    const made = element("select", {}, ...options.map(([value, words]) => element("option", { value, selected: value === chosen }, words)));
    made.addEventListener("change", () => act(made.value));
    return element("label", {}, label, made);
  }
  return { style, library, drawing, table, numbers, key, select, show, plain, powers, width, redraw, grey };
})();
