/** About 50,000 rows: large enough that a statement costs nothing, and two of them are small beside 160 MB. */
const BATCH_BYTES = 4 * 1024 * 1024;

/**
 * Hands rows on in batches of some MB, each while the next one is read: reading (decrypt, inflate) and writing (the server)
 * take about the same time. Rejects when both have ended.
 */
export async function sendInBatches(
  rows: AsyncIterable<Buffer>,
  send: (batch: readonly Buffer[]) => Promise<void>,
): Promise<void> {
  let batch: Buffer[] = [];
  let bytes = 0;
  let sending = Promise.resolve();
  const flush = async () => {
    await sending;
    const full = batch;
    [batch, bytes] = [[], 0];
    sending = send(full);
    // the error is thrown where the promise is awaited; until then nobody has a handler
    sending.catch(() => {});
  };
  try {
    for await (const part of rows) {
      batch.push(part);
      bytes += part.length;
      if (bytes >= BATCH_BYTES) await flush();
    }
    if (bytes > 0) await flush();
    await sending;
  } finally {
    await sending.catch(() => {}); // thrown above, unless reading failed first
  }
}
