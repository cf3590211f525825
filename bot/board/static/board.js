// Shows the board's pages, renewed now and then, and signs in through Teams where the page says so.
"use strict";

const RENEW_MS = 60_000;
const teams = document.body.dataset.signIn === "teams" ? window.microsoftTeams : undefined;
const signsIn = document.body.dataset.signIn === "teams";
const news = document.getElementById("news");
let loading = 0;

function theme(name) {
  document.documentElement.dataset.theme = ["dark", "contrast"].includes(name) ? name : "default";
}

const OUTSIDE = "Open the board as a tab in Teams: here it can't sign you in.";
const AWAY = "Wilson can't be reached at the moment; what is shown may be old. It is tried again.";

async function headers() {
  if (!signsIn) return {};
  try {
    return { Authorization: `Bearer ${await teams.authentication.getAuthToken()}` };
  } catch (error) {
    const reason = String(error?.message ?? error);
    throw new Error(`Teams can't sign you in (${reason}). An administrator may have to consent to the app.`);
  }
}

function put(html, { moved }) {
  const found = new DOMParser().parseFromString(html, "text/html");
  const main = document.getElementById("main");
  const focused = main.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  main.replaceChildren(...document.importNode(found.getElementById("main"), true).childNodes);
  const nav = document.querySelector("nav");
  const held = nav.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  nav.replaceChildren(...document.importNode(found.querySelector("nav"), true).childNodes);
  document.title = found.title;
  if (moved) {
    main.focus();
    window.scrollTo(0, 0);
    return;
  }
  for (const [place, address] of [[main, focused], [nav, held]]) {
    const link = address && [...place.querySelectorAll("a")].find((each) => each.getAttribute("href") === address);
    if (link) link.focus({ preventScroll: true });
  }
}

async function load(address, { moved = false } = {}) {
  const mine = ++loading;
  let signed;
  try {
    signed = await headers();
  } catch (error) {
    news.textContent = error.message;
    return;
  }
  try {
    const answer = await fetch(address, { headers: signed, cache: "no-store", credentials: "same-origin" });
    const html = await answer.text();
    if (mine !== loading) return;
    news.textContent = "";
    put(html, { moved });
  } catch (error) {
    if (mine !== loading) return;
    news.textContent = AWAY;
    console.error(error);
  }
}

function here() {
  return location.pathname + location.search;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || link.target || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  if (link.origin !== location.origin || !link.pathname.startsWith("/board") || link.hash) return;
  event.preventDefault();
  history.pushState(null, "", link.pathname);
  load(here(), { moved: true });
});
window.addEventListener("popstate", () => load(here(), { moved: true }));

setInterval(() => {
  if (!document.hidden && getSelection().isCollapsed) load(here());
}, RENEW_MS);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) load(here());
});

async function begin() {
  if (!signsIn) return;
  try {
    await teams.app.initialize();
    theme((await teams.app.getContext()).app.theme);
    teams.app.registerOnThemeChangeHandler(theme);
  } catch (error) {
    news.textContent = OUTSIDE;
    console.error(error);
    return;
  }
  await load(here());
  teams.app.notifySuccess();
}

begin();
