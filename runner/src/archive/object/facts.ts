/** What a manifest says of an object: the stored bytes (cipher) and what they hold (plain), lengths in bytes and SHA-256 in hex. */
export type ObjectFacts = {
  readonly bytes: number;
  readonly sha256: string;
  readonly plainBytes: number;
  readonly plainSha256: string;
};

/** The facts that anybody can compare without the identity. */
export type CipherFacts = Pick<ObjectFacts, "bytes" | "sha256">;
