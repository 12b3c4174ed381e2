// Runs before the first paint, so that a remembered theme does not flash. Everything else about
// the theme is in src/shell/theme.ts.
(function () {
  try {
    var theme = localStorage.getItem("splice.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be refused; then the system's theme is used.
  }
})();
