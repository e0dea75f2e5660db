// Before anything is painted: the light or dark that somebody chose, and that scripts run.
"use strict";
(function () {
  const root = document.documentElement;
  root.classList.add("scripted");
  if (/[?&]embed\b/.test(location.search)) root.classList.add("embed");
  try {
    const theme = localStorage.getItem("fvcli-theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch { /* a browser that keeps nothing for files */ }
})();
