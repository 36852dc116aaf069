/** The row of a statement that always gives one: a `select` without `from`, an aggregate, an insert with `returning`. */
export function onlyRow<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw new Error("a statement that gives one row gave none");
  return row;
}
