/**
 * What a drill says. passed: all was equal; failed: something differed, or nothing was restored; open: nothing differed, and
 * something could not be compared.
 */
export type DrillVerdict = "passed" | "failed" | "open";
