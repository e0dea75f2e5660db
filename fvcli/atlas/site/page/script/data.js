// Data of pages. They are scripts, because pages that are files may not load anything else.

const body = () => document.body;
const up = () => body().dataset.up;
const byId = (id) => document.getElementById(id);
const waiting = new Map(); // what to do when the data of a page is there, by folder and page
const pages = new Map();

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
