"use strict";

// What the page knows and what it shows. The part of the address after # keeps the state, so that a view can be linked.

const DATA = JSON.parse(document.getElementById("data").textContent);
const UNITS = DATA.units;
const VIEWS = DATA.views;
const [[FIRST, FIRST_NAME], [SECOND, SECOND_NAME]] = Object.entries(DATA.sides); // of a pair
const root = document.documentElement;

const state = { status: new Set(), job: "", text: "", view: "side", unit: "" };
let shown = UNITS; // what passes the filters

function byId(id) {
  return document.getElementById(id);
}

// Build an element. Texts become text nodes, so that no name or sentence is ever read as HTML.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== ""));
  return element;
}

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const known = new Set(UNITS.map((unit) => unit.status));
  const wanted = (given.get("status") || "").split(",");
  state.status = new Set(wanted.filter((status) => known.has(status)));
  state.job = given.get("job") || "";
  state.text = given.get("q") || "";
  state.view = Object.hasOwn(VIEWS, given.get("view") || "") ? given.get("view") : "side";
  state.unit = given.get("unit") || "";
}

function addressOf(changes = {}) {
  const { status, job, text, view, unit } = { ...state, ...changes };
  const said = { status: [...status].join(","), job, q: text.trim(), view: view === "side" ? "" : view, unit };
  const parts = Object.entries(said).filter(([, value]) => value);
  const readable = (value) => encodeURIComponent(value).replace(/%2F/g, "/").replace(/%2C/g, ",");
  return "#" + parts.map(([name, value]) => `${name}=${readable(value)}`).join("&");
}

function writeAddress() {
  if (addressOf() !== (location.hash || "#")) history.replaceState(null, "", addressOf());
}

const searched = new WeakMap(); // what the search looks at, of each unit

function plain(text) {
  return text.normalize("NFKC").toLowerCase();
}

function searchedText(unit) {
  if (!searched.has(unit)) {
    searched.set(unit, plain([unit.path, unit.label, unit.layer].filter(Boolean).join("\n")));
  }
  return searched.get(unit);
}

function filterUnits() {
  const words = plain(state.text).split(/\s+/).filter(Boolean);
  shown = UNITS.filter(
    (unit) =>
      (!state.status.size || state.status.has(unit.status)) &&
      (!state.job || unit.job === state.job) &&
      words.every((word) => searchedText(unit).includes(word)),
  );
}
