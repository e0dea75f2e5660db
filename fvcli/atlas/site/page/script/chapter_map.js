// The map of a layer: each unit at a place of its own, drawn from the sheets.

function chapterMap(view) {
  const canvas = byId("map").querySelector("canvas");
  const caption = byId("map-caption");
  const about = caption.textContent;
  const sheets = new Map();
  let under = -1; // the unit that the mouse is at
  let painting = 0;

  const at = (i) => [view.page.map.places[2 * i], view.page.map.places[2 * i + 1]];

  function sheet(i) {
    const place = Math.floor((view.page.begin + i) / 64);
    if (!sheets.has(place)) {
      const image = new Image();
      image.onload = () => { if (view.withMap) paint(); };
      image.src = `${up()}s/${encodeURIComponent(view.folder)}/${place}.webp`;
      sheets.set(place, image);
    }
    return sheets.get(place);
  }

  function draw() {
    if (!view.page || !view.page.map) return;
    const columns = view.page.map.columns;
    const rows = 1 + Math.max(...view.items.map((_, i) => at(i)[1]));
    const cell = Math.min(112, canvas.parentElement.clientWidth / columns);
    const scale = Math.min(devicePixelRatio || 1, 2);
    canvas.style.width = `${Math.floor(cell * columns)}px`;
    canvas.width = Math.floor(cell * columns * scale);
    canvas.height = Math.floor(cell * rows * scale);
    paint();
  }

  function paint() {
    cancelAnimationFrame(painting);
    painting = requestAnimationFrame(() => {
      const context = canvas.getContext("2d");
      const side = canvas.width / view.page.map.columns;
      context.clearRect(0, 0, canvas.width, canvas.height);
      for (const i of view.shown) paintUnit(context, i, side);
      if (under >= 0) frame(context, under, side);
    });
  }

  function paintUnit(context, i, side) {
    const [column, row] = at(i);
    const image = sheet(i);
    if (column < 0 || !view.page.pictures[i] || !image.complete || !image.naturalWidth) return;
    const place = (view.page.begin + i) % 64;
    const size = side - (side > 30 ? 1 : 0);
    const [left, top] = [(place % 8) * 112, Math.floor(place / 8) * 112];
    context.drawImage(image, left, top, 112, 112, column * side, row * side, size, size);
  }

  function frame(context, i, side) {
    const [column, row] = at(i);
    context.lineWidth = 3 * (devicePixelRatio || 1);
    context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--focus");
    context.strokeRect(column * side, row * side, side, side);
  }

  function unitAt(event) {
    const box = canvas.getBoundingClientRect();
    const side = box.width / view.page.map.columns;
    const [column, row] = [Math.floor((event.clientX - box.left) / side), Math.floor((event.clientY - box.top) / side)];
    return view.shown.find((i) => at(i)[0] === column && at(i)[1] === row) ?? -1;
  }

  function said(i) {
    const { page } = view;
    const label = page.labels[i] ? `“${page.labels[i]}”` : "";
    const classes = classesOf(page, i).slice(0, SOME_CLASSES).join(", ");
    return `Unit ${[titleOf(page, i), label, classes].filter(Boolean).join(" · ")}`;
  }

  canvas.addEventListener("mousemove", (event) => {
    if (!view.page) return;
    const i = unitAt(event);
    if (i === under) return;
    under = i;
    caption.textContent = i >= 0 ? said(i) : about;
    paint();
  });
  canvas.addEventListener("mouseleave", () => {
    under = -1;
    caption.textContent = about;
    if (view.page) paint();
  });
  canvas.addEventListener("click", (event) => {
    const i = view.page ? unitAt(event) : -1;
    if (i >= 0) location.href = view.links[i].href;
  });
  return { draw };
}
