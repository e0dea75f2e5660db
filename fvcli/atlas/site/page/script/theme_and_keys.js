// Light and dark, and the keys that a page heeds.

const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

function startTheme() {
  const button = byId("theme");
  const say = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    keep("theme", document.documentElement.dataset.theme);
    say();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", say);
  say();
}

const KEYS = {
  overview: [["/", "search"], ["?", "these keys"]],
  chapter: [
    ["arrows", "move among the units"], ["Home, End", "first and last of a row"],
    ["Ctrl+Home, Ctrl+End", "first and last unit"], ["Page Up, Page Down", "a screen up or down"],
    ["Enter", "open the unit"], ["Space", "quick look"], ["Esc", "close it"], ["/", "search"],
    ["- and +", "smaller and larger pictures"], ["m", "map"], ["?", "these keys"],
  ],
  entry: [
    ["left, right", "previous and next unit"], ["r", "a random unit"], ["u", "up to the layer"],
    ["c", "copy the link"], ["s", "copy the spec"], ["?", "these keys"],
  ],
};

function startKeys(actions) {
  const dialog = byId("keys");
  const list = byId("keys-list");
  for (const [key, what] of KEYS[body().dataset.kind]) {
    const line = document.createElement("div");
    const cell = document.createElement("span");
    for (const one of key.split(/, | and /)) {
      const name = document.createElement("kbd");
      name.textContent = one;
      cell.append(name, " ");
    }
    const said = document.createElement("span");
    said.textContent = what;
    line.append(cell, said);
    list.append(line);
  }
  const letters = byId("letters");
  letters.checked = kept("letters") !== "off";
  letters.addEventListener("change", () => keep("letters", letters.checked ? "on" : "off"));
  byId("help").addEventListener("click", () => dialog.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, select, textarea, dialog[open]")) return;
    if (event.key.length === 1 && event.key !== " " && !letters.checked) return;
    if (event.key === "?") dialog.showModal();
    else if (actions[event.key]) actions[event.key](event);
    else return;
    event.preventDefault();
  });
}
