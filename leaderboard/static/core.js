"use strict";
// What every page shares: the theme, data that arrive as scripts, and the state in the address.
const glassbench = (() => {
  const html = document.documentElement;
  const themes = ["system", "light", "dark"];
  const remembered = (value) => {
    try {
      if (value === undefined) return localStorage.getItem("theme") || "system";
      localStorage.setItem("theme", value);
    } catch { /* a browser that keeps nothing shows the system's theme */ }
    return value || "system";
  };
  const wear = (theme) => {
    if (theme === "system") html.removeAttribute("data-theme");
    else html.dataset.theme = theme;
    document.dispatchEvent(new CustomEvent("themechange"));
  };
  wear(remembered());

  const asked = new Map();
  const waiting = new Map();
  const receive = (name, data) => waiting.get(name)?.(data);
  // A page opened from a folder may load scripts, but not fetch files.
  function load(name, file) {
    if (!asked.has(name)) {
      asked.set(name, new Promise((resolve, reject) => {
        waiting.set(name, resolve);
        script(file).catch(() => reject(new Error(`${file} cannot be loaded`)));
      }));
    }
    return asked.get(name);
  }
  const scripts = new Map();
  function script(file) {
    if (!scripts.has(file)) {
      scripts.set(file, new Promise((resolve, reject) => {
        const element = document.createElement("script");
        element.src = html.dataset.root + file;
        element.onload = resolve;
        element.onerror = reject;
        document.head.append(element);
      }));
    }
    return scripts.get(file);
  }

  const state = () => new URLSearchParams(location.hash.startsWith("#?") ? location.hash.slice(2) : "");
  function setState(changes) {
    const now = state();
    for (const [key, value] of Object.entries(changes)) {
      if (value === "" || value === null || value === undefined) now.delete(key);
      else now.set(key, value);
    }
    const text = now.toString();
    history.replaceState(null, "", text ? `#?${text}` : location.pathname.split("/").pop() + location.search);
  }

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value === true) made.setAttribute(key, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  // What lies out of sight is loaded when the page is idle, so that the first print has it.
  const whenSeen = (target, act) => {
    target.dataset.unseen = "";
    const begin = () => {
      if (!("unseen" in target.dataset)) return;
      delete target.dataset.unseen;
      watcher.disconnect();
      act();
    };
    const watcher = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) begin();
    }, { rootMargin: "400px" });
    watcher.observe(target);
    window.addEventListener("beforeprint", begin);
    window.addEventListener("load", () => setTimeout(() => (window.requestIdleCallback ?? setTimeout)(begin), 1500));
  };

  function save(text, name, type) {
    const address = URL.createObjectURL(text instanceof Blob ? text : new Blob([text], { type }));
    element("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  // Which way a wide box goes on, as a shadow at that end.
  function cue(box) {
    const mark = () => {
      box.classList.toggle("more", box.scrollLeft + box.clientWidth < box.scrollWidth - 4);
      box.classList.toggle("less", box.scrollLeft > 4);
    };
    box.addEventListener("scroll", mark, { passive: true });
    new ResizeObserver(mark).observe(box);
    mark();
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const table of document.querySelectorAll("table.stacked")) {
      const heads = [...table.tHead.rows[0].cells].map((head) => {
        const words = head.cloneNode(true);
        words.querySelectorAll("sub").forEach((index) => index.prepend("_"));
        return words.textContent.trim();
      });
      for (const row of table.querySelectorAll("tbody tr:not(.divider)")) {
        [...row.cells].forEach((cell, k) => {
          if (cell.tagName === "TD" && !cell.dataset.label && cell.colSpan === 1) cell.dataset.label = heads[k];
          if (cell.textContent.trim() === "–") cell.classList.add("none");
        });
      }
    }
    document.querySelectorAll(".wide, .tabs, header.site nav").forEach(cue);
    const button = document.getElementById("theme");
    const show = () => { button.querySelector("span").textContent = remembered(); };
    if (button) {
      button.hidden = false;
      show();
      button.addEventListener("click", () => {
        const next = themes[(themes.indexOf(remembered()) + 1) % themes.length];
        remembered(next);
        wear(next);
        show();
      });
    }
    for (const copy of document.querySelectorAll(".copy")) {
      copy.hidden = !navigator.clipboard;
      copy.addEventListener("click", async () => {
        await navigator.clipboard.writeText(copy.previousElementSibling.textContent);
        copy.textContent = "Copied";
        setTimeout(() => { copy.textContent = "Copy"; }, 1500);
      });
    }
  });
  return { receive, load, script, state, setState, element, whenSeen, save };
})();
