// What is begun when the page is there, and what the scripts of data call.

document.addEventListener("DOMContentLoaded", () => {
  startTheme();
  ({ overview: startOverview, chapter: startChapter, entry: startEntry })[body().dataset.kind]();
});

return {
  page(data) { waiting.get(`${data.folder}-${data.page}`)?.(data); },
  index(data) { index = data; },
};
