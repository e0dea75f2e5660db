// Everything can be done by keyboard. A key that a field or the divider needs is left to it.

const VIEW_KEYS = { 2: "side", s: "slider", b: "blink", d: "difference" };
const LEFT_TO_FIELDS = /^(Arrow|Home|End|Page|Enter| )/;

function isTyping(element) {
  return element.matches("input[type=search], select, textarea");
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  const target = event.target instanceof Element ? event.target : document.body;
  if (isTyping(target)) {
    if (event.key === "Escape") emptyOrLeave(target, event);
    else if (event.key === "Enter" && target.id === "search") focusCard(cardOf(shown[0]));
    return;
  }
  if (target.matches("input") && LEFT_TO_FIELDS.test(event.key)) return;
  if (act(event.key, target)) event.preventDefault();
}

// The first Esc in the search empties it, here and not in the browser, which would tell nobody.
function emptyOrLeave(field, event) {
  event.preventDefault();
  if (field.id === "search" && state.text) {
    state.text = "";
    applyFilters();
  } else {
    field.blur();
  }
}

function act(key, target) {
  const step = { j: 1, ArrowRight: 1, k: -1, ArrowLeft: -1 }[key];
  if (step && viewed) stepViewer(step);
  else if (step) stepList(step);
  else if (Object.hasOwn(VIEWS, VIEW_KEYS[key] || "")) pressView(VIEW_KEYS[key]);
  else if (key === "?") byId("help").showModal();
  else if (key === "/" && !viewed) byId("search").select();
  else if (key === "Escape" && !viewed) showAll();
  else if ((key === "Enter" || key === "o") && target.matches("article")) openUnit(target.unit);
  else return false;
  return true;
}

function pressView(view) {
  if (view === "blink" && state.view === "blink") stepBlink();
  else setView(view);
}
