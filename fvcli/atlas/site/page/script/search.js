// What a text in a search box finds.

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; } // somebody wrote it by hand
}

// Numbers and ranges with commas between, such as 3, 10-50; null if the text is something else.
function rangesOf(text) {
  const ranges = text.split(",").map((part) => /^\s*(\d+)(?:\s*[-–]\s*(\d+))?\s*$/.exec(part));
  if (!ranges.every(Boolean)) return null;
  return ranges.map(([, low, high]) => [Number(low), Number(high === undefined ? low : high)]);
}

function isIn(ranges, name) {
  const number = /^\d+$/.test(name) ? Number(name) : NaN;
  return ranges.some(([low, high]) => number >= low && number <= high);
}

// Returns whether a unit of a page is found: by its number, its layer and number, or a part of its name,
// its label or a class of its photos.
function matcher(text) {
  const wanted = text.trim().toLocaleLowerCase();
  const ranges = rangesOf(wanted);
  if (ranges) {
    const isOne = /^\d+$/.test(wanted); // a number is not a part of another
    return (page, i) => isIn(ranges, page.names[i]) || (isOne && saysNumber(page, i, wanted));
  }
  const place = /^(.*[^\s:,])[\s:]+(\d[\d\s,–-]*)$/.exec(wanted);
  const there = place && rangesOf(place[2]);
  return (page, i) => named(page, i, wanted)
    || Boolean(there) && isIn(there, page.names[i]) && page.heading.toLocaleLowerCase().includes(place[1]);
}

function saysNumber(page, i, number) {
  const texts = [page.titles ? page.titles[i] : "", page.labels[i] || "", ...classesOf(page, i)];
  return texts.some((text) => text.includes(number));
}

function named(page, i, wanted) {
  const texts = [titleOf(page, i), page.names[i], page.labels[i] || "", ...classesOf(page, i)];
  return texts.some((text) => text.toLocaleLowerCase().includes(wanted));
}
