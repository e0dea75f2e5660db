// A pair of pictures. One structure serves all views: the style sheet shows its parts as the view asks.

const BLINK_MS = 700;
const waiting = []; // for pictures further down in the file that is still being read

// Return an address, or null where the picture has not been read yet, or "" where its file could not be read.
function addressOfPicture(at) {
  if (typeof at === "string") return at;
  const block = byId("picture-" + at);
  if (!block || (document.readyState === "loading" && !block.nextElementSibling)) return null;
  return block.textContent && "data:image/png;base64," + block.textContent;
}

function whenRead(act) {
  if (document.readyState === "loading") waiting.push(act);
  else act();
}

document.addEventListener("DOMContentLoaded", () => waiting.splice(0).forEach((act) => act()));

// Return a frame with a picture, or with the reason why there is none.
function frame(picture, description) {
  const box = make("span", { class: "frame" });
  if (picture.lack) {
    box.classList.add("lacks");
    box.append(make("span", {}, picture.lack));
    return box;
  }
  const image = make("img", { alt: description, width: picture.w, height: picture.h, decoding: "async" });
  const fail = () => {
    const file = typeof picture.at === "string" ? `${picture.at} beside this page` : "its file";
    box.classList.add("lacks");
    box.replaceChildren(make("span", {}, `The picture cannot be shown: ${file} is damaged or missing.`));
    queueMicrotask(() => box.closest(".pair")?.classList.add("unpaired")); // once it is in a pair
  };
  image.addEventListener("error", fail);
  sizes.observe(image);
  box.append(image);
  const fill = () => {
    const address = addressOfPicture(picture.at);
    if (address === null) return false;
    if (address) image.src = address;
    else fail();
    return true;
  };
  if (!fill()) whenRead(fill);
  return box;
}

// Pixels stay square when a picture is enlarged; one that is shown about as large as it is looks better smoothed.
const sizes = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const enlarged = (contentRect.width * devicePixelRatio) / Number(target.getAttribute("width"));
    target.classList.toggle("enlarged", enlarged >= 1.5);
  }
});

function figure(className, caption, ...content) {
  return make("figure", { class: className }, ...content, make("figcaption", {}, caption));
}

// Return the pictures of a unit in all views.
function pair(unit) {
  const first = unit[FIRST];
  const second = unit[SECOND];
  const size = first.lack && second ? second : first;
  const box = make("div", { class: "pair" });
  if (size.w) {
    box.style.setProperty("--ratio", size.w / size.h);
    box.classList.toggle("wide", size.w > 2.5 * size.h);
  }
  if (!second) {
    box.classList.add("single");
    const [caption, both] = [" = ", " and "].map((word) => FIRST_NAME + word + SECOND_NAME);
    box.append(figure("one", caption, frame(first, `${unit.path}, ${both}`)));
    return box;
  }
  box.append(figure("one", FIRST_NAME, frame(first, `${unit.path}, ${FIRST_NAME}`)));
  box.append(figure("one", SECOND_NAME, frame(second, `${unit.path}, ${SECOND_NAME}`)));
  if (first.lack || second.lack || unit.status === "error") box.classList.add("unpaired");
  else box.append(stack(unit));
  return box;
}

function stack(unit) {
  const layers = make(
    "div",
    { class: "layers" },
    make("span", { class: "layer of-first" }, frame(unit[FIRST], "")),
    make("span", { class: "layer of-second" }, frame(unit[SECOND], "")),
  );
  const stage = make("div", { class: "stage", role: "group", "aria-label": `${unit.path}, both pictures` }, layers);
  stage.style.setProperty("--gain", gainOf(unit));
  const divider = make("input", { type: "range", min: 0, max: 100, step: 1, value: 50 });
  divider.setAttribute("aria-label", `${FIRST_NAME}: how much of it is seen, in percent`);
  divider.addEventListener("input", () => stage.style.setProperty("--divider", `${divider.value}%`));
  stage.append(divider, make("span", { class: "divider" }));
  const words = Object.entries(captions(unit)).map(([view, text]) => make("span", { class: `in-${view}` }, text));
  const blinking = make(
    "button",
    { type: "button", class: "in-blink", title: "Stop, and show the other picture" },
    make("span", { class: "of-first" }, FIRST_NAME),
    make("span", { class: "of-second" }, SECOND_NAME),
  );
  blinking.addEventListener("click", stepBlink);
  return make("figure", { class: "stack" }, stage, make("figcaption", {}, ...words, blinking));
}

function captions(unit) {
  const difference = `difference × ${gainOf(unit)}`;
  return { side: difference, slider: `${FIRST_NAME} | ${SECOND_NAME}`, difference };
}

function gainOf(unit) {
  return unit.gain || 1;
}

// ---- blinking: all pairs together

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
let blinkTimer = null;

function showOther() {
  root.dataset.showing = root.dataset.showing === "first" ? "second" : "first";
}

function stopBlink() {
  clearInterval(blinkTimer);
  blinkTimer = null;
}

function startBlink() {
  stopBlink();
  if (state.view === "blink" && !reducedMotion.matches) blinkTimer = setInterval(showOther, BLINK_MS);
}

// Stop where it blinks; show the other picture where it stands still.
function stepBlink() {
  if (blinkTimer !== null) stopBlink();
  else showOther();
}

reducedMotion.addEventListener("change", startBlink);
