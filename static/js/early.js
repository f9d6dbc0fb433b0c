// @ts-check
// Sets the colour scheme before anything is drawn; a classic script in the head, because modules run too late.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    let chosen = "auto";
    try {
      chosen = localStorage.getItem("sotto.theme") ?? "auto";
    } catch {
      // Storage can be switched off; the system's choice holds.
    }
    root.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : system.matches ? "dark" : "light";
  };
  follow();
  system.addEventListener("change", follow);
  addEventListener("storage", follow);
  addEventListener("sotto-theme", follow);
})();
