// What diff.html says of a unit.

function markOf(unit) {
  return make("span", { class: "changed" }, "changed ", make("b", {}, unit.changed[0]));
}

function sectionHead() {
  return make("h2", { class: "unseen" }, "Units, those that changed most first");
}

function shareBar(share) {
  const bar = make("span", { class: share === null ? "gauge share none" : "gauge share" }, make("span", { class: "gauge-fill" }));
  bar.style.setProperty("--share", share ?? 0);
  return bar;
}

function sharedTable(unit) {
  const ranks = unit.ranks || ["", ""];
  const row = ([said, share], i) => {
    const side = i ? SECOND_NAME : FIRST_NAME;
    return make("tr", {}, make("th", { scope: "row" }, `shared in ${side}`), make("td", { class: share === null ? "no-rise" : "" }, said),
      make("td", {}, shareBar(share)), make("td", { class: "soft" }, ranks[i] && `rank ${ranks[i]}`));
  };
  return make("table", { class: "values" }, make("tbody", {}, ...unit.shared.map(row)));
}

function scoreTable(unit) {
  const head = ["", `${FIRST_NAME}'s picture`, `${SECOND_NAME}'s picture`, "noise"];
  const row = (scores, i) =>
    make("tr", {}, make("th", { scope: "row" }, `score in ${i ? SECOND_NAME : FIRST_NAME}`), ...scores.map(scoreCell(i)));
  return make("table", { class: "both scores" }, make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...unit.scores.map(row)));
}

// A network's score for its own picture stands out.
function scoreCell(side) {
  return (score, i) => make("td", { class: i === side ? "own" : i === 2 ? "soft" : "" }, score);
}

function detailsOf(unit) {
  return [sharedTable(unit), scoreTable(unit)];
}
