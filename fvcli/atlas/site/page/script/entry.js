// The page of a unit.

function startEntry() {
  const { folder, name } = body().dataset;
  const follow = (selector) => { const link = document.querySelector(selector); if (link) location.href = link.href; };
  const random = async (event) => {
    if (event) event.preventDefault();
    const number = 1 + Math.floor(Math.random() * Number(body().dataset.pages));
    const page = await load(folder, number);
    const others = page.names.filter((one) => one !== name);
    if (!others.length) return;
    const one = others[Math.floor(Math.random() * others.length)];
    location.href = `${up()}u/${encodeURIComponent(folder)}/${encodeURIComponent(one)}.html`;
  };
  byId("random").addEventListener("click", random);
  const button = byId("copy");
  button.addEventListener("click", () => copy(byId("spec").textContent, button));
  const here = byId("copy-link");
  here.addEventListener("click", () => copy(location.href, here));
  document.addEventListener("mouseover", (event) => {
    const link = event.target.closest("a.tile, .near a[rel]");
    if (link) prefetch(link, "");
  });
  addEventListener("beforeprint", () => { for (const image of document.images) image.loading = "eager"; });
  startKeys({
    ArrowLeft: () => follow('.near a[rel="prev"]'), ArrowRight: () => follow('.near a[rel="next"]'), r: random,
    u: () => follow('.top nav a:last-of-type'), c: () => copy(location.href, byId("copy-link")), s: () => button.click(),
  });
}
