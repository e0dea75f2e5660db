// What a page of a layer shows stands in its address, so that a link to it shows the same.

const SIZES = [72, 112, 168, 224];
const USUAL = 112;

function chapterAddress(view) {
  const { inputs } = view;
  let own = null; // what this page wrote itself

  function read() {
    const asked = new URLSearchParams(location.hash.startsWith("#u-") ? "" : location.hash.slice(1));
    for (const [name, input] of Object.entries(inputs)) {
      if (input) input.value = asked.get(name) || (name === "sort" ? "index" : "");
      if (input && input.selectedIndex === -1) input.selectedIndex = 0;
    }
    view.withMap = asked.get("map") === "1" && Boolean(byId("map-button"));
    view.size = SIZES.includes(Number(asked.get("size"))) ? Number(asked.get("size")) : USUAL;
  }

  function write() {
    const said = new URLSearchParams();
    for (const [name, input] of Object.entries(inputs)) {
      const value = input ? input.value.trim() : "";
      if (value && value !== "index") said.set(name, value);
    }
    if (view.withMap) said.set("map", "1");
    if (view.size !== USUAL) said.set("size", String(view.size));
    location.replace(`#${said}`);
    own = location.hash;
  }

  function isForeign() {
    const isState = location.hash === "" || location.hash.includes("="); // others are places on the page
    return isState && location.hash !== own;
  }

  return { read, write, isForeign };
}
