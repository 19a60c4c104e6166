// Runs before the first paint, so that a chosen theme does not flash.
(() => {
  const root = document.documentElement;
  try {
    const chosen = localStorage.getItem("evermix-theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch {
    // Without storage the system's choice holds.
  }
})();
