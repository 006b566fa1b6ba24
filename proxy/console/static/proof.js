// Checks in the browser, with WebCrypto alone, that the entries of a transfer stand in the signed log:
// the note's signature (C2SP signed-note, Ed25519), each leaf (RFC 9162, 2.1.1) and its way to the root (2.1.3.2).
"use strict";
(() => {
  const section = document.getElementById("proof");
  const button = document.getElementById("check");
  const steps = document.getElementById("steps");
  const bytes = (text) => new TextEncoder().encode(text);
  const fromBase64 = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const hex = (data) => Array.from(data, (one) => one.toString(16).padStart(2, "0")).join("");
  const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => Array.from(part)));
  const sha256 = async (data) => new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  const same = (a, b) => a.length === b.length && a.every((one, i) => one === b[i]);

  class Refused extends Error {}

  function say(name, values, kind) {
    const text = section.dataset[name].replace(/\{(\w+)\}/g, (all, key) => (key in values ? String(values[key]) : all));
    const item = document.createElement("li");
    item.textContent = text;
    if (kind) item.className = kind;
    steps.append(item);
  }

  function refuse(name, values = {}) {
    const error = new Refused(name);
    error.values = values;
    throw error;
  }

  // name+id+key: the id is the first four bytes of SHA-256(name, newline, key); the key's first byte 1 is Ed25519.
  async function readKey(text) {
    const parts = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text.trim());
    if (!parts) refuse("badKey");
    let key;
    try { key = fromBase64(parts[3]); } catch { refuse("badKey"); }
    const id = (await sha256(joined(bytes(parts[1] + "\n"), key))).slice(0, 4);
    if (key.length !== 33 || key[0] !== 1 || hex(id) !== parts[2]) refuse("badKey");
    return { name: parts[1], id, public: key.slice(1) };
  }

  // The text of a note ends with a newline; a blank line and the signatures follow.
  async function openNote(note, key) {
    const end = note.lastIndexOf("\n\n");
    const text = note.slice(0, end + 1);
    const lines = note.slice(end + 2).split("\n").filter((line) => line.startsWith("— " + key.name + " "));
    const verifier = await crypto.subtle.importKey("raw", key.public, { name: "Ed25519" }, false, ["verify"]);
    for (const line of lines) {
      const signature = fromBase64(line.slice(line.lastIndexOf(" ") + 1));
      if (!same(signature.slice(0, 4), key.id)) continue;
      if (await crypto.subtle.verify({ name: "Ed25519" }, verifier, signature.slice(4), bytes(text))) {
        const [origin, size, root] = text.split("\n");
        if (origin !== key.name) break;
        return { origin, size: Number(size), root: fromBase64(root) };
      }
    }
    return refuse("badSignature");
  }

  function readProof(text) {
    const [head, ...rest] = text.split("\n\n");
    const lines = head.split("\n");
    // C2SP tlog-proof: an application may put a line `extra BASE64` before the index; it is no part of the tree.
    const at = lines[1].startsWith("extra ") ? 2 : 1;
    return { index: Number(lines[at].slice("index ".length)), path: lines.slice(at + 1).map(fromBase64), note: rest.join("\n\n") };
  }

  async function rootOf(leaf, index, size, path) {
    if (index >= size) return null;
    const node = (left, right) => sha256(joined([1], left, right));
    let first = index, last = size - 1, found = leaf;
    for (const one of path) {
      if (last === 0) return null;
      if (first % 2 === 1 || first === last) {
        found = await node(one, found);
        while (first % 2 === 0 && first !== 0) { first = Math.floor(first / 2); last = Math.floor(last / 2); }
      } else {
        found = await node(found, one);
      }
      first = Math.floor(first / 2);
      last = Math.floor(last / 2);
    }
    return last === 0 ? found : null;
  }

  async function check() {
    const key = await readKey(document.getElementById("vkey").value);
    say("keyOk", {});
    const answer = await fetch(section.dataset.url, { headers: { accept: "application/json" } });
    if (!answer.ok) refuse("failed");
    const given = await answer.json();
    for (const one of given.entries) {
      const proof = readProof(one.proof);
      const checkpoint = await openNote(proof.note, key);
      say("signature", { origin: checkpoint.origin, size: checkpoint.size });
      const leaf = await sha256(joined([0], bytes(one.entry)));
      say("leaf", { index: proof.index, hash: hex(leaf).slice(0, 16) + "…" });
      const root = await rootOf(leaf, proof.index, checkpoint.size, proof.path);
      if (proof.index !== one.index || root === null || !same(root, checkpoint.root)) refuse("badInclusion", { index: one.index });
      say("inclusion", { index: proof.index, steps: proof.path.length });
    }
    say("holds", {}, "good");
  }

  button.addEventListener("click", async () => {
    steps.replaceChildren();
    button.disabled = true;
    try {
      await check();
    } catch (error) {
      const name = error instanceof Refused ? error.message : error.name === "NotSupportedError" || !crypto.subtle ? "unsupported" : "failed";
      say(name, error.values || {}, "bad");
    } finally {
      button.disabled = false;
    }
  });
})();
