import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { checkContext } from "../../infra/bridge/kube-context.ts";
import { temporaryFolder } from "../support/folder.ts";

const HOME = temporaryFolder();
mkdirSync(join(HOME, ".kube"));
const configOf = (...names: readonly string[]) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    contexts: names.map((name) => ({ name, context: {} })),
  });
writeFileSync(join(HOME, ".kube/config"), configOf("r3a-prod", "r3a-dev"));
writeFileSync(join(HOME, "other"), configOf("r3a-test"));

const messageOf = (context: string, env: Readonly<Record<string, string>>) =>
  checkContext(context, env).map(({ key, message }) => `${key}: ${message}`)[0];

test("if no kubeconfig of this machine has the context, the fault names the contexts that there are", () => {
  expect(messageOf("nope", { HOME })).toBe(
    "kubeContext: there is no context of this name on this machine; the kubeconfig has r3a-prod, r3a-dev; " +
      "correct it, or point KUBECONFIG to the right file",
  );
  expect(messageOf("r3a-prod", { HOME })).toBeUndefined();
});

test("KUBECONFIG replaces kubectl's usual file: by a path, several paths, or the config itself", () => {
  const other = join(HOME, "other");
  const both = [other, join(HOME, ".kube/config")].join(delimiter);
  expect(messageOf("r3a-prod", { HOME, KUBECONFIG: other })).toContain("the kubeconfig has r3a-test;");
  expect(messageOf("r3a-prod", { HOME, KUBECONFIG: both })).toBeUndefined();
  expect(messageOf("a", { HOME, KUBECONFIG: configOf("a") })).toBeUndefined();
  expect(messageOf("b", { HOME, KUBECONFIG: "contexts:\n  - name: a\n" })).toContain("has a;");
  expect(messageOf("b", { HOME, KUBECONFIG: "{}" })).toContain("the kubeconfig has none;");
});

test("without a context or without any kubeconfig there is no fault: the provider reports it", () => {
  expect(messageOf("", { HOME })).toBeUndefined();
  expect(messageOf("nope", { HOME, KUBECONFIG: join(HOME, "missing") })).toBeUndefined();
  expect(messageOf("nope", {})).toBeUndefined();
});
