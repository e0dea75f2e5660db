// The list of units. It is built piece by piece as one scrolls, because thousands of units take seconds to build.
// What is said of a unit is each page's own: markOf(unit), sectionHead(unit, count) and detailsOf(unit, all).

const AT_ONCE = 16; // units that are built in one go
const SMALL_AT_ONCE = 60; // of those that match, which are shown small
let built = 0; // how many of the units that are shown are in the page
let section = null; // the last one: units of one status

function addName(unit) {
  return [make("bdi", { class: "job" }, unit.job + "/"), make("wbr"), make("bdi", {}, unit.unit)];
}

function aboutUnit(unit) {
  const parts = [unit.label, unit.layer].filter(Boolean).flatMap((text) => [" · ", make("bdi", {}, text)]);
  return parts.length ? make("p", { class: "about" }, ...parts.slice(1)) : "";
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
    : make("div", { class: "text" }, make("h3", {}, title, " ", markOf(unit)), aboutUnit(unit), ...detailsOf(unit, false));
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
  const list = make("div", { class: unit.same ? "list small" : "list" });
  section = { kind: kindOf(unit), list };
  byId("units").append(make("section", {}, sectionHead(unit, count), list));
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
  if (!shown.length) byId("units").append(nothingShown());
  const total = UNITS.length === 1 ? "1 unit" : `${UNITS.length} units`;
  byId("found").textContent = shown.length === UNITS.length ? total : `${shown.length} of ${total}`;
}

function nothingShown() {
  if (!UNITS.length) return make("p", { class: "nothing" }, "There are no units to show.");
  const button = make("button", { type: "button" }, "Show all units");
  button.addEventListener("click", showAll);
  return make("p", { class: "nothing" }, "No unit passes these filters. ", button);
}

// Return the card of a unit, which is built if it is not there yet; nothing where the unit is not shown.
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
