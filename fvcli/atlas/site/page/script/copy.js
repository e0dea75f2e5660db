// Copying the link and the spec of a unit.

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
