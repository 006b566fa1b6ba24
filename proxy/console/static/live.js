// Puts new transfers into the open table, and changes those that ended. Rows come ready and escaped from the server;
// this page's policy lets none of them run anything. Nothing moves where somebody asked for less motion (console.css).
"use strict";

(() => {
  const bar = document.getElementById("live");
  const body = document.querySelector("#found tbody");
  const pause = document.getElementById("live-pause");
  const said = document.getElementById("live-said");
  const MOST = 50;
  const SAY_MS = 5000; // a screen reader is told at most so often
  let source = null;
  let paused = false;
  let unsaid = 0;
  let timer = 0;

  const say = (text) => { if (said.textContent !== text) said.textContent = text; };
  const index = (row) => Number(row.dataset.index);

  function tell() {
    timer = 0;
    if (unsaid) say(bar.dataset.came.replace("{n}", unsaid));
    unsaid = 0;
  }

  function put(row) {
    const old = body.querySelector(`tr[data-index="${row.dataset.index}"]`);
    if (old) { // cell by cell, so that the link keeps the focus
      if (old.dataset.state === row.dataset.state) return;
      old.dataset.state = row.dataset.state;
      for (let at = row.cells.length - 1; at > 0; at--) old.cells[at].replaceWith(row.cells[at]);
      return;
    }
    const below = Array.from(body.rows).find((one) => index(one) < index(row));
    if (!below && body.rows.length >= MOST) return;
    row.classList.add("fresh");
    body.insertBefore(row, below || null);
    unsaid += 1;
  }

  function took(event) {
    const found = new DOMParser().parseFromString(`<table><tbody>${JSON.parse(event.data).rows}</tbody></table>`, "text/html");
    for (const row of Array.from(found.querySelectorAll("tr")).reverse()) put(document.importNode(row, true));
    while (body.rows.length > MOST && !body.lastElementChild.contains(document.activeElement)) body.lastElementChild.remove();
    if (body.rows.length) {
      document.getElementById("found").hidden = false;
      document.getElementById("nothing")?.remove();
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
})();
