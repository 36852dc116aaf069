import { isIPv4 } from "node:net";

/**
 * AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL: the base of an S3 server. TLS to any host but this machine, since the names of
 * objects, the manifests and a session token travel with each request. The sentence that is thrown holds no credentials.
 */
export function parseEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || /[@?#\s\p{C}]/u.test(text)) {
    const shown = /[@?#]/.test(text)
      ? "(its value is not shown)"
      : `not ${JSON.stringify(text.slice(0, 100))}`;
    throw new Error(`must be an https URL without credentials, query and fragment, ${shown}`);
  }
  if (!isSafe(url))
    throw new Error(
      `must begin with https, since ${url.host} is not this machine; give the authority of its certificate by NODE_EXTRA_CA_CERTS`,
    );
  return text.replace(/\/+$/, "");
}

/** Whether requests may go there: encrypted, or without leaving this machine. */
export function isSafe({
  protocol,
  hostname,
}: {
  readonly protocol: string;
  readonly hostname: string;
}): boolean {
  if (protocol === "https:") return true;
  return (
    hostname === "localhost" ||
    hostname === "[::1]" ||
    hostname === "::1" ||
    (isIPv4(hostname) && hostname.startsWith("127."))
  );
}
