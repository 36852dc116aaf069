/** How the message begins where none of the identity's keys opens an object: what is read of it says nothing about its bytes. */
export const ENCRYPTED_TO_OTHERS = "the object is encrypted to other keys than the identity's";

/** A stored object is not what its manifest says, or cannot be opened. The message says what differs; the caller names the object. */
export class ObjectFault extends Error {
  override readonly name = "ObjectFault";
}
