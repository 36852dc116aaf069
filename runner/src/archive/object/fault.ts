/** A stored object is not what its manifest says, or cannot be opened. The message says what differs; the caller names the object. */
export class ObjectFault extends Error {
  override readonly name = "ObjectFault";
}
