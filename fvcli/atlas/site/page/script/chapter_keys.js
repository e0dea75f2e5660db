// Moving among the tiles with keys. All of them are one stop of the tabulator.

function chapterKeys(view) {
  const { list, items, links } = view;

  function point(i, focus = true) {
    links[view.current].tabIndex = -1;
    view.current = i;
    links[i].tabIndex = 0;
    if (focus) {
      links[i].focus({ preventScroll: true });
      items[i].scrollIntoView({ block: "nearest" });
    }
  }

  function move(event) {
    const { shown, current } = view;
    const at = shown.indexOf(current);
    const across = getComputedStyle(list).gridTemplateColumns.split(" ").length;
    const rows = Math.max(1, Math.floor(innerHeight / items[current].offsetHeight) - 1);
    const start = at - (at % across);
    const last = shown.length - 1;
    const ends = { Home: start, End: Math.min(start + across - 1, last) };
    if (event.ctrlKey) Object.assign(ends, { Home: 0, End: last });
    const to = {
      ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + across, ArrowUp: at - across,
      PageDown: at + rows * across, PageUp: at - rows * across, ...ends,
    }[event.key];
    if (to === undefined) return false;
    const isFar = event.key.startsWith("Page");
    if (!isFar && (to < 0 || to > last)) return true;
    point(shown[Math.min(last, Math.max(0, to))]);
    return true;
  }

  list.addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey) return;
    if (event.key === " ") quickLook(view, view.current);
    else if (!move(event)) return;
    event.preventDefault();
  });
  list.addEventListener("focusin", (event) => {
    const item = event.target.closest("li");
    const i = item ? Number(item.dataset.n) : -1;
    if (i >= 0 && i !== view.current) point(i, false);
  });
  links.forEach((link, i) => { link.tabIndex = i === 0 ? 0 : -1; });
  return { point };
}
