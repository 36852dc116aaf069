import { type Answer, jsonAnswer } from "./answer.ts";

/** Ends the work on a request with Binance's answer to a wrong call, from any depth of its parsing. */
export class Refusal extends Error {
  readonly answer: Answer;

  constructor(code: number, msg: string) {
    super(msg);
    this.answer = jsonAnswer({ code, msg }, 400);
  }
}
