"use strict";
const filters = document.getElementById("filters");
const by = (name) => document.getElementById("by-" + name).value;
const has = (list, value) => value === "" || list === "*" || list.split(" ").includes(value);
const entries = [...document.querySelectorAll(".finding")];

function apply() {
  const cls = by("class"), step = by("step"), severity = by("severity");
  let shown = 0;
  for (const entry of entries) {
    const { classes, steps, severity: own } = entry.dataset;
    entry.hidden = !(has(classes, cls) && has(steps, step) && (severity === "" || own === severity));
    shown += entry.hidden ? 0 : 1;
  }
  for (const row of document.querySelectorAll("tr[data-class]")) row.hidden = !has(row.dataset.class, cls);
  document.querySelectorAll("th[data-steps]").forEach((head, column) => {
    head.hidden = !has(head.dataset.steps, step);
    for (const row of document.querySelectorAll("tr[data-class]")) row.cells[column + 1].hidden = head.hidden;
  });
  for (const weak of document.querySelectorAll(".weak")) weak.hidden = !has(weak.dataset.classes, cls);
  document.getElementById("none").hidden = shown > 0 || entries.length === 0;
  document.getElementById("count").textContent = `${shown} of ${entries.length} findings`;
}

filters.hidden = false;
filters.addEventListener("change", apply);
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("reset", () => setTimeout(apply));
apply();

// A link into what a filter hides shows everything again.
window.addEventListener("hashchange", () => {
  const target = document.getElementById(location.hash.slice(1));
  if (target && target.hidden) { filters.reset(); setTimeout(() => target.scrollIntoView()); }
});

// Pictures open enlarged.
const closer = document.getElementById("closer");
for (const figure of document.querySelectorAll(".witness-pictures")) {
  const open = () => {
    closer.querySelector(".strip").replaceChildren(...[...figure.querySelector(".strip").children].map((c) => c.cloneNode(true)));
    closer.showModal();
  };
  figure.setAttribute("role", "button");
  figure.tabIndex = 0;
  figure.setAttribute("aria-label", "Enlarge: " + [...figure.querySelectorAll("img")].map((i) => i.alt).join(", "));
  figure.addEventListener("click", open);
  figure.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(); }
  });
}
closer.addEventListener("click", (event) => { if (event.target === closer) closer.close(); });

// On paper nothing can be opened.
window.addEventListener("beforeprint", () => { for (const d of document.querySelectorAll("details")) d.open = true; });
