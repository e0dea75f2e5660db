// A page of a layer: its units are found, sorted, shown on a map and walked through with keys.

// What the parts of the page share: its units and what is shown of them.
function chapterView() {
  const { folder } = body().dataset;
  const list = byId("tiles");
  const items = [...list.children];
  const inputs = { q: byId("search"), sort: byId("sort"), state: byId("state"), class: byId("class") };
  const view = {
    folder, list, items, inputs,
    links: items.map((item) => item.firstElementChild),
    page: null, // its data, when they are there
    shown: items.map((_, i) => i),
    current: 0,
    withMap: false,
    size: USUAL,
  };
  view.need = async () => {
    view.page = view.page || await load(folder, Number(body().dataset.page));
    return view.page;
  };
  const isUsual = ([name, input]) => !input || !input.value.trim() || (name === "sort" && input.value === "index");
  view.isPlain = () => Object.entries(inputs).every(isUsual);
  return view;
}

function startChapter() {
  const view = chapterView();
  const { list, items, inputs } = view;
  const address = chapterAddress(view);
  const keys = chapterKeys(view);
  const map = chapterMap(view);
  const sharpen = sharpener(view);

  async function arrange() {
    if (!view.isPlain() || view.withMap) await view.need();
    const { ordered, shown } = arranged(view);
    view.shown = shown;
    const visible = new Set(shown);
    items.forEach((item, i) => { item.hidden = !visible.has(i); });
    if (ordered.some((i, place) => list.children[place] !== items[i])) {
      list.append(...ordered.map((i) => items[i])); // nodes move, so that reading and keys follow
    }
    writeValues(view);
    byId("count").textContent = `${shown.length.toLocaleString("en")} of ${items.length.toLocaleString("en")} shown`;
    byId("none").hidden = shown.length > 0;
    byId("clear").disabled = view.isPlain();
    if (!visible.has(view.current) && shown.length) keys.point(shown[0], false);
    document.documentElement.dataset.tile = String(view.size);
    const button = byId("map-button");
    if (button) button.setAttribute("aria-pressed", String(view.withMap));
    byId("map").hidden = !view.withMap;
    if (view.withMap) map.draw();
    sharpen();
  }

  const change = () => { address.write(); arrange(); };

  function clear() {
    for (const [name, input] of Object.entries(inputs)) if (input) input.value = name === "sort" ? "index" : "";
    change();
    inputs.q.focus();
  }

  function resize(step) {
    view.size = SIZES[Math.min(SIZES.length - 1, Math.max(0, SIZES.indexOf(view.size) + step))];
    change();
  }

  const toggleMap = () => { if (byId("map-button")) { view.withMap = !view.withMap; change(); } };

  startControls(view, { change, clear, resize, toggleMap });
  addEventListener("scroll", sharpen, { passive: true });
  addEventListener("resize", () => { if (view.withMap) map.draw(); sharpen(); });
  addEventListener("hashchange", () => { if (address.isForeign()) { address.read(); arrange(); } });
  addEventListener("beforeprint", () => {
    for (const image of list.querySelectorAll("img")) image.loading = "eager";
  });
  address.read();
  arrange();
  if (location.hash.startsWith("#u-")) {
    const target = byId(decoded(location.hash.slice(1)));
    if (target) keys.point(Number(target.dataset.n));
  }
  (window.requestIdleCallback || setTimeout)(view.need);
}

// Lets the controls of the page and the keys do something.
function startControls(view, { change, clear, resize, toggleMap }) {
  const { list, inputs } = view;
  let timer = 0;
  inputs.q.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(change, 120); });
  for (const name of ["sort", "state", "class"]) if (inputs[name]) inputs[name].addEventListener("change", change);
  inputs.q.form.addEventListener("submit", (event) => event.preventDefault());
  byId("smaller").addEventListener("click", () => resize(-1));
  byId("larger").addEventListener("click", () => resize(1));
  byId("clear").addEventListener("click", clear);
  byId("clear-2").addEventListener("click", clear);
  if (byId("map-button")) byId("map-button").addEventListener("click", toggleMap);
  list.addEventListener("mouseover", (event) => {
    const link = event.target.closest("a.tile");
    if (!link || link.dataset.fetched) return;
    const { page } = view;
    const i = Number(link.parentElement.dataset.n);
    prefetch(link, page && page.pictures[i] ? pictureOf(page, i) : "");
  });
  startKeys({
    "/": () => inputs.q.focus(), "-": () => resize(-1), "+": () => resize(1), "=": () => resize(1), m: toggleMap,
  });
}
