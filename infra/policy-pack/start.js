// The engine's loader would put a TypeScript entry through ts-node, which knows no imports that end in .ts;
// Node strips the types of what this file imports.
import "./pack.ts";
