/**
 * How a person starts this program: `r3a` where it is on the PATH and in the image, `./r3a` in a clone. There is one name
 * for the whole process, as there is one command line: a message names a command in the form that can be copied.
 */
let name = "r3a";

/** Takes the name over from the launcher. */
export function setProgramName(text: string): void {
  name = text;
}

export function programName(): string {
  return name;
}

/** A command line to copy: `./r3a gaps --repair`. */
export function commandLine(words: string): string {
  return `${name} ${words}`;
}
