// Puts new transfers into the open table, and changes those that ended, in place. While somebody points at the table,
// stands in it or has scrolled down, new ones wait above it behind a button: nothing moves that is about to be clicked.
// Nothing moves either where somebody asked for less motion (console.css).
"use strict";

import { indexOf, parsed, tables } from "./window.js";

const bar = document.getElementById("live");
const pause = document.getElementById("live-pause");
const show = document.getElementById("live-show");
const said = document.getElementById("live-said");
const table = tables.get("found");
const box = table.box;
const PAGE = Number(bar.dataset.page);
const WAIT = 500; // rows that wait; beyond them only the newest page is kept
const SAY_MS = 5000; // a screen reader is told at most so often
let touch = false; // whether somebody uses a finger, which points at nothing before it is down
let source = null;
let paused = false;
let unsaid = 0;
let timer = 0;
let waiting = []; // rows that came and are not shown, the newest first
let hole = false; // whether more came than `waiting` holds

const say = (text) => { if (said.textContent !== text) said.textContent = text; };
const numbered = (text, n) => text.replace("{n}", n.toLocaleString(document.documentElement.lang));
const held = () => box.scrollTop > 0 || box.contains(document.activeElement) || box.matches(":hover") || (touch && table.rows.length > 0);

function tell() {
  timer = 0;
  if (unsaid) say(numbered(bar.dataset.came, unsaid));
  unsaid = 0;
}

function change(old, row) { // cell by cell, so that the link keeps the focus
  if (old.dataset.state === row.dataset.state) return;
  old.dataset.state = row.dataset.state;
  for (let at = row.cells.length - 1; at > 0; at--) old.cells[at].replaceWith(row.cells[at]);
}

function offer() {
  const n = waiting.length;
  show.hidden = !n;
  show.textContent = numbered(bar.dataset.show, n) + (hole ? "+" : "");
}

function flush() {
  if (!waiting.length) return;
  const rows = waiting;
  const anew = hole;
  waiting = [];
  hole = false;
  if (document.activeElement === show) pause.focus();
  offer();
  for (const row of rows) row.classList.add("fresh");
  if (anew) table.begin(rows);
  else table.merge(rows);
  if (table.rows.length) {
    box.hidden = false;
    document.getElementById("nothing")?.remove();
  }
}

function took(event) {
  const known = new Map([...table.rows, ...waiting].map((row) => [indexOf(row), row]));
  const lowest = table.rows.length && table.next !== null ? indexOf(table.rows[table.rows.length - 1]) : -1;
  const fresh = [];
  for (const row of parsed(JSON.parse(event.data).rows)) {
    const old = known.get(indexOf(row));
    if (old) change(old, row);
    else if (indexOf(row) > lowest) fresh.push(row);
  }
  if (fresh.length) {
    unsaid += fresh.length;
    if (fresh.length >= PAGE && table.rows.length) [waiting, hole] = [[], true];
    waiting = [...fresh, ...waiting].sort((a, b) => indexOf(b) - indexOf(a));
    if (waiting.length > WAIT) [waiting, hole] = [waiting.slice(0, PAGE), true];
    if (held()) offer();
    else flush();
  }
  if (unsaid && !timer) timer = setTimeout(tell, said.textContent ? SAY_MS : 0);
}

function open() {
  if (source || paused || document.hidden) return;
  source = new EventSource(bar.dataset.url);
  bar.dataset.state = "on";
  source.onmessage = took;
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return;
    close("off");
    say(bar.dataset.off);
    pause.hidden = true;
  };
}

function close(state) {
  if (source) source.close();
  source = null;
  bar.dataset.state = state;
}

document.addEventListener("pointerdown", (event) => { touch = event.pointerType === "touch"; }, { capture: true, passive: true });
const released = () => { if (!held()) flush(); };
box.addEventListener("mouseleave", released);
box.addEventListener("focusout", () => setTimeout(released));
box.addEventListener("scroll", released);
show.addEventListener("click", () => {
  box.scrollTop = 0;
  flush();
});
pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? bar.dataset.resume : bar.dataset.pause;
  say(paused ? bar.dataset.paused : bar.dataset.on);
  if (paused) close("paused");
  else open();
});
document.addEventListener("visibilitychange", () => { // a browser has six connections to us for all its tabs
  if (document.hidden) close("paused");
  else open();
});
bar.hidden = false;
say(bar.dataset.on);
open();
