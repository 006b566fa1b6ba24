// The editor of a policy: takes the place of a text area, completes from the policy's JSON Schema, and shows what the
// console's own check says while somebody types. Everything stays in this page and on this server. Without this script
// the text area works as it is.
import { autocompletion } from "@codemirror/autocomplete";
import { yaml } from "@codemirror/lang-yaml";
import { lintGutter, linter, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";
import { completionsAt } from "./complete.js";

const theme = EditorView.theme({
  "&": { border: "1px solid var(--soft)", borderRadius: "6px", background: "var(--card)", color: "var(--ink)" },
  "&.cm-focused": { outline: "3px solid var(--accent)", outlineOffset: "1px" },
  ".cm-scroller": { font: '.875rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace', minHeight: "20rem", maxHeight: "38rem" },
  ".cm-gutters": { background: "var(--tint)", color: "var(--soft)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { background: "var(--tint)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { background: "color-mix(in srgb, var(--accent) 30%, transparent)" },
  ".cm-tooltip": { background: "var(--card)", color: "var(--ink)", border: "1px solid var(--line)", maxWidth: "32rem" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { background: "var(--accent)", color: "var(--on-accent)" },
  // The marks that come with the package are pictures in data: URLs, which the content security policy does not allow.
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--warn)" },
  ".cm-lint-marker-error": { content: '"●"', color: "var(--bad)" },
  ".cm-lint-marker-warning": { content: '"▲"', color: "var(--warn)" },
  ".cm-panels": { background: "var(--tint)", color: "var(--ink)" },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: [tags.comment], color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.string, tags.literal, tags.number, tags.bool], color: "var(--ink)" },
]);

function place(state, line, column) {
  const found = state.doc.line(Math.min(Math.max(line || 1, 1), state.doc.lines));
  const from = Math.min(found.from + Math.max((column || 1) - 1, 0), found.to);
  const word = state.wordAt(from);
  return { from, to: word ? word.to : Math.max(from, found.to) };
}

function diagnostic(state, one) {
  const message = one.hint ? `${one.message}\n${one.hint}` : one.message;
  return { ...place(state, one.line, one.column), severity: one.severity === "error" ? "error" : "warning", message };
}

async function post(url, form, text) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ form, text }),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

function begin(area) {
  const form = area.form;
  const host = document.createElement("div");
  host.className = "editor";
  area.before(host);
  // In a shadow root the editor's rules are a constructed style sheet, which the content security policy allows.
  const root = host.attachShadow({ mode: "open" });
  const schema = fetch(area.dataset.schema).then((answer) => answer.json());
  schema.catch(() => null);
  const told = document.getElementById(area.dataset.told);
  let asked = 0;

  const check = linter(
    async (view) => {
      const turn = ++asked;
      try {
        const found = await post(area.dataset.check, form.elements.form.value, view.state.doc.toString());
        if (turn === asked && told) told.textContent = found.said;
        return found.items.map((one) => diagnostic(view.state, one));
      } catch {
        if (turn === asked && told) told.textContent = area.dataset.failed;
        return [];
      }
    },
    { delay: 600 },
  );

  const complete = async (context) => {
    const known = await schema;
    return completionsAt(known, context.state.doc.toString(), context.pos, context.explicit);
  };

  const view = new EditorView({
    parent: root,
    root,
    state: EditorState.create({
      doc: area.value,
      extensions: [
        basicSetup,
        yaml(),
        theme,
        syntaxHighlighting(colours),
        lintGutter(),
        check,
        autocompletion({ override: [complete], activateOnTyping: true }),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          "aria-label": area.labels[0]?.textContent ?? "",
          spellcheck: "false",
          tabindex: "0", // it can be reached as it is; said in words, for tools that look for it
        }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          area.value = update.state.doc.toString();
          for (const draft of document.querySelectorAll('input[name="draft"]')) draft.value = area.value;
        }),
      ],
    }),
  });
  area.hidden = true;
  area.required = false; // a hidden field that must be filled in could not be focused by the browser
  for (const label of area.labels) label.addEventListener("click", () => view.focus());
  for (const link of document.querySelectorAll("[data-line]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const { from } = place(view.state, Number(link.dataset.line), Number(link.dataset.column));
      view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
      view.focus();
    });
  }
  return view;
}

for (const area of document.querySelectorAll("textarea[data-editor]")) {
  const view = begin(area);
  area.form.addEventListener("reset", () => view.dispatch(setDiagnostics(view.state, [])));
}
