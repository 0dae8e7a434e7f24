// Single keys press what a page has, wherever nobody is typing. One switch turns them off, here and at the desk.
const keys = document.getElementById("keys");
const on = document.getElementById("keys-on");
let going = -Infinity;
on.checked = localStorage.getItem("desk-keys") !== "off";
on.addEventListener("change", () => localStorage.setItem("desk-keys", on.checked ? "on" : "off"));
for (const button of document.querySelectorAll("[data-keys]")) {
  button.hidden = false;
  button.addEventListener("click", () => keys.showModal());
}

const acts = {
  "?": () => keys.showModal(),
  "/": () => {
    const search = document.querySelector(".o-search input[type=search]");
    search?.focus();
    search?.select();
  },
};
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog");
  if (event.ctrlKey || event.metaKey || event.altKey || typing || !on.checked) return;
  const place = event.timeStamp - going < 1500 && keys.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
  going = event.key === "g" ? event.timeStamp : -Infinity;
  const act = place ? () => location.assign(place.href) : acts[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});
