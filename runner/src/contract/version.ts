/** The version of the system, as in package.json and in the image; each row of the ledger has it. */
export const VERSION = "0.1.0";
