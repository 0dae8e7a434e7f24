// Nothing depends on this: every act of the desk is a link or a form. It only presses them by single keys.
const keys = document.getElementById("desk-keys");
const on = document.getElementById("desk-keys-on");
const places = { q: "/desk/", m: "/desk/?whose=mine", u: "/desk/?whose=nobody", o: "/desk/?overdue=on" };
let going = -Infinity;

const cases = () => [...document.querySelectorAll("[data-case] h2 a")];
const step = (by) => {
  const all = cases();
  const here = all.indexOf(document.activeElement);
  all[here < 0 ? 0 : Math.min(Math.max(here + by, 0), all.length - 1)]?.focus();
};
const press = (key) => document.querySelector(`[data-key="${key}"]`);
const acts = {
  j: () => step(1),
  k: () => step(-1),
  o: () => (document.activeElement.closest("[data-case]") ? document.activeElement : cases()[0])?.click(),
  r: () => document.getElementById("id_answer_body")?.focus(),
  n: () => {
    const note = document.getElementById("id_note_body");
    note?.closest("details").setAttribute("open", "");
    note?.focus();
  },
  "/": () => document.getElementById("desk-q").focus(),
  "?": () => keys.showModal(),
};

// Each key stands on what it presses, while keys are on.
const hints = [...document.querySelectorAll("[data-key], [data-hint]")].map((one) => {
  const hint = document.createElement("kbd");
  hint.className = "hint";
  hint.textContent = one.dataset.key || one.dataset.hint;
  hint.ariaHidden = "true";
  one.setAttribute("aria-keyshortcuts", hint.textContent);
  one.append(hint);
  return hint;
});
const show = () => {
  for (const hint of hints) hint.hidden = !on.checked;
};
on.checked = localStorage.getItem("desk-keys") !== "off";
on.addEventListener("change", () => {
  localStorage.setItem("desk-keys", on.checked ? "on" : "off");
  show();
});
show();
for (const button of document.querySelectorAll("[data-keys]")) {
  button.hidden = false;
  button.addEventListener("click", () => keys.showModal());
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), select, textarea, dialog");
  if (event.ctrlKey || event.altKey || event.metaKey || typing || !on.checked) return;
  if (event.timeStamp - going < 1500 && places[event.key]) {
    event.preventDefault();
    location.assign(places[event.key]);
    return;
  }
  going = event.key === "g" ? event.timeStamp : -Infinity;
  const act = acts[event.key] || (press(event.key) && (() => press(event.key).click()));
  if (act) {
    event.preventDefault();
    act();
  }
});

// What is typed in a case and neither saved nor sent stays in this tab: over a reload, and over a session that ended.
// It goes once the draft is saved, the answer is sent, or as whereabouts.js says.
const compose = document.querySelector("[data-draft]");
const forget = (keys) => keys.forEach((key) => sessionStorage.removeItem(key));
if (compose) {
  const { draft, writer, written, restored } = compose.dataset;
  const mine = `draft:${writer}:`;
  const ids = ["id_answer_body", "id_note_body"];
  const keep = (field, sent) =>
    sessionStorage.setItem(`${mine}${draft}:${field.id}`, JSON.stringify({ text: field.value, sent }));
  for (const id of ids) {
    const key = `${mine}${draft}:${id}`;
    const field = document.getElementById(id);
    const { text, sent } = JSON.parse(sessionStorage.getItem(key) || "{}");
    if (!field || (sent && sent !== written)) {
      forget([key]);
    } else if (text && text !== field.value) {
      field.value = text;
      field.closest("details")?.setAttribute("open", "");
      field.parentElement.querySelector("[role=status]").textContent = restored;
    }
  }
  document.addEventListener("input", (event) => ids.includes(event.target.id) && keep(event.target));
  document.addEventListener("submit", (event) => {
    for (const field of event.target.querySelectorAll("textarea")) if (ids.includes(field.id)) keep(field, written);
  });
  // A saved reply was put in: nobody typed it.
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    const field = document.getElementById(ids[0]);
    if (field && detail.pathInfo.requestPath.endsWith("/canned/")) keep(field);
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const saved = detail.successful && detail.xhr.responseText.includes("data-kept");
    if (saved && detail.requestConfig.parameters.body === detail.elt.value) forget([`${mine}${draft}:${detail.elt.id}`]);
  });
}
