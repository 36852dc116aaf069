import type { Answer } from "./answer.ts";

/** Ends the work on a request with an error answer, from any depth of its parsing. */
export class Refusal extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`refused with status ${answer.status}`);
    this.answer = answer;
  }
}
