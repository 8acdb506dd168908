"use strict";
// A bug that the address names is opened, also one that was opened before the page was made anew.
const opened = () => [...document.querySelectorAll("details[id][open]")].map((each) => each.id);
const open = (id) => { const found = id && document.getElementById(id); if (found?.tagName === "DETAILS") found.open = true; };
const follow = () => { const id = decodeURIComponent(location.hash.slice(1)); open(id); document.getElementById(id)?.scrollIntoView(); };
addEventListener("hashchange", follow);
if (location.hash) follow();
// While a campaign runs the page is loaded anew, unless somebody is reading a bug, filters, or has marked text.
const seconds = Number(document.body.dataset.refresh ?? 0);
if (seconds) setInterval(() => {
  const busy = opened().length || getSelection()?.toString() || [...document.querySelectorAll(".filter input")].some((each) => each.value);
  if (!busy) location.reload();
}, 1000 * seconds);
