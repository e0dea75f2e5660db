// Tiles, as the pages have them, for units that are found.

function tile(page, i) {
  const place = page.begin + i;
  const link = document.createElement("a");
  const state = page.states[i] || "done";
  link.className = `tile ${state}`;
  link.href = `${up()}u/${encodeURIComponent(page.folder)}/${encodeURIComponent(page.names[i])}.html`;
  const picture = document.createElement("span");
  picture.className = "pic";
  if (page.pictures[i]) {
    const image = document.createElement("img");
    const cell = place % 64;
    image.className = `x${cell % 8} y${Math.floor(cell / 8)}`;
    image.src = `${up()}s/${encodeURIComponent(page.folder)}/${Math.floor(place / 64)}.webp`;
    image.alt = "";
    image.loading = "lazy";
    picture.append(image);
  } else {
    const why = document.createElement("span");
    why.className = "why";
    why.textContent = state === "missing" ? "not rendered" : state;
    picture.append(why);
  }
  const number = document.createElement("span");
  number.className = "num";
  number.textContent = titleOf(page, i);
  link.append(picture, number);
  const named = page.labels[i];
  if (named) {
    const label = document.createElement("span");
    label.className = "lab";
    const text = document.createElement("bdi");
    text.textContent = named;
    label.append("“", text, "”");
    link.append(label);
  }
  return link;
}

const titleOf = (page, i) => (page.titles ? page.titles[i] : page.names[i]);
const classesOf = (page, i) => (page.classes ? page.classes[i].map((one) => page.classNames[one]) : []);
const pictureOf = (page, i) => `${up()}p/${encodeURIComponent(page.folder)}/${page.pictures[i]}.webp`;

// What the pages of units need is fetched when the mouse rests on a tile.
function prefetch(link, picture) {
  if (link.dataset.fetched) return;
  link.dataset.fetched = "1";
  if (location.protocol !== "file:") {
    const hint = document.createElement("link");
    hint.rel = "prefetch";
    hint.href = link.href;
    document.head.append(hint);
  }
  if (picture) new Image().src = picture;
}
