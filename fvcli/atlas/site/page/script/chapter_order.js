// The units of a layer: in which order, and what they are sorted by.

const rounded = (value) => String(Number(value.toPrecision(3))).replace("-", "−");

// Of each way of sorting: how two units are compared, what is written below a tile, and what that is.
const ORDERS = {
  index: { compare: () => (a, b) => a - b },
  score: {
    compare: (page) => (a, b) => valueOr(page.scores, b, -Infinity) - valueOr(page.scores, a, -Infinity) || a - b,
    value: (page, i) => (isKnown(page.scores, i) ? rounded(page.scores[i]) : "no score"),
    said: "Below each picture is its score.",
  },
  similar: {
    compare: (page) => (a, b) => page.rank[a] - page.rank[b],
    said: "Neighbours are alike.",
  },
  "2afc": {
    compare: (page) => (a, b) => valueOr(page.twoAfc, b, -1) - valueOr(page.twoAfc, a, -1) || a - b,
    value: (page, i) => (isKnown(page.twoAfc, i) ? page.twoAfc[i].toFixed(2) + (isFlagged(page, i) ? ", flagged" : "") : "not scored"),
    said: "Below each picture is how often networks tell by it which of two photos excites the unit: 0.5 is chance, 1 is always.",
  },
  sparse: {
    compare: (page) => (a, b) => valueOr(page.density, a, Infinity) - valueOr(page.density, b, Infinity) || a - b,
    value: (page, i) => (isKnown(page.density, i) ? `${rounded(100 * page.density[i])} %` : "not known"),
    said: "Below each picture is at how many of all places in all photos the unit is above 0.",
  },
  class: {
    compare: (page) => (a, b) => byClass(page, a, b) || a - b,
    value: (page, i) => classesOf(page, i)[0] || "no class",
    said: "Below each picture is the most frequent class of its top photos.",
  },
};

const isKnown = (values, i) => Boolean(values) && values[i] !== null;
const flagsOf = (page, i) => (page.flags[i] || []).map((one) => page.flagKinds[one]);
const isFlagged = (page, i) => Boolean(page.flags[i]);
const valueOr = (values, i, other) => (isKnown(values, i) ? values[i] : other);

const ALL_STATES = ["", "alive", "other", "unflagged", "flagged"]; // all others are names of flags

function byClass(page, a, b) {
  const [one, other] = [a, b].map((i) => (classesOf(page, i)[0] || "\uffff").toLocaleLowerCase());
  return one < other ? -1 : one > other ? 1 : 0;
}

// Returns which units a page shows, in order, and which of all in order.
function arranged(view) {
  const { page, items, inputs } = view;
  const all = items.map((_, i) => i);
  const ordered = page ? all.sort((ORDERS[inputs.sort.value] || ORDERS.index).compare(page)) : all;
  if (view.isPlain()) return { ordered, shown: ordered };
  const fits = matcher(inputs.q.value);
  const state = inputs.state.value;
  const wanted = inputs.class ? inputs.class.value.trim().toLocaleLowerCase() : "";
  const isShown = (i) => {
    if (inputs.q.value.trim() && !fits(page, i)) return false;
    const alive = !page.states[i];
    if (state === "alive" && !alive) return false;
    if (state === "other" && alive) return false;
    if (state === "unflagged" && (isFlagged(page, i) || !isKnown(page.twoAfc, i))) return false;
    if (state === "flagged" && !isFlagged(page, i)) return false;
    if (!ALL_STATES.includes(state) && !flagsOf(page, i).some(([name]) => name === state)) return false;
    return !wanted || classesOf(page, i).some((name) => name.toLocaleLowerCase().includes(wanted));
  };
  return { ordered, shown: ordered.filter(isShown) };
}

// Writes below each tile what units are sorted by.
function writeValues(view) {
  const order = ORDERS[view.inputs.sort.value] || ORDERS.index;
  byId("sorted").textContent = order.said || "";
  view.links.forEach((link, i) => {
    let note = link.querySelector(".value");
    if (!order.value || !view.page) { if (note) note.remove(); return; }
    if (!note) {
      note = document.createElement("span");
      note.className = "note value";
      link.append(note);
    }
    note.textContent = order.value(view.page, i);
  });
}
