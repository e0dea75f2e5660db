// The list of units. It is built piece by piece as one scrolls, because thousands of units take seconds to build.

const AT_ONCE = 16; // units that are built in one go
const SMALL_AT_ONCE = 60; // of those that match, which are shown small
let built = 0; // how many of the units that are shown are in the page
let section = null; // the last one: units of one status

function statusMark(unit) {
  return make("span", { class: `status text-${unit.status}` }, make("i", { class: `dot fill-${unit.status}` }), unit.status);
}

function addName(unit) {
  return [make("bdi", { class: "job" }, unit.job + "/"), make("bdi", {}, unit.unit)];
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

function aboutUnit(unit) {
  const parts = [unit.label, unit.layer].filter(Boolean).flatMap((text) => [" · ", make("bdi", {}, text)]);
  return parts.length ? make("p", { class: "about" }, ...parts.slice(1)) : "";
}

function why(unit) {
  if (!unit.why) return "";
  const gate = unit.gate ? make("span", { class: "gate" }, `Decided by: ${unit.gate}`) : "";
  return make("p", { class: "why" }, make("bdi", {}, unit.why), " ", gate);
}

function unitCard(unit) {
  const small = Boolean(unit.same);
  const title = make("a", { href: addressOf({ unit: unit.path }) }, ...addName(unit));
  title.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openUnit(unit);
  });
  const text = small
    ? make("div", { class: "text" }, make("h3", {}, title), unit.label ? make("bdi", { class: "soft" }, unit.label) : "")
    : make("div", { class: "text" }, make("h3", {}, title, " ", statusMark(unit)), aboutUnit(unit), why(unit), valueTable(unit),
        factTable(unit, false), settingsList(unit));
  const card = make("article", { class: small ? "unit small" : "unit", tabindex: -1 }, text, pair(unit));
  card.querySelector(".pair").addEventListener("click", (event) => {
    if (!event.target.closest("button, input, a")) openUnit(unit);
  });
  card.unit = unit;
  return card;
}

function kindOf(unit) {
  return unit.status + (unit.same ? "" : ", with a pair of pictures");
}

function startSection(unit) {
  const count = shown.filter((other) => kindOf(other) === kindOf(unit)).length;
  const heading = make("h2", {}, statusMark(unit), make("span", { class: "count" }, String(count)));
  const sentence = make("p", { class: "soft" }, unit.same ? DATA.same : DATA.statuses[unit.status]);
  const list = make("div", { class: unit.same ? "list small" : "list" });
  section = { kind: kindOf(unit), list };
  byId("units").append(make("section", {}, make("div", { class: "section-head" }, heading, sentence), list));
}

// Build the next units, if there are any.
function buildMore() {
  const some = shown[built]?.same ? SMALL_AT_ONCE : AT_ONCE;
  const end = Math.min(shown.length, built + some);
  for (; built < end; built++) {
    const unit = shown[built];
    if (!section || section.kind !== kindOf(unit)) startSection(unit);
    section.list.append(unitCard(unit));
  }
  byId("more").hidden = built >= shown.length;
}

function rebuildList() {
  built = 0;
  section = null;
  byId("units").replaceChildren();
  buildMore();
  if (!shown.length) {
    const text = UNITS.length ? "No unit passes these filters. Press Esc to show all." : "There are no units to show.";
    byId("units").append(make("p", { class: "nothing" }, text));
  }
  const total = UNITS.length === 1 ? "1 unit" : `${UNITS.length} units`;
  byId("found").textContent = shown.length === UNITS.length ? total : `${shown.length} of ${total}`;
}

function cardOf(unit) {
  while (built < shown.length && built <= shown.indexOf(unit)) buildMore();
  return [...document.querySelectorAll("article")].find((card) => card.unit === unit);
}

// Build more as soon as the end of the list comes near.
function watchEnd() {
  const end = byId("more");
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      buildMore();
      observer.unobserve(end); // to be told again if the end is still near
      observer.observe(end);
    },
    { rootMargin: "1200px" },
  );
  observer.observe(end);
}

function buildForPrint() {
  const most = 300; // more would be hundreds of sheets of paper
  while (built < Math.min(most, shown.length)) buildMore();
}
