// The pictures themselves, where tiles are too small or are shown large.

const SOME_CLASSES = 3; // in a sentence

async function quickLook(view, i) {
  const page = await view.need();
  if (!page.pictures[i]) return;
  const dialog = byId("look");
  const image = dialog.querySelector("img");
  image.src = pictureOf(page, i);
  image.alt = `${page.heading} unit ${titleOf(page, i)}`;
  dialog.querySelector("a").href = view.links[i].href;
  const score = page.scores[i] === null ? "" : `, score ${rounded(page.scores[i])}`;
  const classes = classesOf(page, i).slice(0, SOME_CLASSES);
  const label = page.labels[i] ? ` “${page.labels[i]}”` : "";
  const photos = classes.length ? `; photos of ${classes.join(", ")}` : "";
  const share = isKnown(page.twoAfc, i) ? `, 2AFC ${page.twoAfc[i].toFixed(2)}` : "";
  const flags = flagsOf(page, i).map(([, said]) => said).join("; ");
  const flagged = flags ? `. Flagged: ${flags}` : "";
  dialog.querySelector("p").textContent = `${page.heading} ${titleOf(page, i)}${label}${score}${share}${photos}${flagged}`;
  dialog.showModal();
  dialog.addEventListener("close", () => view.links[i].focus(), { once: true });
}

// Large tiles take the pictures themselves, when scrolling rests.
function sharpener(view) {
  let rest = 0;

  async function sharpen() {
    const { shown, links, items } = view;
    const width = links[shown[0]] ? links[shown[0]].offsetWidth : 0;
    if (width * devicePixelRatio <= 168) return;
    const page = await view.need();
    for (const i of shown) {
      const box = items[i].getBoundingClientRect();
      if (box.bottom < 0 || box.top > innerHeight || !page.pictures[i]) continue;
      const picture = links[i].firstElementChild;
      if (picture.querySelector(".over")) continue;
      const image = document.createElement("img");
      image.alt = "";
      image.className = "over";
      image.src = pictureOf(page, i);
      image.decode().then(() => picture.append(image), () => {});
    }
  }

  return () => { clearTimeout(rest); rest = setTimeout(sharpen, 200); };
}
