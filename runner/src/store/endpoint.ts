import { isIPv4 } from "node:net";
import { messageOf } from "../errors.ts";

/** Both as they are set; null or undefined: not set. */
export type Endpoints = { readonly s3Endpoint?: string | null; readonly awsEndpoint?: string | null };

/** The faults of the endpoint that the client of S3 uses. */
export function listEndpointFaults({ s3Endpoint, awsEndpoint }: Endpoints): readonly string[] {
  const name = s3Endpoint ? "AWS_ENDPOINT_URL_S3" : "AWS_ENDPOINT_URL";
  const text = s3Endpoint || awsEndpoint;
  if (!text) return [];
  try {
    assertEndpoint(text);
    return [];
  } catch (error) {
    return [`${name} ${messageOf(error)}`];
  }
}

/**
 * AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL: the base of an S3 server. TLS to any host but this machine, since the names of
 * objects, the manifests and a session token travel with each request. The sentence that is thrown holds no credentials.
 */
function assertEndpoint(text: string): void {
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
