// "/" leads to the search, wherever nobody is typing. One switch turns it off, here and at the desk.
const keys = document.getElementById("keys-on");
if (keys) {
  keys.checked = localStorage.getItem("desk-keys") !== "off";
  keys.addEventListener("change", () => localStorage.setItem("desk-keys", keys.checked ? "on" : "off"));
  keys.closest("label").hidden = false;
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  const search = document.querySelector(".o-search input[type=search]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing || !search || !keys.checked) return;
  event.preventDefault();
  search.focus();
  search.select();
});
