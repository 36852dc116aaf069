declare const believed: unique symbol;

/** A number of the exchange that was looked at: only the functions of this folder make one from what came by the wire. */
export type Believed<What extends string> = number & { readonly [believed]: What };
