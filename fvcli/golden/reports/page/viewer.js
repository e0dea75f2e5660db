// One unit, large.

let viewed = null; // the unit in the viewer

function openUnit(unit) {
  viewed = unit;
  state.unit = unit.path;
  const position = shown.indexOf(unit);
  byId("viewer-title").replaceChildren(...addName(unit), " ", markOf(unit));
  byId("position").textContent = position < 0 ? "not in the list" : `${position + 1} of ${shown.length}`;
  byId("previous").setAttribute("aria-disabled", position <= 0); // "disabled" would lose the focus
  byId("next").setAttribute("aria-disabled", position === shown.length - 1);
  byId("viewer-pair").replaceChildren(pair(unit));
  byId("viewer-text").replaceChildren(...[aboutUnit(unit), ...detailsOf(unit, true)].filter(Boolean));
  const viewer = byId("viewer");
  if (!viewer.open) {
    viewer.showModal();
    byId("viewer-title").focus();
  }
  writeAddress();
}

function closeViewer() {
  if (byId("viewer").open) byId("viewer").close();
}

// Also when the browser closes it, at Esc: go back to where the unit stands in the list.
function afterViewer() {
  const unit = viewed;
  viewed = null;
  state.unit = "";
  writeAddress();
  byId("viewer-pair").replaceChildren();
  if (unit && shown.includes(unit)) focusCard(cardOf(unit));
}

function stepViewer(by) {
  const unit = shown[shown.indexOf(viewed) + by];
  if (unit) openUnit(unit);
}

function focusCard(card) {
  if (!card) return;
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
}

function stepList(by) {
  const card = document.activeElement && document.activeElement.closest("article");
  const at = card ? shown.indexOf(card.unit) + by : 0;
  const unit = shown[at];
  if (unit) focusCard(cardOf(unit));
}

// Show what an address asks for; say so where there is no such unit.
function showAddressed() {
  const unit = UNITS.find((one) => one.path === state.unit);
  if (unit) {
    openUnit(unit);
  } else {
    if (state.unit) byId("found").textContent = `There is no unit ${state.unit}.`;
    closeViewer();
  }
}
