/** One wrong setting: its key without the project's name, what is wrong, and what to do. */
export type Fault = {
  readonly key: string;
  readonly message: string;
  /** The file of the value, where no file of settings has the key. */
  readonly place?: string;
};

/** Settings that cannot be used, all of them together; each line names the file and the key. */
export class SettingsFault extends Error {
  override readonly name = "SettingsFault";
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(faults.join("\n"));
    this.faults = faults;
  }
}
