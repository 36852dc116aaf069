import { isAlias, isMap, isScalar, LineCounter, type Node, parseDocument, visit } from "yaml";

/**
 * The faults of a file that is no YAML: each names file and line, and none quotes the file, which may hold a secret.
 */
export type YamlFault = { readonly faults: readonly string[] };

/** One key of a map, its value as plain data. */
export type Entry = {
  readonly key: string;
  readonly line: number;
  readonly value: unknown;
  /** The text of a scalar as it stands in the file, without quotes: `1.10` and not 1.1. */
  readonly text: string | undefined;
  /** Every scalar without quotes in the value, merge keys `<<` and nodes with a tag included. */
  readonly plain: readonly PlainScalar[];
};

export type PlainScalar = {
  readonly line: number;
  readonly text: string;
  /** Whether the scalar is the whole value, and not a part of a list or map. */
  readonly isWhole: boolean;
};

/** The keys of a file's top level, or of the map under `section`. */
export type YamlFile = {
  readonly keys: readonly Entry[];
  readonly entriesOf: (section: string) => readonly Entry[] | undefined;
};

/** Parses strictly: one document, no key twice. */
export function readYaml(file: string, content: string): YamlFile | YamlFault {
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0)
    return {
      faults: document.errors.map(({ code, pos }) => {
        const what =
          code === "DUPLICATE_KEY"
            ? "this key stands here twice; keep one of them"
            : `not YAML (${code.toLowerCase().replaceAll("_", " ")}); correct this line`;
        return `${file}:${lines.linePos(pos[0]).line}: ${what}`;
      }),
    };
  const root = document.contents;
  if (root !== null && !isMap(root))
    return { faults: [`${file}:1: not a map; the file needs keys, such as config:`] };

  function plainIn(whole: Node, node: Node, seen: Set<Node>): readonly PlainScalar[] {
    if (seen.has(node)) return [];
    seen.add(node);
    const found: PlainScalar[] = [];
    const add = (each: Node, text: string) =>
      found.push({ line: lines.linePos(each.range?.[0] ?? 0).line, text, isWhole: each === whole });
    visit(node, {
      Node: (position, each) => {
        if (isAlias(each)) {
          const target = each.resolve(document);
          if (target !== undefined) found.push(...plainIn(whole, target, seen));
        } else if (each.tag !== undefined) add(each, each.tag);
        else if (isScalar(each) && each.type === "PLAIN" && (position !== "key" || each.source === "<<"))
          add(each, each.source ?? "");
      },
    });
    return found;
  }

  function entriesIn(node: unknown): readonly Entry[] {
    if (!isMap(node)) return [];
    return node.items.map(({ key, value }) => {
      const resolved = isAlias(value) ? value.resolve(document) : (value as Node | null);
      const at = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
      return {
        key: String(isScalar(key) ? (key.source ?? key.value) : key),
        line: lines.linePos(at).line,
        value: resolved?.toJS(document) ?? null,
        text: textOf(resolved),
        plain: resolved == null ? [] : plainIn(resolved, resolved, new Set()),
      };
    });
  }
  return {
    keys: entriesIn(root),
    entriesOf: (section) => {
      const node = root?.get(section, true);
      return node === undefined || (isScalar(node) && node.value === null)
        ? []
        : isMap(node)
          ? entriesIn(node)
          : undefined;
    },
  };
}

/** The text of a scalar. An empty value is the empty text, as for the engine. */
function textOf(node: Node | undefined | null): string | undefined {
  if (node === null || node === undefined) return "";
  if (!isScalar(node)) return undefined;
  return node.value === null ? "" : (node.source ?? String(node.value));
}
