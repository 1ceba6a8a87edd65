"use strict";
// What all drawings share: colours, symbols, legend, loading the library, numbers as a table.
const figures = (() => {
  const { element, script } = glassbench;
  // Those of models come with the data, the same on every page; these are for all else.
  const colours = ["#1f7bc4", "#d55e00", "#0a8f66", "#c2579c", "#9a7400", "#2a93bd", "#7a8000"];
  const symbols = ["circle", "square", "triangle", "diamond", "star", "wye", "cross"];
  const grey = "#82888e";
  const style = (index) => ({ colour: colours[index % colours.length], symbol: symbols[index % symbols.length] });
  const own = ([colour, symbol]) => ({ colour, symbol });

  const library = () => script("static/plot.min.js").then(() => Plot);
  const show = (value, digits = 3) => (value === null || value === undefined || !isFinite(value)
    ? "–" : (+value).toFixed(digits).replace(/^-(?=[0.]+$)/, "").replace("-", "−"));
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
    subscripts(svg);
    new MutationObserver(unname).observe(svg, { childList: true, subtree: true });
    return drawn;
  }

  // `τ_α` and other symbols of one letter get real subscripts.
  const SYMBOL = /((?<![\p{L}\d_])\p{L}_(?:rank|max|min|[\p{L}\d]{1,2})(?![\p{L}\d_]))/u;
  function subscripts(root) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) if (SYMBOL.test(walker.currentNode.data)) texts.push(walker.currentNode);
    for (const node of texts) {
      if (node.parentNode.tagName === "OPTION") continue; // which holds no markup
      const svg = node.parentNode.namespaceURI.endsWith("svg");
      if (svg && node.parentNode.closest("title")) continue;
      const made = document.createDocumentFragment();
      for (const part of node.data.split(SYMBOL)) {
        const symbol = /^(\p{L})_([\p{L}\d]+)$/u.exec(part);
        if (!symbol) { made.append(part); continue; }
        if (!svg) { made.append(symbol[1], element("sub", {}, symbol[2])); continue; }
        const span = (words, dy, size) => { const one = document.createElementNS("http://www.w3.org/2000/svg", "tspan"); one.textContent = words; if (dy) one.setAttribute("dy", dy); if (size) one.setAttribute("font-size", size); return one; };
        made.append(symbol[1], span(symbol[2], 3, "0.8em"), span("\u200b", -3));
      }
      node.replaceWith(made);
    }
  }

  // A picture as a file: its styles go along, on a white ground, since papers are white.
  function picture(svg) {
    if (svg.tagName === "CANVAS") return glass.asSvg(svg);
    const copy = svg.cloneNode(true);
    copy.querySelectorAll("style").forEach((one) => one.remove());
    [copy, ...copy.querySelectorAll("[style]")].forEach((one) => one.removeAttribute("style"));
    const { width, height } = svg.viewBox.baseVal;
    const name = "http://www.w3.org/2000/svg";
    const ground = document.createElementNS(name, "rect");
    for (const [key, value] of Object.entries({ width, height, fill: "#fff" })) ground.setAttribute(key, value);
    copy.prepend(ground);
    for (const [key, value] of Object.entries({ xmlns: name, width, height, color: "#1c2126", "font-family": "system-ui, sans-serif" })) copy.setAttribute(key, value);
    copy.querySelectorAll("[aria-label=tip], g[pointer-events=none]").forEach((one) => one.remove());
    return [new XMLSerializer().serializeToString(copy).replaceAll("var(--surface)", "#fff").replaceAll("var(--plot-background)", "#fff"), width, height];
  }
  const fileName = (id) => [location.pathname.split("/").pop().replace(/\.html$/, ""), id.replace(/-figure$/, "")].filter(Boolean).join("-");
  function saver(place, id = place.id) {
    const buttons = ["SVG", "PNG"].map((kind) => element("button", { type: "button", onclick: () => {
      const drawn = [...place.querySelectorAll("svg[role=img], svg.chart, canvas")];
      drawn.forEach((svg, k) => {
        const [text, width, height] = picture(svg);
        const name = `${fileName(id)}${drawn.length > 1 ? `-${k + 1}` : ""}`;
        if (kind === "SVG") { glassbench.save(text, `${name}.svg`, "image/svg+xml"); return; }
        const image = new Image();
        image.onload = () => {
          const canvas = element("canvas", { width: 3 * width, height: 3 * height });
          canvas.getContext("2d").drawImage(image, 0, 0, 3 * width, 3 * height);
          canvas.toBlob((blob) => glassbench.save(blob, `${name}.png`, "image/png"));
        };
        image.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
      });
    } }, kind));
    return element("span", { class: "savers" }, "Save figure: ", ...buttons);
  }
  document.addEventListener("DOMContentLoaded", () => {
    for (const svg of document.querySelectorAll("svg.chart")) (svg.closest(".wide") ?? svg).after(saver(svg.parentNode, svg.closest("[id]").id));
  });

  // The place of each label, so that none lies on another: those that would move down, then all up
  // again where they leave the drawing.
  function apart(wanted, step, lowest) {
    const order = wanted.map((y, k) => ({ y, k })).sort((a, b) => a.y - b.y);
    for (let k = 1; k < order.length; k += 1) order[k].y = Math.max(order[k].y, order[k - 1].y + step);
    if (order.length && order.at(-1).y > lowest) {
      order.at(-1).y = lowest;
      for (let k = order.length - 2; k >= 0; k -= 1) order[k].y = Math.min(order[k].y, order[k + 1].y - step);
    }
    const placed = [];
    for (const { y, k } of order) placed[k] = y;
    return placed;
  }

  // With `stacked` the rows are cards on a phone.
  function table(heads, lines, stacked = false) {
    const row = (cells, name) => element("tr", {}, ...cells.map((cell, k) => (
      element(name === "th" || k === 0 ? "th" : "td", { class: k && /^([−\d[–]|$)/.test(String(cell)) ? "num" : null, scope: name === "th" ? "col" : k ? null : "row", "data-label": stacked && k ? heads[k] : null }, String(cell)))));
    const body = element("tbody", {}, ...lines.map((line) => row(line, "td")));
    return element("div", { class: "wide", role: "region", tabindex: "0", "aria-label": "Numbers of the drawing" },
      element("table", { class: stacked ? "plain stacked" : "plain" }, element("thead", {}, row(heads, "th")), body));
  }

  // The table is made when it is opened, since it may be long.
  function numbers(make) {
    const details = element("details", {}, element("summary", {}, "Data as a table"));
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) { details.append(table(...make())); subscripts(details); }
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

  // An option holds no markup: its symbols have subscripts where there are such letters.
  const low = Object.fromEntries([...Array(10).keys()].map((k) => [k, "₀₁₂₃₄₅₆₇₈₉"[k]]).concat([..."aehijklmnoprstuvx"].map((letter, k) => [letter, "ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ"[k]])));
  const lowered = (words) => words.split(SYMBOL).map((part, k) => (k % 2 && [...part.slice(2)].every((letter) => low[letter]) ? part[0] + [...part.slice(2)].map((letter) => low[letter]).join("") : part)).join("");

  function select(label, options, chosen, act) {
    const made = element("select", {}, ...options.map(([value, words]) => element("option", { value, selected: value === chosen }, lowered(words))));
    made.addEventListener("change", () => act(made.value));
    return element("label", {}, label, made);
  }
  return { style, own, apart, saver, subscripts, library, drawing, table, numbers, key, select, show, plain, powers, width, redraw, grey };
})();
