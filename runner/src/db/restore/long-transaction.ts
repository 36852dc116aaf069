import type { OwnClient } from "../session.ts";

/**
 * One transaction whose rows come from a store, which may pause for longer than a session may idle. Where `work` throws,
 * nothing of it stays.
 */
export async function inLongTransaction<T>(client: OwnClient, work: () => Promise<T>): Promise<T> {
  try {
    await client.query("begin; set local idle_in_transaction_session_timeout = 0");
    const result = await work();
    await client.query("commit");
    return result;
  } catch (error) {
    // where the connection is lost the transaction ends by itself, and the first error says why
    await client.query("rollback").catch(() => {});
    throw error;
  }
}
