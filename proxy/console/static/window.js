// Long tables through a window: of thousands of rows only those that can be seen, and some around them, stand in the
// page. Older rows are fetched when somebody comes near the end. Rows come ready and escaped from the server; this
// page's policy lets none of them run anything. Without this script the whole page of rows stands there, with links.
"use strict";

const AROUND = 12; // rows above and below what is seen: as many as a key press or a turn of the wheel uncovers
const SHORT = 60; // a table of so few rows is shown as it is
const MOST = 20000; // rows that are remembered; what is further down is fetched again
const EMPTY = 5; // pages without a row, one after the other, before somebody is asked whether to look further

export const parsed = (html) => Array.from(
  new DOMParser().parseFromString(`<table>${html}</table>`, "text/html").querySelectorAll("tr"),
  (row) => document.importNode(row, true),
);
export const indexOf = (row) => Number(row.dataset.index);

export class Windowed {
  constructor(box) {
    this.box = box;
    this.table = box.querySelector("table");
    this.body = this.table.tBodies[0];
    this.rows = Array.from(this.body.rows);
    this.next = box.dataset.next ? Number(box.dataset.next) : null;
    this.url = box.dataset.more;
    this.status = document.getElementById(box.dataset.status);
    this.further = document.querySelector(`a[rel="next"][data-for="${box.id}"]`);
    this.current = null; // the row whose link the Tab key reaches
    this.height = 0;
    this.widths = [];
    this.width = 0;
    this.empty = 0;
    this.loading = false;
    this.waiting = false;
    this.stopped = false; // until somebody asks again
    this.broken = false; // then a link leads on without this script
    if (this.further && this.url) this.further.hidden = true;
    box.addEventListener("scroll", () => this.soon());
    box.addEventListener("keydown", (event) => this.pressed(event));
    box.addEventListener("focusin", (event) => this.entered(event.target.closest("tr")));
    this.further?.addEventListener("click", (event) => {
      if (this.next === null || !this.url || this.broken) return;
      event.preventDefault();
      this.stopped = false;
      this.empty = 0;
      this.further.hidden = true;
      this.load();
    });
    new ResizeObserver(() => this.resized()).observe(box);
    this.draw();
  }

  get long() { return this.next !== null || this.rows.length > SHORT; }

