// What may stand at a place of a policy: the keys and values that the JSON Schema allows there, and names that the text
// itself defines. The place is read from indentation, since a text that is being typed is seldom whole YAML.

const KEY = /^(\s*)((?:- )*)([\w.-]*)$/;
const VALUE = /^(\s*)((?:- )*)([\w.-]+):\s+([^\s#]*)$/;
const ITEM = /^(\s*)((?:- )+)([^\s:#]*)$/;
const LINE = /^(\s*)((?:- )*)(?:([\w.-]+):(?:\s|$))?/;
// Fields whose values are names that a section of the same text defines.
const NAMES = {
  to: "destinations", destination: "destinations", purpose: "purposes", controller: "controllers",
  app: "applications", application: "applications",
};

export function completionsAt(schema, text, position, explicit) {
  const before = text.slice(0, position);
  const lines = before.split("\n");
  const line = lines.pop();
  const value = VALUE.exec(line);
  if (value) {
    const [, blanks, dashes, key, typed] = value;
    const path = [...above(lines, blanks.length + dashes.length), ...items(dashes), key];
    return result(valuesOf(schema, at(schema, path), key, text), position - typed.length, typed, explicit);
  }
  const key = KEY.exec(line);
  if (!key) return null;
  const [, blanks, dashes, typed] = key;
  const indent = blanks.length + dashes.length;
  const path = [...above(lines, indent), ...items(dashes)];
  const found = keysOf(schema, at(schema, path), present(text, lines.length, indent));
  if (ITEM.test(line)) found.push(...valuesOf(schema, at(schema, path), "", text));
  return result(found, position - typed.length, typed, explicit);
}

function result(options, from, typed, explicit) {
  if (!options.length || (!typed && !explicit)) return null;
  return { from, options, validFor: /^[\w.-]*$/ };
}

function items(dashes) {
  return dashes ? Array(dashes.length / 2).fill("-") : [];
}

// The keys that hold the place at this indentation, the outermost first; `-` for the item of a list.
function above(lines, indent) {
  const path = [];
  let least = indent;
  for (let at = lines.length - 1; at >= 0 && least > 0; at--) {
    const line = lines[at];
    if (!line.trim() || line.trim().startsWith("#")) continue;
    const [, blanks, dashes, key] = LINE.exec(line);
    const inner = blanks.length + dashes.length;
    if (inner < least && key) {
      path.unshift(key);
      least = inner;
    }
    if (dashes && blanks.length < least && inner <= indent) {
      path.unshift(...items(dashes));
      // A list may stand at the indentation of its key.
      least = blanks.length + 1;
    }
  }
  return path;
}

// Keys that stand already in the same block, so that they are not offered again.
function present(text, number, indent) {
  const lines = text.split("\n");
  const found = new Set();
  for (const step of [-1, 1]) {
    for (let at = number + step; at >= 0 && at < lines.length; at += step) {
      const match = LINE.exec(lines[at]);
      if (!lines[at].trim()) continue;
      const inner = match[1].length + match[2].length;
      if (inner < indent) break;
      if (inner === indent && match[3]) found.add(match[3]);
      if (match[2] && inner === indent) {
        if (step === 1) found.delete(match[3]);
        break;
      }
    }
  }
  return found;
}

function variants(schema, node) {
  if (!node || typeof node !== "object") return [];
  if (node.$ref) return variants(schema, node.$ref.replace("#/", "").split("/").reduce((here, part) => here?.[part], schema));
  const branches = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])];
  return [node, ...branches.flatMap((branch) => variants(schema, branch))];
}

function at(schema, path) {
  let here = variants(schema, schema);
  for (const step of path) {
    here = here.flatMap((node) => {
      if (step === "-") return node.items ? variants(schema, node.items) : [];
      const pattern = Object.entries(node.patternProperties ?? {}).find(([name]) => new RegExp(name).test(step));
      const next = node.properties?.[step] ?? pattern?.[1] ?? node.additionalProperties;
      return next ? variants(schema, next) : [];
    });
  }
  return here;
}

function keysOf(schema, nodes, taken) {
  const found = new Map();
  for (const node of nodes) {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      if (taken.has(name)) continue;
      const info = variants(schema, child).map((one) => one.description).find(Boolean);
      found.set(name, { label: name, type: "property", apply: `${name}: `, info });
    }
  }
  return [...found.values()];
}

function valuesOf(schema, nodes, key, text) {
  const found = new Set();
  for (const node of nodes) {
    for (const value of node.enum ?? []) if (typeof value === "string") found.add(value);
    if (node.const !== undefined) found.add(String(node.const));
  }
  if (NAMES[key]) for (const name of defined(text, NAMES[key])) found.add(name);
  return [...found].map((label) => ({ label, type: "enum" }));
}

// The names under a section at the left edge.
function defined(text, section) {
  const names = [];
  let inside = false;
  for (const line of text.split("\n")) {
    if (/^[\w.-]+:/.test(line)) inside = line.startsWith(`${section}:`);
    const match = inside ? /^ {2}([\w.-]+):/.exec(line) : null;
    if (match) names.push(match[1]);
  }
  return names;
}
