"use strict";
// The ranked table: sort, filter, choose columns, keep all of it in the address, export what is shown.
document.addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector("table.ranking");
  const form = document.querySelector("form.tools");
  if (!table || !form) return;
  const { element, load, state, setState, save } = glassbench;
  const heads = [...table.tHead.rows[0].cells];
  const columns = heads.map((head) => head.dataset.column);
  const rows = [...table.querySelectorAll("tbody tr[data-model]")];
  const given = new Map(rows.map((row, index) => [row, index]));
  const fields = ["q", "tier", "status", "from", "to", "parameters"];
  let sorting = ["", ""];
  form.hidden = false;
  table.classList.add("live");
  if (matchMedia("(max-width: 40rem)").matches) {
    const opener = element("button", { type: "button", "aria-expanded": "false" }, "Filter and columns");
    opener.addEventListener("click", () => opener.setAttribute("aria-expanded", String(form.classList.toggle("open"))));
    form.before(opener);
  }

  // What a row or a cell says of itself, or else the first thing that it shows.
  const told = new Set(["tier", "model", "status", "reads", "parameters", "year", "gpu", "cpu", "reduced"]);
  const plain = (text) => (text === "–" ? "" : text.replace(/^−/, "-").replace(/^=/, ""));
  function value(row, column) {
    if (told.has(column)) return row.dataset[column] ?? "";
    const cell = row.cells[columns.indexOf(column)];
    const link = column === "record" && cell?.querySelector("a")?.getAttribute("href");
    if (link) return link.split("/").pop().replace(/\.html$/, "");
    const text = cell?.textContent.trim() ?? "";
    return cell?.dataset.v ?? cell?.querySelector("time")?.dateTime ?? plain(heads[columns.indexOf(column)].classList.contains("num") ? text.split(" ")[0] : text);
  }
  function sort(column, direction) {
    sorting = [column, direction];
    const sign = direction === "desc" ? -1 : 1;
    for (const body of table.tBodies) {
      const own = [...body.querySelectorAll("tr[data-model]")];
      own.sort((one, other) => {
        if (!column) return given.get(one) - given.get(other);
        const [a, b] = [value(one, column), value(other, column)];
        if ((a === "") !== (b === "")) return a === "" ? 1 : -1;
        const numeric = a !== "" && b !== "" && isFinite(a) && isFinite(b);
        const order = numeric ? a - b : a.localeCompare(b, "en");
        return sign * order || given.get(one) - given.get(other);
      });
      body.append(...own);
    }
    for (const head of heads) {
      if (head.dataset.column === column && column) head.setAttribute("aria-sort", direction === "desc" ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }

  for (const head of heads) {
    const button = element("button", { type: "button", class: "sort" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const column = head.dataset.column;
      const first = head.classList.contains("num") && !("lower" in head.dataset) ? "desc" : "asc";
      const second = first === "desc" ? "asc" : "desc";
      const next = sorting[0] !== column ? first : sorting[1] === first ? second : "";
      sort(next ? column : "", next);
      setState({ sort: next ? `${column}.${next}` : "" });
    });
  }

  const shown = new Map(heads.map((head) => [head.dataset.column, !("off" in head.dataset)]));
  const usual = new Map(shown);
  const chooser = document.getElementById("columns");
  const boxes = new Map();
  for (const head of heads) {
    const column = head.dataset.column;
    if (column === "model" || column === "score") continue;
    const box = element("input", { type: "checkbox" });
    box.addEventListener("change", () => { shown.set(column, box.checked); apply(); keep(); });
    boxes.set(column, box);
    chooser.append(element("label", {}, box, head.textContent.trim()));
  }

  const none = element("p", { class: "note", role: "status", hidden: true }, "No model matches. ", element("button", { type: "button", onclick: () => form.reset() }, "Reset the filters"));
  table.parentNode.after(none);

  function apply() {
    const wanted = Object.fromEntries(fields.map((name) => [name, form.elements[name]?.value.trim() ?? ""]));
    const words = wanted.q.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const data = row.dataset;
      const text = `${row.textContent} ${data.search}`.toLowerCase();
      const hit = words.every((word) => text.includes(word))
        && (!wanted.tier || data.reads.split(" ").includes(wanted.tier))
        && (!wanted.status || data.status === wanted.status)
        && (!wanted.from || (data.year && +data.year >= +wanted.from))
        && (!wanted.to || (data.year && +data.year <= +wanted.to))
        && (!wanted.parameters || (data.parameters && +data.parameters <= +wanted.parameters));
      row.hidden = !hit;
      count += hit;
    }
    for (const divider of table.querySelectorAll("tr.divider")) {
      divider.hidden = ![...divider.parentNode.rows].some((row) => row !== divider && !row.hidden);
    }
    heads.forEach((head, index) => {
      const visible = shown.get(columns[index]);
      head.hidden = !visible;
      for (const row of rows) if (row.dataset.status !== "reported" || index < 3) row.cells[index].hidden = !visible;
      const box = boxes.get(columns[index]);
      if (box) box.checked = shown.get(columns[index]);
    });
    document.getElementById("shown").textContent = `${count} of ${rows.length} shown`;
    none.hidden = count > 0;
    none.firstChild.textContent = wanted.status && !rows.some((row) => row.dataset.status === wanted.status)
      ? `No record here is ${wanted.status} yet. ` : "No model matches. ";
  }

  function keep() {
    const changed = [...shown].filter(([column, on]) => on !== usual.get(column)).map(([column]) => column);
    const filters = Object.fromEntries(fields.map((name) => [name, form.elements[name]?.value.trim() ?? ""]));
    setState({ ...filters, columns: changed.join(" ") });
  }

  function restore() {
    const now = state();
    for (const name of fields) if (form.elements[name]) form.elements[name].value = now.get(name) ?? "";
    const changed = (now.get("columns") ?? "").split(" ");
    for (const [column, on] of usual) shown.set(column, changed.includes(column) ? !on : on);
    const [column, direction] = (now.get("sort") ?? ".").split(".");
    sort(columns.includes(column) ? column : "", direction === "desc" ? "desc" : direction ? "asc" : "");
    apply();
  }

  form.addEventListener("input", (event) => { if (!chooser.contains(event.target)) { apply(); keep(); } });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => {
    for (const [column, on] of usual) shown.set(column, on);
    sort("", "");
    apply();
    keep();
    setState({ sort: "" });
  }));
  window.addEventListener("hashchange", () => { if (!location.hash || location.hash.startsWith("#?")) restore(); });
  document.addEventListener("click", (event) => {
    const menu = form.querySelector(".menu[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = form.querySelector(".menu[open]");
    if (!menu || event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  restore();

  const visibleRows = () => [...table.querySelectorAll("tbody tr[data-model]")].filter((row) => !row.hidden);
  const cell = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const formula = (text) => (/^[=+@\t\r]/.test(text) || /^-(?![\d.])/.test(text) ? `'${text}` : text);
  // Exports carry all digits, which are loaded when they are asked for.
  const exact = () => load(`ranking/${table.dataset.board}`, `data/ranking/${table.dataset.board}.js`);
  const parts = { model: ["model", "status"], rank: ["tier", "rank", "rank_lowest"], score: ["score", "low", "high", "reduced"], behind: ["behind", "behind_low", "behind_high"] };
  function matrix({ rows: measured, reported, heads: titles }) {
    const chosen = columns.filter((column, index) => !heads[index].hidden);
    if (visibleRows().some((row) => row.dataset.status === "reported") && !chosen.includes("source")) chosen.push("source");
    const names = chosen.flatMap((column) => parts[column] ?? [column]);
    const lines = visibleRows().map((row) => {
      const isReported = row.dataset.status === "reported";
      const numbers = (isReported ? reported : measured)[row.dataset.model] ?? {};
      return names.map((column) => {
        if (column in numbers) return String(numbers[column] ?? "");
        if (["low", "high", "behind_low", "behind_high", "rank_lowest", "source"].includes(column)) return "";
        return isReported && !["model", "status"].includes(column) ? "" : value(row, column);
      });
    });
    return [names.map((name) => titles[name] ?? name), lines];
  }
  const makers = {
    csv(data) {
      const [names, lines] = matrix(data);
      return [names, ...lines].map((line) => line.map(formula).map(cell).join(",")).join("\n") + "\n";
    },
    json(data) {
      const [names, lines] = matrix(data);
      const plain = (text) => (text === "" ? null : isFinite(text) ? +text : text);
      return JSON.stringify(lines.map((line) => Object.fromEntries(line.map((text, k) => [names[k], plain(text)]))), null, 1) + "\n";
    },
    // The lines of the file for a paper, those of models that are not shown left out.
    tex({ latex }) {
      const visible = new Set(visibleRows().map((row) => row.dataset.model));
      return latex.filter(([model]) => !model || visible.has(model)).map(([, line]) => line).join("\n") + "\n";
    },
    bib: ({ bibliography }) => [...new Set(visibleRows().flatMap((row) => (bibliography[row.dataset.model] ?? "").split(/\n(?=[@%])/)))].filter(Boolean).map((text) => text.trim()).join("\n\n") + "\n",
  };
  const types = { csv: "text/csv", json: "application/json", tex: "application/x-tex", bib: "application/x-bibtex" };
  for (const link of document.querySelectorAll("[data-export]")) {
    link.addEventListener("click", async (event) => {
      // What is published alone has nothing to be cited but the file.
      if (link.dataset.export === "bib" && !visibleRows().some((row) => row.dataset.status !== "reported")) return;
      event.preventDefault();
      const kind = link.dataset.export;
      save(makers[kind](await exact()), `${table.dataset.board}.${kind}`, types[kind]);
    });
  }
});
