// What the pages of an atlas do beside showing themselves. All of it is left out where scripts do not run.
"use strict";
const fvcli = (() => {
  const body = () => document.body;
  const up = () => body().dataset.up;
  const byId = (id) => document.getElementById(id);
  const waiting = new Map(); // what to do when the data of a page is there, by folder and page
  const pages = new Map();

  // ---- data: scripts, because pages that are files may not load anything else

  function load(folder, page) {
    const key = `${folder}-${page}`;
    if (!pages.has(key)) {
      pages.set(key, new Promise((resolve, reject) => {
        waiting.set(key, resolve);
        const script = document.createElement("script");
        script.src = `${up()}d/${encodeURIComponent(folder)}-${page}.js`;
        script.onerror = () => { pages.delete(key); reject(new Error(`no data for ${key}`)); };
        document.head.append(script);
      }));
    }
    return pages.get(key);
  }

  function keep(name, value) {
    try { localStorage.setItem(`fvcli-${name}`, value); } catch { /* nothing is kept for files here */ }
  }

  function kept(name) {
    try { return localStorage.getItem(`fvcli-${name}`); } catch { return null; }
  }

  // ---- light and dark, keys

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
      const name = document.createElement("kbd");
      name.textContent = key;
      const cell = document.createElement("span");
      cell.append(name);
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

  function say(button, text) {
    button.dataset.text ||= button.textContent;
    button.textContent = text;
    byId("said").textContent = text;
    clearTimeout(Number(button.dataset.timer));
    button.dataset.timer = setTimeout(() => {
      button.textContent = button.dataset.text;
      byId("said").textContent = "";
    }, 1500);
  }

  async function copy(text, button) {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // pages that are files may not, in some browsers
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    say(button, "Copied");
  }

  // ---- tiles

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

  function decoded(text) {
    try { return decodeURIComponent(text); } catch { return text; } // somebody wrote it by hand
  }

  function matcher(text) {
    const wanted = text.trim().toLocaleLowerCase();
    const range = /^(\d+)\s*[-–]\s*(\d+)$/.exec(wanted);
    if (range) {
      const [low, high] = [Number(range[1]), Number(range[2])];
      return (page, i) => { const number = Number(page.names[i]); return number >= low && number <= high; };
    }
    if (/^\d+$/.test(wanted)) { // a number is not a part of another
      const about = (page, i) => [page.titles ? page.titles[i] : "", page.labels[i] || "", ...classesOf(page, i)];
      return (page, i) => page.names[i] === String(Number(wanted)) || about(page, i).some((text) => text.includes(wanted));
    }
    return (page, i) => named(page, i, wanted);
  }

  function named(page, i, wanted) {
    const texts = [titleOf(page, i), page.names[i], page.labels[i] || "", ...classesOf(page, i)];
    return texts.some((text) => text.toLocaleLowerCase().includes(wanted));
  }

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

  // ---- overview

  function startOverview() {
    const box = byId("search");
    let asked = 0;
    const show = async () => {
      const text = box.value;
      const now = ++asked;
      byId("found").hidden = !text.trim();
      byId("layers").hidden = Boolean(text.trim());
      if (!text.trim() || !index) return;
      const list = byId("found-tiles");
      list.replaceChildren();
      let count = 0;
      const fits = matcher(text);
      const lacking = [];
      byId("found-count").textContent = "Looking ...";
      for (const chapter of index.chapters) {
        for (let number = 1; number <= chapter.pages; number++) {
          const page = await load(chapter.folder, number).catch(() => null);
          if (now !== asked) return;
          if (!page) { lacking.push(chapter.heading); continue; }
          for (let i = 0; i < page.names.length; i++) {
            if (!fits(page, i)) continue;
            count++;
            if (count > 200) continue;
            const item = document.createElement("li");
            const link = tile(page, i);
            const where = document.createElement("span");
            where.className = "note";
            where.textContent = page.heading;
            link.append(where);
            item.append(link);
            list.append(item);
          }
        }
      }
      const lost = lacking.length ? ` Not searched, because their data are missing: ${[...new Set(lacking)].join(", ")}.` : "";
      const more = count > 200 ? ", of which 200 are shown" : "";
      byId("found-count").textContent = `${count.toLocaleString("en")} ${count === 1 ? "unit" : "units"}${more}.${lost}`;
    };
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

  let index = null;

  // ---- a page of a layer

  function startChapter() {
    const { folder } = body().dataset;
    const number = Number(body().dataset.page);
    const list = byId("tiles");
    const items = [...list.children];
    const links = items.map((item) => item.firstElementChild);
    const sizes = [72, 112, 168, 224];
    const inputs = { q: byId("search"), sort: byId("sort"), state: byId("state"), class: byId("class") };
    let page = null;
    let shown = items.map((_, i) => i);
    let current = 0;
    let withMap = false;
    let own = null; // what this page wrote into its address itself
    let size = 112;

    const need = async () => { page = page || await load(folder, number); return page; };

    // -- state, in the address

    function read() {
      const asked = new URLSearchParams(location.hash.startsWith("#u-") ? "" : location.hash.slice(1));
      for (const [name, input] of Object.entries(inputs)) {
        if (input) input.value = asked.get(name) || (name === "sort" ? "index" : "");
        if (input && input.selectedIndex === -1) input.selectedIndex = 0;
      }
      withMap = asked.get("map") === "1" && Boolean(byId("map-button"));
      size = sizes.includes(Number(asked.get("size"))) ? Number(asked.get("size")) : 112;
    }

    function write() {
      const said = new URLSearchParams();
      for (const [name, input] of Object.entries(inputs)) {
        const value = input ? input.value.trim() : "";
        if (value && value !== "index") said.set(name, value);
      }
      if (withMap) said.set("map", "1");
      if (size !== 112) said.set("size", String(size));
      location.replace(`#${said}`);
      own = location.hash;
    }

    // -- what is shown, in which order

    const isPlain = () => Object.entries(inputs).every(([name, input]) => !input || !input.value.trim() || (name === "sort" && input.value === "index"));

    function compare(sort) {
      const known = (values, i) => (values && values[i] !== null ? values[i] : -Infinity);
      if (sort === "score") return (a, b) => known(page.scores, b) - known(page.scores, a) || a - b;
      if (sort === "similar") return (a, b) => page.rank[a] - page.rank[b];
      if (sort === "sparse") {
        const rare = (i) => (page.density && page.density[i] !== null ? page.density[i] : Infinity);
        return (a, b) => rare(a) - rare(b) || a - b;
      }
      if (sort === "class") {
        const first = (i) => classesOf(page, i)[0] || "\uffff";
        return (a, b) => (first(a) < first(b) ? -1 : first(a) > first(b) ? 1 : a - b);
      }
      return (a, b) => a - b;
    }

    async function arrange() {
      if (!isPlain() || withMap) await need();
      const sort = inputs.sort.value;
      const fits = matcher(inputs.q.value);
      const state = inputs.state.value;
      const wanted = inputs.class ? inputs.class.value.trim().toLocaleLowerCase() : "";
      const isShown = (i) => {
        if (inputs.q.value.trim() && !fits(page, i)) return false;
        const alive = page && !page.states[i];
        if (state === "alive" && !alive) return false;
        if (state === "other" && alive) return false;
        return !wanted || classesOf(page, i).some((name) => name.toLocaleLowerCase().includes(wanted));
      };
      const all = items.map((_, i) => i);
      const ordered = page ? all.sort(compare(sort)) : all;
      shown = isPlain() ? ordered : ordered.filter(isShown);
      const visible = new Set(shown);
      items.forEach((item, i) => { item.hidden = !visible.has(i); });
      if (ordered.some((i, place) => list.children[place] !== items[i])) {
        list.append(...ordered.map((i) => items[i])); // nodes move, so that reading and keys follow
      }
      byId("count").textContent = `${shown.length.toLocaleString("en")} of ${items.length.toLocaleString("en")} shown`;
      byId("none").hidden = shown.length > 0;
      byId("clear").hidden = isPlain();
      if (!visible.has(current) && shown.length) point(shown[0], false);
      document.documentElement.dataset.tile = String(size);
      const button = byId("map-button");
      if (button) button.setAttribute("aria-pressed", String(withMap));
      byId("map").hidden = !withMap;
      if (withMap) drawMap();
      sharpen();
    }

    const change = () => { write(); arrange(); };

    function clear() {
      for (const [name, input] of Object.entries(inputs)) if (input) input.value = name === "sort" ? "index" : "";
      change();
      inputs.q.focus();
    }

    // -- moving with keys: the tiles are one stop

    function point(i, focus = true) {
      links[current].tabIndex = -1;
      current = i;
      links[i].tabIndex = 0;
      if (focus) {
        links[i].focus({ preventScroll: true });
        items[i].scrollIntoView({ block: "nearest" });
      }
    }

    function move(event) {
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
      if (event.key === " ") look(current);
      else if (!move(event)) return;
      event.preventDefault();
    });
    list.addEventListener("focusin", (event) => {
      const item = event.target.closest("li");
      const i = item ? Number(item.dataset.n) : -1;
      if (i >= 0 && i !== current) point(i, false);
    });
    links.forEach((link, i) => { link.tabIndex = i === 0 ? 0 : -1; });

    // -- quick look

    async function look(i) {
      await need();
      if (!page.pictures[i]) return;
      const dialog = byId("look");
      const image = dialog.querySelector("img");
      image.src = pictureOf(page, i);
      image.alt = `${page.heading} unit ${titleOf(page, i)}`;
      dialog.querySelector("a").href = links[i].href;
      const score = page.scores[i] === null ? "" : `, score ${page.scores[i].toPrecision(3)}`;
      const about = classesOf(page, i);
      const label = page.labels[i] ? ` “${page.labels[i]}”` : "";
      dialog.querySelector("p").textContent = `${page.heading} ${titleOf(page, i)}${label}${score}${about.length ? `; photos of ${about.join(", ")}` : ""}`;
      dialog.showModal();
      dialog.addEventListener("close", () => links[i].focus(), { once: true });
    }

    // -- large tiles take the pictures themselves, when scrolling rests

    let rest = 0;
    function sharpen() {
      clearTimeout(rest);
      rest = setTimeout(async () => {
        const width = links[shown[0]] ? links[shown[0]].offsetWidth : 0;
        if (width * devicePixelRatio <= 168) return;
        await need();
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
      }, 200);
    }
    addEventListener("scroll", sharpen, { passive: true });
    addEventListener("resize", () => { if (withMap) drawMap(); sharpen(); });

    // -- map: each unit at a place of its own, drawn from the sheets

    const canvas = byId("map").querySelector("canvas");
    const sheets = new Map();
    let cell = 40;
    let under = -1;

    function sheet(i) {
      const place = Math.floor((page.begin + i) / 64);
      if (!sheets.has(place)) {
        const image = new Image();
        image.onload = () => { if (withMap) paint(); };
        image.src = `${up()}s/${encodeURIComponent(folder)}/${place}.webp`;
        sheets.set(place, image);
      }
      return sheets.get(place);
    }

    const at = (i) => [page.map.places[2 * i], page.map.places[2 * i + 1]];

    function drawMap() {
      if (!page || !page.map) return;
      const columns = page.map.columns;
      const rows = 1 + Math.max(...items.map((_, i) => at(i)[1]));
      const width = canvas.parentElement.clientWidth;
      cell = Math.min(112, width / columns);
      const scale = Math.min(devicePixelRatio || 1, 2);
      canvas.style.width = `${Math.floor(cell * columns)}px`;
      canvas.width = Math.floor(cell * columns * scale);
      canvas.height = Math.floor(cell * rows * scale);
      paint();
    }

    let painting = 0;
    function paint() {
      cancelAnimationFrame(painting);
      painting = requestAnimationFrame(() => {
        const context = canvas.getContext("2d");
        const side = canvas.width / page.map.columns;
        context.clearRect(0, 0, canvas.width, canvas.height);
        for (const i of shown) {
          const [column, row] = at(i);
          const image = sheet(i);
          if (column < 0 || !page.pictures[i] || !image.complete || !image.naturalWidth) continue;
          const place = (page.begin + i) % 64;
          const gap = side > 30 ? 1 : 0;
          context.drawImage(image, (place % 8) * 112, Math.floor(place / 8) * 112, 112, 112, column * side, row * side, side - gap, side - gap);
        }
        if (under >= 0) {
          const [column, row] = at(under);
          context.lineWidth = 3 * (devicePixelRatio || 1);
          context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--focus");
          context.strokeRect(column * side, row * side, side, side);
        }
      });
    }

    function unitAt(event) {
      const box = canvas.getBoundingClientRect();
      const side = box.width / page.map.columns;
      const [column, row] = [Math.floor((event.clientX - box.left) / side), Math.floor((event.clientY - box.top) / side)];
      return shown.find((i) => at(i)[0] === column && at(i)[1] === row) ?? -1;
    }

    const caption = byId("map-caption");
    const about = caption.textContent;
    canvas.addEventListener("mousemove", (event) => {
      if (!page) return;
      const i = unitAt(event);
      if (i === under) return;
      under = i;
      const named = i >= 0 ? [titleOf(page, i), page.labels[i] ? `“${page.labels[i]}”` : "", classesOf(page, i).join(", ")].filter(Boolean) : [];
      caption.textContent = i >= 0 ? `Unit ${named.join(" · ")}` : about;
      paint();
    });
    canvas.addEventListener("mouseleave", () => { under = -1; caption.textContent = about; if (page) paint(); });
    canvas.addEventListener("click", (event) => {
      const i = page ? unitAt(event) : -1;
      if (i >= 0) location.href = links[i].href;
    });

    // -- begin

    let timer = 0;
    inputs.q.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(change, 120); });
    for (const name of ["sort", "state", "class"]) if (inputs[name]) inputs[name].addEventListener("change", change);
    inputs.q.form.addEventListener("submit", (event) => event.preventDefault());
    const resize = (step) => {
      size = sizes[Math.min(sizes.length - 1, Math.max(0, sizes.indexOf(size) + step))];
      change();
    };
    byId("smaller").addEventListener("click", () => resize(-1));
    byId("larger").addEventListener("click", () => resize(1));
    byId("clear").addEventListener("click", clear);
    byId("clear-2").addEventListener("click", clear);
    const toggleMap = () => { if (byId("map-button")) { withMap = !withMap; change(); } };
    if (byId("map-button")) byId("map-button").addEventListener("click", toggleMap);
    list.addEventListener("mouseover", (event) => {
      const link = event.target.closest("a.tile");
      if (!link || link.dataset.fetched) return;
      const i = Number(link.parentElement.dataset.n);
      prefetch(link, page && page.pictures[i] ? pictureOf(page, i) : "");
    });
    addEventListener("hashchange", () => {
      const isState = location.hash === "" || location.hash.includes("="); // others are places on the page
      if (isState && location.hash !== own) { read(); arrange(); }
    });
    addEventListener("beforeprint", () => {
      for (const image of list.querySelectorAll("img")) image.loading = "eager";
    });
    read();
    arrange();
    if (location.hash.startsWith("#u-")) {
      const target = byId(decoded(location.hash.slice(1)));
      if (target) point(Number(target.dataset.n));
    }
    (window.requestIdleCallback || setTimeout)(need);
    startKeys({
      "/": () => inputs.q.focus(), "-": () => resize(-1), "+": () => resize(1), "=": () => resize(1), m: toggleMap,
    });
  }

  // ---- the page of a unit

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

  document.addEventListener("DOMContentLoaded", () => {
    startTheme();
    ({ overview: startOverview, chapter: startChapter, entry: startEntry })[body().dataset.kind]();
  });

  return {
    page(data) { waiting.get(`${data.folder}-${data.page}`)?.(data); },
    index(data) { index = data; },
  };
})();
