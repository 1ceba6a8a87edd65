"use strict";
// What all drawings share: colours, symbols, legend, loading the library, numbers as a table.
const figures = (() => {
  const { element, script } = glassbench;
  // Okabe & Ito: colours that colour-blind readers tell apart; symbols say the same again.
  const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8b8000"];
  const symbols = ["circle", "square", "triangle", "diamond", "star", "wye", "cross"];
  const grey = "#8a8f94";

  const style = (index) => (index < colours.length
    ? { colour: colours[index], symbol: symbols[index] }
    : { colour: grey, symbol: symbols[index % symbols.length] });

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

  const key = (colour, dash, marker) => {
    const name = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(name, "svg");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("viewBox", "0 0 26 12");
    const line = document.createElementNS(name, "path");
    line.setAttribute("d", "M0 6H26");
    line.setAttribute("stroke", colour);
    line.setAttribute("stroke-width", "2");
    if (dash) line.setAttribute("stroke-dasharray", dash);
    if (dash !== "none") svg.append(line);
    if (marker) {
      const dot = document.createElementNS(name, "circle");
      for (const [attribute, value] of Object.entries({ cx: 13, cy: 6, r: 4, stroke: colour, "stroke-width": 1.5, fill: marker === "open" ? "none" : colour })) dot.setAttribute(attribute, value);
      svg.append(dot);
    }
    return svg;
  };

  function select(label, options, chosen, act) {
    const made = element("select", {}, ...options.map(([value, words]) => element("option", { value, selected: value === chosen }, words)));
    made.addEventListener("change", () => act(made.value));
    return element("label", {}, label, made);
  }
  return { style, library, drawing, table, numbers, key, select, show, plain, powers, width, redraw, grey };
})();
