// Nothing depends on this: it only offers what a browser alone can't do from a form.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// Whoever must wait reads until when, by their own clock.
for (const wait of document.querySelectorAll("time[data-clock]")) {
  const clock = { hour: "numeric", minute: "2-digit" };
  wait.append(` (${new Date(wait.dateTime).toLocaleTimeString(document.documentElement.lang, clock)})`);
}

// Leave quickly: out of sight at once, and the blank page in this one's place in the history.
for (const form of document.querySelectorAll("form.leave")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    document.documentElement.hidden = true;
    const sent = fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" });
    sent.finally(() => location.replace(form.dataset.away));
  });
}

// A page that a browser kept as it was asks again.
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    document.documentElement.hidden = true;
    location.reload();
  }
});

// What staff typed and didn't send stays in this tab for them alone: it goes when they sign out, or when anyone else is
// signed in here.
const forgetDrafts = (kept) => {
  const drafts = Object.keys(sessionStorage).filter((key) => key.startsWith("draft:"));
  for (const key of drafts) if (!kept || !key.startsWith(`draft:${kept}:`)) sessionStorage.removeItem(key);
};
const here = document.querySelector("[data-signed-in]");
if (here) forgetDrafts(here.dataset.signedIn);
document.addEventListener("submit", ({ target }) => {
  if (target.matches("[action$='/accounts/logout/']")) forgetDrafts("");
});
