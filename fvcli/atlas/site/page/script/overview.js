// The overview: it searches the units of all layers.

const MOST_FOUND = 200;
let index = null; // which layers there are

function foundTile(page, i) {
  const item = document.createElement("li");
  const link = tile(page, i);
  const where = document.createElement("span");
  where.className = "note";
  where.textContent = page.heading;
  link.append(where);
  item.append(link);
  return item;
}

// Links to the layers whose names have the text in them.
function showLayers(text) {
  const wanted = text.trim().toLocaleLowerCase();
  const found = index.chapters.filter((one) => wanted && one.heading.toLocaleLowerCase().includes(wanted));
  const links = found.flatMap((one) => {
    const link = document.createElement("a");
    link.href = `l/${encodeURIComponent(one.folder)}/index.html`;
    link.textContent = one.heading;
    return [" ", link];
  });
  byId("found-layers").hidden = !found.length;
  byId("found-layers").replaceChildren("Layers and jobs of that name:", ...links);
}

function startOverview() {
  const box = byId("search");
  let asked = 0;

  async function find(text) {
    const now = ++asked;
    const fits = matcher(text);
    const list = byId("found-tiles");
    const lacking = new Set();
    let count = 0;
    list.replaceChildren();
    byId("found-count").textContent = "Looking ...";
    showLayers(text);
    for (const chapter of index.chapters) {
      for (let number = 1; number <= chapter.pages; number++) {
        const page = await load(chapter.folder, number).catch(() => null);
        if (now !== asked) return;
        if (!page) { lacking.add(chapter.heading); continue; }
        for (let i = 0; i < page.names.length; i++) {
          if (fits(page, i) && ++count <= MOST_FOUND) list.append(foundTile(page, i));
        }
      }
    }
    const lost = lacking.size ? ` Not searched, because their data are missing: ${[...lacking].join(", ")}.` : "";
    const more = count > MOST_FOUND ? `, of which ${MOST_FOUND} are shown` : "";
    byId("found-count").textContent = `${count.toLocaleString("en")} ${count === 1 ? "unit" : "units"}${more}.${lost}`;
  }

  function show() {
    const isAsked = Boolean(box.value.trim());
    byId("found").hidden = !isAsked;
    byId("layers").hidden = isAsked;
    if (isAsked && index) find(box.value);
    else asked++; // what is being looked for is not wanted any more
  }

  let timer = 0;
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      location.replace(box.value.trim() ? `#q=${encodeURIComponent(box.value.trim())}` : "#");
      show();
    }, 150);
  });
  box.form.addEventListener("submit", (event) => event.preventDefault());
  const asks = new URLSearchParams(location.hash.slice(1)).get("q");
  if (asks) { box.value = asks; show(); }
  startKeys({ "/": () => box.focus() });
}
