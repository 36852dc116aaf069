import { Client, type ClientConfig } from "pg";

/** Works on a connection of its own, which is closed at the end. */
export async function withClient<T>(
  to: string | ClientConfig,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client(to);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
