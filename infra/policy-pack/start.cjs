// The engine's loader requires this file, which no Node can do with a module that awaits, and would put a TypeScript
// entry through ts-node, which knows no imports that end in .ts; Node strips the types of what this file imports. Of a
// Node that cannot, the engine alone would say `policy pack not started: closed pipe`.
const { faultOfNode } = require("../node-version.cjs");

const fault = faultOfNode("pulumi preview --policy-pack infra/policy-pack");
if (fault !== undefined) {
  process.stderr.write(`${fault}\n`);
  process.exit(1);
}
// a fault in it reaches the loader, which takes what nobody caught
void import("./pack.ts");