  soon() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.draw(); });
  }

  resized() {
    if (this.box.clientWidth === this.width) return;
    this.width = this.box.clientWidth;
    this.widths = [];
    for (const cell of this.table.tHead.rows[0].cells) cell.style.minWidth = "";
    this.draw();
  }

  entered(row) {
    if (!row || !this.rows.includes(row)) return;
    this.current = row;
    this.reach();
  }

  // One link of the table is on the way of the Tab key, so that the way past thousands of rows is one step.
  reach() {
    for (const row of this.body.rows) {
      const link = row.querySelector("a");
      if (link) link.tabIndex = row === this.current ? 0 : -1;
    }
  }

  draw() {
    this.box.classList.toggle("window", this.long);
    if (!this.long) {
      this.put(this.rows);
      return;
    }
    if (!this.box.clientHeight) return; // folded away; drawn when it opens
    const shown = Array.from(this.body.rows).find((row) => !row.classList.contains("gap"));
    if (!shown && this.rows.length) this.body.append(this.rows[0]);
    this.height = (shown || this.rows[0])?.getBoundingClientRect().height || this.height || 40;
    const first = Math.floor(this.box.scrollTop / this.height);
    const seen = Math.ceil(this.box.clientHeight / this.height);
    const from = Math.max(0, Math.min(first, this.rows.length - seen) - AROUND);
    const to = Math.min(this.rows.length, first + seen + AROUND);
    const active = document.activeElement?.closest("tr");
    const focused = active && this.box.contains(active) ? this.rows.indexOf(active) : -1;
    const spans = [[from, to]];
    if (focused >= 0 && focused < from) spans.unshift([focused, focused + 1]);
    if (focused >= to) spans.push([focused, focused + 1]);
    const parts = [];
    let at = 0;
    for (const [begin, end] of spans) {
      if (begin > at) parts.push(this.gap(begin - at));
      parts.push(...this.rows.slice(begin, end));
      at = end;
    }
    if (at < this.rows.length) parts.push(this.gap(this.rows.length - at));
    this.put(parts);
    if (focused < 0 && !(this.current && this.current.isConnected)) this.current = this.rows[Math.min(first, this.rows.length - 1)] || null;
    this.reach();
    this.number(spans);
    this.widen();
    if (this.next !== null && !this.stopped && to + AROUND >= this.rows.length) this.load();
  }

  // Takes out and puts in what differs; what stays is not touched, so that it keeps the focus.
  put(parts) {
    const stays = new Set(parts);
    for (const child of Array.from(this.body.children)) if (!stays.has(child)) child.remove();
    let at = this.body.firstElementChild;
    for (const one of parts) {
      if (one === at) at = at.nextElementSibling;
      else this.body.insertBefore(one, at);
    }
  }

  gap(n) {
    const row = document.createElement("tr");
    row.className = "gap";
    row.setAttribute("aria-hidden", "true");
    const cell = row.insertCell();
    cell.colSpan = this.table.tHead.rows[0].cells.length;
    cell.style.height = `${n * this.height}px`;
    return row;
  }

  number(spans) {
    this.table.setAttribute("aria-rowcount", this.next === null ? this.rows.length + 1 : -1);
    for (const [begin, end] of spans) {
      for (let at = begin; at < end; at++) this.rows[at].setAttribute("aria-rowindex", at + 2);
    }
  }

  // Columns only grow, or they would jump while somebody scrolls.
  widen() {
    Array.from(this.table.tHead.rows[0].cells, (cell) => Math.floor(cell.getBoundingClientRect().width)).forEach((width, at) => {
      if (width <= (this.widths[at] || 0)) return;
      this.widths[at] = width;
      this.table.tHead.rows[0].cells[at].style.minWidth = `${width}px`;
    });
  }

  pressed(event) {
    const at = this.rows.indexOf(event.target.closest("tr"));
    if (!this.long || at < 0 || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.height) - 2);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: this.rows.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.go(Math.max(0, Math.min(this.rows.length - 1, to)));
  }

  go(at) {
    const head = this.table.tHead.offsetHeight;
    const top = at * this.height;
    const room = this.box.clientHeight - head - this.height;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (top > this.box.scrollTop + room) this.box.scrollTop = top - room;
    this.draw();
    this.rows[at].querySelector("a")?.focus({ preventScroll: true });
  }

  async load() {
    if (this.loading || !this.url) return;
    this.loading = true;
    const asked = this.next;
    this.say(this.box.dataset.loading);
    try {
      const answer = await fetch(`${this.url}&before=${asked}`, { redirect: "error", headers: { accept: "text/html" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("tbody");
      if (this.next !== asked) return; // the table has begun anew meanwhile
      const known = new Set(this.rows.map(indexOf));
      const rows = Array.from(found.rows, (row) => document.importNode(row, true)).filter((row) => !known.has(indexOf(row)));
      this.rows.push(...rows);
      this.next = found.dataset.next ? Number(found.dataset.next) : null;
      this.empty = rows.length ? 0 : this.empty + 1;
      this.cut();
      const said = this.next === null ? this.box.dataset.all : this.empty ? this.box.dataset.looked : this.box.dataset.loaded;
      this.say(said.replace("{n}", this.rows.length.toLocaleString(document.documentElement.lang)));
      if (this.next !== null && this.empty >= EMPTY) this.stop();
    } catch {
      this.broken = true;
      this.say(this.box.dataset.failed);
      this.stop();
    } finally {
      this.loading = false;
    }
    this.draw();
  }

  cut() {
    if (this.rows.length <= MOST || this.box.scrollTop > (MOST / 2) * this.height) return;
    this.rows.length = MOST;
    this.next = indexOf(this.rows[MOST - 1]);
  }

  // From here on somebody has to ask: a link leads on, also where this script does not.
  stop() {
    this.stopped = true;
    if (!this.further) return;
    const link = new URL(this.further.href);
    if (this.next !== null) link.searchParams.set("before", this.next);
    this.further.href = link.href;
    this.further.hidden = false;
  }

  say(text) {
    if (this.status && text && this.status.textContent !== text) this.status.textContent = text;
  }

  // Rows that came meanwhile, in their places. What is looked at stays where it is on the screen.
  merge(fresh) {
    const seen = this.box.scrollTop > 0;
    let above = 0;
    for (const row of fresh) {
      let at = this.rows.findIndex((one) => indexOf(one) < indexOf(row));
      if (at < 0) {
        if (this.next !== null) continue; // it will come with its page
        at = this.rows.length;
      }
      this.rows.splice(at, 0, row);
      if (seen && at * this.height < this.box.scrollTop) above += 1;
    }
    this.cut();
    this.draw();
    if (above) {
      this.box.scrollTop += above * this.height;
      this.draw();
    }
  }

  // The table from its newest page on, where too much came to know what lies between.
  begin(rows) {
    this.rows = rows;
    this.next = rows.length ? indexOf(rows[rows.length - 1]) : null;
    this.box.scrollTop = 0;
    this.current = null;
    this.draw();
  }
}

export const tables = new Map();
for (const box of document.querySelectorAll("[data-long]")) tables.set(box.id, new Windowed(box));
