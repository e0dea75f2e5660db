// What report.html says of a unit.

function markOf(unit) {
  return make("span", { class: `status text-${unit.status}` }, make("i", { class: `dot fill-${unit.status}` }), unit.status);
}

function sectionHead(unit, count) {
  const heading = make("h2", {}, markOf(unit), make("span", { class: "count" }, String(count)));
  const sentence = make("p", { class: "soft" }, unit.same ? DATA.same : DATA.statuses[unit.status]);
  return make("div", { class: "section-head" }, heading, sentence);
}

function valueRow([name, value, limit, share, decided]) {
  const row = make("tr", { class: decided ? "decided" : "" }, make("th", { scope: "row" }, name), make("td", {}, value));
  if (limit === undefined) {
    row.append(make("td"), make("td", { class: "soft" }, "–"));
    return row;
  }
  const beyond = share === null || share > 1;
  const bar = make("span", { class: beyond ? "gauge beyond" : "gauge" }, make("span", { class: "gauge-fill" }));
  bar.style.setProperty("--share", share === null ? 1 : Math.min(share, 2) / 2);
  row.append(make("td", {}, bar), make("td", { class: "soft" }, limit));
  if (beyond) bar.append(make("span", { class: "unseen" }, "beyond the limit"));
  return row;
}

function valueTable(unit) {
  if (!unit.values) return "";
  return make("table", { class: "values" }, make("tbody", {}, ...unit.values.map(valueRow)));
}

const IF_THEY_DIFFER = ["steps", "state"];

// The facts of both sides: all, or only what one must see at once.
function factTable(unit, all) {
  const isFirst = ([name, golden, run]) => name.startsWith("score") || (IF_THEY_DIFFER.includes(name) && golden !== run);
  const rows = (unit.facts || []).filter((fact) => all || isFirst(fact));
  if (!rows.length) return "";
  const cell = (text) => make("td", {}, text || "–");
  const line = ([name, golden, run]) => make("tr", {}, make("th", { scope: "row" }, name), cell(golden), cell(run));
  const head = ["", "golden", "run"].map((text) => make("th", { scope: "col" }, text));
  return make("table", { class: "both" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows.map(line)));
}

function settingsList(unit) {
  if (!unit.settings) return "";
  const lines = unit.settings.map((line) => make("li", {}, make("code", {}, line)));
  return make("div", { class: "settings" }, "Changed settings", make("ul", {}, ...lines));
}

function why(unit) {
  if (!unit.why) return "";
  const gate = unit.gate ? make("span", { class: "gate" }, `Decided by: ${unit.gate}`) : "";
  return make("p", { class: "why" }, make("bdi", {}, unit.why), " ", gate);
}

// All, or only what one must see at once.
function detailsOf(unit, all) {
  return [why(unit), valueTable(unit), factTable(unit, all), settingsList(unit)];
}
