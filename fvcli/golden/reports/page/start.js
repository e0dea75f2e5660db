// Bring the page to life.

function addViews(place) {
  for (const [view, text] of Object.entries(VIEWS)) {
    const choice = make("input", { type: "radio", name: place.id, value: view });
    choice.addEventListener("change", () => setView(view));
    place.append(make("label", {}, choice, make("span", {}, text)));
  }
}

function addJobs() {
  const counts = new Map();
  for (const unit of UNITS) counts.set(unit.job, (counts.get(unit.job) || 0) + 1);
  const options = [...counts].map(([job, count]) => make("option", { value: job }, `${job} (${count})`));
  byId("job").append(make("option", { value: "" }, "All jobs"), ...options);
  byId("job").hidden = counts.size < 2;
}

function setView(view) {
  state.view = view;
  showView();
  writeAddress();
}

function showView() {
  root.dataset.view = state.view;
  root.dataset.showing = "first";
  for (const choice of document.querySelectorAll(".views input")) choice.checked = choice.value === state.view;
  startBlink();
}

function showFilters() {
  for (const button of document.querySelectorAll("[data-status]")) {
    const { status } = button.dataset;
    const pressed = status ? state.status.has(status) : !state.status.size;
    button.setAttribute("aria-pressed", pressed);
  }
  byId("job").value = state.job;
  if (byId("search").value !== state.text) byId("search").value = state.text;
}

function applyFilters() {
  filterUnits();
  showFilters();
  rebuildList();
  writeAddress();
}

function showAll() {
  Object.assign(state, { status: new Set(), job: "", text: "" });
  applyFilters();
}

function toggleStatus(status) {
  if (!status) state.status.clear();
  else if (!state.status.delete(status)) state.status.add(status);
  applyFilters();
}

function applyAddress() {
  readAddress();
  filterUnits();
  showFilters();
  rebuildList();
  showView();
  showAddressed();
}

function listen() {
  for (const button of document.querySelectorAll("[data-status]")) {
    button.addEventListener("click", () => toggleStatus(button.dataset.status));
  }
  byId("search").addEventListener("input", (event) => {
    state.text = event.target.value;
    applyFilters();
  });
  byId("job").addEventListener("change", (event) => {
    state.job = event.target.value;
    applyFilters();
  });
  byId("ask-help").addEventListener("click", () => byId("help").showModal());
  byId("previous").addEventListener("click", () => stepViewer(-1));
  byId("next").addEventListener("click", () => stepViewer(1));
  byId("close").addEventListener("click", closeViewer);
  byId("viewer").addEventListener("close", afterViewer);
  addEventListener("hashchange", applyAddress);
  addEventListener("keydown", onKey);
  addEventListener("beforeprint", buildForPrint);
}

byId("plain").remove();
byId("tools").hidden = false;
addViews(byId("views"));
addViews(byId("viewer-views"));
addJobs();
listen();
applyAddress();
watchEnd();
requestAnimationFrame(() => setTimeout(() => performance.mark("first units painted")));
